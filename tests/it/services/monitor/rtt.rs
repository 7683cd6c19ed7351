//! Round-trip times: connecting, reading and, where it is asked for, writing.

use std::time::Duration;

use bigbrotr::config::RetryConfig;
use fleet::{Behaviour, Information, MemberPlan, REFUSALS};
use nips::nip66::Requirements;
use nips::{Kind, nip13};
use serde_json::json;

use super::super::given::{Given, NOW, cycle, plan_of};
use super::{
    discovery, document, look, look_with, monitor_with, relay, samples, signer, unhurried, writing,
};

/// A laboratory of one that was looked at.
async fn measured(member: MemberPlan) -> Given {
    let given = Given::of(member).await;
    look(&given).await;
    given
}

#[tokio::test]
async fn a_look_leaves_a_sample() {
    let given = measured(MemberPlan::healthy()).await;
    let samples = samples(&given, given.member()).await;
    let [sample] = samples.as_slice() else {
        panic!("{samples:?}");
    };
    assert_eq!(sample.checked_at, NOW);
    assert!(sample.open_ms.is_some_and(|ms| ms > 0));
    assert!(sample.read_ms.is_some_and(|ms| ms > 0));
    assert_eq!(sample.write_ms, None);
    let rtt = discovery(&given, given.member()).await.unwrap().rtt;
    assert_eq!(
        (rtt.open.ms(), rtt.read.ms()),
        (sample.open_ms, sample.read_ms)
    );
}

#[tokio::test]
async fn b27_reading_asks_for_a_kind() {
    let given = measured(MemberPlan::new(Behaviour::NeedsKinds)).await;
    assert!(samples(&given, given.member()).await[0].read_ms.is_some());
    assert_eq!(given.member().seen().reqs.len(), 1);
}

#[tokio::test]
async fn a_relay_that_refuses_to_show_even_one_note_is_read_by_an_id() {
    let given = measured(MemberPlan::new(Behaviour::RefusesEveryScrape)).await;
    assert!(samples(&given, given.member()).await[0].read_ms.is_some());
    let asked = given.member().seen().reqs;
    assert_eq!(asked.len(), 2);
    assert!(asked[1].filters[0].ids.is_some());
    let discovery = discovery(&given, given.member()).await.unwrap();
    assert!(discovery.rtt.read.ms().is_some());
}

#[tokio::test]
async fn an_opening_is_tried_again_where_that_is_wanted_and_no_more_than_that() {
    for (max_attempts, connections) in [(0, 1), (2, 3)] {
        let given = Given::of(MemberPlan::new(Behaviour::AcceptsThenCloses)).await;
        let mut config = unhurried();
        config.processing.retries.nip66_rtt = again(max_attempts);
        look_with(&given, config).await;
        assert_eq!(given.member().seen().connections, connections);
        assert_eq!(samples(&given, given.member()).await[0].open_ms, None);
    }
}

#[tokio::test]
async fn a_document_that_is_not_there_for_a_moment_is_asked_for_again() {
    let times = 2;
    for (max_attempts, is_there) in [(1, false), (2, true)] {
        let information = Information::Unavailable { times };
        let given = Given::of(MemberPlan::healthy().information(information)).await;
        let mut config = unhurried();
        config.processing.retries.nip11_info = again(max_attempts);
        look_with(&given, config).await;
        assert_eq!(document(&given, given.member()).await.is_some(), is_there);
    }
    // There is nothing to wait for where the answer is clear.
    let given = Given::of(MemberPlan::healthy().information(Information::Missing)).await;
    let mut config = unhurried();
    config.processing.retries.nip11_info = again(10);
    look_with(&given, config).await;
    let requests = given.member().seen().requests;
    assert_eq!(requests.iter().filter(|it| !it.is_upgrade).count(), 1);
}

/// So many attempts after the first, at once.
fn again(max_attempts: u32) -> RetryConfig {
    RetryConfig {
        max_attempts,
        initial_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(1),
        jitter: Duration::ZERO,
    }
}

#[tokio::test]
async fn b28_an_empty_relay_reads_as_well_as_any_other() {
    let given = measured(MemberPlan::empty()).await;
    assert!(samples(&given, given.member()).await[0].read_ms.is_some());
    assert!(given.member().holds().is_empty());
}

