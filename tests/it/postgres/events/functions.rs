//! The seed's functions of events: the values they leave.

use bigbrotr::clock::{Clock, SystemClock};
use bigbrotr::store::EventStore;
use bigbrotr::store::events::{BatchNumber, Outcome, Scope, Visibility};
use nips::{Event, Kind};
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

use super::Database;
use crate::contract::events::{Dice, NOW, ask, author, batch, event, write};
use crate::shared_data::corpus_lines;

/// Everything that is kept about events, in an order that does not depend on how it came. Only when and in
/// which portions it came may differ.
const TABLES: [&str; 8] = [
    "SELECT e::text FROM event AS e ORDER BY e.eid",
    "SELECT r::text FROM event_relay AS r ORDER BY r.eid, r.relay_id",
    "SELECT s::text FROM event_standing AS s ORDER BY s.eid",
    "SELECT x::text FROM event_expiration AS x ORDER BY x.eid",
    "SELECT d::text FROM deleted_id AS d ORDER BY d.id, d.eid",
    "SELECT a::text FROM deleted_address AS a ORDER BY a.address, a.eid",
    "SELECT v::text FROM vanish_request AS v ORDER BY v.pubkey, v.eid",
    "SELECT c::text FROM event_count AS c WHERE c.events > 0 ORDER BY c.kind",
];

const HISTORIES: u64 = 2;

/// Every so many of the real events.
const SAMPLE: usize = 4;

/// Events of one call.
const BATCH: usize = 500;

/// Calls `event_insert`, and returns how many events it says are new.
pub(super) async fn insert(connection: &mut PgConnection, events: &[Event]) -> i32 {
    let arguments = Arguments::of(events);
    let call = sqlx::query("SELECT event_insert($1, $2, $3, $4, $5::text[]::jsonb[], $6, $7)");
    let row = arguments.bind(call).fetch_one(connection).await.unwrap();
    row.get(0)
}

/// Events as the seed's functions take them.
struct Arguments {
    ids: Vec<[u8; 32]>,
    pubkeys: Vec<[u8; 32]>,
    created_ats: Vec<i64>,
    kinds: Vec<i32>,
    tags: Vec<String>,
    contents: Vec<String>,
    sigs: Vec<[u8; 64]>,
}

type Call = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

impl Arguments {
    fn of(events: &[Event]) -> Self {
        let seconds = |event: &Event| i64::try_from(event.created_at()).unwrap();
        Self {
            ids: events.iter().map(|event| event.id().0).collect(),
            pubkeys: events.iter().map(|event| event.pubkey().0).collect(),
            created_ats: events.iter().map(seconds).collect(),
            kinds: events.iter().map(|event| event.kind().0.into()).collect(),
            tags: events
                .iter()
                .map(|event| event.as_ref().tags_json.to_owned())
                .collect(),
            contents: events
                .iter()
                .map(|event| event.as_ref().content().into_owned())
                .collect(),
            sigs: events.iter().map(|event| event.sig().0).collect(),
        }
    }

    fn bind(self, call: Call) -> Call {
        call.bind(self.ids)
            .bind(self.pubkeys)
            .bind(self.created_ats)
            .bind(self.kinds)
            .bind(self.tags)
            .bind(self.contents)
            .bind(self.sigs)
    }
}

pub(super) async fn texts(connection: &mut PgConnection, sql: &str) -> Vec<String> {
    let rows = connection.fetch_all(AssertSqlSafe(sql.to_owned())).await;
    rows.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn assert_same_tables(one: &mut PgConnection, other: &mut PgConnection, what: &str) {
    for table in TABLES {
        let (one, other) = (texts(one, table).await, texts(other, table).await);
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(one, other, "{what}: {table}");
        }
        assert_eq!(one.len(), other.len(), "{what}: {table}");
    }
}

