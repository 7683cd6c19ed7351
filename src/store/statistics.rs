//! Figures about the whole archive, and the history of cycles.

use async_trait::async_trait;

use crate::model::ServiceName;
use crate::store::StoreError;

/// How one cycle of a service ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CycleRecord {
    /// The service.
    pub service: ServiceName,
    /// When the cycle began, unix seconds.
    pub started_at: u64,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// Whether it succeeded.
    pub is_success: bool,
    /// One line for a person, e.g. `12 promoted, 3 refused`.
    pub summary: String,
}

/// How many rows of each noun there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Candidates.
    pub candidates: u64,
    /// Given-up URLs, expired ones included.
    pub tombstones: u64,
    /// Relays.
    pub relays: u64,
    /// Documents.
    pub metadata: u64,
    /// Junction rows between relays and documents.
    pub relay_metadata: u64,
    /// Round-trip samples.
    pub rtt_samples: u64,
    /// Relays of which something is covered.
    pub covered_relays: u64,
    /// Covered intervals.
    pub intervals: u64,
    /// Open gaps.
    pub gaps: u64,
    /// Relays with an open gap.
    pub gap_relays: u64,
    /// Bytes on disk of everything but events.
    pub size_bytes: u64,
}

/// How busy the connections to a server are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUsage {
    /// Which connections: `pooled` for ordinary calls, `direct` for what needs a session of its own.
    pub pool: &'static str,
    /// Connections at work.
    pub in_use: u32,
    /// Open connections without work.
    pub idle: u32,
    /// Most connections there may be.
    pub max: u32,
}

impl PoolUsage {
    /// Connections that a call would not have to wait for.
    pub fn available(&self) -> u32 {
        self.max.saturating_sub(self.in_use)
    }
}

/// Cycles that are kept of each service: enough to see a day of half-hourly ones.
pub const KEPT_CYCLES: u32 = 50;

/// Figures for `status`, the root page and metrics.
#[async_trait]
pub trait StatisticsStore: Send + Sync {
    /// Keeps the record of a cycle; only the newest [`KEPT_CYCLES`] of a service stay.
    async fn add_cycle(&self, cycle: &CycleRecord) -> Result<(), StoreError>;

    /// The newest cycle of each service that had one, in pipeline order.
    async fn latest_cycles(&self) -> Result<Vec<CycleRecord>, StoreError>;

    /// The newest cycles of a service, newest first.
    async fn cycles(
        &self,
        service: ServiceName,
        limit: usize,
    ) -> Result<Vec<CycleRecord>, StoreError>;

    /// How much is stored. Reads whole indexes: for `status` and a scrape a minute, not for a loop.
    async fn totals(&self) -> Result<Totals, StoreError>;

    /// How busy the connections are; nothing for a store without a server.
    fn pools(&self) -> Vec<PoolUsage> {
        Vec::new()
    }
}
