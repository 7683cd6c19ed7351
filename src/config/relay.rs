//! `relay.yaml`: our own relay's address, identity and limits.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use nips::{PublicKey, RelayUrl};
use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};
use super::seconds;
use super::section::{FileName, Section};
use crate::model::AddressBlock;

/// The contents of `relay.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelayConfig {
    /// Address of the public port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `wss://…` as clients know it.
    pub public_url: Option<String>,
    /// The NIP-11 identity.
    pub info: InfoConfig,
    /// What one client may ask for.
    pub limits: LimitsConfig,
    /// Certificate, when no proxy in front of us has one.
    pub tls: Option<TlsConfig>,
    /// Reverse proxies in front of us.
    pub proxy: ProxyConfig,
}

/// The NIP-11 identity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InfoConfig {
    /// Name.
    pub name: String,
    /// Description.
    pub description: String,
    /// Contact of the operator, a URI.
    pub contact: Option<String>,
    /// Public key of the operator.
    pub pubkey: Option<PublicKey>,
    /// URL of an icon.
    pub icon: Option<String>,
}

/// What one client may ask for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Largest message, bytes.
    pub max_message_length: usize,
    /// Open subscriptions of one connection.
    pub max_subscriptions: usize,
    /// Filters of one subscription.
    pub max_filters: usize,
    /// Values in one list of a filter.
    pub max_filter_values: usize,
    /// Highest `limit` of a filter.
    pub max_limit: usize,
    /// `limit` of a filter that has none.
    pub default_limit: usize,
    /// Highest `limit` of a filter for relay discovery events alone.
    pub max_discovery_limit: usize,
    /// Events in the set of one sync session; 0 offers none.
    pub max_sync_events: usize,
    /// Bytes of stored answers on their way out, all clients together.
    pub max_answer_memory: usize,
    /// Time for a stored answer.
    #[serde(with = "seconds")]
    pub query_timeout: Duration,
    /// Pause between two pings.
    #[serde(with = "seconds")]
    pub ping_interval: Duration,
    /// Silence after which a client is gone.
    #[serde(with = "seconds")]
    pub max_silence: Duration,
}

/// Certificate and key, PEM files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// Certificate chain.
    pub cert_file: PathBuf,
    /// Private key.
    pub key_file: PathBuf,
}

/// Reverse proxies in front of us, and how they tell whom they stand for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxyConfig {
    /// Their addresses; nobody else's `X-Forwarded-For` is believed.
    pub trusted: Vec<AddressBlock>,
    /// Whether they begin each connection with a header of PROXY protocol.
    pub protocol: bool,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7777)),
            public_url: None,
            info: InfoConfig::default(),
            limits: LimitsConfig::default(),
            tls: None,
            proxy: ProxyConfig::default(),
        }
    }
}

impl Default for InfoConfig {
    fn default() -> Self {
        Self {
            name: "BigBrotr".to_owned(),
            description: "An archive of Nostr events and of the relays that serve them".to_owned(),
            contact: None,
            pubkey: None,
            icon: None,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_message_length: 524_288,
            max_subscriptions: 100,
            max_filters: 20,
            max_filter_values: 2_000,
            max_limit: 5_000,
            default_limit: 500,
            max_discovery_limit: 20_000,
            max_sync_events: 1_000_000,
            max_answer_memory: 256 << 20,
            query_timeout: Duration::from_secs(2),
            ping_interval: Duration::from_secs(30),
            max_silence: Duration::from_secs(75),
        }
    }
}

const TEXT: Accepts = Accepts::OrNull(&Accepts::Text);

impl Section for RelayConfig {
    const FILE: FileName = FileName::Relay;

    fn keys() -> Vec<Key> {
        [address_keys(), info_keys(), limit_keys()].concat()
    }

