//! Where events were found lately. Who asks whether an event is known mostly has a sighting of it to add then, and the
//! writer need not search again.

use std::sync::atomic::{AtomicU64, Ordering};

/// Places that are remembered, 16 bytes each: of some hundred pages of events.
const ENTRIES: usize = 1 << 16;

/// A guess and no more: whoever takes it looks whether the event is there.
pub(super) struct LatelyFound(Box<[Entry]>);

/// An event key and a place. Two threads may have written half of it each.
#[derive(Default)]
struct Entry {
    eid: AtomicU64,
    place: AtomicU64,
}

impl Default for LatelyFound {
    fn default() -> Self {
        Self((0..ENTRIES).map(|_| Entry::default()).collect())
    }
}

impl LatelyFound {
    /// Remembers where the event is that has this key, or wanted it.
    pub(super) fn note(&self, eid: u64, place: u64) {
        let entry = self.entry(eid);
        entry.eid.store(eid, Ordering::Relaxed);
        entry.place.store(place, Ordering::Relaxed);
    }

    /// Where it may be.
    pub(super) fn place(&self, eid: u64) -> Option<u64> {
        let entry = self.entry(eid);
        let is_it = entry.eid.load(Ordering::Relaxed) == eid;
        is_it.then(|| entry.place.load(Ordering::Relaxed))
    }

    /// The end of a key is from the id, and looks like chance.
    fn entry(&self, eid: u64) -> &Entry {
        &self.0[eid as usize % self.0.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_of_an_entry_is_remembered() {
        let found = LatelyFound::default();
        let other = 7 + ENTRIES as u64;
        found.note(7, 1);
        assert_eq!((found.place(7), found.place(other)), (Some(1), None));
        found.note(other, 2);
        assert_eq!((found.place(7), found.place(other)), (None, Some(2)));
    }
}
