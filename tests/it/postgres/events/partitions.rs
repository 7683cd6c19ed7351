//! Quarters: made ahead of time, carved out of what is later without losing a row, and one look-up
//! in one of them.

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{EventKey, Outcome, Scope};
use bigbrotr::store::postgres::{PostgresOptions, PostgresStore};
use nips::Event;
use sqlx::{Executor, PgConnection, Row};

use super::{Database, sessions_end};
use crate::contract::events::{NOW, ask, batch, event, sighting, write};

/// 2028-02-01 and 2035-01-01.
const SOON: u64 = 1_832_976_000;
const LATE: u64 = 2_051_222_400;

async fn number(sql: &mut PgConnection, query: &'static str) -> i64 {
    sql.fetch_one(query).await.unwrap().get(0)
}

#[tokio::test]
async fn quarters_begin_half_a_year_ahead() {
    let database = Database::create().await;
    database.store().await.close().await;
    let mut sql = database.connect().await;
    for parent in ["event", "event_relay"] {
        let last = format!(
            "SELECT max(inhrelid::regclass::text) FROM pg_inherits
             WHERE inhparent = '{parent}'::regclass AND inhrelid::regclass::text ~ 'q[1-4]$'"
        );
        let row = sql.fetch_one(sqlx::AssertSqlSafe(last)).await.unwrap();
        let expected = format!(
            "SELECT '{parent}' || to_char(now() AT TIME ZONE 'UTC' + interval '6 months', '_YYYY\"q\"Q')"
        );
        let expected = sql.fetch_one(sqlx::AssertSqlSafe(expected)).await.unwrap();
        let (last, expected): (String, String) = (row.get(0), expected.get(0));
        assert!(last >= expected, "{last} is before {expected}");
    }
    assert_eq!(
        number(&mut sql, "SELECT event_partitions_extend()::bigint").await,
        0
    );
}

#[tokio::test]
async fn carving_a_quarter_out_loses_nothing() {
    let database = Database::create().await;
    let store = database.store().await;
    let events: Vec<Event> = [10, 1_700_000_000, SOON, SOON + 1, LATE]
        .map(|second| event(1, 1, second, &[&["t", "x"]]))
        .into();
    let mut new = batch(events.clone(), NOW);
    for one in &mut new.events {
        one.sighting = Some(sighting(7, NOW));
    }
    store.write(new.clone()).await.unwrap();
    let before = store.event_statistics().await.unwrap();
    let mut sql = database.connect().await;
    let in_future = "SELECT count(*) FROM event_future";
    assert_eq!(number(&mut sql, in_future).await, 3);
    let cover = "SELECT event_partitions_cover('2028-12-31 12:00+00')::bigint";
    let added = number(&mut sql, cover).await;
    assert!(added > 0);
    assert_eq!(number(&mut sql, cover).await, 0);
    assert_eq!(number(&mut sql, in_future).await, 1);
    assert_eq!(
        number(&mut sql, "SELECT count(*) FROM event_2028q1").await,
        2
    );
    assert_eq!(
        number(&mut sql, "SELECT count(*) FROM event_relay_2028q1").await,
        2
    );

    let mut stored = ask(&store, &["{}"], Scope::Stored).await.events;
    stored.reverse();
    assert_eq!(stored, events);
    let found = ask(&store, &[r##"{"#t":["x"]}"##], Scope::public(NOW)).await;
    assert_eq!(found.events.len(), events.len());
    let again = store.write(new).await.unwrap();
    assert!(
        again
            .outcomes
            .iter()
            .all(|outcome| *outcome == Outcome::Known(false))
    );
    let mut after = store.event_statistics().await.unwrap();
    after.size_bytes = before.size_bytes;
    assert_eq!(after, before);
    for event in &events {
        assert_eq!(store.sightings(event.id()).await.unwrap().len(), 1);
    }
    write(&store, &[event(1, 1, SOON + 2, &[])]).await;
    assert_eq!(
        number(&mut sql, "SELECT count(*) FROM event_2028q1").await,
        3
    );
}

#[tokio::test]
async fn busy_tables_are_left_alone() {
    let database = Database::create().await;
    let store = database.store().await;
    let (mut reader, mut sql) = (database.connect().await, database.connect().await);
    reader
        .execute("BEGIN; SELECT count(*) FROM event")
        .await
        .unwrap();
    sql.execute("SET lock_timeout = '20ms'").await.unwrap();
    let cover = "SELECT event_partitions_cover('2030-01-01 00:00+00')";
    let failed = sql.fetch_one(cover).await.unwrap_err();
    let code = failed.as_database_error().and_then(|error| error.code());
    assert_eq!(code.as_deref(), Some("55P03"));
    write(&store, &[event(1, 1, SOON, &[])]).await;
    assert_eq!(
        number(&mut reader, "SELECT count(*) FROM event_future").await,
        1
    );
}

/// How often each index of a partition was used, by name.
async fn index_scans(sql: &mut PgConnection) -> Vec<(String, i64)> {
    let scans = "SELECT indexrelname::text, idx_scan FROM pg_stat_user_indexes
        WHERE relname ~ '^event_(past|future|[0-9]{4}q[1-4])$' ORDER BY 1";
    let rows = sql.fetch_all(scans).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn a_key_leads_to_one_partition() {
    let database = Database::create().await;
    let store = database.store().await;
    let events: Vec<Event> = (0..8)
        .map(|quarter| event(1, 1, 1_690_000_000 + quarter * 7_776_000, &[]))
        .collect();
    write(&store, &events).await;
    store.close().await;
    sessions_end(&database).await;
    let mut sql = database.connect().await;
    let before = index_scans(&mut sql).await;
    // A session of its own: when it ends, the server has counted what it did.
    let options = PostgresOptions {
        url: database.options().direct_url.unwrap(),
        is_migrating: false,
        ..database.options()
    };
    let store = PostgresStore::open(options).await.unwrap();
    let key = vec![EventKey::of(&events[3])];
    assert_eq!(store.known(key).await.unwrap(), [true]);
    store.close().await;
    sessions_end(&database).await;
    let after = index_scans(&mut sql).await;
    let used: Vec<(&str, i64)> = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after)
        .map(|((name, before), (_, after))| (name.as_str(), after - before))
        .collect();
    assert_eq!(used, [("event_2024q2_pkey", 1)]);
}
