//! Covered intervals and gaps per relay and filter.
//!
//! Coverage is a set of disjoint intervals: a range that is covered again replaces what it overlaps,
//! then joins the neighbours it touches when their method is the same. Gaps are disjoint among
//! themselves too, and a layer of their own: covering a range takes it out of the gaps, but a gap
//! found later over a covered range leaves the coverage alone, so that neither a hole nor finished
//! work is ever forgotten. [`crate::store::timeline`] holds this arithmetic for every backend.

use async_trait::async_trait;
use nips::{Filter, Network, RelayUrl};
use sha2::{Digest, Sha256};

use crate::model::{Gap, GapReason, Interval, Method, NewGap, RelayId};
use crate::store::StoreError;

/// Most intervals or gaps that one call returns: a relay that fragments its time line further gets its
/// oldest part archived again, and never fills our memory.
pub const MAX_INTERVALS: usize = 10_000;

/// Identifies the filter that coverage speaks about: the first 8 bytes of the SHA-256 of its canonical
/// JSON without `since`, `until` and `limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilterId(pub u64);

impl FilterId {
    /// The id of a filter, whatever its `since`, `until` and `limit`.
    pub fn of(filter: &Filter) -> Self {
        let bare = Filter {
            since: None,
            until: None,
            limit: None,
            ..filter.clone()
        };
        let hash: [u8; 32] = Sha256::digest(bare.to_json()).into();
        let (head, _) = hash.split_first_chunk().expect("32 bytes hold 8");
        Self(u64::from_be_bytes(*head))
    }
}

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

/// Covered intervals by method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoverageCount {
    /// How.
    pub method: Method,
    /// How many intervals.
    pub intervals: u64,
    /// On how many relays.
    pub relays: u64,
    /// Events offered inside them.
    pub events: u64,
}

/// How far the relays of a network are archived, under whatever filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkProgress {
    /// The network.
    pub network: Network,
    /// All its relays.
    pub relays: u64,
    /// Those of which anything is covered.
    pub covered: u64,
    /// Those that are covered until lately.
    pub recent: u64,
    /// Gaps.
    pub gaps: u64,
    /// Relays that have any.
    pub gap_relays: u64,
    /// The last covered second of the online relay that is furthest behind; one of which nothing is covered
    /// does not count.
    pub oldest: Option<u64>,
}

/// How far one relay is archived, under whatever filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayProgress {
    /// The relay.
    pub url: RelayUrl,
    /// The last covered second; `None` when nothing is covered.
    pub covered_until: Option<u64>,
    /// Gaps.
    pub gaps: u64,
}

/// What has been archived of each relay, and what has not.
#[async_trait]
pub trait CoverageStore: Send + Sync {
    /// Covered intervals, oldest first, disjoint; of the same method they never touch. At most
    /// [`MAX_INTERVALS`], the newest when there are more: what is left out counts as not covered,
    /// which costs work and loses nothing.
    async fn coverage(&self, relay: RelayId, filter: FilterId)
    -> Result<Vec<Interval>, StoreError>;

    /// Adds a covered interval by the rules above and takes it out of the gaps, removing, shrinking or
    /// splitting them, in one transaction.
    ///
    /// An interval that is cut keeps a share of its events in proportion to the seconds that remain;
    /// joined intervals add up their events and keep the older `covered_at`. An interval whose `from`
    /// is above its `until` is ignored.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for an unknown relay.
    async fn cover(
        &self,
        relay: RelayId,
        filter: FilterId,
        interval: Interval,
    ) -> Result<(), StoreError>;

    /// Records a gap, in one transaction. It replaces what it overlaps of older gaps and goes on with
    /// their history: its attempts are one more than the most attempted of them, so the same bounds
    /// again count as another attempt. What older gaps have outside of it stays as it was. A gap
    /// whose `from` is above its `until` is ignored.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for an unknown relay.
    async fn add_gap(
        &self,
        relay: RelayId,
        filter: FilterId,
        gap: NewGap,
    ) -> Result<(), StoreError>;

    /// Gaps of a relay, oldest first, disjoint; at most [`MAX_INTERVALS`], the newest when there are
    /// more.
    async fn gaps(&self, relay: RelayId, filter: FilterId) -> Result<Vec<Gap>, StoreError>;

    /// Open gaps over all relays by reason, reasons without any left out.
    async fn gap_counts(&self) -> Result<Vec<GapCount>, StoreError>;

    /// Covered intervals over all relays by method, methods without any left out.
    async fn coverage_counts(&self) -> Result<Vec<CoverageCount>, StoreError>;

    /// How far each network is archived; a relay that is covered beyond `since` unix seconds is so until
    /// lately. Networks without relays are left out.
    async fn network_progress(&self, since: u64) -> Result<Vec<NetworkProgress>, StoreError>;

    /// The relays whose coverage ends earliest, of those that are not offline or dead, first those of which
    /// nothing is covered.
    async fn relays_behind(&self, limit: usize) -> Result<Vec<RelayProgress>, StoreError>;

    /// How many relays are covered, under any filter, beyond `since` unix seconds.
    async fn relays_covered_since(&self, since: u64) -> Result<u64, StoreError>;
}
