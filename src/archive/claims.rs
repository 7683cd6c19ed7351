//! Which ids are being admitted right now, and which were stored lately.
//!
//! When the same new event arrives from twenty relays at once, one caller claims it and the others
//! wait for that one, so that it is verified and stored once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard};

use nips::EventId;
use tokio_util::sync::CancellationToken;

/// What a claim on an id came to.
pub(super) enum Claim {
    /// Nobody else works on it.
    Mine,
    /// It was stored or delivered lately.
    Recent,
    /// Somebody works on it; try again when the token is cancelled.
    Theirs(Arc<CancellationToken>),
}

/// The registry of claims, shared by all callers.
pub(super) struct Claims(Arc<Mutex<State>>);

struct State {
    /// Each token is shared as it is: to clone one takes a lock.
    in_flight: HashMap<EventId, Arc<CancellationToken>>,
    recent: RecentIds,
}

impl Claims {
    pub(super) fn new(recent_ids: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            in_flight: HashMap::new(),
            recent: RecentIds::new(recent_ids),
        })))
    }

    /// Which ids were stored or delivered lately.
    pub(super) fn are_recent(&self, ids: impl Iterator<Item = EventId>) -> Vec<bool> {
        let state = lock(&self.0);
        ids.map(|id| state.recent.contains(&id)).collect()
    }

    /// Claims every id that nobody holds. The guard releases them when dropped, also when the
    /// caller was cancelled.
    pub(super) fn claim(&self, ids: impl Iterator<Item = EventId>) -> (Vec<Claim>, ClaimGuard) {
        let mut guard = ClaimGuard {
            state: Arc::clone(&self.0),
            ids: Vec::new(),
            settled: Vec::new(),
            released: Arc::new(CancellationToken::new()),
        };
        let mut state = lock(&self.0);
        let claims = ids.map(|id| state.claim(id, &mut guard)).collect();
        (claims, guard)
    }
}

impl State {
    fn claim(&mut self, id: EventId, guard: &mut ClaimGuard) -> Claim {
        if self.recent.contains(&id) {
            return Claim::Recent;
        }
        match self.in_flight.entry(id) {
            Entry::Occupied(holder) => Claim::Theirs(Arc::clone(holder.get())),
            Entry::Vacant(place) => {
                place.insert(Arc::clone(&guard.released));
                guard.ids.push(id);
                Claim::Mine
            }
        }
    }
}

/// Holds claims until it is dropped.
pub(super) struct ClaimGuard {
    state: Arc<Mutex<State>>,
    ids: Vec<EventId>,
    settled: Vec<EventId>,
    released: Arc<CancellationToken>,
}

impl ClaimGuard {
    /// Remembers ids as stored or delivered, from the moment their claims are released.
    pub(super) fn settle(&mut self, ids: impl Iterator<Item = EventId>) {
        self.settled.extend(ids);
    }
}

impl Drop for ClaimGuard {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        for id in self.settled.drain(..) {
            state.recent.insert(id);
        }
        for id in &self.ids {
            state.in_flight.remove(id);
        }
        drop(state);
        self.released.cancel();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no panic while claiming")
}

/// A set of at most `capacity` ids that forgets the older half when it is full.
struct RecentIds {
    half: usize,
    /// Whether each id is of the younger half.
    ids: HashMap<EventId, bool>,
    young: usize,
}

impl RecentIds {
    fn new(capacity: usize) -> Self {
        Self {
            half: (capacity / 2).max(1),
            ids: HashMap::new(),
            young: 0,
        }
    }

    fn contains(&self, id: &EventId) -> bool {
        self.ids.contains_key(id)
    }

    fn insert(&mut self, id: EventId) {
        if self.young >= self.half {
            self.ids.retain(|_, is_young| std::mem::take(is_young));
            self.young = 0;
        }
        let was_young = self.ids.insert(id, true) == Some(true);
        self.young += usize::from(!was_young);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> EventId {
        EventId([byte; 32])
    }

    #[test]
    fn an_id_has_one_holder_until_it_is_released() {
        let claims = Claims::new(10);
        let (first, mut guard) = claims.claim([id(1), id(1)].into_iter());
        assert!(matches!(first[..], [Claim::Mine, Claim::Theirs(_)]));
        let (second, _) = claims.claim([id(1), id(2)].into_iter());
        let [Claim::Theirs(released), Claim::Mine] = &second[..] else {
            panic!("the first is held, the second free");
        };
        guard.settle([id(1)].into_iter());
        assert!(!released.is_cancelled());
        drop(guard);
        assert!(released.is_cancelled());
        let (third, _) = claims.claim([id(1), id(2)].into_iter());
        assert!(matches!(third[..], [Claim::Recent, Claim::Mine]));
    }

    #[test]
    fn recent_ids_are_bounded() {
        let mut recent = RecentIds::new(4);
        (0..100).for_each(|byte| recent.insert(id(byte)));
        assert!(recent.contains(&id(99)) && recent.contains(&id(98)));
        assert!(!recent.contains(&id(90)));
        assert!(recent.ids.len() <= 4);
    }
}
