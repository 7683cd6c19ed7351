//! Where the events of a round are taken, and what that takes.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::vec::IntoIter;

use bigbrotr::archive::{Admission, Archive, ArchiveSettings, Door};
use bigbrotr::clock::{Clock, SystemClock};
use bigbrotr::model::RelayId;
use bigbrotr::store::events::BatchNumber;
use bigbrotr::store::{Embedded, EmbeddedOptions, EventStore as _};
use nips::Event;
use tokio::task::JoinSet;

use super::cpu::CpuTime;
use super::others::Others;
use super::signatures::check_signatures;

/// Events of a page and tasks that bring pages: what a synchronizer with its default settings does
/// when many relays have much to say.
const PAGE_EVENTS: usize = 500;
const TASKS: usize = 50;
/// Longer than the bench takes: what waits to be indexed is not indexed while another station is measured, where it would
/// count for nothing.
const IDLE: Duration = Duration::from_secs(3_600);

/// What one station took for the events of one round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) events: usize,
    pub(crate) seconds: f64,
    /// CPU time of all threads.
    pub(crate) cpu_us: f64,
    /// CPU time of the thread that writes to the store.
    pub(crate) writer_us: f64,
    /// What was written to files.
    pub(crate) written_bytes: u64,
    /// Cores that other processes left.
    pub(crate) cores_left: f64,
}

/// The costs of one round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Round {
    /// Signatures alone.
    pub(crate) signatures: Cost,
    /// New events, from text to disk.
    pub(crate) new: Cost,
    /// The same events from another relay, when the door has forgotten them and asks the store.
    pub(crate) known: Cost,
    /// The same events from a third relay, when the door remembers them.
    pub(crate) remembered: Cost,
}

/// What comes after the new events of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Another round.
    GoOn,
    /// Nothing: what waits is indexed.
    Index,
}

/// The store with two doors to it.
pub(crate) struct Stations {
    store: Arc<Embedded>,
    door: Archive,
}

impl Stations {
    pub(crate) async fn open(directory: &Path) -> Self {
        let mut options = EmbeddedOptions::default();
        options.deferral.idle = IDLE;
        let store = Embedded::open(directory, options).await;
        let store = Arc::new(store.expect("an empty directory becomes a store"));
        let door = door(&store);
        Self { store, door }
    }

    pub(crate) async fn round(&mut self, events: &[Event], end: End) -> Round {
        let texts = || events.iter().map(|event| event.to_json().into()).collect();
        // A new door knows nothing of what the last one admitted, like a process that has just started.
        let forgetful = door(&self.store);
        Round {
            signatures: measure(events.len(), check_signatures(events.to_vec())).await,
            new: measure(events.len(), self.archive_new(texts(), end)).await,
            known: measure(events.len(), admit(&forgetful, texts(), 2)).await,
            remembered: measure(events.len(), admit(&self.door, texts(), 3)).await,
        }
    }

    /// Stores events. At the end, all that was stored so far is indexed, which a store may do later.
    async fn archive_new(&self, texts: Vec<Box<str>>, end: End) {
        admit(&self.door, texts, 1).await;
        if end == End::GoOn {
            return;
        }
        let nothing = (BatchNumber(0), 0);
        let trimmed = self.store.trim_arrivals(nothing.0, nothing.1).await;
        assert_eq!(trimmed.expect("the store answers"), 0);
    }

    /// Closes the store. Returns how many relays each event was seen on.
    pub(crate) async fn close(self) -> u64 {
        let statistics = self.store.event_statistics().await;
        let statistics = statistics.expect("counters can be read");
        self.store.close().await;
        statistics.sightings / statistics.events
    }
}

fn door(store: &Arc<Embedded>) -> Archive {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Archive::new(store.clone(), clock, ArchiveSettings::default())
}

async fn measure(events: usize, work: impl Future<Output = ()>) -> Cost {
    let (cpu, clock, written) = (CpuTime::now(), Instant::now(), written_bytes());
    let others = Others::now();
    work.await;
    let cpu_us = cpu.elapsed_us();
    Cost {
        events,
        seconds: clock.elapsed().as_secs_f64(),
        cpu_us,
        cores_left: others.cores_left(cpu_us),
        writer_us: cpu.elapsed_in("event-writer"),
        written_bytes: written_bytes() - written,
    }
}

/// Bytes that this process has handed to `write` and its kin.
fn written_bytes() -> u64 {
    let counters = std::fs::read_to_string("/proc/self/io").expect("this is Linux");
    let written = counters
        .lines()
        .find_map(|line| line.strip_prefix("wchar: "));
    written
        .and_then(|count| count.parse().ok())
        .expect("it is counted")
}

/// Brings the events in pages to the door, from several tasks at once.
async fn admit(door: &Archive, texts: Vec<Box<str>>, relay: u32) {
    let events = texts.len();
    let pages = Arc::new(Mutex::new(texts.into_iter()));
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        tasks.spawn(admit_pages(door.clone(), Arc::clone(&pages), relay));
    }
    let admitted: usize = tasks.join_all().await.into_iter().sum();
    assert_eq!(admitted, events);
}

/// Returns how many events met the fate that they should.
async fn admit_pages(door: Archive, pages: Arc<Mutex<IntoIter<Box<str>>>>, relay: u32) -> usize {
    let next = || -> Vec<Box<str>> {
        let mut pages = pages.lock().expect("nobody panics");
        pages.by_ref().take(PAGE_EVENTS).collect()
    };
    let is_expected = |admission: &Admission| match admission {
        Admission::Stored(_) => relay == 1,
        Admission::Known { new_sighting } => relay > 1 && *new_sighting,
        Admission::Delivered | Admission::Refused(_) => false,
    };
    let mut admitted = 0;
    loop {
        let page = next();
        if page.is_empty() {
            return admitted;
        }
        let admissions = door.admit(page, Door::Crawl(RelayId(relay))).await;
        let admissions = admissions.expect("the store answers");
        admitted += admissions.iter().filter(|one| is_expected(one)).count();
    }
}
