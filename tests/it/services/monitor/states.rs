//! The state of a relay from look to look, and what happens when a look cannot be kept.

use bigbrotr::config::{MonitorConfig, MonitorProcessing};
use bigbrotr::lifecycle::Tokens;
use bigbrotr::model::RelayState;
use bigbrotr::services::Service;
use fleet::{Behaviour, MemberPlan};
use nips::Network;
use tokio::time::Instant;

use super::super::given::{AT_ONCE, DAY, Given, HOUR, NOW, SHORT, cycle, plan_of, wait_until};
use super::{discoveries, discovery, document, look, monitor, monitor_with, relay, samples};

#[tokio::test]
async fn b30_a_relay_that_never_answers_is_looked_at_ever_more_rarely() {
    let given = Given::of(MemberPlan::new(Behaviour::Dead)).await;
    given.trust_all().await;
    let monitor = monitor(&given.context);
    let mut pauses = Vec::new();
    for failures in 1..=11 {
        assert!(monitor.has_due().await.unwrap());
        assert_eq!(cycle(&monitor).await.count("failed"), 1);
        let relay = relay(&given, given.member()).await;
        assert_eq!(relay.check_failures, failures);
        let expected = match failures {
            1 | 2 => RelayState::Flaky,
            3..10 => RelayState::Offline,
            _ => RelayState::Dead,
        };
        assert_eq!(relay.state, expected, "after {failures}");
        pauses.push(relay.next_check_at - given.now());
        given.wait_for(relay.next_check_at - 1);
        assert!(!monitor.has_due().await.unwrap());
        given.wait_for(relay.next_check_at);
    }
    // A pause that doubles outgrows its spread of a fifth; later ones have reached their bounds.
    let grows = pauses[..7].windows(2).all(|two| two[1] > two[0]);
    assert!(grows, "{pauses:?}");
    assert!(pauses[0] < HOUR && pauses[10] > 5 * DAY, "{pauses:?}");
    assert_eq!(discoveries(&given).await, []);
    assert!(document(&given, given.member()).await.is_none());
    let samples = samples(&given, given.member()).await;
    assert!(
        samples
            .iter()
            .all(|it| it.open_ms.is_none() && it.read_ms.is_none())
    );
}

#[tokio::test]
async fn what_only_listens_is_not_online() {
    let behaviours = [
        Behaviour::Silent,
        Behaviour::NonJson,
        Behaviour::NoticeOnly,
        Behaviour::WrongSubscription,
        Behaviour::ImmediateDisconnect,
        Behaviour::AcceptsThenCloses,
        Behaviour::HttpOnly { status: 200 },
        Behaviour::HugeFrame { bytes: 50 << 20 },
    ];
    let plan = plan_of(behaviours.map(MemberPlan::new));
    let given = Given::within(SHORT, plan).await;
    look(&given).await;
    for member in given.fleet.members() {
        let relay = relay(&given, member).await;
        assert_eq!(relay.state, RelayState::Flaky, "{}", member.name());
        assert_eq!(samples(&given, member).await.len(), 1);
    }
    assert_eq!(discoveries(&given).await, []);
    assert_eq!(given.totals().await.metadata, 0);
}

#[tokio::test]
async fn a_relay_goes_down_and_comes_back() {
    let given = Given::of(MemberPlan::healthy()).await;
    let (member, monitor) = (given.member(), monitor(&given.context));
    look(&given).await;
    assert_eq!(relay(&given, member).await.state, RelayState::Online);
    let first = discoveries(&given).await;
    member.go_down().await;
    for failures in 1..=3 {
        given.wait_for(relay(&given, member).await.next_check_at);
        cycle(&monitor).await;
        assert_eq!(relay(&given, member).await.check_failures, failures);
    }
    assert_eq!(relay(&given, member).await.state, RelayState::Offline);
    assert_eq!(
        discoveries(&given).await,
        first,
        "nothing new is said about it"
    );
    member.come_back().await.unwrap();
    given.wait_for(relay(&given, member).await.next_check_at);
    cycle(&monitor).await;
    let back = relay(&given, member).await;
    assert_eq!((back.state, back.check_failures), (RelayState::Online, 0));
    assert!(back.next_check_at <= given.now() + HOUR);
    let second = discoveries(&given).await;
    assert_eq!(second.len(), 1, "it takes the place of the first");
    assert_eq!(second[0].0.created_at(), given.now());
}

