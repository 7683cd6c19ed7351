//! The event archive on LMDB.
//!
//! Everything is keyed by [`EventKey::eid`](crate::store::events::EventKey::eid), whose order is
//! NIP-01's. One thread writes (`writer`), in transactions that take facts in first and then compute
//! what readers may see (`transaction`, `standing`). Bulk is indexed later than it is stored
//! (`backlog`, `indexing`). Readers merge index runs (`view`, `plan`, `run`, `query`).
//! `src/store/README.md` says how.

mod admission;
mod arrivals;
mod arriving;
mod backlog;
mod backup;
mod changes;
mod counters;
mod deferral;
mod engine;
mod fault;
mod figures;
mod index;
mod indexing;
mod key_filter;
mod keys;
mod lately_found;
mod left_over;
mod matcher;
mod open;
mod pace;
mod page_budget;
mod plan;
mod provenance;
mod query;
mod record;
mod removal;
mod row_set;
mod rules;
mod run;
mod scan;
mod sets;
mod sightings;
mod standing;
mod statistics;
mod tables;
mod transaction;
mod unchanged;
mod versions;
mod view;
mod warmth;
mod writer;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use nips::nip45::SketchOffset;
use nips::{EventId, Filter};
use tokio::sync::Semaphore;

use self::arriving::PreparedBatch;
pub(in crate::store) use self::counters::{UNKNOWN_NETWORK, network_code};
pub use self::deferral::Deferral;
use self::engine::Engine;
use self::fault::Fault;
pub use self::open::LmdbOptions;
use self::pace::Length;
use self::scan::Scan;
use self::view::View;
use self::warmth::Warmth;
use self::writer::{Job, Writer};
use crate::background::Background;
use crate::model::Sighting;
use crate::store::events::{
    ArrivalBatch, BatchNumber, EventBatch, EventKey, EventStatistics, Page, QueryBounds,
    ScanCursor, ScanOrder, ScanPage, Scope, WriteReport,
};
use crate::store::sets::{AuthorCount, KeySet, SetBounds};
use crate::store::{EventStore, StoreError};

/// The event archive in one directory.
///
/// Dropping it waits until what was handed to the writer is on disk.
pub struct LmdbEvents {
    // The writer goes first: it holds on to the environment until it is done.
    writer: Writer,
    engine: Arc<Engine>,
    /// Readers at a time; each holds a slot of LMDB's table and a blocking thread.
    readers: Arc<Semaphore>,
    /// Threads of readers that will take long.
    long_reads: Background,
    warmth: Warmth,
}

impl LmdbEvents {
    /// Runs a reader on a thread that may wait for the disk, and one that takes long on a thread that gives way. One that
    /// is done before another thread has even heard of it runs at once.
    async fn read_for<T: Send + 'static>(
        &self,
        length: Length,
        operation: &'static str,
        reader: impl FnOnce(&Engine, View<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = self.readers.clone().acquire_owned().await;
        let permit = permit.map_err(|_| StoreError::Closed)?;
        if length == Length::LookUp && self.warmth.is_warm() {
            let began_at = Instant::now();
            let result = self.engine.read(reader);
            self.warmth.took(began_at.elapsed());
            return result.map_err(|fault| fault.during(operation));
        }
        let engine = Arc::clone(&self.engine);
        let read = move || {
            let _permit = permit;
            engine.read(reader)
        };
        let result = match length {
            Length::LookUp | Length::Short => tokio::task::spawn_blocking(read).await.ok(),
            Length::Long => self.long_reads.run(read).await,
        };
        let result = result.unwrap_or(Err(Fault::Interrupted));
        result.map_err(|fault| fault.during(operation))
    }

    /// Runs a reader that is done soon, as far as one can tell.
    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        reader: impl FnOnce(&Engine, View<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read_for(Length::Short, operation, reader).await
    }
}

