//! Who named a URL.

use nips::RelayUrl;

/// How often a kind of source named a URL, and since when: one row for each kind, so a URL has at most as
/// many as there are kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Canonical URL.
    pub url: RelayUrl,
    /// The kind of source: `seed`, `relay-list`, `http`, …
    pub source: String,
    /// How often it named the URL.
    pub namings: u64,
    /// When it did so first, unix seconds.
    pub first_named_at: u64,
    /// When it did so last, unix seconds.
    pub last_named_at: u64,
}