/// Writes the same events through the program and through SQL.
async fn compare(batches: &[Vec<Event>], what: &str) {
    let (by_program, by_sql) = (Database::create().await, Database::create().await);
    let store = by_program.store().await;
    by_sql.store().await.close().await;
    let mut sql = by_sql.connect().await;
    let now = now();
    for events in batches {
        let report = store.write(batch(events.clone(), now)).await.unwrap();
        let is_new = |outcome: &&Outcome| matches!(outcome, Outcome::Stored(_));
        let new = report.outcomes.iter().filter(is_new).count();
        assert_eq!(insert(&mut sql, events).await as usize, new, "{what}");
    }
    assert_same_tables(&mut by_program.connect().await, &mut sql, what).await;
}

/// The clock that SQL goes by.
fn now() -> u64 {
    SystemClock.now()
}

#[tokio::test]
async fn what_comes_through_sql_is_what_comes_through_the_program() {
    for seed in 0..HISTORIES {
        let mut dice = Dice::new(seed);
        let history = dice.history(160);
        let batches = dice.batches(history);
        compare(&batches, &format!("seed {seed}")).await;
    }
}

#[tokio::test]
async fn real_events_are_read_alike() {
    let Some(lines) = corpus_lines() else { return };
    let lines = lines
        .iter()
        .step_by(SAMPLE)
        .filter(|line| !line.contains("\\u0000"));
    let events: Vec<Event> = lines.map(|line| Event::from_json(line).unwrap()).collect();
    let batches: Vec<Vec<Event>> = events.chunks(BATCH).map(<[Event]>::to_vec).collect();
    compare(&batches, "corpus").await;
}

#[tokio::test]
async fn lightweight_mode_holds_for_sql_too() {
    let database = Database::create().await;
    let store = super::lightweight(&database).await;
    let recipient = author(2).to_hex();
    let wrap = event(1, 1059, 5, &[&["x"], &["p", &recipient], &["p", "nobody"]]);
    let note = event(1, 1, 6, &[&["t", "x"]]);
    let profile = event(1, 0, 7, &[&["t", "x"]]);
    let mut sql = database.connect().await;
    assert_eq!(insert(&mut sql, &[wrap, note, profile.clone()]).await, 3);
    let kept = "SELECT concat_ws(' ', kind, tags, content, cardinality(tag_hashes)) FROM event ORDER BY eid";
    let expected = [
        format!(r#"1059 [["p","{recipient}"]] 1"#),
        "1".to_owned(),
        r#"0 [["t","x"]] "" 1"#.to_owned(),
    ];
    assert_eq!(texts(&mut sql, kept).await, expected);
    let stored = ask(&store, &["{}"], Scope::Stored).await;
    assert_eq!(stored.events, [profile]);
    let seen =
        "SELECT concat_ws(' ', kind, tags, tagvalues, content) FROM nostr.event ORDER BY eid";
    let expected = ["1059", "1", r#"0 [["t", "x"]] {t:x} "#];
    assert_eq!(texts(&mut sql, seen).await, expected);
}

#[tokio::test]
async fn what_comes_through_sql_is_announced() {
    let database = Database::create().await;
    let store = database.store().await;
    let old = event(1, 0, 10, &[]);
    write(&store, std::slice::from_ref(&old)).await;
    let new = event(1, 0, 20, &[]);
    let mut sql = database.connect().await;
    assert_eq!(insert(&mut sql, &[new.clone(), new.clone(), old]).await, 1);
    let log = store.arrivals_after(BatchNumber(1), 10).await.unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].events[0].event, new);
    assert_eq!(log[0].events[0].visibility, Visibility::Public);
    let page = ask(&store, &["{}"], Scope::public(NOW)).await;
    assert_eq!(page.events, [new]);
    assert_eq!(page.as_of, BatchNumber(2));
}

