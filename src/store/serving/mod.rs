//! The relay's serving index: the LMDB event engine in front of an archive that lives elsewhere.
//!
//! It is fed from the archive, never the truth, and may be deleted at any time: `follower` loads
//! everything that is stored, then follows the log of arrivals from where the load began. Until it has
//! caught up, readers are answered by the archive itself; from then on by the index alone, also while
//! the archive's server is away.
//!
//! Readers see one line of batches, the archive's: an answer of the index says up to which of them it
//! reaches (`versions`), and the log ends, for readers, where the index ends. So whoever continues live
//! after an answer gets each event exactly once.
//!
//! ```text
//! serving/bigbrotr.lock   held while a process has the index open
//! serving/events/         LMDB
//! serving/position.json   which archive it was fed from, and how far
//! ```

mod follower;
mod position;
mod replica;
mod versions;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::{fmt, fs, io};

use async_trait::async_trait;
use nips::nip45::SketchOffset;
use nips::{EventId, Filter, RelayUrl};
use tokio::sync::{Mutex, RwLock};

use self::follower::Follower;
use self::position::PositionFile;
pub use self::replica::Replica;
use self::versions::Versions;
use super::data_dir::DataDir;
use super::lmdb::{LmdbEvents, LmdbOptions};
use super::{EventStore, StoreError};
use crate::clock::Clock;
use crate::model::Sighting;
use crate::store::events::{
    ArrivalBatch, BatchNumber, EventBatch, EventKey, EventStatistics, Page, QueryBounds,
    ScanCursor, ScanOrder, ScanPage, Scope, WriteReport,
};
use crate::store::sets::{AuthorCount, KeySet, SetBounds};

const EVENTS: &str = "events";
const POSITION: &str = "position.json";

/// Where a serving index is, and what it is of.
#[derive(Clone)]
pub struct ServingOptions {
    /// Its directory, created when missing. It has to be on a local file system.
    pub path: PathBuf,
    /// What tells the archive from every other. An index of another one is thrown away.
    pub archive_id: String,
    /// URLs of the relay (see [`LmdbOptions::own_relay_urls`]).
    pub own_relay_urls: Vec<RelayUrl>,
    /// A copy of the archive that is read instead of it while the index catches up.
    pub replica: Option<Arc<dyn Replica>>,
}

/// How far a serving index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServingProgress {
    /// Whether it answers readers; until then the archive does.
    pub is_serving: bool,
    /// Events loaded by the load that is under way or was the last.
    pub loaded: u64,
    /// Events there were to load, about.
    pub expected: u64,
    /// The newest batch of the archive that it holds.
    pub batch: BatchNumber,
}

/// An event store that reads from an index and writes to the archive behind it.
pub struct ServingIndex {
    archive: Arc<dyn EventStore>,
    index: LmdbEvents,
    clock: Arc<dyn Clock>,
    versions: Versions,
    /// Held for reading while the archive's log is read, so that it changes between two readings.
    phase: RwLock<Phase>,
    /// The newest batch of the archive's log that readers were shown before the index served.
    shown: AtomicU64,
    is_serving: AtomicBool,
    loaded: AtomicU64,
    expected: AtomicU64,
    follower: Mutex<Follower>,
    // Declared last: the index is closed before another process may take the directory.
    directory: DataDir,
}

/// Who answers readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The archive, while the index is behind what readers know.
    CatchingUp,
    /// The index.
    Serving,
}

impl ServingIndex {
    /// Opens the index of an archive, or begins a new one: when there is none, when it was fed from
    /// another archive, and when the archive is older than the index, as after a restored backup.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it open, [`StoreError::Open`] when its directory
    /// cannot be used, and what the archive answers when it cannot be asked.
    pub async fn open(
        archive: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
        options: ServingOptions,
    ) -> Result<Self, StoreError> {
        let directory = DataDir::take(&options.path)?;
        let failed = |error: io::Error| StoreError::Open {
            path: options.path.clone(),
            source: error.into(),
        };
        let file = PositionFile::new(directory.join(POSITION), options.archive_id);
        let bounds = archive.arrival_bounds().await?;
        let mut position = file.read();
        if position.is_none_or(|position| position.batch > bounds.0) {
            remove(directory.join(EVENTS)).map_err(failed)?;
            position = None;
        }
        let index = LmdbEvents::open(LmdbOptions {
            own_relay_urls: options.own_relay_urls,
            is_counted: false,
            ..LmdbOptions::at(directory.join(EVENTS))
        })?;
        let follower = Follower::begin(file, options.replica, position, bounds).await;
        let (index_newest, _) = index.arrival_bounds().await?;
        Ok(Self {
            archive,
            clock,
            versions: Versions::new(index_newest, follower.batch()),
            index,
            phase: RwLock::new(Phase::CatchingUp),
            shown: AtomicU64::new(0),
            is_serving: AtomicBool::new(false),
            loaded: AtomicU64::new(0),
            expected: AtomicU64::new(0),
            follower: Mutex::new(follower),
            directory,
        })
    }

