//! What the network layer has to be told; the configuration fills it in.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use nips::Network;

use super::{NetError, ProxyAddress, ProxyAddressError};
use crate::config::{NetworkConfig, NetworksConfig};

/// How one network is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSettings {
    /// Whether its relays are dialled at all.
    pub enabled: bool,
    /// SOCKS5 proxy that resolves and dials its names. Overlays cannot do without; clearnet and
    /// local always go direct.
    pub proxy: Option<ProxyAddress>,
    /// Time for one piece of work, connecting included.
    pub timeout: Duration,
    /// How many pieces of work may run at once, at least 1.
    pub max_tasks: usize,
}

/// One value for each network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerNetwork<T> {
    /// The public internet.
    pub clearnet: T,
    /// Tor onion services.
    pub tor: T,
    /// I2P destinations.
    pub i2p: T,
    /// Lokinet addresses.
    pub loki: T,
    /// Literal loopback and private addresses: laboratories only.
    pub local: T,
}

impl<T> PerNetwork<T> {
    /// The value of one network.
    pub fn get(&self, network: Network) -> &T {
        match network {
            Network::Clearnet => &self.clearnet,
            Network::Tor => &self.tor,
            Network::I2p => &self.i2p,
            Network::Loki => &self.loki,
            Network::Local => &self.local,
        }
    }

    /// The value of one network, to be changed.
    pub fn get_mut(&mut self, network: Network) -> &mut T {
        match network {
            Network::Clearnet => &mut self.clearnet,
            Network::Tor => &mut self.tor,
            Network::I2p => &mut self.i2p,
            Network::Loki => &mut self.loki,
            Network::Local => &mut self.local,
        }
    }

    /// Builds one value for each network.
    pub fn from_fn(mut value_of: impl FnMut(Network) -> T) -> Self {
        Self {
            clearnet: value_of(Network::Clearnet),
            tor: value_of(Network::Tor),
            i2p: value_of(Network::I2p),
            loki: value_of(Network::Loki),
            local: value_of(Network::Local),
        }
    }
}

impl Default for PerNetwork<NetworkSettings> {
    fn default() -> Self {
        let network = |enabled, max_tasks, seconds, proxy: Option<(&str, u16)>| NetworkSettings {
            enabled,
            proxy: proxy.map(|(host, port)| ProxyAddress::new(host, port)),
            timeout: Duration::from_secs(seconds),
            max_tasks,
        };
        Self {
            clearnet: network(true, 50, 10, None),
            tor: network(false, 10, 30, Some(("127.0.0.1", 9050))),
            i2p: network(false, 5, 45, Some(("127.0.0.1", 4447))),
            loki: network(false, 5, 30, Some(("127.0.0.1", 1080))),
            local: network(false, 50, 10, None),
        }
    }
}

/// Everything [`super::Net`] is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetSettings {
    /// Per network: enabled, proxy, time and concurrency. `networks.local.enabled` lets *literal*
    /// loopback and private addresses be dialled, and changes nothing for names.
    pub networks: PerNetwork<NetworkSettings>,
    /// Like `/etc/hosts`, with ports: lowercase name → address. Beats DNS and the URL's port, and
    /// is exempt from the address policy because the operator wrote it.
    pub hosts: HashMap<String, SocketAddr>,
    /// Name servers; empty means the system's.
    pub dns_servers: Vec<SocketAddr>,
    /// PEM certificates trusted in addition to the platform's roots.
    pub extra_ca_file: Option<PathBuf>,
    /// Whether relays with an invalid certificate are talked to; what is wrong with it is still
    /// recorded.
    pub allow_insecure: bool,
    /// `User-Agent` of WebSocket upgrades and HTTP requests.
    pub user_agent: String,
}

impl Default for NetSettings {
    fn default() -> Self {
        Self {
            networks: PerNetwork::default(),
            hosts: HashMap::new(),
            dns_servers: Vec::new(),
            extra_ca_file: None,
            allow_insecure: false,
            user_agent: concat!("bigbrotr/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl NetSettings {
    /// The settings that the configuration asks for, with our own user agent.
    ///
    /// # Errors
    /// [`ProxyAddressError`] for a `proxy_url` that is none; the configuration's own check refuses
    /// it first.
    pub fn from_config(config: &NetworksConfig) -> Result<Self, ProxyAddressError> {
        let network = |config: &NetworkConfig| {
            let proxy = config.proxy_url.as_deref().map(str::parse).transpose()?;
            Ok(NetworkSettings {
                enabled: config.enabled,
                proxy,
                timeout: config.timeout,
                max_tasks: config.max_tasks as usize,
            })
        };
        Ok(Self {
            networks: PerNetwork {
                clearnet: network(&config.clearnet)?,
                tor: network(&config.tor)?,
                i2p: network(&config.i2p)?,
                loki: network(&config.loki)?,
                local: network(&config.local)?,
            },
            hosts: config.hosts.clone().into_iter().collect(),
            dns_servers: config.dns_servers.clone(),
            extra_ca_file: config.extra_ca_file.clone(),
            ..Self::default()
        })
    }

    pub(super) fn check_network(&self, network: Network) -> Result<(), NetError> {
        let settings = self.networks.get(network);
        if !settings.enabled {
            return Err(NetError::NetworkDisabled { network });
        }
        if network.is_overlay() && settings.proxy.is_none() {
            return Err(NetError::ProxyMissing { network });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_without_proxy_fails_closed() {
        let mut settings = NetSettings::default();
        for network in [Network::Tor, Network::I2p, Network::Loki] {
            let disabled = settings.check_network(network).unwrap_err();
            assert!(matches!(disabled, NetError::NetworkDisabled { .. }));
            let chosen = settings.networks.get_mut(network);
            chosen.enabled = true;
            chosen.proxy = None;
            let missing = settings.check_network(network).unwrap_err();
            assert!(matches!(missing, NetError::ProxyMissing { .. }));
        }
        assert!(settings.check_network(Network::Clearnet).is_ok());
    }

    #[test]
    fn the_default_is_the_configurations_default() {
        let config = NetworksConfig::default();
        assert_eq!(
            NetSettings::from_config(&config),
            Ok(NetSettings::default())
        );
    }
}
