//! What statements look at in large tables: rows that they are about, and never a table from end to end.

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{BatchNumber, EventBatch, EventKey, QueryBounds, ScanOrder, Scope};
use bigbrotr::store::postgres::{PostgresOptions, PostgresStore};
use bigbrotr::store::sets::SetBounds;
use nips::{Event, EventId, Filter};
use sha2::{Digest, Sha256};
use sqlx::{Executor, PgConnection, Row};

use super::{Database, sessions_end};
use crate::contract::events::{NOW, batch, event, sighting};

/// In `large.sql`.
const EVENTS: u64 = 200_000;
const AUTHORS: u64 = 5_000;

/// Rows that the sessions of a store read from large tables: by sequential scans, and through indexes.
const ROWS_READ: &str = "SELECT
    sum(seq_tup_read) FILTER (WHERE n_live_tup > 1000)::bigint, sum(idx_tup_fetch)::bigint
    FROM pg_stat_user_tables";

fn id(number: u64) -> EventId {
    EventId(Sha256::digest(number.to_string()).into())
}

fn author(number: u64) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(format!("author {number}")))
}

/// A large archive, and the connection that measures.
struct Large {
    database: Database,
    sql: PgConnection,
    /// What was read too much of.
    problems: Vec<String>,
}

impl Large {
    async fn fill() -> Self {
        let database = Database::create().await;
        database.store().await.close().await;
        let mut sql = database.connect().await;
        sql.execute(include_str!("large.sql")).await.unwrap();
        sql.execute("VACUUM ANALYZE").await.unwrap();
        Self {
            database,
            sql,
            problems: Vec::new(),
        }
    }

    /// A store whose sessions end with it: then the server has counted what they read.
    async fn store(&self) -> PostgresStore {
        let options = self.database.options();
        let options = PostgresOptions {
            url: options.direct_url.clone().unwrap(),
            is_migrating: false,
            ..options
        };
        PostgresStore::open(options).await.unwrap()
    }

    async fn rows_read(&mut self) -> (i64, i64) {
        let row = self.sql.fetch_one(ROWS_READ).await.unwrap();
        (row.get(0), row.get(1))
    }

    /// Checks what a call reads, and that it reads nothing sequentially.
    async fn check(&mut self, what: &str, at_most: i64, call: impl AsyncFnOnce(&PostgresStore)) {
        let before = self.rows_read().await;
        let store = self.store().await;
        call(&store).await;
        store.close().await;
        sessions_end(&self.database).await;
        let after = self.rows_read().await;
        let (scanned, read) = (after.0 - before.0, after.1 - before.1);
        println!("{what}: {read} rows through indexes, {scanned} by scans");
        if scanned > 0 || read > at_most {
            let problem = format!("{what}: {read} rows of at most {at_most}, {scanned} by scans");
            self.problems.push(problem);
        }
    }

    async fn check_query(&mut self, what: &str, at_most: i64, filter: String, expected: usize) {
        let filter = Filter::from_json(&filter).unwrap();
        self.check(what, at_most, async |store| {
            let page = store
                .query(vec![filter], Scope::public(NOW), QueryBounds::default())
                .await
                .unwrap();
            assert_eq!(page.events.len(), expected, "{what}");
        })
        .await;
    }
}

#[tokio::test]
async fn nothing_reads_a_large_table_whole() {
    let mut large = Large::fill().await;
    check_queries(&mut large).await;
    check_lookups(&mut large).await;
    check_writes(&mut large).await;
    assert!(large.problems.is_empty(), "{:#?}", large.problems);
}

