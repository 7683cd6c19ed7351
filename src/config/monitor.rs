//! `services/monitor.yaml`: how relays are checked and what is published about them.

use std::time::Duration;

use nips::RelayUrl;
use serde::{Deserialize, Serialize};

use super::NetworkOverrides;
use super::about_us::{
    self, AnnouncementConfig, ProfileConfig, RELAYS, RELAYS_DOC, RelayListConfig,
};
use super::audit::{self, AuditConfig};
use super::checks_included::{self, ChecksIncluded, SwitchPaths};
use super::geo::{self, GeoConfig};
use super::key::{Accepts, Key};
use super::networks::OVERRIDES_KEY;
use super::relay_urls;
use super::retries::{self, RetriesConfig};
use super::schedule::{self, DEFAULT_FAILURES, DEFAULT_LEASE, INTERVAL, Schedule};
use super::seconds;
use super::section::{FileName, Section};

/// The contents of `services/monitor.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonitorConfig {
    /// Time from the start of one cycle to the start of the next.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Failed cycles in a row after which it gives up; 0 means never.
    pub max_consecutive_failures: u32,
    /// How long a relay stays reserved for a process that is gone.
    #[serde(with = "seconds")]
    pub lease: Duration,
    /// How relays are checked.
    pub processing: MonitorProcessing,
    /// Files that say where addresses are.
    pub geo: GeoConfig,
    /// Where our own events go besides our own relay.
    pub publishing: PublishingConfig,
    /// Kind 30166, one event for each relay that answered.
    pub discovery: DiscoveryConfig,
    /// Kind 10166, what this monitor does.
    pub announcement: AnnouncementConfig,
    /// Kind 0, who this monitor is.
    pub profile: ProfileConfig,
    /// Kind 10002, where its events are to be found.
    pub relay_list: RelayListConfig,
    /// Differences from `brotr.yaml`.
    pub networks: NetworkOverrides,
}

/// How relays are checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonitorProcessing {
    /// Relays read from the store at once.
    pub chunk_size: usize,
    /// Relays checked in one cycle; `None` means all that are due.
    pub max_relays: Option<usize>,
    /// Largest NIP-11 document, bytes.
    pub nip11_info_max_size: usize,
    /// Whether an ephemeral event is sent to see if relays take it.
    pub write_probe: bool,
    /// Largest proof of work that is done for a probe, bits; relays that want more are not written to.
    pub max_pow_difficulty: u16,
    /// Whether relays with an invalid certificate are checked all the same.
    pub allow_insecure: bool,
    /// How often checks are made again.
    pub retries: RetriesConfig,
    /// How claims are audited.
    pub audit: AuditConfig,
    /// Which checks run.
    pub compute: ChecksIncluded,
    /// Which results are stored; a subset of `compute`.
    pub store: ChecksIncluded,
}

/// Where our own events go besides our own relay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PublishingConfig {
    /// Outside relays; empty means that events are served by our own relay only.
    #[serde(with = "relay_urls")]
    pub relays: Vec<RelayUrl>,
    /// Time for one event on one relay.
    #[serde(with = "seconds")]
    pub timeout: Duration,
}

/// Kind 30166.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiscoveryConfig {
    /// Whether results are published.
    pub enabled: bool,
    /// Time between two checks of a relay that is up; announced as `frequency`.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Which results are published; a subset of `processing.compute`.
    pub include: ChecksIncluded,
    /// Outside relays instead of `publishing.relays`.
    #[serde(with = "relay_urls::optional")]
    pub relays: Option<Vec<RelayUrl>>,
}

impl Default for MonitorConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(3_600),
            max_consecutive_failures: DEFAULT_FAILURES,
            lease: DEFAULT_LEASE,
            processing: MonitorProcessing::default(),
            geo: GeoConfig::default(),
            publishing: PublishingConfig::default(),
            discovery: DiscoveryConfig::default(),
            announcement: AnnouncementConfig::default(),
            profile: ProfileConfig::default(),
            relay_list: RelayListConfig::default(),
            networks: NetworkOverrides::default(),
        }
    }
}

impl Default for MonitorProcessing {
    fn default() -> Self {
        Self {
            chunk_size: 100,
            max_relays: None,
            nip11_info_max_size: 1 << 20,
            write_probe: false,
            max_pow_difficulty: 16,
            allow_insecure: false,
            retries: RetriesConfig::default(),
            audit: AuditConfig::default(),
            compute: ChecksIncluded::default(),
            store: ChecksIncluded::default(),
        }
    }
}

impl Default for PublishingConfig {
    fn default() -> Self {
        Self {
            relays: Vec::new(),
            timeout: Duration::from_secs(30),
        }
    }
}

impl Default for DiscoveryConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: Duration::from_secs(3_600),
            include: ChecksIncluded::default(),
            relays: None,
        }
    }
}

