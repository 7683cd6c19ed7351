//! The server or the pooler goes away in the middle of a batch: the caller is told to try again,
//! and trying again loses nothing and stores nothing twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bigbrotr::archive::{Admission, Archive, ArchiveSettings, Rejection};
use bigbrotr::clock::MockClock;
use bigbrotr::model::RelayId;
use bigbrotr::store::events::{EventBatch, EventKey, Scope};
use bigbrotr::store::postgres::{PostgresOptions, PostgresStore};
use bigbrotr::store::{EventStore, QuarantineStore, StoreError};
use nips::Event;
use sqlx::{Executor, Row};

use super::{Database, eventually, one_row};
use crate::archive::given::{self as archive, crawl, note, raw};
use crate::contract::events::{NOW, ask, batch, event, sighting, write};
use crate::postgres::server::execute;
use crate::postgres::servers::{Server, Servers};

const DEADLINE: Duration = Duration::from_secs(30);
const EVENTS: u64 = 2_000;
const BATCH: usize = 20;

/// Stores a batch that waits for the lock, and ends its session while it waits.
async fn write_and_terminate(
    database: &Database,
    store: &PostgresStore,
    batch: EventBatch,
) -> StoreError {
    let mut holder = database.connect().await;
    holder.execute("BEGIN").await.unwrap();
    let lock = "SELECT FROM arrival_head FOR UPDATE";
    holder.execute(lock).await.unwrap();
    let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let ending = eventually("a writer waits and is ended", async || {
        one_row(database, terminate).await.get::<i64, _>(0) > 0
    });
    let (written, ()) = tokio::join!(store.write(batch), ending);
    holder.execute("ROLLBACK").await.unwrap();
    written.unwrap_err()
}

#[tokio::test]
async fn a_session_that_ends_in_a_batch_loses_nothing() {
    let database = Database::create().await;
    let pooled = database.store().await;
    let direct = PostgresOptions {
        url: database.options().direct_url.unwrap(),
        ..database.options()
    };
    let direct = PostgresStore::open(direct).await.unwrap();
    let mut expected = 0;
    for (second, store) in [(10, &pooled), (20, &direct)] {
        let note = event(1, 1, second, &[]);
        let mut new = batch(vec![note.clone()], NOW);
        new.events[0].sighting = Some(sighting(7, NOW));
        let error = write_and_terminate(&database, store, new.clone()).await;
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(error.is_transient());
        let key = vec![EventKey::of(&note)];
        assert_eq!(store.known(key).await.unwrap(), [false]);
        for _ in 0..2 {
            store.write(new.clone()).await.unwrap();
        }
        expected += 1;
        let statistics = store.event_statistics().await.unwrap();
        assert_eq!(
            (statistics.events, statistics.sightings),
            (expected, expected)
        );
    }
    assert_eq!(pooled.arrival_bounds().await.unwrap().0.0, expected);
}

#[tokio::test]
async fn a_row_that_the_database_refuses_is_no_outage() {
    let database = Database::create().await;
    let store = database.store().await;
    let mut owner = database.connect().await;
    owner
        .execute("ALTER TABLE event ADD CHECK (content <> '\"poison\"')")
        .await
        .unwrap();
    let poison = crate::contract::events::event_with(1, 1, 10, &[], "poison");
    let good = event(1, 1, 11, &[]);
    let error = store
        .write(batch(vec![poison, good.clone()], NOW))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error:?}");
    assert!(!error.is_transient());
    assert!(!error.to_string().contains("poison"), "{error}");
    write(&store, std::slice::from_ref(&good)).await;
    assert_eq!(ask(&store, &["{}"], Scope::Stored).await.events, [good]);
}

