//! What can be asked about the events of an answer without reading them.

use nips::nip45::AuthorSketch;

use super::events::EventKey;

/// How many events match, and about how many different authors they have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorCount {
    /// Events that match.
    pub events: u64,
    /// Their authors (NIP-45).
    pub authors: AuthorSketch,
    /// Whether that many rows were looked at that there may be more.
    pub is_cut: bool,
}

/// The keys of the events that match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet {
    /// Newest first.
    pub keys: Vec<EventKey>,
    /// Whether that many rows were looked at that there may be more.
    pub is_cut: bool,
}
