//! Validated relays.

use nips::{Network, RelayUrl};

/// The integer key of a relay inside this archive; stable for the life of the archive, never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayId(pub u32);

/// A relay that spoke Nostr to us at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// Key of the row.
    pub id: RelayId,
    /// Canonical URL.
    pub url: RelayUrl,
    /// When its URL was first seen anywhere, unix seconds.
    pub discovered_at: u64,
    /// When it was promoted from candidate, unix seconds.
    pub validated_at: u64,
    /// What the latest checks say.
    pub state: RelayState,
    /// Checks failed since the last success; written by the monitor.
    pub check_failures: u32,
    /// When the monitor looks at it next, unix seconds.
    pub next_check_at: u64,
    /// Synchronisations failed since the last success; written by the synchronizer.
    pub sync_failures: u32,
    /// When the synchronizer visits it next, unix seconds.
    pub next_sync_at: u64,
}

/// A relay to be added without validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRelay {
    /// Canonical URL.
    pub url: RelayUrl,
    /// When its URL was first seen, unix seconds.
    pub discovered_at: u64,
}

/// The life cycle of a relay as the monitor sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelayState {
    /// Promoted, never checked.
    New,
    /// Answered the latest check.
    Online,
    /// Failed the latest check, answered one of the few before.
    Flaky,
    /// Failed several checks in a row.
    Offline,
    /// Failed for so long that it is looked at only rarely.
    Dead,
}

impl RelayState {
    /// All states, in life-cycle order.
    pub const ALL: [Self; 5] = [
        Self::New,
        Self::Online,
        Self::Flaky,
        Self::Offline,
        Self::Dead,
    ];

    /// The name in SQL, metrics and JSON, e.g. `online`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Online => "online",
            Self::Flaky => "flaky",
            Self::Offline => "offline",
            Self::Dead => "dead",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl Relay {
    /// The relay's network.
    pub fn network(&self) -> Network {
        self.url.network()
    }
}
