//! The views' values: after random histories, and where the histories have nothing to say.

use bigbrotr::clock::{Clock, SystemClock};
use bigbrotr::store::EventStore;
use bigbrotr::store::events::Scope;
use nips::Event;
use sqlx::{AssertSqlSafe, Executor, Row};

use super::history::{archive, history, write};
use super::plain::assert_views_are_right;
use super::{refresh, rows};
use crate::contract::events as contract;
use crate::postgres::server::Database;

#[tokio::test]
async fn views_hold_what_the_tables_hold() {
    let hold = async |seed| {
        let database = Database::create().await;
        let (store, mut connection) = archive(&database).await;
        refresh(&store).await;
        assert_views_are_right(&mut connection, "when empty").await;
        for (place, batch) in history(seed).into_iter().enumerate() {
            store.write(batch).await.unwrap();
            if place % 4 == 1 {
                refresh(&store).await;
                let when = format!("seed {seed}, batch {place}");
                assert_views_are_right(&mut connection, &when).await;
            }
        }
        refresh(&store).await;
        assert_views_are_right(&mut connection, &format!("seed {seed}")).await;
    };
    tokio::join!(hold(20), hold(21));
}

#[tokio::test]
async fn an_author_or_a_relay_is_found_through_an_index() {
    let database = Database::create().await;
    let mut connection = database.connect().await;
    // So few rows are read whole unless that is out of the question.
    connection
        .execute("SET enable_seqscan = off")
        .await
        .unwrap();
    for (column, index) in [
        ("pubkey", "author_counter_by_text"),
        ("relay_url", "author_relay_counter_by_relay"),
    ] {
        let explain =
            format!("EXPLAIN SELECT event_count FROM pubkey_counts_by_relay WHERE {column} = 'x'");
        let plan = connection.fetch_all(sqlx::query(AssertSqlSafe(explain)));
        let plan: Vec<String> = plan.await.unwrap().iter().map(|row| row.get(0)).collect();
        assert!(plan.join("\n").contains(index), "{plan:#?}");
    }
}

#[tokio::test]
async fn refreshing_by_hand_counts_what_is_new() {
    let database = Database::create().await;
    let (store, mut connection) = archive(&database).await;
    write(&store, history(5)).await;
    connection
        .execute("SELECT all_statistics_refresh()")
        .await
        .unwrap();
    assert_views_are_right(&mut connection, "by hand").await;
}

#[tokio::test]
async fn recent_events_end_at_the_refresh() {
    let database = Database::create().await;
    let (store, mut connection) = archive(&database).await;
    let (now, hour, day) = (SystemClock.now(), 3_600, 86_400);
    let moments = [
        now - 5,
        now - hour / 2,
        now - 3 * hour,
        now - 2 * day,
        now - 6 * day,
        now - 9 * day,
        now - 29 * day,
        now - 31 * day,
        now + hour,
    ];
    let events = moments.map(|at| contract::event(1, 1, at, &[]));
    contract::write(&store, &events).await;
    refresh(&store).await;
    let query =
        "SELECT event_count, event_count_last_1h, event_count_last_24h, event_count_last_7d,
            event_count_last_30d
        FROM event_stats";
    assert_eq!(rows(&mut connection, query).await, ["(9,2,3,5,7)"]);
    assert_views_are_right(&mut connection, "recent").await;
}

#[tokio::test]
async fn latest_versions_are_those_that_readers_see() {
    let are_right = async |seed| {
        let database = Database::create().await;
        let (store, mut connection) = archive(&database).await;
        write(&store, history(seed)).await;
        // The views go by the server's clock, which is later than everything in the history.
        let now = u64::from(u32::MAX);
        store.sweep_expired(now, usize::MAX).await.unwrap();
        refresh(&store).await;
        for (view, is_of) in [
            ("events_replaceable_latest", [0, 3, 10_002].as_slice()),
            ("events_addressable_latest", &[30_023]),
        ] {
            let stored = contract::ask(&store, &["{}"], Scope::public(now)).await;
            let is_wanted = |event: &&Event| is_of.contains(&event.kind().0);
            let mut expected: Vec<String> = stored
                .events
                .iter()
                .filter(is_wanted)
                .map(|event| format!("({})", event.id()))
                .collect();
            expected.sort();
            // Protected events are in the views, and readers do not get them.
            let held =
                format!("SELECT encode(id, 'hex') FROM {view} WHERE NOT tags @> '[[\"-\"]]'");
            assert_eq!(
                rows(&mut connection, &held).await,
                expected,
                "seed {seed}: {view}"
            );
        }
    };
    tokio::join!(are_right(30), are_right(31));
}

