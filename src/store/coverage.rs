//! Covered intervals and gaps per relay and filter.

use async_trait::async_trait;

use crate::model::{Gap, GapReason, Interval, NewGap, RelayId};
use crate::store::StoreError;

/// Identifies the filter that coverage speaks about: the first 8 bytes of the SHA-256 of its canonical
/// JSON without `since`, `until` and `limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilterId(pub u64);

/// Open gaps by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GapCount {
    /// Why.
    pub reason: GapReason,
    /// How many gap rows.
    pub gaps: u64,
    /// On how many relays.
    pub relays: u64,
}

/// What has been archived of each relay, and what has not.
#[async_trait]
pub trait CoverageStore: Send + Sync {
    /// Covered intervals, oldest first; they never overlap or touch when their method is the same.
    async fn coverage(&self, relay: RelayId, filter: FilterId)
    -> Result<Vec<Interval>, StoreError>;

    /// Adds a covered interval: merges it with what it touches, and takes it out of the gaps it covers,
    /// in one transaction.
    async fn cover(
        &self,
        relay: RelayId,
        filter: FilterId,
        interval: Interval,
    ) -> Result<(), StoreError>;

    /// Records a gap; one with the same bounds counts as another attempt.
    async fn add_gap(
        &self,
        relay: RelayId,
        filter: FilterId,
        gap: NewGap,
    ) -> Result<(), StoreError>;

    /// Gaps of a relay, oldest first.
    async fn gaps(&self, relay: RelayId, filter: FilterId) -> Result<Vec<Gap>, StoreError>;

    /// Open gaps over all relays by reason.
    async fn gap_counts(&self) -> Result<Vec<GapCount>, StoreError>;
}
