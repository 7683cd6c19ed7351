//! The main job on PostgreSQL behind PgBouncer, with each service as a process of its own.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fleet::{Fleet, FleetPlan};
use nips::EventId;

use super::operator::{Operator, ids};
use super::reader;
use crate::postgres::server::Database;
use crate::program::PATIENCE;

const RELAYS: usize = 30;
const EVENTS: usize = 600;

/// The services that go on working beside each other.
const SERVICES: [&str; 4] = ["finder", "validator", "monitor", "synchronizer"];

/// Between two looks at how far they are.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn every_service_is_a_process_and_they_meet_in_the_database() {
    let fleet = Fleet::start(FleetPlan::mixed(21, RELAYS, EVENTS))
        .await
        .unwrap();
    let database = Database::empty().await;
    let directory = tempfile::tempdir().unwrap();
    let operator = Operator::new(&fleet, &database, directory.path());

    operator.run_as("admin", &["migrate"]);
    operator.run(&["seeder", "--once"]);
    let services = SERVICES.map(|service| operator.start(service));
    let mut relay = operator.start("relay");
    let client = reader::connect(&relay.address("relay")).await;

    let union = fleet.union_of_valid_events();
    operator.wait_for_events(union.len() as u64);
    let answered = with_slashes(fleet.promotable_urls().iter());
    until_published(&client, &answered).await;
    // By now the relay answers from an index of its own.
    let is_ready = |said: &str| said.contains("serving_index_ready").then_some(());
    relay.wait_for("the serving index", is_ready);
    assert!(operator.paths.data.join("serving/events/data.mdb").exists());
    // The monitor is another process than the relay.
    reader::next_live(&client).await;
    client.shutdown().await;
    for service in services {
        assert!(service.stop().success());
    }
    assert!(relay.stop().success());

    // What is left is done in one pass, so that everything was asked for to its end.
    operator.run(&["synchronizer", "--once"]);
    let archived = ids(&operator.run(&["export"]));
    let lost: Vec<&EventId> = union.difference(&archived).collect();
    assert!(lost.is_empty(), "lost {lost:?}");
    assert!(archived.is_disjoint(&fleet.forged_events()));
    fleet.stop().await;
}

async fn until_published(client: &nostr_sdk::Client, answered: &BTreeSet<String>) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let published = reader::published(client).await;
        let published = with_slashes(published.keys());
        if published == *answered {
            return;
        }
        assert!(Instant::now() < deadline, "{published:?}\n{answered:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn with_slashes<'a>(urls: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    urls.map(|url| format!("{}/", url.trim_end_matches('/')))
        .collect()
}
