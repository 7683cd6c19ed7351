//! How time is shared among relays, and what can be set for one of them.

use std::time::{Duration, Instant};

use bigbrotr::config::{SyncOverride, TimeoutOverrides};
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
async fn a_relay_may_be_given_more_patience_than_others() {
    let silent = || MemberPlan::new(Behaviour::Silent);
    let plan = FleetPlan::new(5).member(silent()).member(silent());
    let mut crawl = Crawl::of(plan).await;
    crawl.net.networks.get_mut(Network::Local).timeout = Duration::from_millis(500);
    crawl.config.timeouts.max_duration = Duration::from_secs(3);
    crawl.config.overrides = vec![SyncOverride {
        url: crawl.fleet.member(1).url().clone(),
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