#[tokio::test]
async fn a_row_that_the_database_refuses_is_kept_aside_with_its_reason() {
    let database = Database::create().await;
    let store = Arc::new(database.store().await);
    let events: Vec<Event> = (0..100).map(note).collect();
    let (first, last) = (&events[17], &events[98]);
    let refuse = format!(
        "ALTER TABLE event ADD CONSTRAINT no_poison CHECK (content NOT IN ('\"{}\"', '\"{}\"'))",
        first.as_ref().content(),
        last.as_ref().content(),
    );
    execute(&mut database.connect().await, &refuse).await;
    let clock = Arc::new(MockClock::at(archive::NOW));
    let door = Archive::new(store.clone(), clock, ArchiveSettings::default())
        .with_quarantine(store.clone());
    let answers = door.admit(raw(&events), crawl(3)).await.unwrap();
    let refused = Admission::Refused(Rejection::Unstorable);
    for (answer, event) in answers.iter().zip(&events) {
        let is_poison = event == first || event == last;
        assert_eq!(*answer == refused, is_poison, "{answer:?}");
    }
    assert_eq!(store.event_statistics().await.unwrap().events, 98);
    // With nothing beside it there is still no doubt whose fault it is.
    let alone = door.admit(raw([first]), crawl(4)).await.unwrap();
    assert_eq!(alone, [refused]);
    let kept = store.quarantined(10).await.unwrap();
    assert_eq!(kept.len(), 2);
    for kept in kept {
        let event = if kept.id == first.id() { first } else { last };
        assert_eq!(kept.event, Some(event.to_json()));
        assert_eq!(kept.relay, Some(RelayId(3)));
        assert!(kept.reason.contains("no_poison"), "{}", kept.reason);
    }
}

#[tokio::test]
async fn writers_survive_a_pooler_that_dies() {
    survive(Server::Pgbouncer).await;
}

#[tokio::test]
async fn writers_survive_a_server_that_dies() {
    survive(Server::Postgres).await;
}

/// Two writers repeat what fails until it is stored, while a server dies and comes back.
async fn survive(server: Server) {
    let servers = Servers::start();
    let database = servers.database().await;
    let store = database.store().await;
    let events: Vec<Event> = (0..EVENTS).map(|second| event(1, 1, second, &[])).collect();
    let (written, failures) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let half = events.len() / 2;
    let writers = [&events[..half], &events[half..]]
        .map(|events| write_all(&store, events, &written, &failures));
    let killing = async {
        eventually("a part is written", async || {
            written.load(Ordering::Relaxed) > events.len() / 5
        })
        .await;
        servers.crash(server);
        eventually("somebody notices", async || {
            failures.load(Ordering::Relaxed) > 0
        })
        .await;
        assert!(written.load(Ordering::Relaxed) < events.len());
        servers.revive(server);
    };
    tokio::join!(futures_util::future::join_all(writers), killing);

    let keys: Vec<EventKey> = events.iter().map(EventKey::of).collect();
    let known = store.known(keys).await.unwrap();
    assert!(known.iter().all(|known| *known));
    let statistics = store.event_statistics().await.unwrap();
    assert_eq!((statistics.events, statistics.sightings), (EVENTS, EVENTS));
    let log = store.arrivals_after(Default::default(), usize::MAX).await;
    let numbers: Vec<u64> = log.unwrap().iter().map(|batch| batch.number.0).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

async fn write_all(
    store: &PostgresStore,
    events: &[Event],
    written: &AtomicUsize,
    failures: &AtomicUsize,
) {
    for chunk in events.chunks(BATCH) {
        let mut new = batch(chunk.to_vec(), NOW);
        for one in &mut new.events {
            one.sighting = Some(sighting(7, NOW));
        }
        let started = Instant::now();
        while let Err(error) = store.write(new.clone()).await {
            assert!(error.is_transient(), "{error:?}");
            assert!(started.elapsed() < DEADLINE, "{error:?}");
            failures.fetch_add(1, Ordering::Relaxed);
        }
        written.fetch_add(chunk.len(), Ordering::Relaxed);
    }
}
