//! Several writers at a time over the same events: nobody waits for ever, nothing is lost, nothing
//! comes twice.

use std::collections::BTreeSet;

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{
    BatchNumber, EventBatch, EventKey, IfDeleted, IfProtected, NewEvent, ScanOrder, Scope,
};
use bigbrotr::store::lmdb::{LmdbEvents, LmdbOptions};
use bigbrotr::store::postgres::{PostgresOptions, PostgresStore};
use nips::{Event, Filter};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use sqlx::Row;
use tempfile::TempDir;

use super::{Database, one_row, sessions_end};
use crate::contract::events::{NOW, author, batch, event, event_with, sighting};

const BATCH: usize = 40;
const NOTES: u64 = 400;

#[tokio::test]
async fn two_writers_store_each_event_once() {
    check(2).await;
}

#[tokio::test]
async fn four_writers_store_each_event_once() {
    check(4).await;
}

#[tokio::test]
async fn eight_writers_store_each_event_once() {
    check(8).await;
}

/// Every writer brings all events, in an order of its own, each seen on a relay of its own.
async fn check(writers: u32) {
    let database = Database::create().await;
    let store = store(&database, writers).await;
    let events = events();
    let writing = (1..=writers).map(|writer| write_shuffled(&store, &events, writer));
    futures_util::future::join_all(writing).await;

    let (_directory, expected) = alone(&events).await;
    for scope in [Scope::Stored, Scope::public(NOW)] {
        let expected = everything(&expected, &scope).await;
        assert_eq!(everything(&store, &scope).await, expected, "{scope:?}");
    }
    let stored = everything(&store, &Scope::Stored).await;
    let statistics = store.event_statistics().await.unwrap();
    assert_eq!(statistics.events, stored.len() as u64);
    assert_eq!(
        statistics.sightings,
        stored.len() as u64 * u64::from(writers)
    );
    let sightings: i64 = one_row(&database, "SELECT count(*) FROM event_relay")
        .await
        .get(0);
    assert_eq!(sightings.cast_unsigned(), statistics.sightings);
    check_log(&store, &stored).await;
    store.close().await;
    sessions_end(&database).await;
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(one_row(&database, deadlocks).await.get::<i64, _>(0), 0);
}

/// Batches have no holes, and each event is in one of them.
async fn check_log(store: &PostgresStore, stored: &[Event]) {
    let log = store
        .arrivals_after(BatchNumber(0), usize::MAX)
        .await
        .unwrap();
    let numbers: Vec<u64> = log.iter().map(|batch| batch.number.0).collect();
    assert_eq!(numbers, (1..=log.len() as u64).collect::<Vec<_>>());
    let arrived = log.iter().flat_map(|batch| &batch.events);
    let arrived: Vec<EventKey> = arrived
        .map(|arrival| EventKey::of(&arrival.event))
        .collect();
    let distinct: BTreeSet<EventKey> = arrived.iter().copied().collect();
    assert_eq!(arrived.len(), distinct.len());
    assert_eq!(distinct, stored.iter().map(EventKey::of).collect());
}

/// As many sessions of the server as there are writers.
async fn store(database: &Database, writers: u32) -> PostgresStore {
    let options = database.options();
    let options = PostgresOptions {
        url: options.direct_url.clone().unwrap(),
        max_connections: writers,
        ..options
    };
    PostgresStore::open(options).await.unwrap()
}

/// The same events written by one writer alone, into the other engine.
async fn alone(events: &[Event]) -> (TempDir, LmdbEvents) {
    let directory = tempfile::tempdir().unwrap();
    let store = LmdbEvents::open(LmdbOptions::at(directory.path())).unwrap();
    store.write(batch(events.to_vec(), NOW)).await.unwrap();
    (directory, store)
}

async fn write_shuffled(store: &PostgresStore, events: &[Event], writer: u32) {
    let mut events = events.to_vec();
    events.shuffle(&mut StdRng::seed_from_u64(u64::from(writer)));
    for chunk in events.chunks(BATCH) {
        let new = |event: &Event| NewEvent {
            event: event.clone(),
            sighting: Some(sighting(writer, NOW)),
            if_deleted: IfDeleted::Keep,
            if_protected: IfProtected::Hide,
        };
        let batch = EventBatch {
            events: chunk.iter().map(new).collect(),
            sightings: Vec::new(),
            now: NOW,
            rows_to_come: 0,
        };
        store.write(batch).await.unwrap();
    }
}

/// Notes, versions, deletion requests for some of both, and an author who vanishes.
fn events() -> Vec<Event> {
    let mut events = Vec::new();
    for number in 0..NOTES {
        let writer = (number % 5) as u8 + 1;
        let note = event_with(writer, 1, number / 7, &[], &number.to_string());
        if number % 11 == 0 {
            let id = note.id().to_hex();
            events.push(event(writer, 5, 500 + number, &[&["e", &id]]));
        }
        events.push(note);
        let topic = (number % 3).to_string();
        events.push(event(writer, 30_023, number, &[&["d", &topic]]));
    }
    let address = format!("30023:{}:1", author(2));
    events.push(event(2, 5, NOTES / 2, &[&["a", &address]]));
    events.push(event(3, 62, NOTES / 3, &[&["relay", "ALL_RELAYS"]]));
    events
}

async fn everything(store: &dyn EventStore, scope: &Scope) -> Vec<Event> {
    let filter = Filter::default();
    let order = ScanOrder::NewestFirst;
    let page = store.scan(filter, scope.clone(), order, None, usize::MAX);
    page.await.unwrap().events
}
