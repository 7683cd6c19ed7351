//! The archives that are asked: built on the first run, which tells what that costs, and kept in
//! `target/`.

use std::path::PathBuf;

use bigbrotr::model::{RelayId, Sighting};
use bigbrotr::store::EventStore as _;
use bigbrotr::store::events::{
    BatchNumber, EventBatch, EventKey, IfDeleted, IfProtected, NewEvent, QueryBounds, ScanOrder,
    Scope,
};
use bigbrotr::store::lmdb::{LmdbEvents, LmdbOptions};
use nips::{Event, Filter};
use tokio::runtime::Runtime;

use super::classes::Class;
use super::cpu::CpuTime;
use super::data::Network;

/// After everything in the data set.
const NOW: u64 = 1_900_000_000;
/// Events per write, as the archive batches them, and writes under way at a time.
const BATCH: usize = 1_000;
const WRITES: usize = 8;
/// Relays that bring each event again.
const REPEATS: u32 = 4;
/// How often the queries of a class are asked.
const ROUNDS: usize = 20;

/// An archive of so many events.
pub(crate) struct Archive {
    store: LmdbEvents,
    runtime: Runtime,
}

impl Archive {
    /// Opens it, or builds it.
    pub(crate) fn open(size: usize) -> Self {
        let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target");
        let path = target.join(format!("bench-events-3-{size}"));
        let runtime = Runtime::new().expect("a runtime starts");
        let is_complete = path.join("complete").exists();
        if !is_complete {
            let _ = std::fs::remove_dir_all(&path);
        }
        let store = LmdbEvents::open(LmdbOptions::at(&path)).expect("target/ can be written");
        if !is_complete {
            runtime.block_on(fill(&store, size));
            std::fs::write(path.join("complete"), "").expect("target/ can be written");
        }
        Self { store, runtime }
    }

    /// The answer to one filter.
    pub(crate) fn ask(&self, filter: &Filter) -> Vec<Event> {
        let filters = vec![filter.clone()];
        let query = self
            .store
            .query(filters, Scope::public(NOW), QueryBounds::default());
        self.runtime
            .block_on(query)
            .expect("queries succeed")
            .events
    }

    /// CPU time in µs and events per query, after one round to warm up.
    pub(crate) fn measure(&self, class: &Class) -> (f64, f64) {
        for filter in &class.filters {
            self.ask(filter);
        }
        let queries = ROUNDS * class.filters.len();
        let start = CpuTime::now();
        let filters = class.filters.iter().cycle().take(queries);
        let events: usize = filters.map(|filter| self.ask(filter).len()).sum();
        let cost = start.elapsed_us();
        (cost / queries as f64, events as f64 / queries as f64)
    }
}

/// Indexes what waits: otherwise it is indexed while queries are measured.
async fn index(store: &LmdbEvents) {
    let trimmed = store.trim_arrivals(BatchNumber(0), 0).await;
    trimmed.expect("events can be indexed");
}

/// Builds the archive, telling what that costs.
async fn fill(store: &LmdbEvents, size: usize) {
    println!("an archive of {size} events");
    let mut network = Network::new(size);
    let events: Vec<Event> = (0..size).map(|number| network.event(number)).collect();
    let batches: Vec<EventBatch> = events.chunks(BATCH).map(new_batch).collect();
    write_all(store, batches, "store a new event").await;
    index(store).await;
    let statistics = store
        .event_statistics()
        .await
        .expect("counters can be read");
    let before = statistics.size_bytes;
    println!("{:<34} {:>10}", "bytes per event", before / size as u64);
    let keys: Vec<EventKey> = events.iter().map(EventKey::of).collect();
    let start = CpuTime::now();
    for keys in keys.chunks(BATCH) {
        store.known(keys.to_vec()).await.expect("lookups succeed");
    }
    println!(
        "{:<34} {:>10.2}",
        "look up a known event, CPU µs",
        start.elapsed_us() / size as f64
    );
    for relay in 2..2 + REPEATS {
        let sighted = |keys: &[EventKey]| EventBatch {
            events: Vec::new(),
            sightings: keys.iter().map(|key| (*key, sighting(relay))).collect(),
            now: NOW,
            rows_to_come: 0,
        };
        write_all(
            store,
            keys.chunks(BATCH).map(sighted).collect(),
            "store a sighting",
        )
        .await;
    }
    let sightings = store
        .event_statistics()
        .await
        .expect("counters can be read");
    println!("{:<34} {:>10}", "MiB", sightings.size_bytes >> 20);
    let walk = store.scan(
        Filter::default(),
        Scope::Stored,
        ScanOrder::NewestFirst,
        None,
        1,
    );
    assert_eq!(walk.await.expect("walks succeed").events.len(), 1);
}

fn new_batch(events: &[Event]) -> EventBatch {
    let new = |event: &Event| NewEvent {
        event: event.clone(),
        sighting: Some(sighting(1)),
        if_deleted: IfDeleted::Keep,
        if_protected: IfProtected::Hide,
    };
    EventBatch {
        events: events.iter().map(new).collect(),
        sightings: Vec::new(),
        now: NOW,
        rows_to_come: 0,
    }
}

async fn write_all(store: &LmdbEvents, batches: Vec<EventBatch>, what: &str) {
    use futures_util::StreamExt as _;
    let rows: usize = batches
        .iter()
        .map(|batch| batch.events.len() + batch.sightings.len())
        .sum();
    let (start, clock) = (CpuTime::now(), std::time::Instant::now());
    let writes = futures_util::stream::iter(batches).map(|batch| store.write(batch));
    let reports = writes.buffered(WRITES);
    reports
        .for_each(async |report| drop(report.expect("writes succeed")))
        .await;
    let cost = start.elapsed_us() / rows as f64;
    let wall = clock.elapsed().as_micros() as f64 / rows as f64;
    println!(
        "{:<34} {cost:>10.2}   wall µs {wall:.2}",
        format!("{what}, CPU µs")
    );
    println!(
        "{:<34} {:>10.2}",
        "  of it the writer's",
        start.elapsed_in("event-writer") / rows as f64
    );
}

fn sighting(relay: u32) -> Sighting {
    Sighting {
        relay: RelayId(relay),
        seen_at: NOW,
    }
}