async fn check_queries(large: &mut Large) {
    let ids: Vec<String> = (1..=100).map(|n| id(n * 7).to_hex()).collect();
    let some: Vec<String> = (0..300).map(author).collect();
    let (one_id, one_author) = (&ids[0], author(7));
    // Two in three of the versions, kind 30023, are superseded.
    for (what, at_most, filter, expected) in [
        ("one id", 10, format!(r#"{{"ids":["{one_id}"]}}"#), 1),
        ("100 ids", 300, format!(r#"{{"ids":{ids:?}}}"#), 94),
        (
            "an author",
            200,
            format!(r#"{{"authors":["{one_author}"]}}"#),
            40,
        ),
        (
            "an author and a kind",
            200,
            format!(r#"{{"authors":["{one_author}"],"kinds":[7],"limit":10}}"#),
            10,
        ),
        (
            "300 authors",
            20_000,
            format!(r#"{{"authors":{some:?},"kinds":[1],"limit":50}}"#),
            50,
        ),
        (
            "a rare kind",
            2_500,
            r#"{"kinds":[1984],"limit":20}"#.to_owned(),
            20,
        ),
        (
            "a common kind",
            2_500,
            r#"{"kinds":[1],"limit":100}"#.to_owned(),
            100,
        ),
        ("the newest", 2_500, r#"{"limit":100}"#.to_owned(), 100),
        (
            "an hour long ago",
            100,
            r#"{"since":1710000000,"until":1710003600}"#.to_owned(),
            11,
        ),
        ("a topic", 1_000, r##"{"#t":["topic 3"]}"##.to_owned(), 100),
        (
            "a topic and a kind",
            1_000,
            r##"{"#t":["topic 3"],"kinds":[1984]}"##.to_owned(),
            0,
        ),
        (
            "a topic that nobody has",
            100,
            r##"{"#t":["nothing"]}"##.to_owned(),
            0,
        ),
        (
            "an author nobody knows",
            100,
            format!(r#"{{"authors":["{}"]}}"#, "ab".repeat(32)),
            0,
        ),
    ] {
        large.check_query(what, at_most, filter, expected).await;
    }
}

async fn check_lookups(large: &mut Large) {
    large
        .check("known", 400, async |store| {
            let key = |n: u64| EventKey {
                created_at: 1_700_000_000 + n * 300,
                id: id(n),
            };
            let known = store.known((1..=100).map(key).collect()).await.unwrap();
            assert_eq!(known.len(), 100);
        })
        .await;
    large
        .check("sightings", 20, async |store| {
            assert_eq!(store.sightings(id(5)).await.unwrap().len(), 1);
        })
        .await;
    large
        .check("counting a topic", 300, async |store| {
            let filter = Filter::from_json(r##"{"#t":["topic 3"]}"##).unwrap();
            let count = store.count(vec![filter], Scope::public(NOW), SetBounds::rows(1_000));
            assert_eq!(count.await.unwrap(), (100, false));
        })
        .await;
    large
        .check("a step of a walk", 3_000, async |store| {
            let step = store.scan(
                Filter::default(),
                Scope::Stored,
                ScanOrder::OldestFirst,
                None,
                1_000,
            );
            assert_eq!(step.await.unwrap().events.len(), 1_000);
        })
        .await;
    large
        .check("arrivals", 500, async |store| {
            let log = store
                .arrivals_after(BatchNumber(10_000), 100)
                .await
                .unwrap();
            assert_eq!(log.len(), 100);
        })
        .await;
    large
        .check("statistics", 50, async |store| {
            let statistics = store.event_statistics().await.unwrap();
            assert_eq!(statistics.events, EVENTS);
        })
        .await;
    large
        .check("nothing to sweep", 10, async |store| {
            assert_eq!(store.sweep_expired(NOW, 1_000).await.unwrap(), 0);
        })
        .await;
    large
        .check("trimming", 500, async |store| {
            let trimmed = store.trim_arrivals(BatchNumber(100), NOW).await.unwrap();
            assert_eq!(trimmed, 100);
        })
        .await;
}

async fn check_writes(large: &mut Large) {
    let seen = |n: u64| {
        let key = EventKey {
            created_at: 1_700_000_000 + n * 300,
            id: id(n),
        };
        (key, sighting(9, NOW))
    };
    large
        .check("100 sightings", 400, async |store| {
            let batch = EventBatch {
                events: Vec::new(),
                sightings: (1..=100).map(|n| seen(n * 11)).collect(),
                now: NOW,
                rows_to_come: 0,
            };
            assert_eq!(store.write(batch).await.unwrap().new_sightings, 100);
        })
        .await;
    let address = author(AUTHORS - 1);
    let new: Vec<Event> = (0..50)
        .map(|n| match n % 5 {
            0 => event(1, 0, 1_750_000_000 + n, &[]),
            1 => event(1, 5, 1_750_000_000 + n, &[&["e", &id(n).to_hex()]]),
            2 => event(1, 1059, 1_750_000_000 + n, &[&["p", &address]]),
            _ => event(1, 1, 1_750_000_000 + n, &[&["t", "x"]]),
        })
        .collect();
    large
        .check("50 events", 1_000, async |store| {
            store.write(batch(new, NOW)).await.unwrap();
        })
        .await;
    large
        .check("vanishing", 1_500, async |store| {
            let request = event(1, 62, 1_760_000_000, &[&["relay", "ALL_RELAYS"]]);
            store.write(batch(vec![request], NOW)).await.unwrap();
        })
        .await;
}
