//! What queries cost on half a million events.
//!
//! `cargo bench --bench query` prints CPU time per query, which a busy machine does not change, and
//! then divan's wall clock. The archive is built on the first run and kept in `target/`; building it
//! prints what storing costs.

mod cpu;
mod data;

use std::path::PathBuf;
use std::sync::LazyLock;

use bigbrotr::model::{RelayId, Sighting};
use bigbrotr::store::EventStore;
use bigbrotr::store::events::{
    EventBatch, EventKey, IfDeleted, NewEvent, QueryBounds, ScanOrder, Scope,
};
use bigbrotr::store::lmdb::{LmdbEvents, LmdbOptions};
use nips::{Event, Filter, Kind};
use tokio::runtime::Runtime;

use self::cpu::CpuTime;
use self::data::{EVENTS, Network};

/// After everything in the data set.
const NOW: u64 = 1_900_000_000;
/// Events per write, as the archive batches them, and writes under way at a time.
const BATCH: usize = 1_000;
const WRITES: usize = 8;
/// Relays that bring each event again.
const REPEATS: u32 = 4;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime starts"));
static STORE: LazyLock<LmdbEvents> = LazyLock::new(open);
static CLASSES: LazyLock<Vec<Class>> = LazyLock::new(classes);

/// A class of queries, and the bound it has to keep.
struct Class {
    name: &'static str,
    bound_us: f64,
    filters: Vec<Filter>,
}

fn main() {
    println!(
        "{:<34} {:>10} {:>10} {:>8}",
        "CPU per query, µs", "measured", "bound", "events"
    );
    for class in &*CLASSES {
        let (cost, events) = measure(class);
        println!(
            "{:<34} {cost:>10.1} {:>10.0} {events:>8.1}",
            class.name, class.bound_us
        );
    }
    divan::main();
}

#[divan::bench(args = CLASSES.iter().map(|class| class.name))]
fn query(bencher: divan::Bencher<'_, '_>, name: &str) {
    let class = CLASSES
        .iter()
        .find(|class| class.name == name)
        .expect("it is one of them");
    let mut turn = 0;
    bencher.bench_local(|| {
        turn += 1;
        ask(&class.filters[turn % class.filters.len()])
    });
}

/// CPU time and events per query, after one round to warm up.
fn measure(class: &Class) -> (f64, f64) {
    const ROUNDS: usize = 20;
    class.filters.iter().for_each(|filter| drop(ask(filter)));
    let start = CpuTime::now();
    let mut events = 0;
    for filter in class
        .filters
        .iter()
        .cycle()
        .take(ROUNDS * class.filters.len())
    {
        events += ask(filter).len();
    }
    let queries = (ROUNDS * class.filters.len()) as f64;
    (start.elapsed_us() / queries, events as f64 / queries)
}

fn ask(filter: &Filter) -> Vec<Event> {
    let query = STORE.query(
        vec![filter.clone()],
        Scope::public(NOW),
        QueryBounds::default(),
    );
    RUNTIME.block_on(query).expect("queries succeed").events
}

