//! Events in PostgreSQL.
//!
//! A write is one call of `event_write`, the function that also serves whoever writes through SQL. Readers
//! get statements that are assembled from filters (`conditions`), walk from the newest window of time to
//! the oldest (`windows`), and check every row with the predicates that all engines share.
//! `sql/postgres/EVENTS.md` tells about tables, functions and plans.

mod arrivals;
mod batch;
mod conditions;
mod keys;
mod partitions;
mod provenance;
mod query;
mod row;
mod scan;
mod selection;
mod session;
mod sets;
mod setting;
mod statistics;
mod windows;
mod write;

use async_trait::async_trait;
use nips::nip45::SketchOffset;
use nips::{EventId, Filter};

use self::batch::PreparedBatch;
pub(super) use self::keys::PostgresKeys;
use super::PostgresStore;
use crate::model::Sighting;
use crate::store::events::{
    ArrivalBatch, BatchNumber, EventBatch, EventKey, EventStatistics, Page, QueryBounds,
    ScanCursor, ScanOrder, ScanPage, Scope, WriteReport,
};
use crate::store::rules::Rules;
use crate::store::sets::{AuthorCount, KeySet, SetBounds};
use crate::store::{EventStore, StoreError};

/// How this store reads events.
pub(super) type PostgresRules = Rules<PostgresKeys>;

impl PostgresStore {
    /// What events need before the first of them comes.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub(super) async fn prepare_events(&self) -> Result<(), StoreError> {
        if self.may_write().await? {
            self.note_setting().await?;
            self.extend_partitions().await?;
        }
        Ok(())
    }
}

#[async_trait]
impl EventStore for PostgresStore {
    async fn known(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError> {
        self.event_known(&keys).await
    }

    async fn brought_by_author(&self, keys: Vec<EventKey>) -> Result<Vec<bool>, StoreError> {
        self.event_brought_by_author(&keys).await
    }

    async fn write(&self, batch: EventBatch) -> Result<WriteReport, StoreError> {
        let rules = self.rules.clone();
        let prepare = move || PreparedBatch::new(&rules, &batch);
        let prepared = tokio::task::spawn_blocking(prepare).await;
        self.write_prepared(&prepared.map_err(|_| StoreError::Closed)?)
            .await
    }

    async fn query(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: QueryBounds,
    ) -> Result<Page, StoreError> {
        self.query_events(&filters, &scope, bounds).await
    }

    async fn count(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<(u64, bool), StoreError> {
        self.count_events(&filters, &scope, bounds).await
    }

    async fn count_authors(
        &self,
        filter: Filter,
        scope: Scope,
        offset: SketchOffset,
        bounds: SetBounds,
    ) -> Result<AuthorCount, StoreError> {
        self.count_event_authors(&filter, &scope, offset, bounds)
            .await
    }

    async fn keys(
        &self,
        filter: Filter,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<KeySet, StoreError> {
        self.event_keys(&filter, &scope, bounds).await
    }

    async fn scan(
        &self,
        filter: Filter,
        scope: Scope,
        order: ScanOrder,
        after: Option<ScanCursor>,
        max_visited: usize,
    ) -> Result<ScanPage, StoreError> {
        let scan = scan::Scan {
            filter: &filter,
            scope: &scope,
            order,
            after,
            max_visited,
        };
        self.scan_events(&scan).await
    }

    async fn sightings(&self, id: EventId) -> Result<Vec<Sighting>, StoreError> {
        self.event_sightings(id).await
    }

    async fn arrivals_after(
        &self,
        batch: BatchNumber,
        max_events: usize,
    ) -> Result<Vec<ArrivalBatch>, StoreError> {
        self.logged_arrivals(batch, max_events).await
    }

    async fn arrival_bounds(&self) -> Result<(BatchNumber, BatchNumber), StoreError> {
        self.logged_bounds().await
    }

    async fn trim_arrivals(&self, batch: BatchNumber, before: u64) -> Result<u64, StoreError> {
        self.trim_logged(batch, before).await
    }

    async fn sweep_expired(&self, now: u64, limit: usize) -> Result<u64, StoreError> {
        self.sweep(now, limit).await
    }

    async fn event_statistics(&self) -> Result<EventStatistics, StoreError> {
        self.counted_events().await
    }
}
