//! What the operator decides about the relay: identity, limits, who may write, how fast.

use std::collections::HashSet;
use std::time::Duration;

use nips::{ClientEvent, Kind, PublicKey, RelayUrl};

use super::decisions::Decisions;
use crate::config::WriteAccess;
use crate::metrics::RelayMetrics;

/// Everything the relay is told at start.
#[derive(Debug, Clone, Default)]
pub struct RelaySettings {
    /// The NIP-11 identity.
    pub info: RelayInfo,
    /// The URLs that clients know the relay by; without any of them they cannot authenticate (NIP-42).
    pub urls: Vec<RelayUrl>,
    /// What one client may ask for.
    pub limits: RelayLimits,
    /// What clients may publish.
    pub write: WriteRules,
    /// How many clients, and how fast each.
    pub rates: RelayRates,
    /// When an address is kept out for a while; `None` never.
    pub bans: Option<BanRules>,
    /// Who may manage the relay over HTTP (NIP-86); `None` nobody.
    pub management: Option<Management>,
    /// Where it is noted how fast it answers.
    pub metrics: RelayMetrics,
}

impl RelaySettings {
    /// Why an event is refused, as the text of an `OK`; `authenticated` are the keys that the client has proved
    /// to hold.
    pub(super) fn check_write(
        &self,
        event: &ClientEvent<'_>,
        authenticated: &[PublicKey],
        decisions: &Decisions,
    ) -> Result<(), &'static str> {
        match self.write.check(event, authenticated, decisions) {
            Err(_) if WriteRules::is_owed(event, &self.urls) => Ok(()),
            verdict => verdict,
        }
    }

    /// Whether clients may prove to hold keys (NIP-42).
    pub(super) fn offers_authentication(&self) -> bool {
        !self.urls.is_empty()
    }
}

/// Who may manage the relay over HTTP, and by which name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Management {
    /// The public URL of the relay: what operators sign names it (NIP-98).
    pub url: RelayUrl,
    /// Keys of the operators.
    pub operators: HashSet<PublicKey>,
}

/// The NIP-11 identity; everything may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelayInfo {
    /// Name.
    pub name: String,
    /// Description, plain text.
    pub description: String,
    /// Contact of the operator, a URI.
    pub contact: Option<String>,
    /// Public key of the operator.
    pub pubkey: Option<PublicKey>,
    /// URL of an icon.
    pub icon: Option<String>,
}

/// What one client may ask for. Every value is enforced and, where NIP-11 has a name for it,
/// advertised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayLimits {
    /// Longest message of a client, bytes.
    pub max_message_length: usize,
    /// Open subscriptions of one connection.
    pub max_subscriptions: usize,
    /// Filters of one subscription.
    pub max_filters: usize,
    /// Values in one list of a filter: ids, authors, kinds, values of a tag.
    pub max_filter_values: usize,
    /// Highest `limit` of a filter; a higher one is lowered to it.
    pub max_limit: usize,
    /// `limit` of a filter that has none.
    pub default_limit: usize,
    /// Highest `limit`, and the one of a filter that has none, where it asks for relay discovery events
    /// alone (NIP-66): enough for all live relays.
    pub max_discovery_limit: usize,
    /// Bytes of events in one stored answer, about; what is cut off is announced by NIP-67's `more`.
    pub max_answer_bytes: usize,
    /// Index entries one stored answer may look at.
    pub max_scanned: usize,
    /// Events in the set of one sync session (NIP-77); 0 offers none.
    pub max_sync_events: usize,
    /// Events in the sets of all sync sessions; 40 bytes of memory each.
    pub max_synced_events: usize,
    /// Time to find the set of one sync session, however few events of many looked at are in it.
    pub max_sync_time: Duration,
    /// How long a sync session waits for the client's next message.
    pub sync_idle_timeout: Duration,
    /// Stored answers worked out at the same time, over all connections.
    pub concurrent_queries: usize,
    /// Time from a REQ to the end of its stored answer; what is cut off is announced by NIP-67's `more`.
    pub max_query_time: Duration,
    /// Bytes of stored answers on their way out, over all connections; while there are more, new requests are
    /// refused. Answers of discovery events are bounded by their number instead.
    pub max_held_bytes: usize,
    /// Pause between two pings. Proxies and home routers forget connections that are silent for a minute.
    pub ping_every: Duration,
    /// A client that sent nothing at all for so long, not even an answer to a ping, is gone.
    pub max_silence: Duration,
    /// How long a client may leave what we wrote in the socket's buffers before it counts as gone.
    pub write_patience: Duration,
}

