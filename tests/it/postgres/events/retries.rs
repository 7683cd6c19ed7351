//! What a server says in the middle of a batch, and who tries again: the store where it lost against another
//! writer, the caller where time may help, and nobody where the answer would be the same.

use std::sync::Arc;
use std::time::Duration;

use bigbrotr::archive::{Admission, Archive, ArchiveSettings};
use bigbrotr::clock::MockClock;
use bigbrotr::store::events::Visibility;
use bigbrotr::store::postgres::{PostgresOptions, PostgresStore};
use bigbrotr::store::{EventStore, QuarantineStore, StoreError};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use nips::Event;
use sqlx::{Connection, PgConnection};

use super::Database;
use crate::archive::given::{self as archive, crawl, note, raw};
use crate::contract::events::{NOW, batch, event};
use crate::postgres::server::{count, execute};

/// Attempts so far: a sequence counts on when a transaction is given up.
const ATTEMPTS: &str = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM attempt";

/// Lets the server answer the first attempts to store events with an error.
async fn refuse(connection: &mut PgConnection, attempts: u32, code: &str) {
    let trigger = format!(
        "DROP SEQUENCE IF EXISTS attempt CASCADE;
         CREATE SEQUENCE attempt;
         CREATE OR REPLACE FUNCTION refuse() RETURNS TRIGGER LANGUAGE plpgsql AS $$
         BEGIN
             IF nextval('attempt') <= {attempts} THEN
                 RAISE EXCEPTION 'so it was told' USING ERRCODE = '{code}';
             END IF;
             RETURN NULL;
         END $$;
         CREATE OR REPLACE TRIGGER refuse AFTER INSERT ON event EXECUTE FUNCTION refuse()"
    );
    execute(connection, &trigger).await;
}

#[tokio::test]
async fn only_what_lost_against_another_writer_is_written_again() {
    let database = Database::create().await;
    let store = database.store().await;
    let mut owner = database.connect().await;
    // The answer, how often it comes, how often the server is asked, and what the caller hears.
    for (second, (code, answers, attempts, expected)) in [
        ("40001", 1, 2, None),
        ("40P01", 4, 5, None),
        ("40P01", 9, 5, Some("unavailable")),
        ("42P01", 9, 1, Some("failed")),
        ("23514", 9, 1, Some("refused")),
        ("22021", 9, 1, Some("refused")),
        ("54000", 9, 1, Some("refused")),
        ("57P01", 9, 1, Some("unavailable")),
        ("53200", 9, 1, Some("unavailable")),
        ("53100", 9, 1, Some("full")),
    ]
    .into_iter()
    .enumerate()
    {
        refuse(&mut owner, answers, code).await;
        let new = batch(vec![event(1, 1, second as u64, &[])], NOW);
        let written = store.write(new).await;
        let heard = written.as_ref().err().map(StoreError::reason);
        assert_eq!(heard, expected, "{code}: {written:?}");
        assert_eq!(count(&mut owner, ATTEMPTS).await, attempts, "{code}");
    }
    assert_eq!(store.event_statistics().await.unwrap().events, 2);
}

#[tokio::test]
async fn a_batch_that_takes_too_long_may_be_brought_again() {
    let database = Database::create().await;
    let mut owner = database.connect().await;
    let limit = format!(
        "ALTER DATABASE {} SET statement_timeout = '200ms'",
        database.name()
    );
    execute(&mut owner, &limit).await;
    let store = database.store().await;
    let mut holder = database.connect().await;
    let mut holding = holder.begin().await.unwrap();
    execute(&mut holding, "SELECT FROM arrival_head FOR UPDATE").await;
    let new = batch(vec![event(1, 1, 10, &[])], NOW);
    let error = store.write(new.clone()).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    holding.rollback().await.unwrap();
    assert_eq!(store.event_statistics().await.unwrap().events, 0);
    for _ in 0..2 {
        store.write(new.clone()).await.unwrap();
    }
    assert_eq!(store.event_statistics().await.unwrap().events, 1);
}

#[tokio::test]
async fn a_full_disk_is_no_fault_of_the_rows() {
    let database = Database::create().await;
    let store = Arc::new(database.store().await);
    let mut owner = database.connect().await;
    let clock = Arc::new(MockClock::at(archive::NOW));
    let door = Archive::new(store.clone(), clock, ArchiveSettings::default())
        .with_quarantine(store.clone());
    let events: Vec<Event> = (0..100).map(note).collect();
    // As the server says it when a file of a table cannot grow.
    refuse(&mut owner, 1, "53100").await;
    let error = door.admit(raw(&events), crawl(1)).await.unwrap_err();
    assert_eq!(error.reason(), "full");
    assert_eq!(count(&mut owner, ATTEMPTS).await, 1, "no part was tried");
    assert_eq!(store.quarantined_count().await.unwrap(), 0);
    let answers = door.admit(raw(&events), crawl(1)).await.unwrap();
    let stored = Admission::Stored(Visibility::Public);
    assert_eq!(answers, vec![stored; events.len()]);
}

/// Writers at once, and connections for them.
const WRITERS: usize = 6;
const CONNECTIONS: u32 = 2;

#[tokio::test]
async fn writers_wait_for_a_connection_and_give_up_in_time() {
    let database = Database::create().await;
    let options = PostgresOptions {
        max_connections: CONNECTIONS,
        acquire_timeout: Duration::from_millis(300),
        ..database.options()
    };
    let store = PostgresStore::open(options).await.unwrap();
    let mut holder = database.connect().await;
    let mut holding = holder.begin().await.unwrap();
    execute(&mut holding, "SELECT FROM arrival_head FOR UPDATE").await;
    let batches: Vec<_> = (0..WRITERS as u64)
        .map(|second| batch(vec![event(1, 1, second, &[])], NOW))
        .collect();
    let writing = batches.iter().map(|new| store.write(new.clone()));
    let mut writing: FuturesUnordered<_> = writing.collect();
    for _ in 0..WRITERS - CONNECTIONS as usize {
        let error = writing.next().await.unwrap().unwrap_err();
        assert!(error.is_transient(), "{error:?}");
    }
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut owner = database.connect().await;
    assert_eq!(count(&mut owner, waiting).await, i64::from(CONNECTIONS));
    holding.rollback().await.unwrap();
    while let Some(written) = writing.next().await {
        written.unwrap();
    }
    for new in &batches {
        store.write(new.clone()).await.unwrap();
    }
    let statistics = store.event_statistics().await.unwrap();
    assert_eq!(statistics.events, WRITERS as u64);
}
