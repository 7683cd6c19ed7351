//! `services/synchronizer.yaml`: which events are archived, from when, and how patiently.

use std::time::Duration;

use nips::{Filter, RelayUrl};
use serde::{Deserialize, Serialize};

use super::NetworkOverrides;
use super::archive::MAX_EVENT_BYTES;
use super::key::{Accepts, Key};
use super::networks::OVERRIDES_KEY;
use super::schedule::{self, DEFAULT_FAILURES, DEFAULT_LEASE, Schedule};
use super::section::{FileName, Section};
use super::{filters, relay_urls, seconds};

/// The contents of `services/synchronizer.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SynchronizerConfig {
    /// Time from the start of one cycle to the start of the next.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Failed cycles in a row after which it gives up; 0 means never.
    pub max_consecutive_failures: u32,
    /// How long a relay stays reserved for a process that is gone.
    #[serde(with = "seconds")]
    pub lease: Duration,
    /// Most connections to one host at a time.
    pub max_per_host: usize,
    /// Which events are archived.
    pub processing: SyncProcessing,
    /// Which relays are listened to all the time.
    pub tail: TailConfig,
    /// How late arrivals are found.
    pub resweep: ResweepConfig,
    /// How patient it is with one relay.
    pub timeouts: SyncTimeouts,
    /// Who it identifies itself to.
    pub auth: AuthConfig,
    /// Relays that are treated differently.
    pub overrides: Vec<SyncOverride>,
    /// Differences from `brotr.yaml`.
    pub networks: NetworkOverrides,
}

/// Which events are archived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyncProcessing {
    /// Filters whose union is archived; one empty filter means everything.
    #[serde(with = "filters")]
    pub filters: Vec<Filter>,
    /// Oldest `created_at`, unix seconds.
    pub since: u64,
    /// Newest `created_at`, unix seconds; `None` means now.
    pub until: Option<u64>,
    /// Events asked for in one request.
    pub limit: usize,
    /// Distance from the newest moment that is left for a later cycle.
    #[serde(with = "seconds")]
    pub end_lag: Duration,
    /// Events handed to the archive at once.
    pub batch_size: usize,
    /// Largest event, bytes; `None` means [`MAX_EVENT_BYTES`].
    pub max_event_size: Option<usize>,
    /// Whether relays with an invalid certificate are archived all the same.
    pub allow_insecure: bool,
    /// Whether sets are compared with the relays that can do it (NIP-77).
    pub negentropy: bool,
}

/// How late arrivals are found: events that reach a relay long after they were written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResweepConfig {
    /// How far behind the newest covered second each visit looks again.
    #[serde(with = "seconds")]
    pub overlap: Duration,
    /// Time between two looks at the recent past of a relay; zero for none.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// What counts as the recent past.
    #[serde(with = "seconds")]
    pub recent: Duration,
    /// Time between two looks at the whole past of a relay; zero for none.
    #[serde(with = "seconds")]
    pub full_interval: Duration,
}

/// Which relays are listened to all the time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TailConfig {
    /// How many, those that brought the most new events; 0 means none.
    pub max_relays: usize,
    /// Time between two signs of life that are asked for.
    #[serde(with = "seconds")]
    pub ping_interval: Duration,
}

/// How patient it is with one relay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyncTimeouts {
    /// Longest silence; only an override goes beyond the network's timeout.
    #[serde(with = "seconds")]
    pub idle: Duration,
    /// Longest visit.
    #[serde(with = "seconds")]
    pub max_duration: Duration,
}

/// Who it identifies itself to (NIP-42).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// Relays that may learn this monitor's public key.
    #[serde(with = "relay_urls")]
    pub relays: Vec<RelayUrl>,
}

/// One relay that is treated differently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncOverride {
    /// The relay.
    #[serde(with = "relay_urls::one")]
    pub url: RelayUrl,
    /// How patient to be with it.
    #[serde(default)]
    pub timeouts: TimeoutOverrides,
    /// What is archived of it, and how.
    #[serde(default)]
    pub processing: ProcessingOverrides,
}

/// What an override changes about [`SyncProcessing`]; `None` inherits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessingOverrides {
    /// Filters whose union is archived.
    #[serde(with = "filters::optional")]
    pub filters: Option<Vec<Filter>>,
    /// Oldest `created_at`, unix seconds.
    pub since: Option<u64>,
    /// Events asked for in one request.
    pub limit: Option<usize>,
    /// Largest event, bytes.
    pub max_event_size: Option<usize>,
    /// Whether sets are compared (NIP-77).
    pub negentropy: Option<bool>,
}

