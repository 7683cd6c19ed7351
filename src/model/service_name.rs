//! The roles of the one binary.

use std::fmt;

/// A role: a sub-command, a configuration file, a metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceName {
    /// Reads the seed list.
    Seeder,
    /// Finds relay URLs in stored events and HTTP sources.
    Finder,
    /// Promotes candidates that speak Nostr.
    Validator,
    /// Checks relays and publishes NIP-66.
    Monitor,
    /// Archives events.
    Synchronizer,
    /// Keeps statistics current and enforces retention.
    Refresher,
    /// Serves the archive.
    Relay,
}

impl ServiceName {
    /// All roles, in pipeline order.
    pub const ALL: [Self; 7] = [
        Self::Seeder,
        Self::Finder,
        Self::Validator,
        Self::Monitor,
        Self::Synchronizer,
        Self::Refresher,
        Self::Relay,
    ];

    /// The name, e.g. `seeder`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seeder => "seeder",
            Self::Finder => "finder",
            Self::Validator => "validator",
            Self::Monitor => "monitor",
            Self::Synchronizer => "synchronizer",
            Self::Refresher => "refresher",
            Self::Relay => "relay",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|service| service.as_str() == name)
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
