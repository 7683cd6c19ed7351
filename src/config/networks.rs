//! `networks`: which networks are used, how hard, and through which proxy.
//!
//! `brotr.yaml` states them for all roles; validator, monitor and synchronizer may override any part
//! for themselves, so both are read through the same partial form.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use nips::Network;
use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};
use super::seconds;

/// How one network is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NetworkConfig {
    /// Whether relays of this network are dialled at all.
    pub enabled: bool,
    /// Pieces of work at once.
    pub max_tasks: u32,
    /// Time for one piece of work.
    #[serde(with = "seconds")]
    pub timeout: Duration,
    /// `socks5://host:port`; overlay networks cannot do without, clearnet and local have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_url: Option<String>,
}

/// The `networks` section of `brotr.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PartialNetworks")]
pub struct NetworksConfig {
    /// The public internet.
    pub clearnet: NetworkConfig,
    /// Tor onion services.
    pub tor: NetworkConfig,
    /// I2P destinations.
    pub i2p: NetworkConfig,
    /// Lokinet addresses.
    pub loki: NetworkConfig,
    /// Loopback and private addresses: laboratories only.
    pub local: NetworkConfig,
    /// Like `/etc/hosts`, with ports: name → address. Beats DNS; laboratories only.
    pub hosts: BTreeMap<String, SocketAddr>,
    /// Name servers; empty means the system's.
    pub dns_servers: Vec<SocketAddr>,
    /// PEM certificates trusted in addition to the platform's roots.
    pub extra_ca_file: Option<PathBuf>,
}

/// What a service changes about one network; `None` inherits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkOverride {
    /// See [`NetworkConfig::enabled`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// See [`NetworkConfig::max_tasks`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tasks: Option<u32>,
    /// See [`NetworkConfig::timeout`].
    #[serde(skip_serializing_if = "Option::is_none", with = "seconds::optional")]
    pub timeout: Option<Duration>,
    /// See [`NetworkConfig::proxy_url`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_url: Option<String>,
}

/// The `networks` section of a service: what it changes about those of `brotr.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NetworkOverrides(pub BTreeMap<Network, NetworkOverride>);

impl NetworksConfig {
    /// The settings of one network.
    pub fn get(&self, network: Network) -> &NetworkConfig {
        match network {
            Network::Clearnet => &self.clearnet,
            Network::Tor => &self.tor,
            Network::I2p => &self.i2p,
            Network::Loki => &self.loki,
            Network::Local => &self.local,
        }
    }

    /// The rules that are not bounds.
    pub(super) fn validate(&self) -> Vec<(&'static str, String)> {
        let proxies = [
            ("networks.tor.proxy_url", &self.tor.proxy_url),
            ("networks.i2p.proxy_url", &self.i2p.proxy_url),
            ("networks.loki.proxy_url", &self.loki.proxy_url),
        ];
        let is_wrong = |url: &Option<String>| url.as_ref().is_some_and(|url| !is_proxy(url));
        let wrong = proxies.into_iter().filter(|(_, url)| is_wrong(url));
        wrong
            .map(|(path, _)| (path, PROXY_FORM.to_owned()))
            .collect()
    }

    /// The networks that are switched on.
    pub fn enabled(&self) -> Vec<Network> {
        let mut networks = Network::ALL.to_vec();
        networks.retain(|network| self.get(*network).enabled);
        networks
    }

    /// These settings with a service's changes.
    pub fn with(&self, overrides: &NetworkOverrides) -> Self {
        let mut changed = self.clone();
        for (network, change) in &overrides.0 {
            changed.get_mut(*network).apply(change);
        }
        changed
    }

    fn get_mut(&mut self, network: Network) -> &mut NetworkConfig {
        match network {
            Network::Clearnet => &mut self.clearnet,
            Network::Tor => &mut self.tor,
            Network::I2p => &mut self.i2p,
            Network::Loki => &mut self.loki,
            Network::Local => &mut self.local,
        }
    }
}

impl NetworkOverrides {
    /// The rules that the table cannot check, because which networks are named is free.
    pub(super) fn validate(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        for (network, change) in &self.0 {
            let wrong = change.validate().into_iter();
            problems.extend(wrong.map(|what| ("networks", format!("{network}.{what}"))));
        }
        problems
    }
}

impl NetworkOverride {
    fn validate(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self
            .max_tasks
            .is_some_and(|tasks| !(1..=200).contains(&tasks))
        {
            wrong.push(format!("max_tasks must be {}", MAX_TASKS.describe()));
        }
        let seconds = self.timeout.map(|timeout| timeout.as_secs_f64());
        if seconds.is_some_and(|seconds| !(1.0..=120.0).contains(&seconds)) {
            wrong.push(format!("timeout must be {}", TIMEOUT.describe()));
        }
        if self.proxy_url.as_ref().is_some_and(|url| !is_proxy(url)) {
            wrong.push(format!("proxy_url {PROXY_FORM}"));
        }
        wrong
    }
}

const PROXY_FORM: &str = "must be socks5://host:port, without user or path";