#[tokio::test]
async fn malformed_events_are_refused_whole() {
    let database = Database::create().await;
    database.store().await.close().await;
    let mut sql = database.connect().await;
    let good = event(1, 1, 10, &[]);
    for (position, value) in [
        (1, "ARRAY['\\xab']::bytea[]"),
        (4, "ARRAY[65536]"),
        (3, "ARRAY[-1]::bigint[]"),
        (5, r#"ARRAY['[["t", 1]]']::jsonb[]"#),
        (5, r#"ARRAY['["t"]']::jsonb[]"#),
        (6, "ARRAY[NULL]::text[]"),
    ] {
        let call =
            "SELECT event_insert($1, $2, $3, $4, $5, $6, $7)".replace("$5", "$5::text[]::jsonb[]");
        // The argument stays in use, so that its type is known.
        let broken = format!("CASE WHEN ${position} IS NOT NULL THEN {value} END");
        let place = if position == 5 {
            "$5::text[]::jsonb[]"
        } else {
            &format!("${position}")
        };
        let call = call.replace(place, &broken.replace("$5 IS", "$5::text[] IS"));
        let call = sqlx::query(AssertSqlSafe(call)).persistent(false);
        let arguments = Arguments::of(std::slice::from_ref(&good));
        let failed = arguments.bind(call).execute(&mut sql).await.unwrap_err();
        let code = failed.as_database_error().and_then(|error| error.code());
        assert_eq!(code.as_deref(), Some("22023"), "{value}");
    }
    assert!(texts(&mut sql, TABLES[0]).await.is_empty());
}

#[tokio::test]
async fn ephemeral_and_impossible_events_are_passed_over() {
    let database = Database::create().await;
    database.store().await.close().await;
    let mut sql = database.connect().await;
    let events = [
        event(1, 20_001, 10, &[]),
        event(1, 1, 1 << 33, &[]),
        event(1, 1, (1 << 33) - 1, &[]),
    ];
    assert_eq!(insert(&mut sql, &events).await, 1);
    assert_eq!(insert(&mut sql, &events).await, 0);
    assert_eq!(insert(&mut sql, &[]).await, 0);
}

/// Until the relational side has it: what `event_relay_insert_cascade` makes relays with.
async fn make_relay_insert(sql: &mut PgConnection) {
    let is_there =
        "SELECT (to_regprocedure('relay_insert(text[], text[], bigint[])') IS NOT NULL)::text";
    if texts(sql, is_there).await == ["true"] {
        return;
    }
    let function = "CREATE FUNCTION relay_insert(urls text[], networks text[], discovered_ats bigint[])
        RETURNS integer LANGUAGE sql AS $$
            WITH added AS (
                INSERT INTO relay (url, network, discovered_at, validated_at, state, next_check_at, next_sync_at)
                SELECT DISTINCT ON (1) u.*, 0, 'new', 0, 0 FROM unnest(urls, networks, discovered_ats) AS u
                ON CONFLICT DO NOTHING RETURNING 1
            ) SELECT count(*)::integer FROM added
        $$";
    sql.execute(function).await.unwrap();
}

#[tokio::test]
async fn sightings_are_counted_truly() {
    let database = Database::create().await;
    let store = database.store().await;
    let mut sql = database.connect().await;
    make_relay_insert(&mut sql).await;
    let [one, other, unknown] = [10, 20, 30].map(|second| event(1, 1, second, &[]));
    let seen = NOW as i64;
    // The same pair twice, the other relay once, and an event that is never stored.
    let ephemeral = event(1, 20_001, 40, &[]);
    let rows = [&one, &one, &one, &other, &ephemeral].map(Event::clone);
    let urls = [
        "wss://a.net",
        "wss://a.net",
        "wss://b.net",
        "wss://a.net",
        "wss://b.net",
    ];
    let cascade = |seen_ats: Vec<i64>| {
        let call = sqlx::query(
            "SELECT event_relay_insert_cascade($1, $2, $3, $4, $5::text[]::jsonb[], $6, $7, $8, $9, $10, $11)",
        );
        Arguments::of(&rows)
            .bind(call)
            .bind(urls.map(str::to_owned).to_vec())
            .bind(vec!["clearnet"; urls.len()])
            .bind(vec![seen; urls.len()])
            .bind(seen_ats)
    };
    let first = cascade(vec![seen, seen - 5, seen, seen, seen]);
    assert_eq!(first.fetch_one(&mut sql).await.unwrap().get::<i32, _>(0), 3);
    let again = cascade(vec![seen; 5]).fetch_one(&mut sql).await.unwrap();
    assert_eq!(again.get::<i32, _>(0), 0);
    let statistics = store.event_statistics().await.unwrap();
    assert_eq!((statistics.events, statistics.sightings), (2, 3));

    let junction = |events: &[&Event], urls: &[&str], seen_at: i64| {
        let ids: Vec<[u8; 32]> = events.iter().map(|event| event.id().0).collect();
        let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
        let seen_ats = vec![seen_at; ids.len()];
        sqlx::query("SELECT event_relay_insert($1, $2, $3)")
            .bind(ids)
            .bind(urls)
            .bind(seen_ats)
    };
    let urls = ["wss://b.net", "wss://b.net", "wss://b.net"];
    let call = junction(&[&one, &other, &other], &urls, seen - 9);
    assert_eq!(call.fetch_one(&mut sql).await.unwrap().get::<i32, _>(0), 1);
    for call in [
        junction(&[&unknown], &["wss://a.net"], seen),
        junction(&[&one], &["wss://c.net"], seen),
    ] {
        let failed = call.fetch_one(&mut sql).await.unwrap_err();
        let code = failed.as_database_error().and_then(|error| error.code());
        assert_eq!(code.as_deref(), Some("23503"));
    }
    let view = "SELECT concat_ws(' ', encode(substr(event_id, 1, 4), 'hex'), relay_url, seen_at)
        FROM nostr.event_relay ORDER BY eid, relay_url";
    let row = |event: &Event, url: &str, seen_at: i64| {
        format!("{} {url} {seen_at}", &event.id().to_hex()[..8])
    };
    let expected = [
        row(&one, "wss://a.net", seen - 5),
        row(&one, "wss://b.net", seen - 9),
        row(&other, "wss://a.net", seen),
        row(&other, "wss://b.net", seen - 9),
    ];
    assert_eq!(texts(&mut sql, view).await, expected);
}

#[tokio::test]
async fn orphans_go_in_portions_and_what_they_hid_comes_back() {
    let database = Database::create().await;
    let store = database.store().await;
    let old = event(1, 0, 10, &[]);
    let target = event(1, 1, 11, &[]);
    let id = target.id().to_hex();
    let orphans = [
        event(1, 0, 20, &[]),
        event(1, 5, 21, &[&["e", &id]]),
        event(1, 1, 22, &[]),
    ];
    write(
        &store,
        &[&orphans[..], &[old.clone(), target.clone()]].concat(),
    )
    .await;
    let mut sql = database.connect().await;
    for seen in [&old, &target] {
        let note = "INSERT INTO event_relay SELECT eid, 1, 1 FROM event WHERE id = $1";
        sqlx::query(note)
            .bind(seen.id().0)
            .execute(&mut sql)
            .await
            .unwrap();
    }
    for (call, expected) in [
        ("SELECT orphan_event_delete(2)::text", "2"),
        ("SELECT orphan_event_delete()::text", "1"),
        ("SELECT orphan_event_delete()::text", "0"),
    ] {
        assert_eq!(texts(&mut sql, call).await, [expected]);
    }
    let page = ask(&store, &["{}"], Scope::public(NOW)).await;
    assert_eq!(page.events, [target, old]);
    let statistics = store.event_statistics().await.unwrap();
    assert_eq!(statistics.by_kind, [(Kind(0), 1), (Kind(1), 1)]);
}

#[tokio::test]
async fn every_change_is_logged_for_counters() {
    let database = Database::create().await;
    let store = database.store().await;
    let note = event(1, 1, 10, &[]);
    let mut seen = batch(vec![note], NOW);
    seen.events[0].sighting = Some(crate::contract::events::sighting(7, NOW));
    store.write(seen.clone()).await.unwrap();
    store.write(seen).await.unwrap();
    write(&store, &[event(1, 62, 20, &[&["relay", "ALL_RELAYS"]])]).await;
    let mut sql = database.connect().await;
    let log = "SELECT concat_ws(' ', change, cardinality(stored), sighted_relays, cardinality(removed), removed_kinds,
        unsighted_relays) FROM event_change ORDER BY change";
    let expected = ["1 1 {7} 0 {} {}", "2 1 {} 0 {} {}", "3 0 {} 1 {1} {7}"];
    assert_eq!(texts(&mut sql, log).await, expected);
}
