//! Our own events on their way to other relays.

use nips::{EventId, RelayUrl};

/// An event of ours that an outside relay is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The outside relay.
    pub relay: RelayUrl,
    /// What a later event of ours would say anew, e.g. the address `30166:<key>:wss://relay.example.com/`.
    pub subject: String,
    /// The event, which the archive has.
    pub event: EventId,
    /// When the subject began to wait, unix seconds.
    pub queued_at: u64,
}
