//! Whole cycles: who is due, what a failure costs, who is given up, and what stops a cycle.

use std::ops::RangeInclusive;
use std::time::Duration;

use bigbrotr::config::{CleanupConfig, ValidatorConfig, ValidatorProcessing};
use bigbrotr::lifecycle::Tokens;
use bigbrotr::model::NewCandidate;
use bigbrotr::services::{Service, ServiceError};
use fleet::{Behaviour, FleetPlan, MemberPlan, scenarios};
use nips::Network;
use tokio::time::Instant;

use super::super::given::{
    AT_ONCE, DAY, Given, HOUR, NOW, SHORT, WHOLE_NETWORK, cycle, plan_of, wait_until,
};
use super::{validate, validator, validator_with};

/// A fifth to either side of so many hours.
fn about(hours: u64) -> RangeInclusive<u64> {
    let seconds = hours * HOUR;
    seconds - seconds / 5..=seconds + seconds / 5 + 1
}

#[tokio::test]
async fn exactly_the_relays_that_speak_nostr_are_promoted_in_one_cycle() {
    let plan = FleetPlan {
        members: scenarios(),
        ..FleetPlan::new(3).events(200)
    };
    let given = Given::within(WHOLE_NETWORK, plan).await;
    given.name_all().await;
    let summary = cycle(&validator(&given.context)).await;
    let promotable = given.fleet.promotable_urls();
    assert_eq!(given.relay_urls().await, promotable);
    let members = given.fleet.members().len() as u64;
    assert_eq!(summary.count("total"), members);
    assert_eq!(summary.count("validated"), promotable.len() as u64);
    let left = given.candidates().await;
    assert_eq!(left.len() as u64, members - promotable.len() as u64);
    assert!(left.iter().all(|left| left.failures == 1));
    assert!(left.iter().all(|left| left.last_reason.is_some()));
    assert_eq!(given.fleet.canary().visits(), 0);
}

#[tokio::test]
async fn a_promoted_relay_keeps_the_moment_of_its_discovery() {
    let given = Given::of(MemberPlan::healthy()).await;
    given.clock.advance(DAY);
    validate(&given).await;
    let relay = given.relay(given.member().url()).await.unwrap();
    assert_eq!(relay.discovered_at, NOW - HOUR);
    assert_eq!(relay.validated_at, NOW + DAY);
    assert_eq!(
        relay.next_check_at,
        NOW + DAY,
        "the monitor owes it a visit"
    );
    assert_eq!(
        relay.next_sync_at,
        NOW + DAY,
        "and so does the synchronizer"
    );
}

#[tokio::test]
async fn each_failure_doubles_the_time_to_the_next_attempt() {
    let given = Given::of(MemberPlan::new(Behaviour::Dead)).await;
    given.name_all().await;
    let validator = validator(&given.context);
    for (failures, hours) in [
        (1, 1),
        (2, 2),
        (3, 4),
        (4, 8),
        (5, 16),
        (6, 32),
        (7, 48),
        (8, 48),
    ] {
        assert!(validator.has_due().await.unwrap());
        assert_eq!(cycle(&validator).await.count("not_validated"), 1);
        let candidate = given.candidate(given.member().url()).await.unwrap();
        assert_eq!(candidate.failures, failures);
        let pause = candidate.next_attempt_at - given.now();
        assert!(about(hours).contains(&pause), "{failures}: {pause}");
        // A second before its time it is left alone.
        given.wait_for(candidate.next_attempt_at - 1);
        assert!(!validator.has_due().await.unwrap());
        assert_eq!(cycle(&validator).await.count("total"), 0);
        given.wait_for(candidate.next_attempt_at);
    }
    // And when it comes to life it is as welcome as any other.
    given.member().come_back().await.unwrap();
    assert_eq!(cycle(&validator).await.count("validated"), 1);
}

#[tokio::test]
async fn what_does_not_pass_by_itself_is_put_off_for_longer() {
    let behaviours = [
        (Behaviour::Dead, 1),
        (Behaviour::AcceptsThenCloses, 1),
        (Behaviour::HttpOnly { status: 503 }, 1),
        (Behaviour::HttpOnly { status: 200 }, 16),
    ];
    let members = behaviours.iter().map(|(it, _)| MemberPlan::new(it.clone()));
    let given = Given::start(plan_of(members)).await;
    validate(&given).await;
    for (member, (_, hours)) in given.fleet.members().iter().zip(behaviours) {
        let candidate = given.candidate(member.url()).await.unwrap();
        let pause = candidate.next_attempt_at - NOW;
        assert!(about(hours).contains(&pause), "{}: {pause}", member.name());
    }
}

#[tokio::test]
async fn the_exhausted_are_given_up_and_not_taken_in_again_for_a_while() {
    let given = Given::of(MemberPlan::new(Behaviour::Dead)).await;
    let url = given.member().url().clone();
    let config = ValidatorConfig {
        cleanup: CleanupConfig {
            max_failures: 2,
            quarantine: Duration::from_secs(30 * DAY),
            ..CleanupConfig::default()
        },
        ..ValidatorConfig::default()
    };
    let validator = validator_with(&given.context, config);
    given.name_all().await;
    for _ in 0..2 {
        cycle(&validator).await;
        let candidate = given.candidate(&url).await.unwrap();
        given.wait_for(candidate.next_attempt_at);
    }
    assert_eq!(validator.cleanup().await.unwrap(), 1);
    assert_eq!(given.candidate(&url).await, None);
    assert_eq!(given.totals().await.tombstones, 1);
    let named = [NewCandidate {
        url: url.clone(),
        source: "hint".to_owned(),
        discovered_at: given.now(),
    }];
    let until = given.now() + 30 * DAY;
    for (moment, added) in [(given.now(), 0), (until - 1, 0), (until, 1)] {
        let new = given.store().add_candidates(&named, moment).await.unwrap();
        assert_eq!(new, added, "{moment}");
    }
    assert_eq!(given.candidate(&url).await.unwrap().failures, 0);
}

