//! CPU of the server a row, and bytes a row, kept whole and in lightweight mode.

use std::time::Instant;

use bigbrotr::store::EventStore;
use bigbrotr::store::events::EventKey;
use bigbrotr::store::postgres::PostgresStore;
use nips::{Event, Kind};

use super::batches::{arriving, sighted};
use super::data::Network;
use super::server::Server;

/// Events in the data set, and in one write.
const STORED: usize = 555_000;
const BATCH: usize = 1_000;

/// Relays on which each event is seen again, and the share of known events in the steady state.
const REPEATS: u32 = 4;
const KNOWN_OF_BATCH: usize = 800;

/// Batches of the steady state.
const ROUNDS: usize = 100;

/// What lightweight mode keeps whole by default.
const WHOLE_KINDS: [u16; 4] = [0, 10_002, 10_166, 30_166];

/// Measures, and prints.
pub(crate) async fn measure(server: &Server) {
    let mut network = Network::new(STORED);
    let events: Vec<Event> = (0..STORED).map(|number| network.event(number)).collect();
    println!("{:<44} {:>12} {:>10}", "", "server us/row", "rows/s");
    whole(server, &mut network, &events).await;
    lightweight(server, &events).await;
}

async fn whole(server: &Server, network: &mut Network, events: &[Event]) {
    server.make_database().await;
    let store = server.store(None).await;
    let mut cost = Cost::begin(server);
    write_new(&store, events).await;
    cost.report("new events, seen on one relay", events.len());
    for relay in 2..2 + REPEATS {
        see(&store, events, relay).await;
    }
    let sightings = events.len() * REPEATS as usize;
    cost.report("known events, seen on another relay", sightings);
    let some = &events[..50 * BATCH];
    see(&store, some, 2).await;
    cost.report("known events, seen there before", some.len());
    server.report_sizes("as it grew").await;
    // Otherwise the server does it by itself, in the middle of whatever is measured next.
    cost.restart();
    server.tidy().await;
    cost.report("vacuum and statistics, a sighting", sightings);
    write_steadily(&store, network, events).await;
    cost.report("steady state, four of five known", ROUNDS * BATCH);
    let keys: Vec<EventKey> = events.iter().map(EventKey::of).collect();
    cost.restart();
    for chunk in keys.chunks(BATCH) {
        store.known(chunk.to_vec()).await.expect("reads succeed");
    }
    cost.report("asking which are known", events.len());
    store.close().await;
    server.repack().await;
    server.report_sizes("packed").await;
}

/// The same events in lightweight mode.
async fn lightweight(server: &Server, events: &[Event]) {
    server.make_database().await;
    let store = server.store(Some(WHOLE_KINDS.map(Kind).to_vec())).await;
    let mut cost = Cost::begin(server);
    write_new(&store, events).await;
    cost.report("new events in lightweight mode", events.len());
    store.close().await;
    server.repack().await;
    server.report_sizes("lightweight, packed").await;
}

async fn write_new(store: &PostgresStore, events: &[Event]) {
    for chunk in events.chunks(BATCH) {
        let written = store.write(arriving(chunk, 1)).await;
        written.expect("writes succeed");
    }
}

async fn see(store: &PostgresStore, events: &[Event], relay: u32) {
    for chunk in events.chunks(BATCH) {
        let written = store.write(sighted(chunk, relay)).await;
        written.expect("writes succeed");
    }
}

async fn write_steadily(store: &PostgresStore, network: &mut Network, events: &[Event]) {
    for round in 0..ROUNDS {
        let new: Vec<Event> = (0..BATCH - KNOWN_OF_BATCH)
            .map(|number| network.event(STORED + round * BATCH + number))
            .collect();
        let mut batch = arriving(&new, 1);
        let from = round * KNOWN_OF_BATCH;
        batch.sightings = sighted(&events[from..from + KNOWN_OF_BATCH], 99).sightings;
        store.write(batch).await.expect("writes succeed");
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
