//! The set of events that one NIP-77 session is about, as it was when the session began.

use nips::nip77::{Element, SyncMessageError, SyncSet};
use tokio::sync::OwnedSemaphorePermit;

use crate::store::events::EventKey;

/// Longest answer, bytes, before it is written as hex: clients take messages of a megabyte.
const MAX_ANSWER_BYTES: u64 = 128 << 10;

/// Keys of events; they stay what they were while new events arrive.
pub(super) struct Snapshot {
    set: SyncSet,
    /// Gives back the room in memory that the keys take.
    _room: OwnedSemaphorePermit,
}

impl Snapshot {
    /// `keys` in any order, and the room that was taken for them.
    pub(super) fn new(keys: Vec<EventKey>, room: OwnedSemaphorePermit) -> Self {
        let elements = keys.into_iter().map(Element::from).collect();
        Self {
            set: SyncSet::new(elements),
            _room: room,
        }
    }

    /// How many keys it has.
    pub(super) fn len(&self) -> usize {
        self.set.elements().len()
    }

    /// The answer to a message of the client. Takes time in proportion to the set.
    ///
    /// # Errors
    /// When the message is none of the protocol.
    pub(super) fn answer(&self, message: &[u8]) -> Result<Vec<u8>, SyncMessageError> {
        self.set.answer(message, MAX_ANSWER_BYTES)
    }
}