#[async_trait]
impl EventStore for LmdbEvents {
    async fn known(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError> {
        let read = move |engine: &Engine, view: View<'_>| {
            provenance::known(view, &engine.lately_found, &keys)
        };
        self.read("known", read).await
    }

    async fn brought_by_author(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError> {
        let read = move |_: &Engine, view: View<'_>| provenance::brought_by_author(view, &keys);
        self.read("brought_by_author", read).await
    }

    async fn write(&self, batch: EventBatch) -> Result<WriteReport, StoreError> {
        let engine = Arc::clone(&self.engine);
        let prepare = move || PreparedBatch::new(&engine.rules, batch);
        let prepared = tokio::task::spawn_blocking(prepare).await;
        let prepared = prepared.map_err(|_| StoreError::Closed)?;
        self.writer.ask(|answer| Job::Write(prepared, answer)).await
    }

    async fn query(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: QueryBounds,
    ) -> Result<Page, StoreError> {
        let length = Length::of(&filters, &scope, bounds);
        let read = move |engine: &Engine, view: View<'_>| {
            query::query(engine, view, &filters, &scope, bounds, length)
        };
        self.read_for(length, "query", read).await
    }

    async fn count(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<(u64, bool), StoreError> {
        let read = move |engine: &Engine, view: View<'_>| {
            sets::count(engine, view, &filters, &scope, bounds)
        };
        self.read("count", read).await
    }

    async fn count_authors(
        &self,
        filter: Filter,
        scope: Scope,
        offset: SketchOffset,
        bounds: SetBounds,
    ) -> Result<AuthorCount, StoreError> {
        let read = move |engine: &Engine, view: View<'_>| {
            sets::count_authors(engine, view, &filter, &scope, offset, bounds)
        };
        self.read("count_authors", read).await
    }

    async fn keys(
        &self,
        filter: Filter,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<KeySet, StoreError> {
        let read = move |engine: &Engine, view: View<'_>| {
            sets::keys(engine, view, &filter, &scope, bounds)
        };
        self.read_for(Length::Long, "keys", read).await
    }

    async fn scan(
        &self,
        filter: Filter,
        scope: Scope,
        order: ScanOrder,
        after: Option<ScanCursor>,
        max_visited: usize,
    ) -> Result<ScanPage, StoreError> {
        let read = move |_: &Engine, view: View<'_>| {
            let scan = Scan {
                filter: &filter,
                scope: &scope,
                order,
                after,
                max_visited,
            };
            scan::scan(view, &scan)
        };
        self.read("scan", read).await
    }

    async fn sightings(&self, id: EventId) -> Result<Vec<Sighting>, StoreError> {
        let read = move |_: &Engine, view: View<'_>| provenance::sightings_of(view, &id);
        self.read("sightings", read).await
    }

    async fn arrivals_after(
        &self,
        batch: BatchNumber,
        max_events: usize,
    ) -> Result<Vec<ArrivalBatch>, StoreError> {
        let read = move |_: &Engine, view: View<'_>| arrivals::after(view, batch, max_events);
        self.read("arrivals_after", read).await
    }

    async fn arrival_bounds(&self) -> Result<(BatchNumber, BatchNumber), StoreError> {
        let read = |_: &Engine, view: View<'_>| arrivals::bounds(view.tables, view.txn);
        self.read("arrival_bounds", read).await
    }

    async fn trim_arrivals(&self, batch: BatchNumber, before: u64) -> Result<u64, StoreError> {
        let job = |answer| Job::TrimArrivals(batch, before, answer);
        self.writer.ask(job).await
    }

    async fn sweep_expired(&self, now: u64, limit: usize) -> Result<u64, StoreError> {
        let job = |answer| Job::SweepExpired(now, limit, answer);
        self.writer.ask(job).await
    }

    async fn event_statistics(&self) -> Result<EventStatistics, StoreError> {
        self.read("event_statistics", statistics::statistics).await
    }
}
