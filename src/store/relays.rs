//! Relays, their state and their schedule.

use async_trait::async_trait;
use nips::{Network, RelayUrl};

use crate::model::{NewRelay, Relay, RelayId, RelayState, RttSample};
use crate::store::StoreError;

/// What a monitor round found out about one relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckRecord {
    /// The relay and its round-trip times; all `None` for a relay that did not answer.
    pub rtt: RttSample,
    /// Its state from now on.
    pub state: RelayState,
    /// Checks failed in a row.
    pub check_failures: u32,
    /// When to look again, unix seconds.
    pub next_check_at: u64,
}

/// How many relays there are of a network in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayCount {
    /// The network.
    pub network: Network,
    /// The state.
    pub state: RelayState,
    /// How many.
    pub relays: u64,
}

/// Validated relays.
#[async_trait]
pub trait RelayStore: Send + Sync {
    /// Adds relays without validation, due for everything at `now` unix seconds; a known one is left
    /// alone, and a candidate of that URL becomes the relay. Returns how many were new.
    async fn add_relays(&self, relays: &[NewRelay], now: u64) -> Result<u64, StoreError>;

    /// The relay with that URL.
    async fn relay_by_url(&self, url: &RelayUrl) -> Result<Option<Relay>, StoreError>;

    /// The relays with these keys, unknown keys left out, ordered by key.
    async fn relays_by_id(&self, ids: &[RelayId]) -> Result<Vec<Relay>, StoreError>;

    /// Relays on these networks that the monitor has to look at by `now`, longest waiting first; not those
    /// that a worker has leased for it.
    async fn due_for_check(
        &self,
        networks: &[Network],
        now: u64,
        limit: usize,
    ) -> Result<Vec<Relay>, StoreError>;

    /// Records what a check found: state, schedule and the round-trip times, in one transaction.
    /// Repeating it changes nothing more.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for an unknown relay.
    async fn record_check(&self, record: &CheckRecord) -> Result<(), StoreError>;

    /// Relays on these networks that the synchronizer has to visit by `now`, longest waiting first; not
    /// those that a worker has leased for it.
    async fn due_for_sync(
        &self,
        networks: &[Network],
        now: u64,
        limit: usize,
    ) -> Result<Vec<Relay>, StoreError>;

    /// Records the end of a visit of the synchronizer.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for an unknown relay.
    async fn record_sync(
        &self,
        relay: RelayId,
        sync_failures: u32,
        next_sync_at: u64,
    ) -> Result<(), StoreError>;

    /// Relays by network and state, combinations without any left out.
    async fn relay_counts(&self) -> Result<Vec<RelayCount>, StoreError>;

    /// All relays by key, `after` exclusive: a page for walking over them.
    async fn relays_after(
        &self,
        after: Option<RelayId>,
        limit: usize,
    ) -> Result<Vec<Relay>, StoreError>;
}
