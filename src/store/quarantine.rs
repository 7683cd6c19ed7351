//! Quarantine: what the store failed on, kept aside so that it costs only itself.

use async_trait::async_trait;
use nips::EventId;

use crate::model::RelayId;
use crate::store::StoreError;

/// Events that stay in quarantine, the newest ones. They are there to be looked at by a person, and
/// nobody can fill the disk with them.
pub const KEPT_QUARANTINED: u32 = 1_000;

/// An event that the store failed on although nothing else was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedEvent {
    /// Its id.
    pub id: EventId,
    /// The event as JSON; `None` when it is stored and only a sighting of it failed.
    pub event: Option<String>,
    /// Where it came from.
    pub relay: Option<RelayId>,
    /// What the store said, for an operator.
    pub reason: String,
    /// When, unix seconds.
    pub quarantined_at: u64,
}

/// What could not be stored.
#[async_trait]
pub trait QuarantineStore: Send + Sync {
    /// Puts events into quarantine in one transaction. One that is there keeps its first reason, and all but
    /// the newest [`KEPT_QUARANTINED`] go. Returns how many were not there.
    async fn quarantine(&self, events: &[QuarantinedEvent]) -> Result<u64, StoreError>;

    /// The newest events in quarantine, newest first.
    async fn quarantined(&self, limit: usize) -> Result<Vec<QuarantinedEvent>, StoreError>;

    /// How many there are.
    async fn quarantined_count(&self) -> Result<u64, StoreError>;
}
