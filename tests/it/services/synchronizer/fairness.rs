//! How time is shared among relays, and what can be set for one of them.

use std::time::{Duration, Instant};

use bigbrotr::config::{ProcessingOverrides, SyncOverride, TimeoutOverrides};
use fleet::events::Generator;
use fleet::{Behaviour, FleetPlan, MemberPlan};
use nips::Network;

use super::given::{Crawl, eventually};

/// A relay that cuts the connection so often that it takes seconds, visited before three small ones.
async fn one_slow_relay_before_three_small_ones() -> Crawl {
    let slow = Behaviour::DisconnectAfter { events: 60 };
    let mut plan = FleetPlan::new(5).events(400).member(MemberPlan::new(slow));
    for seed in 1..=3 {
        let events = Generator::new(seed).take(20).collect();
        let small = MemberPlan::new(Behaviour::Honest).weight(0.0);
        plan = plan.member(small.own_events(events));
    }
    let mut crawl = Crawl::of(plan).await;
    crawl.net.networks.get_mut(Network::Local).max_tasks = 1;
    crawl.config.processing.limit = 10;
    crawl
}

#[tokio::test]
async fn a_slow_relay_has_its_share_of_time_and_leaves_the_rest_to_others() {
    let mut crawl = one_slow_relay_before_three_small_ones().await;
    let mut share = SyncOverride {
        url: crawl.member().url().clone(),
        processing: ProcessingOverrides::default(),
        timeouts: TimeoutOverrides::default(),
    };
    share.timeouts.max_duration = Some(Duration::from_millis(600));
    crawl.config.overrides = vec![share];
    let slow = crawl.member();
    let first = crawl.cycle().await;
    assert_eq!(first.count("unfinished_relays"), 1);
    assert_eq!(first.count("synced_relays"), 3);
    assert!(first.has_more);
    crawl.assert_all_complete(&crawl.fleet.members()[1..]).await;
    assert_eq!(crawl.covered(slow).await.len(), 1);
    assert_eq!(
        crawl.gap_ranges(slow).await,
        [],
        "it only waits for its turn"
    );
    assert_eq!(crawl.relay(slow).await.sync_failures, 0);

    // Each further turn goes on where the last one ended.
    crawl.clock.advance(1);
    let rest = crawl.run().await;
    let failures: u64 = rest.iter().map(|one| one.count("failed_relays")).sum();
    assert_eq!(failures, 0);
    crawl.assert_complete(slow).await;
    let (sent, held) = (slow.seen().sent_events, slow.holds().len());
    assert!(sent <= held * 2, "{sent} events sent for {held}");
}

#[tokio::test]
async fn a_relay_that_is_given_enough_time_is_done_in_one_turn() {
    let mut crawl = one_slow_relay_before_three_small_ones().await;
    crawl.config.timeouts.max_duration = Duration::from_millis(1);
    crawl.config.overrides = vec![SyncOverride {
        url: crawl.member().url().clone(),
        processing: ProcessingOverrides::default(),
        timeouts: TimeoutOverrides {
            idle: None,
            max_duration: Some(Duration::from_secs(60)),
        },
    }];
    let summary = crawl.cycle().await;
    assert_eq!(summary.count("unfinished_relays"), 0);
    crawl.assert_complete(crawl.member()).await;
}

#[tokio::test]
async fn a_relay_may_be_given_more_patience_than_others() {
    let silent = || MemberPlan::new(Behaviour::Silent);
    let plan = FleetPlan::new(5).member(silent()).member(silent());
    let mut crawl = Crawl::of(plan).await;
    crawl.net.networks.get_mut(Network::Local).timeout = Duration::from_millis(500);
    crawl.config.timeouts.max_duration = Duration::from_secs(3);
    crawl.config.overrides = vec![SyncOverride {
        url: crawl.fleet.member(1).url().clone(),
        processing: ProcessingOverrides::default(),
        timeouts: TimeoutOverrides {
            idle: Some(Duration::from_secs(10)),
            max_duration: None,
        },
    }];
    let begun = Instant::now();
    crawl.cycle().await;
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    assert!(crawl.fleet.member(0).seen().reqs.len() > 1);
    // Longer than the network's own patience, since the operator says so for this relay.
    assert_eq!(crawl.fleet.member(1).seen().reqs.len(), 1);
}

#[tokio::test]
async fn a_relay_that_hangs_does_not_hold_up_the_others() {
    let plan = FleetPlan::new(5)
        .events(200)
        .member(MemberPlan::new(Behaviour::Silent))
        .member(MemberPlan::new(Behaviour::Honest))
        .member(MemberPlan::new(Behaviour::Honest));
    let mut crawl = Crawl::of(plan).await;
    crawl.net.networks.get_mut(Network::Local).max_tasks = 2;
    crawl.config.timeouts.max_duration = Duration::from_secs(3);
    let members = crawl.fleet.members();
    let others_are_done = async {
        eventually(async || crawl.archived().await == crawl.fleet.union_of_valid_events()).await;
        Instant::now()
    };
    let cycle = async {
        crawl.cycle().await;
        Instant::now()
    };
    let (ended, others_ended) = tokio::join!(cycle, others_are_done);
    assert!(others_ended < ended);
    assert_eq!(crawl.relay(&members[0]).await.sync_failures, 1);
    crawl.assert_complete(&members[1]).await;
    crawl.assert_complete(&members[2]).await;
}