impl Default for RelayLimits {
    fn default() -> Self {
        Self {
            max_message_length: 512 << 10,
            max_subscriptions: 100,
            max_filters: 20,
            max_filter_values: 2_000,
            max_limit: 5_000,
            default_limit: 500,
            max_discovery_limit: 20_000,
            max_answer_bytes: 8 << 20,
            max_scanned: 1_000_000,
            max_sync_events: 1_000_000,
            max_synced_events: 5_000_000,
            max_sync_time: Duration::from_secs(10),
            sync_idle_timeout: Duration::from_secs(60),
            concurrent_queries: 32,
            max_query_time: Duration::from_secs(2),
            max_held_bytes: 256 << 20,
            ping_every: Duration::from_secs(30),
            max_silence: Duration::from_secs(75),
            write_patience: Duration::from_secs(30),
        }
    }
}

/// What clients may publish. An empty list of what is allowed allows everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRules {
    /// Whether clients may publish at all.
    pub is_enabled: bool,
    /// Who may.
    pub access: WriteAccess,
    /// Keys that may publish whatever `access` says: our monitor's and the operator's.
    pub insiders: HashSet<PublicKey>,
    /// Kinds that are accepted.
    pub kinds_allowed: HashSet<Kind>,
    /// Kinds that are refused.
    pub kinds_blocked: HashSet<Kind>,
    /// Authors that are accepted.
    pub authors_allowed: HashSet<PublicKey>,
    /// Authors that are refused.
    pub authors_blocked: HashSet<PublicKey>,
}

impl Default for WriteRules {
    fn default() -> Self {
        Self {
            is_enabled: true,
            access: WriteAccess::Open,
            insiders: HashSet::new(),
            kinds_allowed: HashSet::new(),
            kinds_blocked: HashSet::new(),
            authors_allowed: HashSet::new(),
            authors_blocked: HashSet::new(),
        }
    }
}

/// How many clients, and how fast each; `None` does not limit. A prefix is the network that an address
/// is in: its /24, or its /64 in IPv6. An IPv6 address counts as its /64 wherever addresses are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelayRates {
    /// Connections in all.
    pub max_connections: Option<usize>,
    /// Connections of one address.
    pub max_connections_per_address: Option<usize>,
    /// Connections of one prefix.
    pub max_connections_per_prefix: Option<usize>,
    /// EVENT messages a minute of one connection.
    pub events_per_minute: Option<u32>,
    /// REQ messages a minute of one connection.
    pub requests_per_minute: Option<u32>,
    /// EVENT messages a minute of one prefix.
    pub events_per_minute_per_prefix: Option<u32>,
    /// REQ messages a minute of one prefix.
    pub requests_per_minute_per_prefix: Option<u32>,
    /// Events a minute that are stored for one author.
    pub events_per_minute_per_key: Option<u32>,
    /// Time that the stored answers of one connection may take in a minute.
    pub query_time_per_minute: Option<Duration>,
    /// The same for one prefix.
    pub query_time_per_minute_per_prefix: Option<Duration>,
}

/// When an address is kept out for a while: its clients sent nonsense, or went on asking after they were told
/// that they ask too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BanRules {
    /// Refusals a minute that are put up with: those that begin with `invalid:` or `rate-limited:`.
    pub offences_per_minute: u32,
    /// How long the address is kept out after one more.
    pub duration: Duration,
}
