//! What the synchronizer received of a relay, and how much news that was.

use nips::Network;

use super::RelayId;

/// What was received, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes on the wire, whatever was in them.
    pub received_bytes: u64,
    /// Events that were stored for the first time.
    pub new_events: u64,
    /// Events that were stored before.
    pub known_events: u64,
    /// Events that were refused.
    pub refused_events: u64,
}

/// How much news a relay brings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct News {
    /// Until when the fresh events that it brought weigh as much as one, unix seconds: they lose half of their weight
    /// in some hours, so that who has the highest brings most at any moment.
    pub fresh_until: u64,
    /// Whether its history is archived, as far as it can be.
    pub is_caught_up: bool,
}

/// A relay's traffic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RelayTraffic {
    /// All of it.
    pub total: Traffic,
    /// What it says about the next.
    pub news: News,
}

/// The news of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayNews {
    /// The relay.
    pub relay: RelayId,
    /// Its news.
    pub news: News,
}

/// A network's traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkTraffic {
    /// The network.
    pub network: Network,
    /// All of it.
    pub total: Traffic,
}
