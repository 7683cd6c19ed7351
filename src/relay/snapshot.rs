//! The set of events that one NIP-77 session is about, as it was when the session began.

use negentropy::{Bound, Error, Id, Item, Negentropy, NegentropyStorageBase};
use tokio::sync::OwnedSemaphorePermit;

use crate::store::events::EventKey;

/// Longest answer, bytes, before it is written as hex: clients take messages of a megabyte.
const MAX_ANSWER_BYTES: u64 = 128 << 10;

/// Keys of events, oldest first; they stay what they were while new events arrive.
pub(super) struct Snapshot {
    keys: Vec<EventKey>,
    /// Gives back the room in memory that the keys take.
    _room: OwnedSemaphorePermit,
}

impl Snapshot {
    /// `keys` newest first, as a store gives them, and the room that was taken for them.
    pub(super) fn new(mut keys: Vec<EventKey>, room: OwnedSemaphorePermit) -> Self {
        keys.sort_unstable();
        Self { keys, _room: room }
    }

    /// The answer to a message of the client. Takes time in proportion to the set.
    ///
    /// # Errors
    /// When the message is none of the protocol.
    pub(super) fn answer(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Negentropy::borrowed(self, MAX_ANSWER_BYTES)?.reconcile(message)
    }

    fn item(&self, index: usize) -> Option<Item> {
        let key = self.keys.get(index)?;
        let id = Id::from_byte_array(key.id.0);
        Some(Item::with_timestamp_and_id(key.created_at, id))
    }
}

impl NegentropyStorageBase for Snapshot {
    fn size(&self) -> Result<usize, Error> {
        Ok(self.keys.len())
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
        let is_below = |key: &EventKey| (key.created_at, key.id.0) < bound;
        first + self.keys[first..last].partition_point(is_below)
    }
}
