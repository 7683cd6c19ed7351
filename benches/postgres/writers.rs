//! Two, four and eight writers for a minute each over the same events, each in an order of its own: no deadlock, no
//! row lost, none counted twice.

use std::time::{Duration, Instant};

use bigbrotr::store::EventStore;
use bigbrotr::store::postgres::PostgresStore;
use futures_util::future::join_all;
use nips::Event;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use sqlx::{Executor, Row};

use super::batches::arriving;
use super::data::Network;
use super::server::Server;

const WRITERS: [u32; 3] = [2, 4, 8];
const TIME: Duration = Duration::from_secs(60);

/// Few enough that every writer meets each event several times.
const EVENTS: usize = 50_000;
const BATCH: usize = 500;

/// Measures, and prints.
pub(crate) async fn measure(server: &Server) {
    let mut network = Network::new(EVENTS);
    let events: Vec<Event> = (0..EVENTS).map(|number| network.event(number)).collect();
    println!(
        "\n{:<44} {:>12} {:>10}",
        "writers for a minute", "rows", "rows/s"
    );
    for writers in WRITERS {
        server.make_database().await;
        let started = Instant::now();
        let writing = (1..=writers).map(|writer| write(server, &events, writer));
        let written: Vec<usize> = join_all(writing).await;
        let seconds = started.elapsed().as_secs_f64();
        let rows: usize = written.iter().sum();
        check(server, *written.iter().max().expect("there are some"), rows).await;
        println!("{writers:<44} {rows:>12} {:>10.0}", rows as f64 / seconds);
    }
    println!("no deadlock, and exactly these sightings are stored");
}

/// Writes, like a process of its own, until time is over. Returns how many sightings it wrote, no two of them the
/// same: each round is of another relay.
async fn write(server: &Server, events: &[Event], writer: u32) -> usize {
    let store: PostgresStore = server.store(None).await;
    let mut shuffled = events.to_vec();
    let mut rng = StdRng::seed_from_u64(u64::from(writer));
    let started = Instant::now();
    let mut written = 0;
    for round in 0.. {
        shuffled.shuffle(&mut rng);
        for chunk in shuffled.chunks(BATCH) {
            if started.elapsed() > TIME {
                store.close().await;
                return written;
            }
            let batch = arriving(chunk, writer + 100 * round);
            store.write(batch).await.expect("writes succeed");
            written += chunk.len();
        }
    }
    written
}

/// Compares what is stored with what was written.
async fn check(server: &Server, by_the_fastest: usize, sightings: usize) {
    let mut connection = server.connect_to_database().await;
    let counted = "SELECT (SELECT count(*) FROM event_relay), (SELECT count(*) FROM event),
        (SELECT sightings FROM arrival_head), (SELECT sum(events)::bigint FROM event_count),
        (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database())";
    let row = connection.fetch_one(counted).await.expect("it is SQL");
    let number = |column: usize| row.get::<i64, _>(column) as usize;
    assert_eq!(number(0), sightings, "sightings");
    assert_eq!(number(2), sightings, "sightings that were counted");
    assert_eq!(number(1), number(3), "events that were counted");
    assert!((by_the_fastest.min(EVENTS)..=EVENTS).contains(&number(1)));
    assert_eq!(number(4), 0, "deadlocks");
}