#[tokio::test]
async fn an_online_relay_is_looked_at_within_the_interval_that_is_announced() {
    let given = Given::start(plan_of((0..8).map(|_| MemberPlan::empty()))).await;
    look(&given).await;
    for member in given.fleet.members() {
        let pause = relay(&given, member).await.next_check_at - NOW;
        assert!((HOUR * 4 / 5..=HOUR).contains(&pause), "{pause}");
    }
}

#[tokio::test]
async fn a_document_that_cannot_be_kept_costs_only_its_relay() {
    let given = Given::start(plan_of((0..3).map(|_| MemberPlan::healthy()))).await;
    given.trust_all().await;
    let poisoned = given.fleet.member(1);
    let id = relay(&given, poisoned).await.id.0;
    given
        .sql(&format!(
            "CREATE TRIGGER poison BEFORE INSERT ON relay_metadata WHEN NEW.relay_id = {id}
             BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
        ))
        .await;
    let monitor = monitor(&given.context);
    let summary = cycle(&monitor).await;
    assert_eq!((summary.count("succeeded"), summary.count("lost")), (3, 1));
    assert_eq!(
        discoveries(&given).await.len(),
        2,
        "stored first, published after that"
    );
    let pause = relay(&given, poisoned).await.next_check_at - NOW;
    assert!(pause <= 60, "{pause}");
    given.sql("DROP TRIGGER poison").await;
    given.clock.advance(pause);
    cycle(&monitor).await;
    assert!(document(&given, poisoned).await.is_some());
    assert!(discovery(&given, poisoned).await.is_some());
}

#[tokio::test]
async fn a_relay_whose_look_cannot_be_recorded_is_tried_once_a_cycle() {
    let given = Given::start(plan_of((0..3).map(|_| MemberPlan::empty()))).await;
    given.trust_all().await;
    let poisoned = given.fleet.member(0);
    let id = relay(&given, poisoned).await.id.0;
    given
        .sql(&format!(
            "CREATE TRIGGER poison BEFORE INSERT ON relay_rtt WHEN NEW.relay_id = {id}
             BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
        ))
        .await;
    // One after the other, so that it is met again once the others are done.
    let context = given.context_with(|settings| {
        settings.networks.get_mut(Network::Local).max_tasks = 1;
    });
    let summary = cycle(&monitor(&context)).await;
    assert_eq!(summary.count("total"), 2);
    assert_eq!(poisoned.seen().reqs.len(), 1);
    assert_eq!(relay(&given, poisoned).await.state, RelayState::New);
}

#[tokio::test]
async fn a_cycle_looks_at_as_many_as_it_may() {
    let given = Given::start(plan_of((0..5).map(|_| MemberPlan::empty()))).await;
    given.trust_all().await;
    let config = MonitorConfig {
        processing: MonitorProcessing {
            max_relays: Some(2),
            ..MonitorProcessing::default()
        },
        ..MonitorConfig::default()
    };
    let monitor = monitor_with(&given.context, config);
    for looked_at in [2, 2, 1, 0] {
        assert_eq!(cycle(&monitor).await.count("total"), looked_at);
    }
}

#[tokio::test]
async fn a_soft_stop_ends_the_cycle_and_leaves_the_relay_as_it_was() {
    let given = Given::of(MemberPlan::new(Behaviour::Silent)).await;
    given.trust_all().await;
    let monitor = monitor(&given.context);
    let before = relay(&given, given.member()).await;
    let tokens = Tokens::new();
    let asked = async {
        wait_until("the relay is asked", async || {
            !given.member().seen().reqs.is_empty()
        })
        .await;
        tokens.stop();
    };
    let started = Instant::now();
    let (summary, ()) = tokio::join!(monitor.cycle(&tokens), asked);
    assert!(started.elapsed() < AT_ONCE);
    assert_eq!(summary.unwrap().count("total"), 0);
    assert_eq!(relay(&given, given.member()).await, before);
    assert!(samples(&given, given.member()).await.is_empty());
}