impl MonitorConfig {
    /// The schedule keys.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            interval: self.interval,
            max_consecutive_failures: self.max_consecutive_failures,
        }
    }
}

const COMPUTE: Key = Key::section("processing.compute", "Which checks run.");
const COMPUTE_PATHS: SwitchPaths = [
    "processing.compute.nip11_info",
    "processing.compute.nip66_rtt",
    "processing.compute.nip66_ssl",
    "processing.compute.nip66_geo",
    "processing.compute.nip66_net",
    "processing.compute.nip66_dns",
    "processing.compute.nip66_http",
    "processing.compute.claim_audit",
];
const STORE: Key = Key::section(
    "processing.store",
    "Which results are stored; only what is computed can be.",
);
const STORE_PATHS: SwitchPaths = [
    "processing.store.nip11_info",
    "processing.store.nip66_rtt",
    "processing.store.nip66_ssl",
    "processing.store.nip66_geo",
    "processing.store.nip66_net",
    "processing.store.nip66_dns",
    "processing.store.nip66_http",
    "processing.store.claim_audit",
];
const INCLUDE: Key = Key::section("discovery.include", "Which results are published.");
const INCLUDE_PATHS: SwitchPaths = [
    "discovery.include.nip11_info",
    "discovery.include.nip66_rtt",
    "discovery.include.nip66_ssl",
    "discovery.include.nip66_geo",
    "discovery.include.nip66_net",
    "discovery.include.nip66_dns",
    "discovery.include.nip66_http",
    "discovery.include.claim_audit",
];

impl Section for MonitorConfig {
    const FILE: FileName = FileName::Monitor;

    fn keys() -> Vec<Key> {
        [
            own_keys(),
            retries::keys(),
            audit::keys(),
            checks_included::keys(COMPUTE, COMPUTE_PATHS),
            checks_included::keys(STORE, STORE_PATHS),
            geo::keys(),
            publication_keys(),
            checks_included::keys(INCLUDE, INCLUDE_PATHS),
            about_us::keys(),
            vec![OVERRIDES_KEY],
        ]
        .concat()
    }

    fn validate(&self) -> Vec<(&'static str, String)> {
        let mut problems = self.networks.validate();
        problems.extend(self.geo.validate());
        problems.extend(about_us::validate(&self.announcement));
        let compute = self.processing.compute;
        problems.extend(retries::validate(&self.processing.retries));
        problems.extend(audit::validate(&compute, &self.processing.store));
        for (path, chosen) in [
            ("processing.store", self.processing.store),
            ("discovery.include", self.discovery.include),
        ] {
            for check in chosen.without(compute) {
                problems.push((path, format!("{check} is off in processing.compute")));
            }
        }
        problems
    }
}

fn own_keys() -> Vec<Key> {
    vec![
        schedule::INTERVAL_KEY,
        schedule::FAILURES_KEY,
        schedule::LEASE_KEY,
        Key::section("processing", "How relays are checked."),
        Key::new(
            "processing.chunk_size",
            Accepts::Integer(10, 1_000),
            "Relays read from the store at once.",
        ),
        Key::new(
            "processing.max_relays",
            Accepts::OrNull(&Accepts::Integer(1, u64::MAX)),
            "Relays checked in one cycle; null = all that are due.",
        ),
        Key::new(
            "processing.nip11_info_max_size",
            Accepts::Integer(1 << 10, 10 << 20),
            "Largest NIP-11 document, bytes.",
        ),
        Key::new(
            "processing.write_probe",
            Accepts::Flag,
            "Send each relay an ephemeral event (kind 22456) to see whether it takes it.",
        ),
        Key::new(
            "processing.max_pow_difficulty",
            Accepts::Integer(0, 24),
            "Largest proof of work done for it, bits: 16 are some 10 ms, and each more doubles that.",
        ),
        Key::new(
            "processing.allow_insecure",
            Accepts::Flag,
            "Whether relays with an invalid certificate are checked all the same.",
        ),
    ]
}

fn publication_keys() -> Vec<Key> {
    vec![
        Key::section(
            "publishing",
            "Where our own events go besides our own relay.",
        ),
        Key::new(
            "publishing.relays",
            Accepts::List,
            "Outside relays; empty = only our own.",
        ),
        Key::new(
            "publishing.timeout",
            Accepts::Seconds(1.0, 600.0),
            "Time for one event on one relay.",
        ),
        Key::section(
            "discovery",
            "Kind 30166: one event for each relay that answered.",
        ),
        Key::new(
            "discovery.enabled",
            Accepts::Flag,
            "Whether results are published.",
        ),
        Key::new(
            "discovery.interval",
            INTERVAL,
            "Time between two checks of a relay that is up; announced as `frequency`.",
        ),
        Key::new("discovery.relays", RELAYS, RELAYS_DOC),
    ]
}
