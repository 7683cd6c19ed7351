//! The sets of late NIP-77 sessions, for the next ones that ask the same while nothing has changed.
//!
//! Finding a set takes far longer than comparing it. What readers see changes with an arrival, which has a number, and
//! when something expires; a set is given out only where neither has happened since it was found.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nips::Filter;
use nips::nip40::Expiration;
use tokio::time::Instant;

use super::snapshot::Snapshot;
use crate::store::events::{BatchNumber, Scope};

/// Sets that are kept. Few questions are asked again and again, and all sets are looked at each time.
const MAX_SETS: usize = 4;

/// How long a set is kept that nobody asks for: clients that mirror a relay come back within seconds.
const MAX_UNUSED: Duration = Duration::from_secs(60);

/// Between two looks for such sets.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What a session asks for, and who asks.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) filter: Filter,
    pub(super) scope: Scope,
}

/// When something is true: after this batch, at this time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) batch: BatchNumber,
    /// Unix seconds.
    pub(super) now: u64,
}

/// The sets that are kept, the one that was used last at the end.
pub(super) struct SharedSets {
    max_keys: usize,
    sets: Mutex<Vec<SharedSet>>,
}

/// A set, and for what and how long it is good.
pub(super) struct SharedSet {
    pub(super) question: Question,
    pub(super) snapshot: Arc<Snapshot>,
    /// The newest batch when it was found.
    pub(super) batch: BatchNumber,
    /// Of what it has.
    pub(super) first_expiration: Expiration,
    pub(super) used_at: Instant,
}

impl SharedSets {
    /// Keeps sets of so many keys altogether.
    pub(super) fn new(max_keys: usize) -> Self {
        Self {
            max_keys,
            sets: Mutex::default(),
        }
    }

    /// The set that answers a question, if there is one. Those of another time are dropped.
    pub(super) fn find(&self, question: &Question, moment: Moment) -> Option<Arc<Snapshot>> {
        let mut sets = self.sets.lock().expect("no panic under the lock");
        sets.retain(|set| set.is_good(moment));
        let position = sets.iter().position(|set| set.question.is_like(question))?;
        let mut found = sets.remove(position);
        found.used_at = Instant::now();
        let snapshot = Arc::clone(&found.snapshot);
        sets.push(found);
        Some(snapshot)
    }

    /// Keeps a set, instead of those that were used longest ago.
    pub(super) fn keep(&self, set: SharedSet) {
        let mut sets = self.sets.lock().expect("no panic under the lock");
        sets.retain(|kept| !kept.question.is_like(&set.question));
        sets.push(set);
        while sets.len() > MAX_SETS || self.is_too_much(&sets) {
            sets.remove(0);
        }
    }

    fn is_too_much(&self, sets: &[SharedSet]) -> bool {
        let keys = sets.iter().map(|set| set.snapshot.len());
        keys.sum::<usize>() > self.max_keys
    }

    /// Drops the sets that no session is about, so that others have their room.
    pub(super) fn make_room(&self) {
        let mut sets = self.sets.lock().expect("no panic under the lock");
        sets.retain(|set| Arc::strong_count(&set.snapshot) > 1);
    }

    /// Drops sets that nobody asks for any more, for ever. Cancel-safe.
    pub(super) async fn drop_unused(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.drop_unused_at(Instant::now());
        }
    }

    fn drop_unused_at(&self, now: Instant) {
        let mut sets = self.sets.lock().expect("no panic under the lock");
        sets.retain(|set| now.duration_since(set.used_at) < MAX_UNUSED);
    }
}

impl Question {
    /// Whether the same is asked by one who may see the same, at whatever time.
    fn is_like(&self, other: &Self) -> bool {
        self.filter == other.filter && self.scope.is_like(&other.scope)
    }
}

impl SharedSet {
    fn is_good(&self, moment: Moment) -> bool {
        self.batch == moment.batch && !self.first_expiration.is_past(moment.now)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use crate::store::events::EventKey;

    const NOW: u64 = 1_000;

    fn question(limit: usize) -> Question {
        let filter = Filter {
            limit: Some(limit),
            ..Filter::default()
        };
        let scope = Scope::public(NOW);
        Question { filter, scope }
    }

    /// A set of that many keys, which answers the question with that limit.
    fn set(keys: u64) -> SharedSet {
        let key = |number: u64| EventKey {
            created_at: number,
            id: nips::EventId([7; 32]),
        };
        let room = Arc::new(Semaphore::new(1));
        let room = room.try_acquire_owned().unwrap();
        SharedSet {
            question: question(keys.try_into().unwrap()),
            snapshot: Arc::new(Snapshot::new((0..keys).map(key).collect(), room)),
            batch: BatchNumber(1),
            first_expiration: Expiration::At(NOW + 1),
            used_at: Instant::now(),
        }
    }

    fn has(sets: &SharedSets, keys: usize) -> bool {
        let moment = Moment {
            batch: BatchNumber(1),
            now: NOW,
        };
        sets.find(&question(keys), moment).is_some()
    }

    #[test]
    fn arrivals_and_expiration_end_a_set() {
        for (batch, now, is_found) in [(1, NOW, true), (2, NOW, false), (1, NOW + 1, false)] {
            let sets = SharedSets::new(10);
            sets.keep(set(3));
            let batch = BatchNumber(batch);
            let found = sets.find(&question(3), Moment { batch, now });
            assert_eq!(found.is_some(), is_found, "{batch:?} {now}");
        }
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let sets = SharedSets::new(1_000);
        (1..=4).for_each(|keys| sets.keep(set(keys)));
        assert!(has(&sets, 1));
        sets.keep(set(5));
        assert!(!has(&sets, 2) && has(&sets, 1) && has(&sets, 5));
        sets.keep(set(997));
        assert!(has(&sets, 997) && !has(&sets, 3) && !has(&sets, 4));
        sets.keep(set(1_001));
        assert!(!has(&sets, 1_001));
    }

    #[test]
    fn what_nobody_uses_goes() {
        let sets = SharedSets::new(10);
        sets.keep(set(1));
        let later = Instant::now() + MAX_UNUSED;
        sets.drop_unused_at(later - Duration::from_secs(1));
        assert!(has(&sets, 1));
        sets.drop_unused_at(later + Duration::from_secs(1));
        assert!(!has(&sets, 1));
        sets.keep(set(1));
        let used = set(2);
        let session = Arc::clone(&used.snapshot);
        sets.keep(used);
        sets.make_room();
        assert!(!has(&sets, 1) && has(&sets, 2));
        drop(session);
    }
}