#[tokio::test]
async fn latest_versions_are_whole_events() {
    let database = Database::create().await;
    let (store, mut connection) = archive(&database).await;
    let older = contract::event(1, 30_023, 100, &[&["d", "a"]]);
    let tied = ["x", "y"]
        .map(|text| contract::event_with(1, 30_023, 101, &[&["t", "\"b\\"], &["d", "a"]], text));
    let profile = contract::event_with(2, 0, 50, &[], "line\n\"käse\"");
    let expired = contract::event(2, 10_002, 50, &[&["expiration", "60"]]);
    let events = [
        older,
        tied[0].clone(),
        tied[1].clone(),
        profile.clone(),
        expired,
    ];
    contract::write(&store, &events).await;
    refresh(&store).await;
    let winner = tied.iter().min_by_key(|event| event.id()).unwrap();
    let query =
        "SELECT encode(id, 'hex'), encode(pubkey, 'hex'), created_at, kind, tags ->> 0, content,
            encode(substr(sig, 1, 2), 'hex'), d_tag
        FROM events_addressable_latest";
    let text = if winner.id() == tied[0].id() {
        "x"
    } else {
        "y"
    };
    let expected = format!(
        r#"({},{},101,30023,"[""t"", ""\\""b\\\\""]",{text},0909,a)"#,
        winner.id(),
        winner.pubkey()
    );
    assert_eq!(rows(&mut connection, query).await, [expected]);
    let query = "SELECT encode(id, 'hex'), tags, content = E'line\\n\"käse\"'
        FROM events_replaceable_latest";
    let expected = format!("({},[],t)", profile.id());
    assert_eq!(rows(&mut connection, query).await, [expected]);
}

#[tokio::test]
async fn kinds_have_their_category() {
    let database = Database::create().await;
    let (store, mut connection) = archive(&database).await;
    let kinds = [
        0, 1, 2, 3, 5, 44, 45, 999, 1_000, 9_999, 10_000, 30_000, 39_999, 40_000,
    ];
    let events = kinds.map(|kind| contract::event(1, kind, 100, &[]));
    contract::write(&store, &events).await;
    refresh(&store).await;
    let query = "SELECT category, array_agg(kind ORDER BY kind) FROM kind_counts GROUP BY category";
    assert_eq!(
        rows(&mut connection, query).await,
        [
            "(addressable,\"{30000,39999}\")",
            "(other,\"{45,999,40000}\")",
            "(regular,\"{1,2,5,44,1000,9999}\")",
            "(replaceable,\"{0,3,10000}\")",
        ]
    );
}

#[tokio::test]
async fn round_trips_are_averaged_over_the_last_ten() {
    let database = Database::create().await;
    let (store, mut connection) = archive(&database).await;
    connection
        .execute(
            "INSERT INTO relay_rtt (relay_id, checked_at, open_ms, read_ms)
            SELECT 1, n, CASE WHEN n <= 5 THEN 100000 ELSE 100 + n END, CASE WHEN n > 12 THEN n END
            FROM generate_series(1, 15) AS n",
        )
        .await
        .unwrap();
    refresh(&store).await;
    let query = "SELECT avg_rtt_open, avg_rtt_read, avg_rtt_write FROM relay_stats
        WHERE relay_url = 'wss://r1.nostr.net'";
    assert_eq!(rows(&mut connection, query).await, ["(110.50,14.00,)"]);
}