/// What an override changes about [`SyncTimeouts`]; `None` inherits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeoutOverrides {
    /// Longest silence.
    #[serde(with = "seconds::optional")]
    pub idle: Option<Duration>,
    /// Longest visit.
    #[serde(with = "seconds::optional")]
    pub max_duration: Option<Duration>,
}

impl Default for SynchronizerConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(900),
            max_consecutive_failures: DEFAULT_FAILURES,
            lease: DEFAULT_LEASE,
            max_per_host: 4,
            processing: SyncProcessing::default(),
            tail: TailConfig::default(),
            resweep: ResweepConfig::default(),
            timeouts: SyncTimeouts::default(),
            auth: AuthConfig::default(),
            overrides: Vec::new(),
            networks: NetworkOverrides::default(),
        }
    }
}

impl Default for SyncProcessing {
    fn default() -> Self {
        Self {
            filters: vec![Filter::default()],
            since: 0,
            until: None,
            limit: 500,
            end_lag: Duration::ZERO,
            batch_size: 1_000,
            max_event_size: None,
            allow_insecure: false,
            negentropy: true,
        }
    }
}

impl Default for ResweepConfig {
    fn default() -> Self {
        Self {
            overlap: Duration::from_secs(300),
            interval: Duration::from_secs(86_400),
            // Gift wraps are dated up to two days back (NIP-59).
            recent: Duration::from_secs(3 * 86_400),
            full_interval: Duration::from_secs(30 * 86_400),
        }
    }
}

impl Default for TailConfig {
    fn default() -> Self {
        Self {
            max_relays: 20,
            ping_interval: Duration::from_secs(30),
        }
    }
}

impl Default for SyncTimeouts {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(300),
            max_duration: Duration::from_secs(14_400),
        }
    }
}

impl SynchronizerConfig {
    /// The schedule keys.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            interval: self.interval,
            max_consecutive_failures: self.max_consecutive_failures,
        }
    }

    /// How patient to be with a relay whose network allows so much time for one piece of work: silence
    /// is borne no longer than that, unless an override says so.
    pub fn timeouts_for(&self, relay: &RelayUrl, network_timeout: Duration) -> SyncTimeouts {
        let mut timeouts = self.timeouts.clone();
        timeouts.idle = timeouts.idle.min(network_timeout);
        if let Some(found) = self.overrides.iter().find(|entry| entry.url == *relay) {
            timeouts.idle = found.timeouts.idle.unwrap_or(timeouts.idle);
            timeouts.max_duration = found.timeouts.max_duration.unwrap_or(timeouts.max_duration);
        }
        timeouts
    }

    /// What is archived of a relay, and how.
    pub fn processing_for(&self, relay: &RelayUrl) -> SyncProcessing {
        let mut processing = self.processing.clone();
        let Some(found) = self.overrides.iter().find(|entry| entry.url == *relay) else {
            return processing;
        };
        let changes = &found.processing;
        if let Some(filters) = &changes.filters {
            processing.filters.clone_from(filters);
        }
        processing.since = changes.since.unwrap_or(processing.since);
        processing.limit = changes.limit.unwrap_or(processing.limit);
        processing.negentropy = changes.negentropy.unwrap_or(processing.negentropy);
        processing.max_event_size = changes.max_event_size.or(processing.max_event_size);
        processing
    }
}

/// Bounds of `processing.limit`.
const LIMITS: (u64, u64) = (10, 5_000);

const PER_HOST_KEY: Key = Key::new(
    "max_per_host",
    Accepts::Integer(1, 100),
    "Most connections to one host; one is kept for visits, so that 1 means no standing subscriptions.",
);

/// Highest `since` and `until`: what an event key can hold (year 2242).
const MAX_CREATED_AT: u64 = (1 << 33) - 1;

impl Section for SynchronizerConfig {
    const FILE: FileName = FileName::Synchronizer;

    fn keys() -> Vec<Key> {
        let mut keys = vec![
            schedule::INTERVAL_KEY,
            schedule::FAILURES_KEY,
            schedule::LEASE_KEY,
            PER_HOST_KEY,
        ];
        keys.extend(processing_keys());
        keys.extend(resweep_keys());
        keys.extend([
            Key::section("tail", "Which relays are listened to all the time."),
            Key::new(
                "tail.max_relays",
                Accepts::Integer(0, 500),
                "Most standing subscriptions, to the relays that bring the most new events; 0 = none.",
            ),
            Key::new(
                "tail.ping_interval",
                Accepts::Seconds(1.0, 600.0),
                "Time between two pings; only what a pong vouches for counts as covered.",
            ),
            Key::section("timeouts", "How patient it is with one relay."),
            Key::new(
                "timeouts.idle",
                Accepts::Seconds(1.0, 3_600.0),
                "Longest silence; only an override goes beyond the network's timeout.",
            ),
            Key::new(
                "timeouts.max_duration",
                Accepts::Seconds(1.0, 86_400.0),
                "Longest visit; the next continues where it ended.",
            ),
            Key::section("auth", "Who it identifies itself to (NIP-42)."),
            Key::new(
                "auth.relays",
                Accepts::List,
                "Relays that may learn this monitor's public key; no other relay does.",
            ),
            Key::new(
                "overrides",
                Accepts::List,
                "Relays that are treated differently: url, timeouts {idle, max_duration}, processing {filters, \
                 since, limit, max_event_size, negentropy}.",
            ),
            OVERRIDES_KEY,
        ]);
        keys
    }