    fn validate(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if let Some(url) = &self.public_url
            && let Err(why) = RelayUrl::parse_with(url, nips::relay_url::LocalRelays::Accepted)
        {
            problems.push(("public_url", format!("{url:?} is no relay URL: {why}")));
        }
        if self.limits.default_limit > self.limits.max_limit {
            let message = "must not be above limits.max_limit".to_owned();
            problems.push(("limits.default_limit", message));
        }
        if self.limits.max_silence <= self.limits.ping_interval {
            let message = "must be above limits.ping_interval".to_owned();
            problems.push(("limits.max_silence", message));
        }
        problems
    }
}

fn address_keys() -> Vec<Key> {
    vec![
        Key::new(
            "listen",
            Accepts::Text,
            "Address of the public port; port 0 takes a free one.",
        ),
        Key::new(
            "public_url",
            TEXT,
            "wss://… as clients know it; NIP-42, NIP-62 and NIP-98 compare with it.",
        ),
        Key::new(
            "tls",
            Accepts::OrNull(&Accepts::Map),
            "{cert_file, key_file}, PEM, when no proxy in front of us does TLS; read again when they change.",
        ),
        Key::section("proxy", "Reverse proxies in front of us."),
        Key::new(
            "proxy.trusted",
            Accepts::List,
            "Their addresses or networks, e.g. 10.0.0.0/8; only they are believed when X-Forwarded-For names a client.",
        ),
        Key::new(
            "proxy.protocol",
            Accepts::Flag,
            "Whether they begin each connection with PROXY protocol, version 1 or 2; it is then required of them.",
        ),
    ]
}

fn info_keys() -> Vec<Key> {
    vec![
        Key::section("info", "The NIP-11 identity."),
        Key::new("info.name", Accepts::Text, "Name."),
        Key::new("info.description", Accepts::Text, "Description."),
        Key::new("info.contact", TEXT, "Contact of the operator, a URI."),
        Key::new(
            "info.pubkey",
            TEXT,
            "Public key of the operator, 64 hex digits.",
        ),
        Key::new("info.icon", TEXT, "URL of an icon."),
    ]
}

fn limit_keys() -> Vec<Key> {
    vec![
        Key::section("limits", "What one client may ask for."),
        Key::new(
            "limits.max_message_length",
            Accepts::Integer(1_024, 16 << 20),
            "Largest message, bytes.",
        ),
        Key::new(
            "limits.max_subscriptions",
            Accepts::Integer(1, 10_000),
            "Open subscriptions of one connection.",
        ),
        Key::new(
            "limits.max_filters",
            Accepts::Integer(1, 1_000),
            "Filters of one subscription.",
        ),
        Key::new(
            "limits.max_filter_values",
            Accepts::Integer(1_000, 100_000),
            "Ids, authors, kinds or values of a tag in one filter, each list by itself.",
        ),
        Key::new(
            "limits.max_limit",
            Accepts::Integer(1, 100_000),
            "Highest limit of a filter.",
        ),
        Key::new(
            "limits.default_limit",
            Accepts::Integer(1, 100_000),
            "Limit of a filter that has none.",
        ),
        Key::new(
            "limits.max_discovery_limit",
            Accepts::Integer(1, 100_000),
            "Highest limit of a filter for relay discovery events (kind 30166) alone.",
        ),
        Key::new(
            "limits.max_sync_events",
            Accepts::Integer(0, 5_000_000),
            "Events in the set of one sync session (NIP-77); 0 offers none.",
        ),
        Key::new(
            "limits.max_answer_memory",
            Accepts::Integer(1 << 20, 1 << 40),
            "Bytes of stored answers on their way out, all clients together; beyond that new requests are refused.",
        ),
        Key::new(
            "limits.query_timeout",
            Accepts::Seconds(0.1, 60.0),
            "Time for a stored answer; what was found until then is sent, and that there is more (NIP-67).",
        ),
        Key::new(
            "limits.ping_interval",
            Accepts::Seconds(1.0, 3_600.0),
            "Pause between two pings.",
        ),
        Key::new(
            "limits.max_silence",
            Accepts::Seconds(1.0, 86_400.0),
            "A client that sent nothing for so long, not even an answer to a ping, is closed.",
        ),
    ]
}
