//! The proof of where an event was seen.

use crate::model::RelayId;

/// One observation of an event on a relay; the first one per relay is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sighting {
    /// The relay that served the event.
    pub relay: RelayId,
    /// When it did so, unix seconds.
    pub seen_at: u64,
}
