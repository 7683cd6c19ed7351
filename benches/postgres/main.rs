//! What events cost in PostgreSQL: bytes on disk, and CPU of the server a row.
//!
//! `make test-servers`, then `cargo bench --bench postgres`. The server's CPU is that of all its processes, so it does
//! not depend on how this program was built, and little on how busy the machine is.

#[path = "../query/data.rs"]
mod data;
mod server;

use std::time::Instant;

use bigbrotr::model::{RelayId, Sighting};
use bigbrotr::store::EventStore;
use bigbrotr::store::events::{EventBatch, EventKey, IfDeleted, NewEvent};
use nips::Event;

use self::data::Network;
use self::server::Server;

/// Events in the data set, and in one write.
const STORED: usize = 200_000;
const BATCH: usize = 1_000;

/// Relays on which each event is seen again, and the share of known events in the steady state.
const REPEATS: u32 = 4;
const KNOWN_OF_BATCH: usize = 800;

const NOW: u64 = 1_900_000_000;

#[tokio::main]
async fn main() {
    let server = Server::connect().await;
    let store = server.store().await;
    let mut network = Network::new(STORED);
    let events: Vec<Event> = (0..STORED).map(|number| network.event(number)).collect();

    println!("{:<44} {:>12} {:>10}", "", "server us/row", "rows/s");
    let mut cost = Cost::begin(&server);
    for chunk in events.chunks(BATCH) {
        store
            .write(arriving(chunk, 1))
            .await
            .expect("writes succeed");
    }
    cost.report("new events, seen on one relay", events.len());
    for relay in 2..2 + REPEATS {
        for chunk in events.chunks(BATCH) {
            store
                .write(sighted(chunk, relay))
                .await
                .expect("writes succeed");
        }
    }
    cost.report(
        "known events, seen on another relay",
        events.len() * REPEATS as usize,
    );
    for chunk in events.chunks(BATCH).take(50) {
        store
            .write(sighted(chunk, 2))
            .await
            .expect("writes succeed");
    }
    cost.report("known events, seen there before", 50 * BATCH);
    server.report_sizes("as it grew").await;
    let rounds = 100;
    for round in 0..rounds {
        let new: Vec<Event> = (0..BATCH - KNOWN_OF_BATCH)
            .map(|number| network.event(STORED + round * BATCH + number))
            .collect();
        let mut batch = arriving(&new, 1);
        let from = round * KNOWN_OF_BATCH;
        batch.sightings = sighted(&events[from..from + KNOWN_OF_BATCH], 99).sightings;
        store.write(batch).await.expect("writes succeed");
    }
    cost.report("steady state, four of five known", rounds * BATCH);
    let keys: Vec<EventKey> = events.iter().map(EventKey::of).collect();
    cost.restart();
    for chunk in keys.chunks(BATCH) {
        store.known(chunk.to_vec()).await.expect("reads succeed");
    }
    cost.report("asking which are known", events.len());
    server.repack().await;
    server.report_sizes("packed").await;
    store.close().await;
    if false {
        server.drop_database().await;
    }
}

fn sighting(relay: u32) -> Sighting {
    Sighting {
        relay: RelayId(relay),
        seen_at: NOW,
    }
}

fn arriving(events: &[Event], relay: u32) -> EventBatch {
    let new = |event: &Event| NewEvent {
        event: event.clone(),
        sighting: Some(sighting(relay)),
        if_deleted: IfDeleted::Keep,
    };
    EventBatch {
        events: events.iter().map(new).collect(),
        sightings: Vec::new(),
        now: NOW,
    }
}

fn sighted(events: &[Event], relay: u32) -> EventBatch {
    let seen = |event: &Event| (EventKey::of(event), sighting(relay));
    EventBatch {
        events: Vec::new(),
        sightings: events.iter().map(seen).collect(),
        now: NOW,
    }
}

/// Time and the server's CPU since the last report.
struct Cost<'s> {
    server: &'s Server,
    started: Instant,
    cpu: f64,
}

impl<'s> Cost<'s> {
    fn begin(server: &'s Server) -> Self {
        Self {
            server,
            started: Instant::now(),
            cpu: server.cpu_us(),
        }
    }

    fn restart(&mut self) {
        *self = Self::begin(self.server);
    }

    fn report(&mut self, what: &str, rows: usize) {
        let cpu = self.server.cpu_us() - self.cpu;
        let rate = rows as f64 / self.started.elapsed().as_secs_f64();
        println!("{what:<44} {:>12.1} {rate:>10.0}", cpu / rows as f64);
        self.restart();
    }
}
