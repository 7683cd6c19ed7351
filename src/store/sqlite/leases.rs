//! Leases in memory: one process holds an embedded store, and its leases end with it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use async_trait::async_trait;
use nips::Network;

use crate::model::{Relay, RelayId};
use crate::store::leases::{Lease, Work, WorkerId};
use crate::store::sqlite::SqliteBacked;
use crate::store::{LeaseStore, RelayStore, StoreError};

/// Who holds which relay for what, and until when.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<Held>);

type Held = HashMap<(RelayId, Work), (WorkerId, Instant)>;

impl Leases {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.current().len()
    }

    /// Whether somebody holds the relay for a work.
    pub(super) fn has(&self, relay: RelayId, work: Work) -> bool {
        self.current().contains_key(&(relay, work))
    }

    /// Leases the relay unless somebody else holds it.
    fn take(&self, relay: RelayId, lease: Lease) -> bool {
        let mut held = self.current();
        let key = (relay, lease.work);
        let is_free = held
            .get(&key)
            .is_none_or(|(holder, _)| *holder == lease.worker);
        if is_free {
            held.insert(key, (lease.worker, Instant::now() + lease.length));
        }
        is_free
    }

    /// Those that have not ended.
    fn current(&self) -> MutexGuard<'_, Held> {
        let mut held = self.0.lock().expect("no panic while leases are taken");
        let now = Instant::now();
        held.retain(|_, (_, ends_at)| *ends_at > now);
        held
    }
}

#[async_trait]
impl<T: SqliteBacked> LeaseStore for T {
    async fn lease_due(
        &self,
        networks: &[Network],
        now: u64,
        limit: usize,
        lease: Lease,
    ) -> Result<Vec<Relay>, StoreError> {
        let mut due = match lease.work {
            Work::Check => self.due_for_check(networks, now, limit).await?,
            Work::Sync => self.due_for_sync(networks, now, limit).await?,
        };
        let leases = &self.sqlite().leases;
        due.retain(|relay| !leases.has(relay.id, lease.work) && leases.take(relay.id, lease));
        Ok(due)
    }

    async fn lease(&self, relays: &[RelayId], lease: Lease) -> Result<Vec<RelayId>, StoreError> {
        let known = self.relays_by_id(relays).await?;
        let leases = &self.sqlite().leases;
        let ids = known.iter().map(|relay| relay.id);
        Ok(ids.filter(|id| leases.take(*id, lease)).collect())
    }

    async fn release(&self, relays: &[RelayId], lease: Lease) -> Result<(), StoreError> {
        let mut held = self.sqlite().leases.current();
        for relay in relays {
            let key = (*relay, lease.work);
            let is_ours = |(holder, _): &(WorkerId, Instant)| *holder == lease.worker;
            if held.get(&key).is_some_and(is_ours) {
                held.remove(&key);
            }
        }
        Ok(())
    }
}