fn classes() -> Vec<Class> {
    let author = |rank: usize| Network::author(rank).to_hex();
    let authors = |from: usize, step: usize| -> Vec<String> {
        (0..300)
            .map(|number| author(from + number * step))
            .collect()
    };
    let notes = sample_notes();
    let ids = |count: usize| -> Vec<Vec<String>> {
        notes
            .chunks_exact(count)
            .take(40)
            .map(<[String]>::to_vec)
            .collect()
    };
    let class = |name, bound_us, filters: Vec<String>| Class {
        name,
        bound_us,
        filters: filters
            .iter()
            .map(|json| Filter::from_json(json).expect("it is one"))
            .collect(),
    };
    let each = |make: &dyn Fn(usize) -> String| -> Vec<String> { (0..40).map(make).collect() };
    vec![
        class(
            "single id",
            20.0,
            ids(1)
                .iter()
                .map(|id| format!(r#"{{"ids":{id:?}}}"#))
                .collect(),
        ),
        class(
            "100 ids",
            1_000.0,
            ids(100)
                .iter()
                .map(|ids| format!(r#"{{"ids":{ids:?}}}"#))
                .collect(),
        ),
        class(
            "author timeline, 50",
            150.0,
            each(&|turn| format!(r#"{{"authors":["{}"],"limit":50}}"#, author(turn * 7))),
        ),
        class(
            "author and kind, 50",
            150.0,
            each(&|turn| {
                format!(
                    r#"{{"authors":["{}"],"kinds":[1],"limit":50}}"#,
                    author(turn * 7)
                )
            }),
        ),
        class(
            "profile of an author",
            20.0,
            each(&|turn| format!(r#"{{"authors":["{}"],"kinds":[0]}}"#, author(turn * 7))),
        ),
        class(
            "300 authors, kinds 1 and 6, 100",
            2_000.0,
            each(&|turn| {
                format!(
                    r#"{{"authors":{:?},"kinds":[1,6],"limit":100}}"#,
                    authors(turn, 1 + turn * 2)
                )
            }),
        ),
        class(
            "kind 1, 100",
            150.0,
            vec![r#"{"kinds":[1],"limit":100}"#.to_owned()],
        ),
        class(
            "everything, 100",
            150.0,
            vec![r#"{"limit":100}"#.to_owned()],
        ),
        class(
            "popular #p, 50",
            300.0,
            each(&|turn| format!(r##"{{"#p":["{}"],"limit":50}}"##, author(turn))),
        ),
        class(
            "popular #p with kinds, 50",
            300.0,
            each(&|turn| {
                format!(
                    r##"{{"#p":["{}"],"kinds":[1,6,7,9735],"limit":50}}"##,
                    author(turn)
                )
            }),
        ),
        class(
            "100 #e values",
            1_000.0,
            ids(100)
                .iter()
                .map(|ids| format!(r##"{{"#e":{ids:?},"limit":100}}"##))
                .collect(),
        ),
        class(
            "100 #e values, kind 7",
            1_000.0,
            ids(100)
                .iter()
                .map(|ids| format!(r##"{{"#e":{ids:?},"kinds":[7],"limit":100}}"##))
                .collect(),
        ),
        class(
            "author and popular #t, 50",
            300.0,
            each(&|turn| {
                format!(
                    r##"{{"authors":["{}"],"#t":["topic0"],"limit":50}}"##,
                    author(turn * 7)
                )
            }),
        ),
    ]
}

/// Ids of notes from all over the time line.
fn sample_notes() -> Vec<String> {
    let mut notes = Vec::new();
    for day in 0..700 {
        let filter = Filter {
            kinds: Some(vec![Kind(1)]),
            until: Some(1_690_100_000 + day * 86_400),
            limit: Some(10),
            ..Filter::default()
        };
        notes.extend(ask(&filter).iter().map(|event| event.id().to_hex()));
    }
    notes
}

fn open() -> LmdbEvents {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/bench-events-1");
    let is_complete = path.join("complete").exists();
    if !is_complete {
        let _ = std::fs::remove_dir_all(&path);
    }
    let store = LmdbEvents::open(LmdbOptions::at(&path)).expect("target/ can be written");
    if !is_complete {
        RUNTIME.block_on(fill(&store));
        std::fs::write(path.join("complete"), "").expect("target/ can be written");
    }
    store
}

/// Builds the archive, telling what that costs.
async fn fill(store: &LmdbEvents) {
    let mut network = Network::new();
    let events: Vec<Event> = (0..EVENTS).map(|number| network.event(number)).collect();
    let batches: Vec<EventBatch> = events.chunks(BATCH).map(new_batch).collect();
    write_all(store, batches, "store a new event").await;
    let statistics = store
        .event_statistics()
        .await
        .expect("counters can be read");
    let before = statistics.size_bytes;
    println!("{:<34} {:>10}", "bytes per event", before / EVENTS as u64);
    let keys: Vec<EventKey> = events.iter().map(EventKey::of).collect();
    let start = CpuTime::now();
    for keys in keys.chunks(BATCH) {
        store.known(keys.to_vec()).await.expect("lookups succeed");
    }
    println!(
        "{:<34} {:>10.2}",
        "look up a known event, CPU µs",
        start.elapsed_us() / EVENTS as f64
    );
    for relay in 2..2 + REPEATS {
        let sighted = |keys: &[EventKey]| EventBatch {
            events: Vec::new(),
            sightings: keys.iter().map(|key| (*key, sighting(relay))).collect(),
            now: NOW,
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
    };
    EventBatch {
        events: events.iter().map(new).collect(),
        sightings: Vec::new(),
        now: NOW,
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