fn is_proxy(url: &str) -> bool {
    let rest = url
        .strip_prefix("socks5://")
        .or_else(|| url.strip_prefix("socks5h://"));
    let authority = rest.map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let parts = authority.and_then(|authority| authority.rsplit_once(':'));
    parts.is_some_and(|(host, port)| {
        let is_host = !host.is_empty() && !host.contains(['@', '/', '?', '#', ' ']);
        is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

impl NetworkConfig {
    fn new(enabled: bool, max_tasks: u32, seconds: u64, proxy_url: Option<&str>) -> Self {
        Self {
            enabled,
            max_tasks,
            timeout: Duration::from_secs(seconds),
            proxy_url: proxy_url.map(str::to_owned),
        }
    }

    fn apply(&mut self, change: &NetworkOverride) {
        self.enabled = change.enabled.unwrap_or(self.enabled);
        self.max_tasks = change.max_tasks.unwrap_or(self.max_tasks);
        self.timeout = change.timeout.unwrap_or(self.timeout);
        if change.proxy_url.is_some() {
            self.proxy_url.clone_from(&change.proxy_url);
        }
    }
}

impl Default for NetworksConfig {
    fn default() -> Self {
        Self {
            clearnet: NetworkConfig::new(true, 50, 10, None),
            tor: NetworkConfig::new(false, 10, 30, Some("socks5://127.0.0.1:9050")),
            i2p: NetworkConfig::new(false, 5, 45, Some("socks5://127.0.0.1:4447")),
            loki: NetworkConfig::new(false, 5, 30, Some("socks5://127.0.0.1:1080")),
            local: NetworkConfig::new(false, 50, 10, None),
            hosts: BTreeMap::new(),
            dns_servers: Vec::new(),
            extra_ca_file: None,
        }
    }
}

/// The form in which the section is written: `tor: {enabled: true}` keeps tor's other defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PartialNetworks {
    clearnet: NetworkOverride,
    tor: NetworkOverride,
    i2p: NetworkOverride,
    loki: NetworkOverride,
    local: NetworkOverride,
    hosts: BTreeMap<String, SocketAddr>,
    dns_servers: Vec<SocketAddr>,
    extra_ca_file: Option<PathBuf>,
}

impl From<PartialNetworks> for NetworksConfig {
    fn from(partial: PartialNetworks) -> Self {
        let mut networks = Self {
            hosts: partial.hosts,
            dns_servers: partial.dns_servers,
            extra_ca_file: partial.extra_ca_file,
            ..Self::default()
        };
        networks.clearnet.apply(&partial.clearnet);
        networks.tor.apply(&partial.tor);
        networks.i2p.apply(&partial.i2p);
        networks.loki.apply(&partial.loki);
        networks.local.apply(&partial.local);
        networks
    }
}

const MAX_TASKS: Accepts = Accepts::Integer(1, 200);
const TIMEOUT: Accepts = Accepts::Seconds(1.0, 120.0);
const ENABLED: &str = "Whether relays of this network are dialled.";
const TASKS: &str = "Relays worked on at once, per service.";
const TIME: &str = "Time for one piece of work on a relay.";
const PROXY: &str = "SOCKS5 proxy that resolves and dials the names of this network.";

pub(super) const KEYS: &[Key] = &[
    Key::section("networks", "Which networks are used, and how hard."),
    Key::section(
        "networks.clearnet",
        "The public internet, always dialled directly.",
    ),
    Key::new("networks.clearnet.enabled", Accepts::Flag, ENABLED),
    Key::new("networks.clearnet.max_tasks", MAX_TASKS, TASKS),
    Key::new("networks.clearnet.timeout", TIMEOUT, TIME),
    Key::section("networks.tor", "Onion services."),
    Key::new("networks.tor.enabled", Accepts::Flag, ENABLED),
    Key::new("networks.tor.max_tasks", MAX_TASKS, TASKS),
    Key::new("networks.tor.timeout", TIMEOUT, TIME),
    Key::new("networks.tor.proxy_url", Accepts::Text, PROXY),
    Key::section("networks.i2p", "I2P destinations."),
    Key::new("networks.i2p.enabled", Accepts::Flag, ENABLED),
    Key::new("networks.i2p.max_tasks", MAX_TASKS, TASKS),
    Key::new("networks.i2p.timeout", TIMEOUT, TIME),
    Key::new("networks.i2p.proxy_url", Accepts::Text, PROXY),
    Key::section("networks.loki", "Lokinet addresses."),
    Key::new("networks.loki.enabled", Accepts::Flag, ENABLED),
    Key::new("networks.loki.max_tasks", MAX_TASKS, TASKS),
    Key::new("networks.loki.timeout", TIMEOUT, TIME),
    Key::new("networks.loki.proxy_url", Accepts::Text, PROXY),
    Key::section(
        "networks.local",
        "Loopback and private addresses: laboratories only.",
    ),
    Key::new("networks.local.enabled", Accepts::Flag, ENABLED),
    Key::new("networks.local.max_tasks", MAX_TASKS, TASKS),
    Key::new("networks.local.timeout", TIMEOUT, TIME),
    Key::new(
        "networks.hosts",
        Accepts::Map,
        "Like /etc/hosts, name: \"address:port\"; beats DNS. Laboratories only.",
    ),
    Key::new(
        "networks.dns_servers",
        Accepts::List,
        "Name servers as \"address:port\"; empty = the system's.",
    ),
    Key::new(
        "networks.extra_ca_file",
        Accepts::OrNull(&Accepts::Text),
        "PEM certificates trusted in addition to the platform's roots.",
    ),
];

/// Row of the `networks` key of a service.
pub(super) const OVERRIDES_KEY: Key = Key::new(
    "networks",
    Accepts::Map,
    "What this service does differently from brotr.yaml, for example {tor: {enabled: true}}.",
);
