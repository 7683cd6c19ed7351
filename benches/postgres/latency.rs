//! How long callers wait, through the pooler, at ten million events and 50,000 relays.

use std::time::{Duration, Instant};

use bigbrotr::model::RelayId;
use bigbrotr::store::coverage::FilterId;
use bigbrotr::store::events::{BatchNumber, EventKey, QueryBounds, Scope};
use bigbrotr::store::postgres::PostgresStore;
use bigbrotr::store::{CandidateStore, CoverageStore, EventStore, RelayStore};
use nips::{EventId, Filter, Network};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use sqlx::Executor;

use super::server::Server;

/// Relays, candidates, documents and time lines, as the plans are checked on.
const RELATIONAL: &str = include_str!("../../tests/it/postgres/large.sql");
const EVENTS_SQL: &str = include_str!("large.sql");

/// Events, how many are made at once, and in one row of the log of arrivals; as `large.sql` has them.
const EVENTS: u64 = 10_000_000;
const PORTION: u64 = 100_000;
const ARRIVAL: u64 = 500;
const AUTHORS: u64 = 50_000;
const TOPICS: u64 = 50_000;
const RELAYS: u32 = 50_000;

/// Calls of each kind: the 99th percentile is the tenth from above.
const CALLS: usize = 1_000;

/// When everything that waits is due.
const NOW: u64 = 1_750_000_000;

/// Measures, and prints.
pub(crate) async fn measure(server: &Server) {
    server.make_database().await;
    let store = server.store(None).await;
    fill(server).await;
    println!(
        "\n{:<44} {:>12} {:>10} {:>10}",
        "milliseconds at ten million events", "server CPU", "median", "p99"
    );
    let clock = Clock {
        server,
        store: &store,
    };
    relations(&clock).await;
    events(&clock).await;
    store.close().await;
}

async fn fill(server: &Server) {
    let mut connection = server.connect_to_database().await;
    connection.execute(RELATIONAL).await.expect("it is SQL");
    for first in (0..EVENTS).step_by(PORTION as usize) {
        let portion = sqlx::query(EVENTS_SQL)
            .bind(first.cast_signed())
            .bind((first + PORTION - 1).cast_signed());
        portion.execute(&mut connection).await.expect("it is SQL");
    }
    server.tidy().await;
}

async fn relations(clock: &Clock<'_>) {
    let store = clock.store;
    let networks = Network::ALL;
    clock
        .time("finder: 500 events after a batch", async |rng| {
            let batch = BatchNumber(rng.random_range(0..EVENTS / ARRIVAL - 10));
            let arrived = store.arrivals_after(batch, 500).await;
            assert!(!arrived.expect("reads succeed").is_empty());
        })
        .await;
    clock
        .time("100 relays due for a check", async |_| {
            let due = store.due_for_check(&networks, NOW, 100).await;
            assert_eq!(due.expect("reads succeed").len(), 100);
        })
        .await;
    clock
        .time("100 relays due for a visit", async |_| {
            let due = store.due_for_sync(&networks, NOW, 100).await;
            assert_eq!(due.expect("reads succeed").len(), 100);
        })
        .await;
    clock
        .time("100 candidates that are due", async |_| {
            let due = store.due_candidates(&networks, NOW, 100).await;
            assert_eq!(due.expect("reads succeed").len(), 100);
        })
        .await;
    clock
        .time("coverage of a relay", async |rng| {
            let relay = RelayId(rng.random_range(1..=RELAYS));
            let filter = FilterId(1);
            let covered = store.coverage(relay, filter).await;
            assert_eq!(covered.expect("reads succeed").len(), 2);
        })
        .await;
}

async fn events(clock: &Clock<'_>) {
    let store = clock.store;
    clock
        .time("which of 500 events are known", async |rng| {
            let first = rng.random_range(0..EVENTS - 500);
            let known = store.known((first..first + 500).map(key).collect()).await;
            assert!(known.expect("reads succeed").iter().all(|known| *known));
        })
        .await;
    clock
        .time("an event by id", async |rng| {
            let id = key(rng.random_range(0..EVENTS / 10) * 10 + 2).id;
            ask(store, format!(r#"{{"ids":["{id}"]}}"#), 1).await;
        })
        .await;
    clock
        .time("an author's newest 50", async |rng| {
            let author = author(rng.random_range(0..AUTHORS));
            ask(
                store,
                format!(r#"{{"authors":["{author}"],"limit":50}}"#),
                50,
            )
            .await;
        })
        .await;
    clock
        .time("an author's newest 10 of a kind", async |rng| {
            let author = author(rng.random_range(0..AUTHORS));
            let filter = format!(r#"{{"authors":["{author}"],"kinds":[1,7],"limit":10}}"#);
            ask(store, filter, 10).await;
        })
        .await;
    clock
        .time("the newest 50 of a kind", async |rng| {
            let kind = [1, 7, 1984][rng.random_range(0..3)];
            ask(store, format!(r#"{{"kinds":[{kind}],"limit":50}}"#), 50).await;
        })
        .await;
    clock
        .time("the newest 20 of a topic", async |rng| {
            let topic = rng.random_range(0..TOPICS);
            ask(
                store,
                format!(r##"{{"#t":["topic {topic}"],"limit":20}}"##),
                20,
            )
            .await;
        })
        .await;
}

async fn ask(store: &PostgresStore, filter: String, at_least: usize) {
    let filter = Filter::from_json(&filter).expect("it is a filter");
    let scope = Scope::public(NOW);
    let page = store
        .query(vec![filter], scope, QueryBounds::default())
        .await;
    let found = page.expect("reads succeed").events.len();
    assert!(found >= at_least, "{found} events");
}

/// What is timed, and whose CPU is read.
struct Clock<'c> {
    server: &'c Server,
    store: &'c PostgresStore,
}

impl Clock<'_> {
    /// Calls again and again, one call at a time. How long callers wait depends on what else runs on the machine; the
    /// server's CPU does not.
    async fn time(&self, what: &str, mut call: impl AsyncFnMut(&mut StdRng)) {
        let mut rng = StdRng::seed_from_u64(7);
        call(&mut rng).await;
        let cpu = self.server.cpu_us();
        let mut took: Vec<Duration> = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let started = Instant::now();
            call(&mut rng).await;
            took.push(started.elapsed());
        }
        let cpu = (self.server.cpu_us() - cpu) / 1_000.0 / CALLS as f64;
        took.sort_unstable();
        let [median, p99] =
            [CALLS / 2, CALLS * 99 / 100].map(|position| took[position].as_secs_f64() * 1_000.0);
        println!("{what:<44} {cpu:>12.2} {median:>10.2} {p99:>10.2}");
    }
}

fn key(number: u64) -> EventKey {
    EventKey {
        created_at: 1_690_000_000 + number * 63 / 10,
        id: EventId(Sha256::digest(number.to_string()).into()),
    }
}

fn author(number: u64) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(format!("author {number}")))
}