#[tokio::test]
async fn without_cleanup_nobody_is_given_up() {
    let given = Given::of(MemberPlan::new(Behaviour::Dead)).await;
    let config = ValidatorConfig {
        cleanup: CleanupConfig {
            enabled: false,
            max_failures: 1,
            ..CleanupConfig::default()
        },
        ..ValidatorConfig::default()
    };
    given.name_all().await;
    let validator = validator_with(&given.context, config);
    cycle(&validator).await;
    assert_eq!(validator.cleanup().await.unwrap(), 0);
    assert_eq!(given.candidates().await.len(), 1);
}

#[tokio::test]
async fn a_row_that_cannot_be_written_costs_only_itself() {
    let members = (0..6).map(|number| match number {
        3 => MemberPlan::new(Behaviour::Dead),
        _ => MemberPlan::empty(),
    });
    let given = Given::start(plan_of(members)).await;
    given.name_all().await;
    // One that would be put off, and one that would be promoted.
    for (row, moment) in [(3, "UPDATE ON candidate"), (4, "INSERT ON relay")] {
        let url = given.fleet.member(row).url();
        given
            .sql(&format!(
                "CREATE TRIGGER poison{row} BEFORE {moment} WHEN NEW.url = '{url}'
                 BEGIN SELECT RAISE(ABORT, 'poisoned'); END"
            ))
            .await;
    }
    // One after the other, so that they are met again once the others are done.
    let context = given.context_with(|settings| {
        settings.networks.get_mut(Network::Local).max_tasks = 1;
    });
    let summary = cycle(&validator(&context)).await;
    assert_eq!(summary.count("validated"), 4);
    assert_eq!(given.relay_urls().await.len(), 4);
    let left = given.candidates().await;
    assert_eq!(left.len(), 2);
    assert!(
        left.iter().all(|left| left.failures == 0),
        "tried again next time"
    );
    // Each was tried once, not again and again.
    assert_eq!(given.fleet.member(4).seen().connections, 1);
}

#[tokio::test]
async fn a_store_that_takes_nothing_fails_the_cycle_instead_of_spinning() {
    let members = (0..60).map(|_| MemberPlan::new(Behaviour::AcceptsThenCloses));
    let given = Given::start(plan_of(members)).await;
    given.name_all().await;
    given
        .sql(
            "CREATE TRIGGER poison BEFORE UPDATE ON candidate
             BEGIN SELECT RAISE(ABORT, 'poisoned'); END",
        )
        .await;
    let failed = validator(&given.context).cycle(&Tokens::new()).await;
    assert!(matches!(failed, Err(ServiceError::Store(_))), "{failed:?}");
    let seen = given.fleet.members().iter();
    assert!(seen.map(|member| member.seen().connections).max() <= Some(1));
}

#[tokio::test]
async fn a_cycle_tries_as_many_as_it_may_and_leaves_the_rest_due() {
    let given = Given::start(plan_of((0..5).map(|_| MemberPlan::empty()))).await;
    given.name_all().await;
    let config = ValidatorConfig {
        processing: ValidatorProcessing {
            max_candidates: Some(2),
            ..ValidatorProcessing::default()
        },
        ..ValidatorConfig::default()
    };
    let validator = validator_with(&given.context, config);
    for left in [3, 1, 0] {
        cycle(&validator).await;
        assert_eq!(given.candidates().await.len(), left);
        assert_eq!(validator.has_due().await.unwrap(), left > 0);
    }
}

#[tokio::test]
async fn no_more_are_tried_at_once_than_the_network_allows() {
    let silent = (0..4).map(|_| MemberPlan::new(Behaviour::Silent));
    let given = Given::within(SHORT, plan_of(silent)).await;
    given.name_all().await;
    let context = given.context_with(|settings| {
        settings.networks.get_mut(Network::Local).max_tasks = 2;
    });
    let started = Instant::now();
    cycle(&validator(&context)).await;
    assert!(started.elapsed() >= 2 * SHORT);
    assert_eq!(given.candidates().await.len(), 4);
}

#[tokio::test]
async fn a_soft_stop_ends_the_cycle_and_holds_nothing_against_anybody() {
    let given = Given::of(MemberPlan::new(Behaviour::Silent)).await;
    given.name_all().await;
    let validator = validator(&given.context);
    let tokens = Tokens::new();
    let asked = async {
        wait_until("the relay is asked", async || {
            !given.member().seen().reqs.is_empty()
        })
        .await;
        tokens.stop();
    };
    let started = Instant::now();
    let (summary, ()) = tokio::join!(validator.cycle(&tokens), asked);
    assert!(started.elapsed() < AT_ONCE);
    assert_eq!(summary.unwrap().count("total"), 0);
    let candidate = given.candidate(given.member().url()).await.unwrap();
    assert_eq!((candidate.failures, candidate.last_reason), (0, None));
    assert!(validator.has_due().await.unwrap());
}
