//! What can be asked about the events of an answer without reading them.

use std::time::Instant;

use nips::nip40::Expiration;
use nips::nip45::AuthorSketch;

use super::events::EventKey;

/// Bounds of counting and naming what matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetBounds {
    /// Stop after so many events that match. What is cut here says so.
    pub max_events: usize,
    /// Stop after looking at this many index entries. What is cut here says so.
    pub max_scanned: usize,
    /// Give up at this moment, or soon after it, with [`StoreError::TooSlow`](super::StoreError::TooSlow).
    pub deadline: Option<Instant>,
}

impl SetBounds {
    /// Nothing but so many index entries.
    pub fn rows(max_scanned: usize) -> Self {
        Self {
            max_scanned,
            ..Self::default()
        }
    }

    /// Nothing but so many events.
    pub fn events(max_events: usize) -> Self {
        Self {
            max_events,
            ..Self::default()
        }
    }
}

impl Default for SetBounds {
    fn default() -> Self {
        Self {
            max_events: usize::MAX,
            max_scanned: usize::MAX,
            deadline: None,
        }
    }
}

/// How many events match, and about how many different authors they have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorCount {
    /// Events that match.
    pub events: u64,
    /// Their authors (NIP-45).
    pub authors: AuthorSketch,
    /// Whether a bound was reached, so that there may be more.
    pub is_cut: bool,
}

/// The keys of the events that match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeySet {
    /// Newest first.
    pub keys: Vec<EventKey>,
    /// When the first of them expires (NIP-40); `None` where the store does not know. Until then it stays so while
    /// nothing arrives.
    pub first_expiration: Option<Expiration>,
    /// Whether a bound was reached, so that there may be more.
    pub is_cut: bool,
}
