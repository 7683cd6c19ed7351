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

/// Figures for `status`, the root page and metrics.
#[async_trait]
pub trait StatisticsStore: Send + Sync {
    /// Keeps the record of a cycle; only the newest few of a service are kept.
    async fn add_cycle(&self, cycle: &CycleRecord) -> Result<(), StoreError>;

    /// The newest cycle of each service that had one.
    async fn latest_cycles(&self) -> Result<Vec<CycleRecord>, StoreError>;
}
