//! NIP-77: two sets of events compared by messages in proportion to what makes them different.
//!
//! The algorithm is Negentropy, protocol version 1. Here are the set, a server's answer, and a client's
//! side of the exchange; who sends the messages is not known here.

use std::collections::HashSet;

use negentropy::{Bound, Error, Id, Item, Negentropy, NegentropyStorageBase};

use crate::EventId;

/// One event of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element {
    /// Unix seconds.
    pub created_at: u64,
    /// The id.
    pub id: EventId,
}

/// A set of events that does not change while it is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncSet(Vec<Element>);

/// What is in one of two sets only, as far as they have been compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Only the other side has these.
    pub missing_here: HashSet<EventId>,
    /// Only this side has these.
    pub missing_there: HashSet<EventId>,
}

/// The message is none of the protocol.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct SyncMessageError(#[from] Error);

impl SyncSet {
    /// A set of elements in any order, repeats allowed.
    pub fn new(mut elements: Vec<Element>) -> Self {
        elements.sort_unstable();
        elements.dedup();
        Self(elements)
    }

    /// The elements, oldest first.
    pub fn elements(&self) -> &[Element] {
        &self.0
    }

    /// A server's answer to a client's message, of at most `max_bytes` (at least 4096; 0 for any
    /// length). Takes time in proportion to the set.
    ///
    /// # Errors
    /// [`SyncMessageError`]
    pub fn answer(&self, message: &[u8], max_bytes: u64) -> Result<Vec<u8>, SyncMessageError> {
        Ok(Negentropy::borrowed(self, max_bytes)?.reconcile(message)?)
    }

    /// A client's first message.
    ///
    /// # Errors
    /// [`SyncMessageError`] when an element is later than the protocol can say.
    pub fn first_message(&self, max_bytes: u64) -> Result<Vec<u8>, SyncMessageError> {
        Ok(Negentropy::borrowed(self, max_bytes)?.initiate()?)
    }

    /// Takes a server's answer: what it shows is added to `difference`, and the next message is
    /// returned, `None` when everything is compared.
    ///
    /// # Errors
    /// [`SyncMessageError`]
    pub fn compare(
        &self,
        message: &[u8],
        max_bytes: u64,
        difference: &mut Difference,
    ) -> Result<Option<Vec<u8>>, SyncMessageError> {
        let mut client = Negentropy::borrowed(self, max_bytes)?;
        client.set_initiator();
        let (mut here, mut there) = (Vec::new(), Vec::new());
        let next = client.reconcile_with_ids(message, &mut here, &mut there)?;
        let id = |id: Id| EventId(id.to_bytes());
        difference.missing_there.extend(here.into_iter().map(id));
        difference.missing_here.extend(there.into_iter().map(id));
        Ok(next)
    }

    fn item(&self, index: usize) -> Option<Item> {
        let element = self.0.get(index)?;
        let id = Id::from_byte_array(element.id.0);
        Some(Item::with_timestamp_and_id(element.created_at, id))
    }
}

impl NegentropyStorageBase for SyncSet {
    fn size(&self) -> Result<usize, Error> {
        Ok(self.0.len())
    }

    fn get_item(&self, index: usize) -> Result<Option<Item>, Error> {
        Ok(self.item(index))
    }

    fn iterate(
        &self,
        begin: usize,
        end: usize,
        visit: &mut dyn FnMut(Item, usize) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        for index in begin..end {
            let item = self.item(index).ok_or(Error::BadRange)?;
            if !visit(item, index)? {
                break;
            }
        }
        Ok(())
    }

    fn find_lower_bound(&self, first: usize, last: usize, value: &Bound) -> usize {
        let bound = (value.item.timestamp, value.item.id.to_bytes());
        let is_below = |element: &Element| (element.created_at, element.id.0) < bound;
        first + self.0[first..last].partition_point(is_below)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    const MAX_BYTES: u64 = 4_096;

    /// Fingerprints are sums of ids, so that these have to look as random as hashes do.
    fn element(number: u16) -> Element {
        Element {
            created_at: u64::from(number) / 3,
            id: EventId(Sha256::digest(number.to_be_bytes()).into()),
        }
    }

    fn exchange(here: &SyncSet, there: &SyncSet) -> Difference {
        let mut difference = Difference::default();
        let mut next = here.first_message(MAX_BYTES).ok();
        while let Some(message) = next {
            let answer = there.answer(&message, MAX_BYTES).unwrap();
            next = here.compare(&answer, MAX_BYTES, &mut difference).unwrap();
        }
        difference
    }

    proptest! {
        #[test]
        fn the_difference_is_found(
            here in prop::collection::hash_set(0..2_000_u16, 0..1_000),
            there in prop::collection::hash_set(0..2_000_u16, 0..1_000),
        ) {
            let set = |numbers: &HashSet<u16>| {
                SyncSet::new(numbers.iter().map(|number| element(*number)).collect())
            };
            let only = |a: &HashSet<u16>, b: &HashSet<u16>| -> HashSet<EventId> {
                a.difference(b).map(|number| element(*number).id).collect()
            };
            let found = exchange(&set(&here), &set(&there));
            prop_assert_eq!(found.missing_there, only(&here, &there));
            prop_assert_eq!(found.missing_here, only(&there, &here));
        }

        #[test]
        fn no_message_panics(message in prop::collection::vec(any::<u8>(), 0..200)) {
            let set = SyncSet::new((0..100).map(element).collect());
            let _ = set.answer(&message, MAX_BYTES);
            let _ = set.compare(&message, MAX_BYTES, &mut Difference::default());
        }
    }
}
