//! URLs that somebody named and nobody has validated yet.

use nips::RelayUrl;

/// A URL to be validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCandidate {
    /// Canonical URL.
    pub url: RelayUrl,
    /// Who named it first: `seed`, `kind-10002`, `http`, …
    pub source: String,
    /// When it was first named, unix seconds.
    pub discovered_at: u64,
}

/// A candidate as stored, with the history of its attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Canonical URL.
    pub url: RelayUrl,
    /// Who named it first.
    pub source: String,
    /// When it was first named, unix seconds.
    pub discovered_at: u64,
    /// Failed attempts so far.
    pub failures: u32,
    /// Not to be tried before this moment, unix seconds.
    pub next_attempt_at: u64,
    /// Stable label of the last failure, e.g. `connection-refused`.
    pub last_reason: Option<String>,
}
