//! Leases: which relays a monitor or a synchronizer works on, so that several never work on the same one.
//!
//! A lease ends when it is released, or by itself when it is not renewed in time: what a killed worker
//! left behind is taken over then. Its time is the store's own, not the machine's.

use std::time::Duration;

use async_trait::async_trait;
use nips::Network;

use crate::model::{Relay, RelayId};
use crate::store::StoreError;

/// Who holds leases: a part of a process that works on relays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkerId(pub u64);

/// What is done with a relay that is leased. Both may be done at once, by different workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// A monitor checks it.
    Check,
    /// A synchronizer archives its events.
    Sync,
}

impl Work {
    /// The word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Sync => "sync",
        }
    }
}

/// For what, for whom, and for how long unless it is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// What the relay is leased for; nobody else does that meanwhile.
    pub work: Work,
    /// The holder.
    pub worker: WorkerId,
    /// Time until it ends by itself.
    pub length: Duration,
}

/// Leases of relays.
#[async_trait]
pub trait LeaseStore: Send + Sync {
    /// Leases relays that are due for the work, as
    /// [`RelayStore::due_for_check`](crate::store::RelayStore::due_for_check) or
    /// [`RelayStore::due_for_sync`](crate::store::RelayStore::due_for_sync) tell, longest waiting first, in one
    /// transaction. What is leased already, to the same worker too, is
    /// passed over, and so is what another worker is just taking.
    async fn lease_due(
        &self,
        networks: &[Network],
        now: u64,
        limit: usize,
        lease: Lease,
    ) -> Result<Vec<Relay>, StoreError>;

    /// Leases these relays, due or not, and renews leases that the worker has. Returns those that are its
    /// own now, ordered by key: what another worker holds stays with it, and unknown keys are left out.
    async fn lease(&self, relays: &[RelayId], lease: Lease) -> Result<Vec<RelayId>, StoreError>;

    /// Ends leases for a work; what the worker does not hold is left alone.
    async fn release(&self, relays: &[RelayId], lease: Lease) -> Result<(), StoreError>;
}
