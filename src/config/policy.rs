//! `policy.yaml`: who may write what to our relay, and how fast.

use std::net::SocketAddr;
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
    /// Who is kept out for a while.
    pub bans: BanPolicy,
    /// Who manages the relay while it runs.
    pub management: ManagementPolicy,
}

/// Who may publish events on our relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteAccess {
    /// Everybody.
    Open,
    /// Clients that proved to hold a key (NIP-42), whatever key.
    Authed,
    /// The authors in `authors_allowed`.
    Allowlist,
    /// Nobody but our own monitor and the operator.
    MonitorOnly,
}

impl WriteAccess {
    /// The word in YAML.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Authed => "authed",
            Self::Allowlist => "allowlist",
            Self::MonitorOnly => "monitor_only",
        }
    }
}

/// EVENT from clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WritePolicy {
    /// Whether clients may write at all.
    pub enabled: bool,
    /// Who may; `None` means everybody on loopback and nobody from outside.
    pub policy: Option<WriteAccess>,
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
    /// Connections of one prefix.
    pub max_connections_per_prefix: usize,
    /// EVENT messages a minute of one connection.
    pub events_per_minute: u32,
    /// REQ and COUNT messages a minute of one connection.
    pub requests_per_minute: u32,
    /// EVENT messages a minute of one prefix.
    pub events_per_minute_per_prefix: u32,
    /// REQ and COUNT messages a minute of one prefix.
    pub requests_per_minute_per_prefix: u32,
    /// New events a minute of one author.
    pub events_per_minute_per_key: u32,
    /// Time for stored answers a minute of one connection.
    #[serde(with = "seconds")]
    pub query_time_per_minute: Duration,
    /// Time for stored answers a minute of one prefix.
    #[serde(with = "seconds")]
    pub query_time_per_minute_per_prefix: Duration,
}

/// Who is kept out for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BanPolicy {
    /// Whether anybody is.
    pub enabled: bool,
    /// Refusals a minute of one address that are put up with.
    pub offences_per_minute: u32,
    /// How long the address is kept out.
    #[serde(with = "seconds")]
    pub duration: Duration,
}

/// Who manages the relay over HTTP (NIP-86).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ManagementPolicy {
    /// Whether anybody does.
    pub enabled: bool,
    /// Keys that may, beside `info.pubkey` of `relay.yaml`.
    pub operators: Vec<PublicKey>,
}

impl PolicyConfig {
    /// Who may write to a relay that listens there: unless the operator chose, everybody on this machine and
    /// nobody from outside.
    pub fn write_access(&self, listen: SocketAddr) -> WriteAccess {
        let is_local = listen.ip().to_canonical().is_loopback();
        self.write.policy.unwrap_or(match is_local {
            true => WriteAccess::Open,
            false => WriteAccess::MonitorOnly,
        })
    }
}

impl Default for WritePolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            policy: None,
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
            max_connections_per_prefix: 1_000,
            events_per_minute: 1_200,
            requests_per_minute: 1_200,
            events_per_minute_per_prefix: 12_000,
            requests_per_minute_per_prefix: 12_000,
            events_per_minute_per_key: 1_200,
            query_time_per_minute: Duration::from_secs(20),
            query_time_per_minute_per_prefix: Duration::from_secs(60),
        }
    }
}

impl Default for BanPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            offences_per_minute: 300,
            duration: Duration::from_secs(600),
        }
    }
}

impl Default for ManagementPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            operators: Vec::new(),
        }
    }
}

impl Section for PolicyConfig {
    const FILE: FileName = FileName::Policy;

    fn keys() -> Vec<Key> {
        [write_keys(), rate_keys(), ban_keys(), management_keys()].concat()
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
            "write.policy",
            Accepts::OrNull(&Accepts::Choice(&[
                "open",
                "authed",
                "allowlist",
                "monitor_only",
            ])),
            "Who may write: everybody, clients that authenticated, authors_allowed, or nobody but our monitor \
             and info.pubkey; null = open when listening on loopback, else monitor_only.",
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
            "Authors (64 hex digits) that are accepted; empty = all, or none with policy allowlist.",
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
        Key::section(
            "rates",
            "How fast and how many. A prefix is an address's /24, or /64 in IPv6.",
        ),
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
            "rates.max_connections_per_prefix",
            Accepts::Integer(1, 1_000_000),
            "Connections of one prefix.",
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
        Key::new(
            "rates.events_per_minute_per_prefix",
            Accepts::Integer(1, 10_000_000),
            "EVENT messages a minute of one prefix.",
        ),
        Key::new(
            "rates.requests_per_minute_per_prefix",
            Accepts::Integer(1, 10_000_000),
            "REQ and COUNT messages a minute of one prefix.",
        ),
        Key::new(
            "rates.events_per_minute_per_key",
            Accepts::Integer(1, 1_000_000),
            "New events a minute of one author.",
        ),
        Key::new(
            "rates.query_time_per_minute",
            Accepts::Seconds(0.001, 1_000_000.0),
            "Time that stored answers for one connection may take in a minute.",
        ),
        Key::new(
            "rates.query_time_per_minute_per_prefix",
            Accepts::Seconds(0.001, 1_000_000.0),
            "Time that stored answers for one prefix may take in a minute.",
        ),
    ]
}

fn ban_keys() -> Vec<Key> {
    vec![
        Key::section(
            "bans",
            "Addresses that are kept out for a while, because they went on breaking rules.",
        ),
        Key::new("bans.enabled", Accepts::Flag, "Whether any are."),
        Key::new(
            "bans.offences_per_minute",
            Accepts::Integer(1, 1_000_000),
            "Refusals that begin with invalid: or rate-limited: and are put up with in a minute.",
        ),
        Key::new(
            "bans.duration",
            Accepts::Seconds(1.0, 31_536_000.0),
            "How long an address is kept out after one refusal more.",
        ),
    ]
}

fn management_keys() -> Vec<Key> {
    vec![
        Key::section(
            "management",
            "Who manages the relay over HTTP while it runs (NIP-86): bans, names, kinds. What they decide is kept, and \
             comes before what stands here. It needs public_url in relay.yaml.",
        ),
        Key::new("management.enabled", Accepts::Flag, "Whether anybody does."),
        Key::new(
            "management.operators",
            Accepts::List,
            "Keys (64 hex digits) that may, beside info.pubkey of relay.yaml.",
        ),
    ]
}
