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

/// Of the places a quarter, and at least one, is for look-ups by id; and beside the memory of walks they have a
/// quarter of as much.
const SHARE_OF_LOOK_UPS: usize = 4;

/// The places and the memory of stored answers.
#[derive(Debug)]
pub(super) struct QueryGate {
    walks: Arc<Lane>,
    look_ups: Arc<Lane>,
    waiting: AtomicUsize,
    patience: Duration,
}

/// What queries of one sort share.
#[derive(Debug)]
struct Lane {
    places: Semaphore,
    /// Bytes of answers on their way out.
    held_bytes: AtomicUsize,
    max_held_bytes: usize,
}

impl Lane {
    fn new(places: usize, max_held_bytes: usize) -> Arc<Self> {
        Arc::new(Self {
            places: Semaphore::new(places),
            held_bytes: AtomicUsize::new(0),
            max_held_bytes,
        })
    }

    fn is_full(&self) -> bool {
        self.held_bytes.load(Ordering::Relaxed) >= self.max_held_bytes
    }
}

/// There is too much to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overloaded;

/// The right to work out an answer.
#[derive(Debug)]
pub(super) struct Place<'g> {
    lane: &'g Arc<Lane>,
    _permit: SemaphorePermit<'g>,
}

impl Place<'_> {
    /// Gives the place up for what was found; its bytes count for as long as what is returned is kept.
    pub(super) fn hold(self, bytes: usize) -> Held {
        self.lane.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        Held {
            lane: Arc::clone(self.lane),
            bytes,
        }
    }
}

/// Bytes of an answer on its way out; dropping it frees them for others.
#[derive(Debug)]
pub(super) struct Held {
    lane: Arc<Lane>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        let held = &self.lane.held_bytes;
        held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Whether memory for answers is short. Then who does not read is given up sooner: others could use it.
#[derive(Debug)]
pub(super) struct Pressure([Arc<Lane>; 2]);

impl Pressure {
    pub(super) fn is_high(&self) -> bool {
        self.0.iter().any(|lane| lane.is_full())
    }
}

impl QueryGate {
    pub(super) fn new(limits: &RelayLimits) -> Self {
        let (places, bytes) = (limits.concurrent_queries, limits.max_held_bytes);
        let for_look_ups = places.div_ceil(SHARE_OF_LOOK_UPS);
        let for_walks = places.saturating_sub(for_look_ups).max(1);
        Self {
            walks: Lane::new(for_walks, bytes),
            look_ups: Lane::new(for_look_ups, bytes / SHARE_OF_LOOK_UPS),
            waiting: AtomicUsize::new(0),
            patience: PATIENCE,
        }
    }

    /// Waits for a place, but not for long.
    pub(super) async fn enter(&self, filters: &[Filter]) -> Result<Place<'_>, Overloaded> {
        let is_look_up = filters.iter().all(|filter| filter.ids.is_some());
        let lane = if is_look_up {
            &self.look_ups
        } else {
            &self.walks
        };
        if lane.is_full() {
            return Err(Overloaded);
        }
        let _permit = match lane.places.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self.wait(lane).await?,
        };
        Ok(Place { lane, _permit })
    }

    /// How much memory answers take together.
    pub(super) fn pressure(&self) -> Pressure {
        Pressure([Arc::clone(&self.walks), Arc::clone(&self.look_ups)])
    }

    async fn wait<'g>(&self, lane: &'g Lane) -> Result<SemaphorePermit<'g>, Overloaded> {
        let _waiting = Waiting::begin(&self.waiting).ok_or(Overloaded)?;
        let permit = tokio::time::timeout(self.patience, lane.places.acquire()).await;
        let permit = permit.map_err(|_| Overloaded)?;
        Ok(permit.expect("the semaphore is never closed"))
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
    async fn answers_that_are_held_keep_new_ones_of_their_sort_out() {
        let gate = gate(4);
        let (walk, look_up) = ([Filter::default()], [look_up()]);
        let pressure = gate.pressure();
        let held = gate.enter(&walk).await.unwrap().hold(100);
        assert_eq!(gate.enter(&walk).await.unwrap_err(), Overloaded);
        assert!(pressure.is_high());
        let small = gate.enter(&look_up).await.unwrap().hold(25);
        assert_eq!(gate.enter(&look_up).await.unwrap_err(), Overloaded);
        drop(held);
        assert!(pressure.is_high() && gate.enter(&walk).await.is_ok());
        drop(small);
        assert!(!pressure.is_high() && gate.enter(&look_up).await.is_ok());
    }
}
