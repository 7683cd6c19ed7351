//! How an event reached us, which decides what is asked of it.

use nips::PublicKey;

use crate::model::{RelayId, Sighting};
use crate::store::events::{IfDeleted, IfProtected};

/// Who brings an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// A relay served it; that is worth a sighting.
    Crawl(RelayId),
    /// A client of our relay published it. The strictest door.
    Client {
        /// Keys the client proved to hold (NIP-42).
        authenticated: Vec<PublicKey>,
    },
    /// A file held it, perhaps collected from a relay.
    Import(Option<RelayId>),
    /// This process signed it.
    Own,
}

impl Door {
    /// Where the event was seen, if it came from a relay.
    pub(crate) fn sighting(&self, now: u64) -> Option<Sighting> {
        let relay = match self {
            Self::Crawl(relay) | Self::Import(Some(relay)) => *relay,
            Self::Client { .. } | Self::Import(None) | Self::Own => return None,
        };
        Some(Sighting {
            relay,
            seen_at: now,
        })
    }

    pub(crate) fn is_client(&self) -> bool {
        matches!(self, Self::Client { .. })
    }

    /// Only an author brings a protected event here: a client that has proved to be it, which `policy` sees to, or this
    /// process.
    pub(crate) fn if_protected(&self) -> IfProtected {
        match self {
            Self::Client { .. } | Self::Own => IfProtected::Show,
            Self::Crawl(_) | Self::Import(_) => IfProtected::Hide,
        }
    }

    /// Only a client is held to a deletion that its event comes after: the archive remembers.
    pub(crate) fn if_deleted(&self) -> IfDeleted {
        if self.is_client() {
            IfDeleted::Refuse
        } else {
            IfDeleted::Keep
        }
    }
}
