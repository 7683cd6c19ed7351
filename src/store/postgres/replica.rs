//! A streaming replica of the database, from which a relay's index reads what it lacks.

use std::time::Duration;

use async_trait::async_trait;
use nips::Filter;
use sqlx::Row;

use super::connection::{Pool, statement};
use super::error::{during, opening};
use super::{PostgresKeys, PostgresOptions, PostgresRules, PostgresStore};
use crate::store::events::{ArrivalBatch, BatchNumber, ScanCursor, ScanOrder, ScanPage, Scope};
use crate::store::rows::count;
use crate::store::serving::Replica;
use crate::store::{EventStore, StoreError};

const REPLICA_STANDING: &str = include_str!("../../../sql/postgres/queries/replica_standing.sql");

/// How long a replica may take to let us in: there is a primary that answers instead.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// An index reads one thing after the other.
const CONNECTIONS: u32 = 1;

/// A streaming replica of a database.
#[derive(Debug)]
pub struct PostgresReplica {
    store: PostgresStore,
    archive_id: String,
}

impl PostgresReplica {
    /// The replica at [`PostgresOptions::url`] of the database that [`PostgresStore::archive_id`] names. It is connected to
    /// when it is first asked, so that one which is away keeps nobody from starting.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the URL cannot be read.
    pub fn of(archive_id: String, options: PostgresOptions) -> Result<Self, StoreError> {
        let options = PostgresOptions {
            max_connections: CONNECTIONS,
            acquire_timeout: ACQUIRE_TIMEOUT,
            ..options
        };
        let pool = Pool::lazy(&options).map_err(|error| opening(&options.url, error))?;
        let store = PostgresStore {
            direct: pool.connections(),
            pool,
            is_direct_known: false,
            metrics: options.metrics,
            rules: PostgresRules::new(PostgresKeys, options.whole_kinds, options.own_relay_urls),
        };
        Ok(Self { store, archive_id })
    }
}

#[async_trait]
impl Replica for PostgresReplica {
    async fn newest_batch(&self) -> Result<BatchNumber, StoreError> {
        const OPERATION: &str = "replica_standing";
        let failed = during(OPERATION);
        let call = self.store.call(OPERATION);
        let row = call.fetch_optional(statement(REPLICA_STANDING)).await?;
        let row = row.ok_or(sqlx::Error::RowNotFound).map_err(failed)?;
        let refused = |why: &str| StoreError::Failed {
            operation: OPERATION,
            source: why.into(),
        };
        if row.try_get::<String, _>("archive").map_err(failed)? != self.archive_id {
            return Err(refused("it is another database, no replica of this one"));
        }
        // One that was promoted has the same name, and goes its own way.
        if !row.try_get::<bool, _>("is_replica").map_err(failed)? {
            return Err(refused("it is no replica, or not any more"));
        }
        Ok(BatchNumber(count(&row, "newest")?))
    }

    async fn scan(
        &self,
        after: Option<ScanCursor>,
        max_visited: usize,
    ) -> Result<ScanPage, StoreError> {
        let (all, order) = (Filter::default(), ScanOrder::OldestFirst);
        let store: &dyn EventStore = &self.store;
        store
            .scan(all, Scope::Stored, order, after, max_visited)
            .await
    }

    async fn arrivals_after(
        &self,
        batch: BatchNumber,
        max_events: usize,
    ) -> Result<Vec<ArrivalBatch>, StoreError> {
        EventStore::arrivals_after(&self.store, batch, max_events).await
    }
}
