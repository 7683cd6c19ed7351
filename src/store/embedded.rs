//! The embedded assembly: events in LMDB, everything else in SQLite, both under one data directory
//! that one process holds.
//!
//! ```text
//! data/bigbrotr.lock      held while a process has the directory open
//! data/events/            LMDB: events, their indexes, provenance, the log of arrivals
//! data/bigbrotr.sqlite    SQLite: relays, candidates, documents, coverage, state, statistics
//! ```

mod backup;
mod figures;

use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use nips::nip45::SketchOffset;
use nips::{EventId, Filter, Kind, RelayUrl};

use crate::model::Sighting;
use crate::store::data_dir::DataDir;
use crate::store::events::{
    ArrivalBatch, BatchNumber, EventBatch, EventKey, EventStatistics, Page, QueryBounds,
    ScanCursor, ScanOrder, ScanPage, Scope, WriteReport,
};
use crate::store::lmdb::{Deferral, LmdbEvents, LmdbOptions};
use crate::store::sets::{AuthorCount, KeySet, SetBounds};
use crate::store::sqlite::{SqliteBacked, SqliteOptions, SqliteStore};
use crate::store::{EventStore, StoreError};

const EVENTS: &str = "events";
const RELATIONAL: &str = "bigbrotr.sqlite";

/// What can be chosen about the embedded store.
#[derive(Debug, Clone, Default)]
pub struct EmbeddedOptions {
    /// Kinds to keep whole; `None` keeps everything (see [`LmdbOptions::whole_kinds`]).
    pub whole_kinds: Option<Vec<Kind>>,
    /// URLs of the relay in front of the archive (see [`LmdbOptions::own_relay_urls`]).
    pub own_relay_urls: Vec<RelayUrl>,
    /// When events are indexed.
    pub deferral: Deferral,
    /// The relational side.
    pub relational: SqliteOptions,
}

/// LMDB and SQLite as one [`crate::store::Store`].
pub struct Embedded {
    events: LmdbEvents,
    relational: SqliteStore,
    // Declared last: both engines are closed before another process may take the directory.
    directory: DataDir,
}

impl Embedded {
    /// Opens the store in a directory, creating what is missing.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has the directory open, [`StoreError::Open`] when
    /// one of the engines cannot be opened.
    pub async fn open(directory: &Path, options: EmbeddedOptions) -> Result<Self, StoreError> {
        let directory = DataDir::take(directory)?;
        let events = LmdbEvents::open(LmdbOptions {
            whole_kinds: options.whole_kinds,
            own_relay_urls: options.own_relay_urls,
            deferral: options.deferral,
            ..LmdbOptions::at(directory.join(EVENTS))
        })?;
        let relational = SqliteStore::open(&directory.join(RELATIONAL), options.relational).await?;
        Ok(Self {
            events,
            relational,
            directory,
        })
    }

    /// Waits for running calls and closes the relational side; the events are closed on drop. A store
    /// that is dropped without this loses nothing, but leaves a write-ahead log to be read again.
    /// Later calls about anything but events fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        self.relational.close().await;
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

impl SqliteBacked for Embedded {
    fn sqlite(&self) -> &SqliteStore {
        &self.relational
    }
}

#[async_trait]
impl EventStore for Embedded {
    async fn known(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError> {
        self.events.known(keys).await
    }

    async fn brought_by_author(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError> {
        self.events.brought_by_author(keys).await
    }

    async fn write(&self, batch: EventBatch) -> Result<WriteReport, StoreError> {
        self.events.write(batch).await
    }

    async fn query(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: QueryBounds,
    ) -> Result<Page, StoreError> {
        self.events.query(filters, scope, bounds).await
    }

    async fn count(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<(u64, bool), StoreError> {
        self.events.count(filters, scope, bounds).await
    }

    async fn count_authors(
        &self,
        filter: Filter,
        scope: Scope,
        offset: SketchOffset,
        bounds: SetBounds,
    ) -> Result<AuthorCount, StoreError> {
        let store = &self.events;
        store.count_authors(filter, scope, offset, bounds).await
    }

    async fn keys(
        &self,
        filter: Filter,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<KeySet, StoreError> {
        self.events.keys(filter, scope, bounds).await
    }

    async fn scan(
        &self,
        filter: Filter,
        scope: Scope,
        order: ScanOrder,
        after: Option<ScanCursor>,
        max_visited: usize,
    ) -> Result<ScanPage, StoreError> {
        let events = &self.events;
        events.scan(filter, scope, order, after, max_visited).await
    }

    async fn sightings(&self, id: EventId) -> Result<Vec<Sighting>, StoreError> {
        self.events.sightings(id).await
    }

    async fn arrivals_after(
        &self,
        batch: BatchNumber,
        max_events: usize,
    ) -> Result<Vec<ArrivalBatch>, StoreError> {
        self.events.arrivals_after(batch, max_events).await
    }

    async fn arrival_bounds(&self) -> Result<(BatchNumber, BatchNumber), StoreError> {
        self.events.arrival_bounds().await
    }

    async fn trim_arrivals(&self, batch: BatchNumber, before: u64) -> Result<u64, StoreError> {
        self.events.trim_arrivals(batch, before).await
    }

    async fn sweep_expired(&self, now: u64, limit: usize) -> Result<u64, StoreError> {
        self.events.sweep_expired(now, limit).await
    }

    async fn event_statistics(&self) -> Result<EventStatistics, StoreError> {
        self.events.event_statistics().await
    }
}
