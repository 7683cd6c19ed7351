//! Candidates: URLs waiting for the validator.

use async_trait::async_trait;
use nips::{Network, RelayUrl};

use crate::model::{Candidate, NewCandidate, RelayId};
use crate::store::StoreError;

/// Candidates and their promotion.
#[async_trait]
pub trait CandidateStore: Send + Sync {
    /// Adds URLs that are neither relays, nor candidates, nor given up for good. Returns how many were
    /// new. A known candidate keeps its history.
    async fn add_candidates(&self, candidates: &[NewCandidate]) -> Result<u64, StoreError>;

    /// Candidates on these networks whose next attempt is due at `now` unix seconds: fewest failures
    /// first, then longest waiting.
    async fn due_candidates(
        &self,
        networks: &[Network],
        now: u64,
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError>;

    /// Makes a candidate a relay, keeping the moment of its discovery, in one transaction.
    async fn promote(&self, url: &RelayUrl, now: u64) -> Result<RelayId, StoreError>;

    /// Counts a failed attempt and says when to try again.
    async fn postpone(
        &self,
        url: &RelayUrl,
        reason: &str,
        next_attempt_at: u64,
    ) -> Result<(), StoreError>;

    /// Gives up candidates with at least `max_failures` failures: they are not added again before
    /// `until` unix seconds. Returns how many.
    async fn give_up_candidates(&self, max_failures: u32, until: u64) -> Result<u64, StoreError>;

    /// Candidates by network.
    async fn candidate_counts(&self) -> Result<Vec<(Network, u64)>, StoreError>;
}
