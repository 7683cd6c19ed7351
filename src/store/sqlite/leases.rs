//! Leases in memory: one process holds an embedded store, and its leases end with it.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use nips::Network;

use crate::model::{Relay, RelayId};
use crate::store::leases::{Lease, Work, WorkerId};
use crate::store::sqlite::SqliteBacked;
use crate::store::{LeaseStore, RelayStore, StoreError};

/// Who holds what, and until when: a relay for a work, or what an outside relay is to be sent.
#[derive(Debug)]
pub(super) struct Leases<K>(Mutex<Held<K>>);

type Held<K> = HashMap<K, (WorkerId, Instant)>;

impl<K> Default for Leases<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Leases<K> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.current().len()
    }

    /// Whether somebody holds it.
    pub(super) fn has(&self, key: &K) -> bool {
        self.current().contains_key(key)
    }

    /// Leases it unless somebody else holds it.
    pub(super) fn take(&self, key: K, worker: WorkerId, length: Duration) -> bool {
        let mut held = self.current();
        let is_free = held.get(&key).is_none_or(|(holder, _)| *holder == worker);
        if is_free {
            held.insert(key, (worker, Instant::now() + length));
        }
        is_free
    }

    /// Ends those leases of a worker that are meant.
    pub(super) fn release(&self, worker: WorkerId, is_meant: impl Fn(&K) -> bool) {
        let mut held = self.current();
        held.retain(|key, (holder, _)| *holder != worker || !is_meant(key));
    }

    /// Those that have not ended.
    fn current(&self) -> MutexGuard<'_, Held<K>> {
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
        due.retain(|relay| {
            let key = (relay.id, lease.work);
            !leases.has(&key) && leases.take(key, lease.worker, lease.length)
        });
        Ok(due)
    }

    async fn lease(&self, relays: &[RelayId], lease: Lease) -> Result<Vec<RelayId>, StoreError> {
        let known = self.relays_by_id(relays).await?;
        let leases = &self.sqlite().leases;
        let ids = known.iter().map(|relay| relay.id);
        let is_ours = |id: &RelayId| leases.take((*id, lease.work), lease.worker, lease.length);
        Ok(ids.filter(is_ours).collect())
    }

    async fn release(&self, relays: &[RelayId], lease: Lease) -> Result<(), StoreError> {
        let relays: HashSet<&RelayId> = relays.iter().collect();
        let is_meant =
            |(relay, work): &(RelayId, Work)| *work == lease.work && relays.contains(relay);
        self.sqlite().leases.release(lease.worker, is_meant);
        Ok(())
    }
}
