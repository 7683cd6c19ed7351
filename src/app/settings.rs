//! From what was configured to what each layer wants to be told.

use anyhow::{Context, Result};
use nips::{Kind, LocalRelays, Network, RelayUrl};

use crate::config::{
    ArchiveConfig, ArchiveMode, NetworkConfig, NetworksConfig, PolicyConfig, RelayConfig,
};
use crate::net::{NetSettings, NetworkSettings, PerNetwork, ProxyAddress};
use crate::relay::{RelayInfo, RelayLimits, RelayRates, RelaySettings, WriteRules};

/// Kinds kept whole; `None` keeps everything.
pub(super) fn whole_kinds(archive: &ArchiveConfig) -> Option<Vec<Kind>> {
    match archive.mode {
        ArchiveMode::Full => None,
        ArchiveMode::Lightweight => Some(archive.whole_kinds.clone()),
    }
}

/// The names our relay goes by, for requests that name relays (NIP-62).
pub(super) fn own_relay_urls(relay: &RelayConfig) -> Vec<RelayUrl> {
    let listening = Some(format!("ws://{}", relay.listen));
    let names = [relay.public_url.clone(), listening].into_iter().flatten();
    let parsed = names.map(|name| RelayUrl::parse_with(&name, LocalRelays::Accepted));
    parsed.filter_map(Result::ok).collect()
}

/// Settings of the network layer.
pub(super) fn net_settings(networks: &NetworksConfig) -> Result<NetSettings> {
    let mut settings = PerNetwork::default();
    for network in Network::ALL {
        let chosen = network_settings(networks.get(network));
        let chosen =
            chosen.with_context(|| format!("could not use networks.{network}.proxy_url"))?;
        *settings.get_mut(network) = chosen;
    }
    Ok(NetSettings {
        networks: settings,
        hosts: networks.hosts.clone().into_iter().collect(),
        dns_servers: networks.dns_servers.clone(),
        extra_ca_file: networks.extra_ca_file.clone(),
        ..NetSettings::default()
    })
}

fn network_settings(network: &NetworkConfig) -> Result<NetworkSettings> {
    let proxy = network.proxy_url.as_deref().map(str::parse::<ProxyAddress>);
    Ok(NetworkSettings {
        enabled: network.enabled,
        proxy: proxy.transpose()?,
        timeout: network.timeout,
        max_tasks: network.max_tasks as usize,
    })
}

/// Settings of our relay.
pub(super) fn relay_settings(relay: &RelayConfig, policy: &PolicyConfig) -> RelaySettings {
    let write = &policy.write;
    let rates = &policy.rates;
    RelaySettings {
        info: RelayInfo {
            name: relay.info.name.clone(),
            description: relay.info.description.clone(),
            contact: relay.info.contact.clone(),
            pubkey: relay.info.pubkey,
            icon: relay.info.icon.clone(),
        },
        limits: RelayLimits {
            max_message_length: relay.limits.max_message_length,
            max_subscriptions: relay.limits.max_subscriptions,
            max_filters: relay.limits.max_filters,
            max_limit: relay.limits.max_limit,
            default_limit: relay.limits.default_limit,
            ..RelayLimits::default()
        },
        write: WriteRules {
            is_enabled: write.enabled,
            kinds_allowed: write.kinds_allowed.iter().copied().collect(),
            kinds_blocked: write.kinds_blocked.iter().copied().collect(),
            authors_allowed: write.authors_allowed.iter().copied().collect(),
            authors_blocked: write.authors_blocked.iter().copied().collect(),
        },
        rates: RelayRates {
            max_connections: Some(rates.max_connections),
            max_connections_per_address: Some(rates.max_connections_per_address),
            events_per_minute: Some(rates.events_per_minute),
            requests_per_minute: Some(rates.requests_per_minute),
        },
    }
}
