//! `policy.yaml`: who may write what to our relay, and how fast.

use std::time::Duration;

use nips::{Kind, PublicKey};
use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};
use super::seconds;
use super::section::{FileName, Section};

/// The contents of `policy.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyConfig {
    /// EVENT from clients.
    pub write: WritePolicy,
    /// How fast and how many.
    pub rates: RatePolicy,
}

/// EVENT from clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WritePolicy {
    /// Whether clients may write at all.
    pub enabled: bool,
    /// Kinds that are accepted; empty means all.
    pub kinds_allowed: Vec<Kind>,
    /// Kinds that are refused.
    pub kinds_blocked: Vec<Kind>,
    /// Authors that are accepted; empty means all.
    pub authors_allowed: Vec<PublicKey>,
    /// Authors that are refused.
    pub authors_blocked: Vec<PublicKey>,
    /// How far in the future `created_at` may be.
    #[serde(with = "seconds")]
    pub max_future: Duration,
    /// Proof of work that events have to have, leading zero bits of the id.
    pub min_difficulty: u16,
}

/// How fast and how many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RatePolicy {
    /// Connections in all.
    pub max_connections: usize,
    /// Connections of one address.
    pub max_connections_per_address: usize,
    /// EVENT messages a minute of one connection.
    pub events_per_minute: u32,
    /// REQ and COUNT messages a minute of one connection.
    pub requests_per_minute: u32,
}

impl Default for WritePolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            kinds_allowed: Vec::new(),
            kinds_blocked: Vec::new(),
            authors_allowed: Vec::new(),
            authors_blocked: Vec::new(),
            max_future: Duration::from_secs(900),
            min_difficulty: 0,
        }
    }
}

impl Default for RatePolicy {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_connections_per_address: 100,
            events_per_minute: 1_200,
            requests_per_minute: 1_200,
        }
    }
}

impl Section for PolicyConfig {
    const FILE: FileName = FileName::Policy;

    fn keys() -> Vec<Key> {
        [write_keys(), rate_keys()].concat()
    }
}

fn write_keys() -> Vec<Key> {
    vec![
        Key::section("write", "EVENT from clients."),
        Key::new(
            "write.enabled",
            Accepts::Flag,
            "Whether clients may write at all.",
        ),
        Key::new(
            "write.kinds_allowed",
            Accepts::List,
            "Kinds that are accepted; empty = all.",
        ),
        Key::new(
            "write.kinds_blocked",
            Accepts::List,
            "Kinds that are refused.",
        ),
        Key::new(
            "write.authors_allowed",
            Accepts::List,
            "Authors (64 hex digits) that are accepted; empty = all.",
        ),
        Key::new(
            "write.authors_blocked",
            Accepts::List,
            "Authors (64 hex digits) that are refused.",
        ),
        Key::new(
            "write.max_future",
            Accepts::Seconds(0.0, 31_536_000.0),
            "How far in the future created_at may be.",
        ),
        Key::new(
            "write.min_difficulty",
            Accepts::Integer(0, 64),
            "Proof of work that events have to have (NIP-13), leading zero bits.",
        ),
    ]
}

fn rate_keys() -> Vec<Key> {
    vec![
        Key::section("rates", "How fast and how many."),
        Key::new(
            "rates.max_connections",
            Accepts::Integer(1, 1_000_000),
            "Connections in all.",
        ),
        Key::new(
            "rates.max_connections_per_address",
            Accepts::Integer(1, 1_000_000),
            "Connections of one address.",
        ),
        Key::new(
            "rates.events_per_minute",
            Accepts::Integer(1, 1_000_000),
            "EVENT messages a minute of one connection.",
        ),
        Key::new(
            "rates.requests_per_minute",
            Accepts::Integer(1, 1_000_000),
            "REQ and COUNT messages a minute of one connection.",
        ),
    ]
}