#[tokio::test]
async fn a_relay_for_members_is_online_unread_and_learns_no_key() {
    for behaviour in [Behaviour::ClosedAuthRequired, Behaviour::AuthFirst] {
        let given = measured(MemberPlan::new(behaviour)).await;
        let sample = samples(&given, given.member()).await[0];
        assert!(sample.open_ms.is_some());
        assert_eq!(sample.read_ms, None);
        let discovery = discovery(&given, given.member()).await.unwrap();
        assert_eq!(discovery.requirements.auth, Some(true));
        assert!(given.member().seen().auths.is_empty());
    }
}

#[tokio::test]
async fn b25_a_relay_that_takes_an_ephemeral_event_has_passed() {
    for behaviour in [Behaviour::Forgetful, Behaviour::Healthy, Behaviour::Honest] {
        let given = Given::of(MemberPlan::new(behaviour)).await;
        look_with(&given, writing()).await;
        let member = given.member();
        assert!(samples(&given, member).await[0].write_ms.is_some());
        let seen = member.seen().events;
        let [probe] = seen.as_slice() else {
            panic!("{seen:?}");
        };
        assert_eq!(probe.kind(), Kind::WRITE_PROBE);
        assert_eq!(probe.pubkey(), signer(&given.context).public_key());
        let named = probe.as_ref().first_tag("d");
        assert_eq!(named.as_deref(), Some(member.url().as_str()));
        assert!(!member.stored().await.unwrap().contains(&probe.id()));
    }
}

#[tokio::test]
async fn a_little_work_is_done_where_a_relay_asks_for_it() {
    for (bits, is_done) in [(8, true), (17, false)] {
        let document = json!({ "limitation": { "min_pow_difficulty": bits } });
        let asking = MemberPlan::empty().information(Information::Custom(document.to_string()));
        let given = Given::of(asking).await;
        look_with(&given, writing()).await;
        let member = given.member();
        let written = samples(&given, member).await[0].write_ms;
        assert_eq!(written.is_some(), is_done, "{bits} bits");
        let worked = member.seen().events.iter().all(|probe| {
            let probe = probe.as_ref();
            nip13::is_difficult(&probe.id, &probe.tags(), bits)
        });
        assert!(worked);
        let requirements = discovery(&given, member).await.unwrap().requirements;
        assert_eq!(requirements.pow, Some(true));
    }
}

#[tokio::test]
async fn b16_a_document_that_drips_in_leaves_time_to_write() {
    let pace = Duration::from_secs(1);
    let slow = MemberPlan::empty().information(Information::SlowBody { pace });
    let given = Given::within(Duration::from_secs(3), plan_of([slow])).await;
    look_with(&given, writing()).await;
    let member = given.member();
    assert!(document(&given, member).await.is_none());
    assert!(samples(&given, member).await[0].write_ms.is_some());
}

#[tokio::test]
async fn b26_a_refusal_says_what_the_relay_asks_for() {
    let members = REFUSALS.map(|reason| {
        MemberPlan::new(Behaviour::Refuses { reason }).information(Information::Missing)
    });
    let given = Given::start(plan_of(members)).await;
    look_with(&given, writing()).await;
    let nothing = Requirements {
        auth: Some(false),
        ..Requirements::default()
    };
    let asks = |ask: fn(&mut Requirements)| {
        let mut requirements = nothing;
        ask(&mut requirements);
        requirements
    };
    let writes = asks(|asks| asks.writes = Some(true));
    let pow = asks(|asks| asks.pow = Some(true));
    let auth = asks(|asks| asks.auth = Some(true));
    let payment = asks(|asks| asks.payment = Some(true));
    let expected = [writes, pow, auth, writes, nothing, payment];
    for (member, expected) in given.fleet.members().iter().zip(expected) {
        let reason = member.behaviour();
        assert_eq!(
            samples(&given, member).await[0].write_ms,
            None,
            "{reason:?}"
        );
        let found = discovery(&given, member).await.unwrap().requirements;
        assert_eq!(found, expected, "{reason:?}");
        assert!(member.seen().auths.is_empty());
    }
}

#[tokio::test]
async fn samples_are_kept_look_by_look() {
    let given = measured(MemberPlan::empty()).await;
    let monitor = monitor_with(&given.context, writing());
    for _ in 0..3 {
        given.wait_for(relay(&given, given.member()).await.next_check_at);
        cycle(&monitor).await;
    }
    let samples = samples(&given, given.member()).await;
    assert_eq!(samples.len(), 4);
    assert!(samples.is_sorted_by(|newer, older| newer.checked_at > older.checked_at));
    assert!(samples[..3].iter().all(|sample| sample.write_ms.is_some()));
}