    fn validate(&self) -> Vec<(&'static str, String)> {
        let mut problems = self.networks.validate();
        problems.extend(self.overrides.iter().flat_map(SyncOverride::validate));
        if self.processing.filters.is_empty() {
            let message = "must hold at least one filter; [{}] archives everything".to_owned();
            problems.push(("processing.filters", message));
        }
        if self
            .processing
            .until
            .is_some_and(|until| until < self.processing.since)
        {
            problems.push((
                "processing.until",
                "must not be before processing.since".to_owned(),
            ));
        }
        problems
    }
}

impl SyncOverride {
    fn validate(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let mut refuse =
            |what: String| problems.push(("overrides", format!("{}: {what}", self.url)));
        let (fewest, most) = LIMITS;
        let limit = self.processing.limit.map(|limit| limit as u64);
        if limit.is_some_and(|limit| !(fewest..=most).contains(&limit)) {
            refuse(format!("limit must be from {fewest} to {most}"));
        }
        if self.processing.filters.as_ref().is_some_and(Vec::is_empty) {
            refuse("filters must hold at least one filter".to_owned());
        }
        if self
            .processing
            .since
            .is_some_and(|since| since > MAX_CREATED_AT)
        {
            refuse(format!("since must not be above {MAX_CREATED_AT}"));
        }
        problems
    }
}

fn processing_keys() -> Vec<Key> {
    vec![
        Key::section("processing", "Which events are archived."),
        Key::new(
            "processing.filters",
            Accepts::List,
            "NIP-01 filters (ids, authors, kinds, #x) whose union is archived; {} = everything.",
        ),
        Key::new(
            "processing.since",
            Accepts::Integer(0, MAX_CREATED_AT),
            "Oldest created_at, unix seconds.",
        ),
        Key::new(
            "processing.until",
            Accepts::OrNull(&Accepts::Integer(0, MAX_CREATED_AT)),
            "Newest created_at, unix seconds; null = now.",
        ),
        Key::new(
            "processing.limit",
            Accepts::Integer(LIMITS.0, LIMITS.1),
            "Events asked for in one request.",
        ),
        Key::new(
            "processing.end_lag",
            Accepts::Seconds(0.0, 604_800.0),
            "Distance from the newest moment that is left for a later cycle.",
        ),
        Key::new(
            "processing.batch_size",
            Accepts::Integer(10, 10_000),
            "Events handed to the archive at once.",
        ),
        Key::new(
            "processing.max_event_size",
            Accepts::OrNull(&Accepts::Integer(1_024, MAX_EVENT_BYTES as u64)),
            "Largest event, bytes; null = as large as the archive takes.",
        ),
        Key::new(
            "processing.allow_insecure",
            Accepts::Flag,
            "Whether relays with an invalid certificate are archived all the same.",
        ),
        Key::new(
            "processing.negentropy",
            Accepts::Flag,
            "Whether sets are compared with relays that have shown that they can do it (NIP-77).",
        ),
    ]
}

fn resweep_keys() -> Vec<Key> {
    vec![
        Key::section(
            "resweep",
            "How late arrivals are found: events that reach a relay long after they were written.",
        ),
        Key::new(
            "resweep.overlap",
            Accepts::Seconds(0.0, 604_800.0),
            "How far behind the newest covered second each visit looks again.",
        ),
        Key::new(
            "resweep.interval",
            Accepts::Seconds(0.0, 31_536_000.0),
            "Time between two looks at the recent past: all of it by comparing sets (NIP-77), else a sample by \
             paging, and all of it when the sample brings something; 0 = never.",
        ),
        Key::new(
            "resweep.recent",
            Accepts::Seconds(3_600.0, 31_536_000.0),
            "What counts as the recent past.",
        ),
        Key::new(
            "resweep.full_interval",
            Accepts::Seconds(0.0, 315_360_000.0),
            "Time between two looks at the whole past: all of it by comparing sets, else a sample; 0 = never.",
        ),
    ]
}
