//! Leases in PostgreSQL: rows, because behind a pooler no lock outlives its transaction.

use std::time::Duration;

use async_trait::async_trait;
use nips::Network;

use super::PostgresStore;
use super::batch::{key, networks};
use super::connection::statement;
use crate::model::{Relay, RelayId};
use crate::store::leases::{Lease, Work, WorkerId};
use crate::store::rows::{self, integer, limit};
use crate::store::{LeaseStore, StoreError};

const LEASE_DUE_FOR_CHECK: &str =
    include_str!("../../../sql/postgres/queries/lease_due_for_check.sql");
const LEASE_DUE_FOR_SYNC: &str =
    include_str!("../../../sql/postgres/queries/lease_due_for_sync.sql");
const LEASE: &str = include_str!("../../../sql/postgres/queries/lease.sql");
const RELEASE: &str = include_str!("../../../sql/postgres/queries/release.sql");

#[async_trait]
impl LeaseStore for PostgresStore {
    async fn lease_due(
        &self,
        on: &[Network],
        now: u64,
        at_most: usize,
        lease: Lease,
    ) -> Result<Vec<Relay>, StoreError> {
        let text = match lease.work {
            Work::Check => LEASE_DUE_FOR_CHECK,
            Work::Sync => LEASE_DUE_FOR_SYNC,
        };
        let asked = statement(text)
            .bind(networks(on))
            .bind(integer(now))
            .bind(limit(at_most))
            .bind(number(lease.worker))
            .bind(milliseconds(lease.length));
        let found = self.call("lease_due").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::relay))
    }

    async fn lease(&self, relays: &[RelayId], lease: Lease) -> Result<Vec<RelayId>, StoreError> {
        let keys: Vec<i64> = relays.iter().copied().map(key).collect();
        let asked = statement(LEASE)
            .bind(keys)
            .bind(number(lease.worker))
            .bind(milliseconds(lease.length))
            .bind(lease.work.as_str());
        let held = self.call("lease").fetch_all(asked).await?;
        let mut held = rows::readable(&held, rows::relay_id);
        held.sort_unstable();
        Ok(held)
    }

    async fn release(&self, relays: &[RelayId], lease: Lease) -> Result<(), StoreError> {
        let keys: Vec<i64> = relays.iter().copied().map(key).collect();
        let ended = statement(RELEASE)
            .bind(keys)
            .bind(number(lease.worker))
            .bind(lease.work.as_str());
        self.call("release").execute(ended).await?;
        Ok(())
    }
}

/// A worker as a column has it: the same bits.
pub(super) fn number(worker: WorkerId) -> i64 {
    worker.0.cast_signed()
}

pub(super) fn milliseconds(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}
