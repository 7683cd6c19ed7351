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

/// What is known of ids: one look tells all.
struct State {
    ids: HashMap<EventId, Known>,
    /// Of how many ids that were stored or delivered it forgets the older ones.
    half: usize,
    /// How many of the younger ones there are.
    young: usize,
}

/// What is known of an id.
enum Known {
    /// Somebody works on it. The token is shared as it is: to clone one takes a lock.
    InFlight(Arc<CancellationToken>),
    /// It was stored or delivered lately, after the last time that ids were forgotten or before it.
    Recent { is_young: bool },
}

impl Claims {
    /// A registry that remembers at most so many ids, and forgets the older half of them when it is full.
    pub(super) fn new(recent_ids: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            ids: HashMap::new(),
            half: (recent_ids / 2).max(1),
            young: 0,
        })))
    }

    /// Which ids were stored or delivered lately.
    pub(super) fn are_recent(&self, ids: impl Iterator<Item = EventId>) -> Vec<bool> {
        let state = lock(&self.0);
        ids.map(|id| state.is_recent(&id)).collect()
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
    fn is_recent(&self, id: &EventId) -> bool {
        matches!(self.ids.get(id), Some(Known::Recent { .. }))
    }

    fn claim(&mut self, id: EventId, guard: &mut ClaimGuard) -> Claim {
        match self.ids.entry(id) {
            Entry::Occupied(known) => match known.get() {
                Known::InFlight(holder) => Claim::Theirs(Arc::clone(holder)),
                Known::Recent { .. } => Claim::Recent,
            },
            Entry::Vacant(place) => {
                place.insert(Known::InFlight(Arc::clone(&guard.released)));
                guard.ids.push(id);
                Claim::Mine
            }
        }
    }

    /// Remembers an id as stored or delivered, unless somebody else works on it. Returns whether `holder` did.
    fn remember(&mut self, id: EventId, holder: &Arc<CancellationToken>) -> bool {
        if self.young >= self.half {
            self.forget_older();
        }
        let is_young = true;
        match self.ids.entry(id) {
            Entry::Occupied(mut known) => match known.get_mut() {
                Known::InFlight(other) if !Arc::ptr_eq(other, holder) => false,
                Known::InFlight(_) => {
                    known.insert(Known::Recent { is_young });
                    self.young += 1;
                    true
                }
                Known::Recent { is_young } => {
                    self.young += usize::from(!std::mem::replace(is_young, true));
                    false
                }
            },
            Entry::Vacant(place) => {
                place.insert(Known::Recent { is_young });
                self.young += 1;
                false
            }
        }
    }

    fn forget_older(&mut self) {
        self.ids.retain(|_, known| match known {
            Known::InFlight(_) => true,
            Known::Recent { is_young } => std::mem::take(is_young),
        });
        self.young = 0;
    }

    /// Gives up a claim, if `holder` has it.
    fn release(&mut self, id: EventId, holder: &Arc<CancellationToken>) {
        if let Entry::Occupied(known) = self.ids.entry(id)
            && matches!(known.get(), Known::InFlight(other) if Arc::ptr_eq(other, holder))
        {
            known.remove();
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
        let settled = self.settled.iter();
        let settled = settled.filter(|id| state.remember(**id, &self.released));
        if settled.count() < self.ids.len() {
            for id in &self.ids {
                state.release(*id, &self.released);
            }
        }
        drop(state);
        self.released.cancel();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no panic while claiming")
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
    fn recent_ids_are_bounded_and_those_in_flight_stay() {
        let claims = Claims::new(4);
        let (_, guard) = claims.claim([id(200)].into_iter());
        for byte in 0..100 {
            let (_, mut guard) = claims.claim([id(byte)].into_iter());
            guard.settle([id(byte)].into_iter());
        }
        let recent = claims.are_recent([99, 98, 90].map(id).into_iter());
        assert_eq!(recent, [true, true, false]);
        assert!(lock(&claims.0).ids.len() <= 4 + 1);
        let (again, _) = claims.claim([id(200)].into_iter());
        assert!(matches!(again[..], [Claim::Theirs(_)]));
        drop(guard);
        assert_eq!(lock(&claims.0).ids.len(), 4);
    }

    #[test]
    fn who_settles_without_a_claim_takes_away_nobodys() {
        let claims = Claims::new(10);
        let (_, holder) = claims.claim([id(1)].into_iter());
        let (_, mut other) = claims.claim([id(2)].into_iter());
        other.settle([id(1), id(2)].into_iter());
        drop(other);
        assert_eq!(claims.are_recent([id(1), id(2)].into_iter()), [false, true]);
        drop(holder);
        let (free, _) = claims.claim([id(1)].into_iter());
        assert!(matches!(free[..], [Claim::Mine]));
    }

    #[test]
    fn what_was_not_settled_is_free_again() {
        let claims = Claims::new(10);
        let (_, mut guard) = claims.claim([id(1), id(2)].into_iter());
        guard.settle([id(2)].into_iter());
        drop(guard);
        let (after, _) = claims.claim([id(1), id(2)].into_iter());
        assert!(matches!(after[..], [Claim::Mine, Claim::Recent]));
    }
}
