//! History: up and down, latency and reasons as series with three resolutions, and every change of state.
//!
//! Everything is rolled up and trimmed when it is written, so that a relay has a bounded number of rows however
//! often it is checked, and figures of a year cost one read of them.

use async_trait::async_trait;

use crate::model::{CheckOutcome, FailureCount, RelayId, Transition, WindowFigures};
use crate::store::StoreError;

/// Changes of state that are kept of each relay.
pub const KEPT_TRANSITIONS: u32 = 200;

/// The windows that figures are given for, seconds: a day, a week, 30 days and a year.
pub const WINDOWS: [u64; 4] = [86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400];

/// The history of relays.
#[async_trait]
pub trait HistoryStore: Send + Sync {
    /// Adds a check to the history of its relay, in one transaction. One that is not newer than what is there
    /// changes nothing, so that it may be repeated.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for an unknown relay.
    async fn add_outcome(&self, outcome: &CheckOutcome) -> Result<(), StoreError>;

    /// Figures of each of [`WINDOWS`], ending at `now` unix seconds. One query.
    async fn uptime(
        &self,
        relay: RelayId,
        now: u64,
    ) -> Result<[WindowFigures; WINDOWS.len()], StoreError>;

    /// The newest changes of state of a relay, newest first.
    async fn transitions(
        &self,
        relay: RelayId,
        limit: usize,
    ) -> Result<Vec<Transition>, StoreError>;

    /// Why a relay did not answer since the day of `since` unix seconds, the most frequent first.
    async fn failures(&self, relay: RelayId, since: u64) -> Result<Vec<FailureCount>, StoreError>;
}
