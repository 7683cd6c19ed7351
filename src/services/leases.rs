//! The relays that this process has leased for one kind of work, so that no other process does it meanwhile.
//!
//! Leases are renewed for as long as somebody polls [`Leases::renew`]; of a process that is gone they end
//! by themselves, and others take over. One that was lost, because this process could not renew it in time,
//! stops the work on its relay.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use nips::Network;
use tracing::{debug, warn};

use crate::lifecycle::Tokens;
use crate::model::{Relay, RelayId};
use crate::store::leases::{Lease, Work, WorkerId};
use crate::store::{Store, StoreError};

/// Leases are renewed so many times before they would end, so that one failure costs nothing.
const RENEWALS: u32 = 3;

/// What one worker holds for one kind of work.
pub(super) struct Leases {
    store: Arc<dyn Store>,
    lease: Lease,
    held: Mutex<HashMap<RelayId, Tokens>>,
}

impl Leases {
    /// A worker of its own, which holds nothing yet.
    pub(super) fn new(store: Arc<dyn Store>, work: Work, length: Duration) -> Self {
        Self {
            store,
            lease: Lease {
                work,
                worker: WorkerId(rand::random()),
                length,
            },
            held: Mutex::default(),
        }
    }

    /// Leases due relays; work on each has tokens of its own, which follow `tokens`.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not say.
    pub(super) async fn take_due(
        &self,
        tokens: &Tokens,
        networks: &[Network],
        now: u64,
        limit: usize,
    ) -> Result<Vec<Relay>, StoreError> {
        let taken = self.store.lease_due(networks, now, limit, self.lease);
        let taken = taken.await?;
        let new = taken.iter().map(|relay| (relay.id, tokens.child()));
        self.held().extend(new);
        Ok(taken)
    }

    /// Leases a relay, due or not. Returns the tokens of the work on it; `None` when another worker has it.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not say.
    pub(super) async fn take(
        &self,
        tokens: &Tokens,
        relay: RelayId,
    ) -> Result<Option<Tokens>, StoreError> {
        let ours = self.store.lease(&[relay], self.lease).await?;
        if ours.is_empty() {
            return Ok(None);
        }
        let child = tokens.child();
        self.held().insert(relay, child.clone());
        Ok(Some(child))
    }

    /// The tokens of the work on a relay that is leased.
    pub(super) fn tokens_of(&self, relay: RelayId) -> Option<Tokens> {
        self.held().get(&relay).cloned()
    }

    /// Renews what is held, for ever.
    pub(super) async fn renew(&self) -> Infallible {
        loop {
            tokio::time::sleep(self.lease.length / RENEWALS).await;
            let held: Vec<RelayId> = self.held().keys().copied().collect();
            if held.is_empty() {
                continue;
            }
            match self.store.lease(&held, self.lease).await {
                Ok(ours) => self.drop_lost(&held, &ours),
                Err(failure) => warn!(reason = failure.reason(), "lease_renewal_failed"),
            }
        }
    }

    /// Ends the lease of a relay that was worked on. What could not be recorded is due as before, and stays
    /// leased until [`Self::release_all`]: otherwise it would be offered again at once, before all others.
    pub(super) async fn settle(&self, relay: RelayId, done: &Result<(), StoreError>) {
        if done.is_ok() {
            self.release(relay).await;
        }
    }

    /// Ends the lease of a relay that is done with.
    pub(super) async fn release(&self, relay: RelayId) {
        if self.held().remove(&relay).is_some() {
            self.give_back(&[relay]).await;
        }
    }

    /// Ends all leases.
    pub(super) async fn release_all(&self) {
        let held: Vec<RelayId> = self.held().drain().map(|(relay, _)| relay).collect();
        if !held.is_empty() {
            self.give_back(&held).await;
        }
    }

    async fn give_back(&self, relays: &[RelayId]) {
        if let Err(failure) = self.store.release(relays, self.lease).await {
            // It ends by itself.
            debug!(reason = failure.reason(), "lease_release_failed");
        }
    }

    fn drop_lost(&self, asked: &[RelayId], ours: &[RelayId]) {
        for relay in asked.iter().filter(|relay| !ours.contains(relay)) {
            if let Some(tokens) = self.held().remove(relay) {
                warn!(relay.id = relay.0, "lease_lost");
                tokens.stop();
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<RelayId, Tokens>> {
        self.held.lock().expect("no panic while leases are counted")
    }
}
