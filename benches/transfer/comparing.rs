//! Two archives that are nearly the same, each compared over the relay of the other (NIP-77).

use std::sync::Arc;
use std::time::Instant;

use bigbrotr::config::SynchronizerConfig;
use bigbrotr::store::{Embedded, EventStore as _};

use super::archives::{archive, extra, serve, write};
use super::crawler;
use super::meter::Meter;

/// Bytes and seconds each way.
const MAX_BYTES: u64 = 2_000_000;
const MAX_SECONDS: f64 = 20.0;

/// Prints bytes, seconds and sightings of both ways.
pub(crate) async fn run(common: usize, extra_events: usize) {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let poorer = archive(&directory.path().join("poorer"), common).await;
    let richer = archive(&directory.path().join("richer"), common).await;
    write(&richer, extra(extra_events)).await;
    println!("comparing two archives of {common} events, one with {extra_events} more");
    way("the one with more asks", &richer, &poorer, common).await;
    way("the other asks", &poorer, &richer, common + extra_events).await;
    let statistics = poorer.event_statistics().await.expect("the store answers");
    assert_eq!(
        statistics.events,
        (common + extra_events) as u64,
        "nothing is missing"
    );
}

async fn way(name: &str, asking: &Arc<Embedded>, asked: &Arc<Embedded>, expected: usize) {
    let relay = serve(asked).await;
    let wire = Meter::before(relay.address).await;
    crawler::remember_comparing(asking, wire.address).await;
    let begun = Instant::now();
    let config = SynchronizerConfig::default();
    let summary = crawler::visit(asking, wire.address, config).await;
    let seconds = begun.elapsed().as_secs_f64();
    let (to_relay, from_relay) = wire.bytes();
    let statistics = asking.event_statistics().await.expect("the store answers");
    assert_eq!(
        statistics.sightings, expected as u64,
        "everything was sighted"
    );
    println!(
        "  {name}: {to_relay} bytes to the relay, {from_relay} from it, bound {MAX_BYTES} each; \
         {seconds:.1} s, bound {MAX_SECONDS}; {} requests, {} new events, {} sightings",
        summary.count("requests"),
        summary.count("synced_events"),
        statistics.sightings,
    );
}
