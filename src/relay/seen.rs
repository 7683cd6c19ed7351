//! Which announced events have been delivered, so that re-reading the log repeats none.

use std::collections::{BTreeMap, HashSet};

use nips::EventId;

use crate::store::events::BatchNumber;

/// How many of the newest batches are remembered. Announcements overtake each other only by as many
/// batches as are committed while one task waits for its turn, which is far less.
const REMEMBERED_BATCHES: u64 = 64;

/// The events of the newest batches.
#[derive(Debug, Default)]
pub(super) struct Seen {
    batches: BTreeMap<BatchNumber, HashSet<u64>>,
    /// Everything up to here has been read from the log.
    caught_up: BatchNumber,
}

impl Seen {
    /// Whether this is the first time that an event of a batch is met; remembers it.
    pub(super) fn is_first(&mut self, batch: BatchNumber, id: EventId) -> bool {
        let is_forgotten = self.batches.len() as u64 >= REMEMBERED_BATCHES
            && self
                .batches
                .first_key_value()
                .is_some_and(|(oldest, _)| batch < *oldest);
        if is_forgotten {
            return batch > self.caught_up;
        }
        let is_first = self.batches.entry(batch).or_default().insert(head(id));
        while self.batches.len() as u64 > REMEMBERED_BATCHES {
            self.batches.pop_first();
        }
        is_first
    }

    /// The batch after which the log has to be read to miss nothing.
    pub(super) fn resume_after(&self) -> BatchNumber {
        let newest = self
            .batches
            .last_key_value()
            .map_or(0, |(batch, _)| batch.0);
        BatchNumber(
            newest
                .saturating_sub(REMEMBERED_BATCHES)
                .max(self.caught_up.0),
        )
    }

    /// Notes that the log has been read up to and including a batch.
    pub(super) fn caught_up(&mut self, batch: BatchNumber) {
        self.caught_up = self.caught_up.max(batch);
    }
}

/// Half of an id's first half tells the events of a batch apart.
fn head(id: EventId) -> u64 {
    let head = id.0.first_chunk().expect("an id has 32 bytes");
    u64::from_be_bytes(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> EventId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        EventId(bytes)
    }

    #[test]
    fn each_event_of_a_batch_is_first_once() {
        let mut seen = Seen::default();
        assert!(seen.is_first(BatchNumber(7), id(1)));
        assert!(seen.is_first(BatchNumber(7), id(2)));
        assert!(!seen.is_first(BatchNumber(7), id(1)));
        assert!(seen.is_first(BatchNumber(6), id(3)));
        assert_eq!(seen.resume_after(), BatchNumber(0));
    }

    #[test]
    fn memory_is_bounded_and_reading_again_starts_before_what_it_holds() {
        let mut seen = Seen::default();
        for batch in 1..=1_000 {
            assert!(seen.is_first(BatchNumber(batch), id(batch)));
        }
        assert_eq!(seen.batches.len() as u64, REMEMBERED_BATCHES);
        assert_eq!(seen.resume_after(), BatchNumber(1_000 - REMEMBERED_BATCHES));
        assert!(!seen.is_first(BatchNumber(990), id(990)));
        seen.caught_up(BatchNumber(1_000));
        assert!(!seen.is_first(BatchNumber(2), id(5)));
        assert_eq!(seen.resume_after(), BatchNumber(1_000));
    }
}
