//! Paging everything out of a relay that sends 500 events at once.

use std::sync::Arc;
use std::time::Instant;

use bigbrotr::config::SynchronizerConfig;
use bigbrotr::store::{Embedded, EmbeddedOptions, EventStore as _};
use fleet::{Behaviour, Fleet, FleetPlan, MemberPlan};

use super::crawler;

/// What the relay sends at once.
const CAP: usize = 500;
/// Bytes of events sent for each byte that is new.
const MAX_RATIO: f64 = 1.2;

/// Prints requests and bytes, and whether they are within the bounds.
pub(crate) async fn run(events: usize) {
    let member = MemberPlan::new(Behaviour::Cap { limit: CAP });
    let plan = FleetPlan::new(11).events(events).member(member);
    let fleet = Fleet::start(plan).await.expect("the laboratory starts");
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let store = Embedded::open(directory.path(), EmbeddedOptions::default()).await;
    let store = Arc::new(store.expect("an empty directory becomes a store"));

    let mut config = SynchronizerConfig::default();
    config.processing.negentropy = false;
    let begun = Instant::now();
    crawler::visit(&store, fleet.member(0).address(), config).await;
    let seconds = begun.elapsed().as_secs_f64();

    let held = fleet.member(0).holds();
    let statistics = store.event_statistics().await.expect("the store answers");
    assert_eq!(
        statistics.events,
        held.len() as u64,
        "everything is archived"
    );
    let bytes: usize = fleet
        .events()
        .iter()
        .map(|event| event.to_json().len())
        .sum();
    let seen = fleet.member(0).seen();
    let (requests, ratio) = (seen.reqs.len(), seen.sent_bytes as f64 / bytes as f64);
    let max_requests = events / CAP * 9 / 8;
    println!(
        "paging {} events, {CAP} at once, {seconds:.1} s",
        held.len()
    );
    println!("  {requests} requests, bound {max_requests}");
    println!("  {ratio:.3} bytes of events sent for each new one, bound {MAX_RATIO}\n");
    fleet.stop().await;
}
