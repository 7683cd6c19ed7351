//! Candidates: URLs waiting for the validator.

use async_trait::async_trait;
use nips::{Network, RelayUrl};

use crate::model::{Candidate, NewCandidate, RelayId};
use crate::store::StoreError;

/// Candidates and their promotion.
#[async_trait]
pub trait CandidateStore: Send + Sync {
    /// Adds URLs that are neither relays, nor candidates, nor given up at `now` unix seconds, due at
    /// once. Returns how many were new. A known candidate keeps its history; of repeats in the input
    /// the first counts.
    async fn add_candidates(
        &self,
        candidates: &[NewCandidate],
        now: u64,
    ) -> Result<u64, StoreError>;

    /// Candidates on these networks whose next attempt is due at `now` unix seconds: fewest failures
    /// first, then longest waiting, then by URL.
    async fn due_candidates(
        &self,
        networks: &[Network],
        now: u64,
        limit: usize,
    ) -> Result<Vec<Candidate>, StoreError>;

    /// Makes a candidate a relay in one transaction, keeping the moment of its discovery; the monitor
    /// and the synchronizer owe it a visit from `now` on. A URL that is a relay already keeps its row,
    /// and one that nobody named before counts as discovered `now`.
    async fn promote(&self, url: &RelayUrl, now: u64) -> Result<RelayId, StoreError>;

    /// Counts a failed attempt and says when to try again. A URL that is no candidate (any more) is
    /// left alone.
    async fn postpone(
        &self,
        url: &RelayUrl,
        reason: &str,
        next_attempt_at: u64,
    ) -> Result<(), StoreError>;

    /// Gives up candidates with at least `max_failures` failures: a tombstone keeps each from being
    /// added again before `until` unix seconds. Returns how many.
    async fn give_up_candidates(&self, max_failures: u32, until: u64) -> Result<u64, StoreError>;

    /// Deletes at most `limit` tombstones that no longer hold anything back. Returns how many went.
    async fn delete_expired_tombstones(&self, now: u64, limit: u32) -> Result<u64, StoreError>;

    /// Candidates by network, networks without any left out.
    async fn candidate_counts(&self) -> Result<Vec<(Network, u64)>, StoreError>;
}
