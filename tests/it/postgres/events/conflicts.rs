//! Writers that meet while one of them removes what the other one relies on, and keys that several
//! events want.
//!
//! The test holds the row that writers lock last, so it decides what is committed between a
//! writer's facts and its judgement.

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{
    EventBatch, EventKey, Outcome, Refusal, Scope, Visibility, WriteReport,
};
use bigbrotr::store::postgres::PostgresStore;
use nips::Event;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

use super::{Database, eventually, one_row};
use crate::contract::events::{NOW, ask, author, batch, event, sighting, write};

/// Writes while the test has the lock, and lets go once `meanwhile` is done.
async fn write_during(
    database: &Database,
    store: &PostgresStore,
    batch: EventBatch,
    meanwhile: &str,
) -> WriteReport {
    let mut holder = database.connect().await;
    holder.execute("BEGIN").await.unwrap();
    let lock = "SELECT FROM arrival_head FOR UPDATE";
    holder.execute(lock).await.unwrap();
    let writing = store.write(batch);
    let letting_go = async {
        wait_for_writer(database).await;
        let meanwhile = AssertSqlSafe(meanwhile.to_owned());
        holder.execute(meanwhile).await.unwrap();
        holder.execute("COMMIT").await.unwrap();
    };
    let (report, ()) = tokio::join!(writing, letting_go);
    report.unwrap()
}

async fn wait_for_writer(database: &Database) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("a writer waits for the lock", async || {
        one_row(database, waiting).await.get::<i64, _>(0) > 0
    })
    .await;
}

fn hex(bytes: &[u8]) -> String {
    format!("'\\x{}'", data_encoding::HEXLOWER.encode(bytes))
}

#[tokio::test]
async fn an_author_who_vanishes_meanwhile_is_not_stored() {
    let database = Database::create().await;
    let store = database.store().await;
    let (gone, kept) = (event(1, 1, 10, &[]), event(2, 1, 10, &[]));
    let wrap = event(3, 1059, 9, &[&["p", &author(1).to_hex()]]);
    let new = batch(vec![gone, kept.clone(), wrap], NOW);
    let request = EventKey::of(&event(1, 62, 20, &[])).eid();
    let pubkey = hex(&author(1).0);
    let vanish = format!(
        "INSERT INTO vanish_request VALUES ({pubkey}, {request});
         SELECT event_vanish(ARRAY[{pubkey}]::bytea[], ARRAY[{request}], {NOW})"
    );
    let report = write_during(&database, &store, new.clone(), &vanish).await;
    let refused = Outcome::Refused(Refusal::Vanished);
    let stored = Outcome::Stored(Visibility::Public);
    assert_eq!(report.outcomes, [refused, stored, refused]);
    assert_eq!(ask(&store, &["{}"], Scope::Stored).await.events, [kept]);
    let statistics = store.event_statistics().await.unwrap();
    assert_eq!((statistics.events, statistics.sightings), (1, 0));
    let again = store.write(new).await.unwrap();
    assert_eq!(again.outcomes, [refused, Outcome::Known(false), refused]);
}

#[tokio::test]
async fn an_event_that_is_removed_meanwhile_is_not_seen() {
    let database = Database::create().await;
    let store = database.store().await;
    let note = event(1, 1, 10, &[]);
    write(&store, std::slice::from_ref(&note)).await;
    let seen = EventBatch {
        events: Vec::new(),
        sightings: vec![(EventKey::of(&note), sighting(7, NOW))],
        now: NOW,
        rows_to_come: 0,
    };
    let remove = format!("SELECT event_remove(ARRAY(SELECT eid FROM event), {NOW})");
    let report = write_during(&database, &store, seen, &remove).await;
    assert_eq!(report.new_sightings, 0);
    let rows = one_row(&database, "SELECT count(*) FROM event_relay").await;
    assert_eq!(rows.get::<i64, _>(0), 0);
}

#[tokio::test]
async fn a_deletion_that_is_committed_meanwhile_is_obeyed() {
    let database = Database::create().await;
    let store = database.store().await;
    let note = event(1, 1, 10, &[]);
    let (id, pubkey) = (hex(&note.id().0), hex(&author(1).0));
    let delete = format!("INSERT INTO deleted_id VALUES ({id}, 1, {pubkey})");
    let report = write_during(&database, &store, batch(vec![note], NOW), &delete).await;
    assert_eq!(report.outcomes, [Outcome::Stored(Visibility::Deleted)]);
}

/// Calls `event_write` with events that no honest id would give: all want one key.
async fn write_forged(sql: &mut PgConnection, ids: &[u8], kind: i32) -> Vec<i16> {
    let wanted: i64 = 5 << 30;
    let count = ids.len();
    let address = (kind == 0).then(|| "ab".repeat(16));
    let call = sqlx::query(
        "SELECT fates FROM event_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,
            '{}', '{}', '{}', '{}', '{}', 100)",
    );
    let call = call
        .bind(vec![wanted; count])
        .bind(ids.iter().map(|id| [*id; 32]).collect::<Vec<_>>())
        .bind(vec![[7_u8; 32]; count])
        .bind(vec![kind; count])
        .bind(vec![[9_u8; 64]; count])
        .bind(vec!["[]"; count])
        .bind(vec!["\"\""; count])
        .bind(vec![None::<String>; count])
        .bind(vec![address; count])
        .bind(vec![0_i16; count])
        .bind(vec![None::<i64>; count])
        .bind(vec![false; count])
        .bind(vec![false; count]);
    call.fetch_one(sql).await.unwrap().get(0)
}

const KNOWN: i16 = 10;
const FULL: i16 = 22;

#[tokio::test]
async fn events_that_want_one_key_take_its_neighbours() {
    let database = Database::create().await;
    let store = database.store().await;
    let mut sql = database.connect().await;
    let all: Vec<u8> = (1..=18).collect();
    assert_eq!(write_forged(&mut sql, &all[..1], 1).await, [0]);
    let fates = write_forged(&mut sql, &all, 1).await;
    assert_eq!(fates[0], KNOWN);
    assert_eq!(fates[1..16], [0; 15]);
    assert_eq!(fates[16..], [FULL; 2]);
    let again = write_forged(&mut sql, &all, 1).await;
    assert_eq!(again[..16], [KNOWN; 16]);
    // Where one leaves, the others are still known, and another one fits.
    sql.execute("SELECT event_remove(ARRAY[5::bigint << 30], 0)")
        .await
        .unwrap();
    assert_eq!(
        write_forged(&mut sql, &all[1..17], 1).await[..15],
        [KNOWN; 15]
    );
    assert_eq!(store.event_statistics().await.unwrap().events, 16);
}

#[tokio::test]
async fn the_lowest_id_wins_whatever_its_slot() {
    let database = Database::create().await;
    let store = database.store().await;
    let mut sql = database.connect().await;
    for (id, expected) in [(7, 0), (9, 2), (3, 0), (5, 2)] {
        assert_eq!(
            write_forged(&mut sql, &[id], 0).await,
            [expected],
            "id {id}"
        );
    }
    let public = ask(&store, &["{}"], Scope::public(NOW)).await;
    let ids: Vec<[u8; 32]> = public.events.iter().map(Event::id).map(|id| id.0).collect();
    assert_eq!(ids, [[3; 32]]);
}
