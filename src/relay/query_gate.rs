//! How many stored answers are worked out and held at a time, over all connections.
//!
//! Look-ups by id are short and have places of their own, so that long walks never stand before them.
//! Where there is too much to do, new work is refused at once rather than answered late.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nips::Filter;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::settings::RelayLimits;

/// How long a query waits for its turn. Whoever comes after would wait longer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Queries that wait for their turn; more than are worked off within [`PATIENCE`] need not begin to.
const MAX_WAITING: usize = 1_024;

/// Of the places, a quarter, and at least one, is for look-ups by id.
const SHARE_OF_LOOK_UPS: usize = 4;

/// The places and the memory of stored answers.
#[derive(Debug)]
pub(super) struct QueryGate {
    walks: Semaphore,
    look_ups: Semaphore,
    waiting: AtomicUsize,
    held_bytes: Arc<AtomicUsize>,
    max_held_bytes: usize,
    patience: Duration,
}

/// There is too much to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overloaded;

/// Bytes of an answer on its way out; dropping it frees them for others.
#[derive(Debug)]
pub(super) struct Held {
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl QueryGate {
    pub(super) fn new(limits: &RelayLimits) -> Self {
        let look_ups = limits.concurrent_queries.div_ceil(SHARE_OF_LOOK_UPS);
        let walks = limits.concurrent_queries.saturating_sub(look_ups).max(1);
        Self {
            walks: Semaphore::new(walks),
            look_ups: Semaphore::new(look_ups),
            waiting: AtomicUsize::new(0),
            held_bytes: Arc::default(),
            max_held_bytes: limits.max_held_bytes,
            patience: PATIENCE,
        }
    }

    /// Waits for a place, but not for long.
    pub(super) async fn enter(
        &self,
        filters: &[Filter],
    ) -> Result<SemaphorePermit<'_>, Overloaded> {
        if self.held_bytes.load(Ordering::Relaxed) >= self.max_held_bytes {
            return Err(Overloaded);
        }
        let places = match filters.iter().all(|filter| filter.ids.is_some()) {
            true => &self.look_ups,
            false => &self.walks,
        };
        if let Ok(place) = places.try_acquire() {
            return Ok(place);
        }
        let _waiting = Waiting::begin(&self.waiting).ok_or(Overloaded)?;
        match tokio::time::timeout(self.patience, places.acquire()).await {
            Ok(place) => Ok(place.expect("the semaphore is never closed")),
            Err(_) => Err(Overloaded),
        }
    }

    /// Counts the bytes of an answer for as long as what is returned is kept.
    pub(super) fn hold(&self, bytes: usize) -> Held {
        self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        Held {
            all: Arc::clone(&self.held_bytes),
            bytes,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// One that waits; it may be dropped while it does.
struct Waiting<'w>(&'w AtomicUsize);

impl<'w> Waiting<'w> {
    fn begin(waiting: &'w AtomicUsize) -> Option<Self> {
        let is_full = waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING;
        let begun = Self(waiting);
        (!is_full).then_some(begun)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use nips::EventId;

    use super::*;

    fn gate(concurrent_queries: usize) -> QueryGate {
        QueryGate::new(&RelayLimits {
            concurrent_queries,
            max_held_bytes: 100,
            ..RelayLimits::default()
        })
    }

    fn look_up() -> Filter {
        Filter {
            ids: Some(vec![EventId([1; 32])]),
            ..Filter::default()
        }
    }

    #[tokio::test]
    async fn walks_leave_room_for_look_ups_and_nobody_waits_for_long() {
        let gate = QueryGate {
            patience: Duration::from_millis(20),
            ..gate(4)
        };
        let walk = [Filter::default()];
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(gate.enter(&walk).await.unwrap());
        }
        assert_eq!(gate.enter(&walk).await.unwrap_err(), Overloaded);
        assert!(gate.enter(&[look_up()]).await.is_ok());
        let mixed = [look_up(), Filter::default()];
        assert_eq!(gate.enter(&mixed).await.unwrap_err(), Overloaded);
        let waiting = gate.enter(&walk);
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        held.clear();
        assert!(waiting.await.is_ok());
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn answers_that_are_held_keep_new_ones_out() {
        let gate = gate(4);
        let held = gate.hold(100);
        assert_eq!(gate.enter(&[look_up()]).await.unwrap_err(), Overloaded);
        drop(held);
        assert!(gate.enter(&[look_up()]).await.is_ok());
    }
}