    /// How far it is.
    pub fn progress(&self) -> ServingProgress {
        ServingProgress {
            is_serving: self.is_serving(),
            loaded: self.loaded.load(Ordering::Relaxed),
            expected: self.expected.load(Ordering::Relaxed),
            batch: self.versions.newest(),
        }
    }

    fn is_serving(&self) -> bool {
        self.is_serving.load(Ordering::Acquire)
    }

    /// Who answers one question.
    fn reader(&self) -> &dyn EventStore {
        if self.is_serving() {
            &self.index
        } else {
            &*self.archive
        }
    }

    /// Lets the index answer, unless readers were shown more than it holds.
    async fn try_to_serve(&self) -> bool {
        let mut phase = self.phase.write().await;
        let is_behind = self.versions.newest().0 < self.shown.load(Ordering::Acquire);
        if !is_behind {
            *phase = Phase::Serving;
            self.is_serving.store(true, Ordering::Release);
        }
        !is_behind
    }

    /// Lets the archive answer again.
    async fn stop_serving(&self) {
        let mut phase = self.phase.write().await;
        let newest = self.versions.newest().0;
        self.shown.fetch_max(newest, Ordering::AcqRel);
        *phase = Phase::CatchingUp;
        self.is_serving.store(false, Ordering::Release);
    }

    fn show(&self, batch: BatchNumber) {
        self.shown.fetch_max(batch.0, Ordering::AcqRel);
    }
}

fn remove(directory: PathBuf) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

impl fmt::Debug for ServingIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServingIndex")
            .field("directory", &self.directory)
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl EventStore for ServingIndex {
    async fn known(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError> {
        self.archive.known(keys).await
    }

    async fn brought_by_author(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError> {
        self.archive.brought_by_author(keys).await
    }

    /// Writes to the archive. The report names no batch: readers find the events in the log, as soon as
    /// the index has them.
    async fn write(&self, batch: EventBatch) -> Result<WriteReport, StoreError> {
        let report = self.archive.write(batch).await?;
        Ok(WriteReport {
            batch: None,
            ..report
        })
    }

    async fn query(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: QueryBounds,
    ) -> Result<Page, StoreError> {
        loop {
            if !self.is_serving() {
                return self.archive.query(filters, scope, bounds).await;
            }
            let page = self
                .index
                .query(filters.clone(), scope.clone(), bounds)
                .await?;
            if let Some(as_of) = self.versions.archive_batch(page.as_of).await {
                return Ok(Page { as_of, ..page });
            }
        }
    }

    async fn count(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<(u64, bool), StoreError> {
        self.reader().count(filters, scope, bounds).await
    }

    async fn count_authors(
        &self,
        filter: Filter,
        scope: Scope,
        offset: SketchOffset,
        bounds: SetBounds,
    ) -> Result<AuthorCount, StoreError> {
        let reader = self.reader();
        reader.count_authors(filter, scope, offset, bounds).await
    }

    async fn keys(
        &self,
        filter: Filter,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<KeySet, StoreError> {
        // The index holds what can be shown, and may be a little behind.
        let reader = match scope {
            Scope::Known => &*self.archive,
            Scope::Stored | Scope::Servable { .. } => self.reader(),
        };
        reader.keys(filter, scope, bounds).await
    }

    async fn scan(
        &self,
        filter: Filter,
        scope: Scope,
        order: ScanOrder,
        after: Option<ScanCursor>,
        max_visited: usize,
    ) -> Result<ScanPage, StoreError> {
        let reader = self.reader();
        reader.scan(filter, scope, order, after, max_visited).await
    }

    async fn sightings(&self, id: EventId) -> Result<Vec<Sighting>, StoreError> {
        self.archive.sightings(id).await
    }

    async fn arrivals_after(
        &self,
        batch: BatchNumber,
        max_events: usize,
    ) -> Result<Vec<ArrivalBatch>, StoreError> {
        let phase = self.phase.read().await;
        let mut batches = self.archive.arrivals_after(batch, max_events).await?;
        match *phase {
            Phase::CatchingUp => batches.iter().for_each(|batch| self.show(batch.number)),
            Phase::Serving => {
                let newest = self.versions.newest();
                batches.retain(|batch| batch.number <= newest);
            }
        }
        Ok(batches)
    }

    async fn arrival_bounds(&self) -> Result<(BatchNumber, BatchNumber), StoreError> {
        let phase = self.phase.read().await;
        let (newest, oldest) = self.archive.arrival_bounds().await?;
        Ok(match *phase {
            Phase::CatchingUp => {
                self.show(newest);
                (newest, oldest)
            }
            Phase::Serving => (newest.min(self.versions.newest()), oldest),
        })
    }

    async fn trim_arrivals(&self, batch: BatchNumber, before: u64) -> Result<u64, StoreError> {
        self.archive.trim_arrivals(batch, before).await
    }

    async fn sweep_expired(&self, now: u64, limit: usize) -> Result<u64, StoreError> {
        self.archive.sweep_expired(now, limit).await
    }

    async fn event_statistics(&self) -> Result<EventStatistics, StoreError> {
        self.archive.event_statistics().await
    }
}
