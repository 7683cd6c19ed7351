//! Several URLs that lead to one relay.

use super::RelayId;

/// A relay's URL that leads to the same relay as another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The relay that is not visited any more.
    pub relay: RelayId,
    /// The relay that is visited in its place.
    pub canonical: RelayId,
    /// What showed it, as JSON.
    pub evidence: String,
    /// When it was found, unix seconds.
    pub found_at: u64,
}
