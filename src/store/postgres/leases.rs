//! Leases in PostgreSQL: rows, because behind a pooler no lock outlives its transaction.

use async_trait::async_trait;
use nips::Network;

use super::PostgresStore;
use super::batch::{key, networks};
use super::connection::statement;
use crate::model::{Relay, RelayId};
use crate::store::leases::{Lease, WorkerId};
use crate::store::rows::{self, integer, limit};
use crate::store::{LeaseStore, StoreError};

const LEASE_DUE: &str = include_str!("../../../sql/postgres/queries/lease_due.sql");
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
        let asked = statement(LEASE_DUE)
            .bind(networks(on))
            .bind(integer(now))
            .bind(limit(at_most))
            .bind(number(lease.worker))
            .bind(milliseconds(lease));
        let found = self.call("lease_due").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::relay))
    }

    async fn lease(&self, relays: &[RelayId], lease: Lease) -> Result<Vec<RelayId>, StoreError> {
        let keys: Vec<i64> = relays.iter().copied().map(key).collect();
        let asked = statement(LEASE)
            .bind(keys)
            .bind(number(lease.worker))
            .bind(milliseconds(lease));
        let held = self.call("lease").fetch_all(asked).await?;
        let mut held = rows::readable(&held, rows::relay_id);
        held.sort_unstable();
        Ok(held)
    }

    async fn release(&self, relays: &[RelayId], worker: WorkerId) -> Result<(), StoreError> {
        let keys: Vec<i64> = relays.iter().copied().map(key).collect();
        let ended = statement(RELEASE).bind(keys).bind(number(worker));
        self.call("release").execute(ended).await?;
        Ok(())
    }
}

/// A worker as a column has it: the same bits.
fn number(worker: WorkerId) -> i64 {
    worker.0.cast_signed()
}

fn milliseconds(lease: Lease) -> i64 {
    i64::try_from(lease.length.as_millis()).unwrap_or(i64::MAX)
}
