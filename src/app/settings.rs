//! From what was configured to what each layer wants to be told.

use std::collections::HashSet;

use anyhow::{Context, Result};
use nips::{Kind, LocalRelays, PublicKey, RelayUrl};

use crate::config::{ArchiveConfig, ArchiveMode, Config, PolicyConfig, RatePolicy, RelayConfig};
use crate::metrics::RelayMetrics;
use crate::model::ServiceName;
use crate::net::NetSettings;
use crate::relay::{
    BanRules, Management, RelayInfo, RelayLimits, RelayRates, RelaySettings, WriteRules,
};

/// Kinds kept whole; `None` keeps everything.
pub(super) fn whole_kinds(archive: &ArchiveConfig) -> Option<Vec<Kind>> {
    match archive.mode {
        ArchiveMode::Full => None,
        ArchiveMode::Lightweight => Some(archive.whole_kinds.clone()),
    }
}

/// The names our relay goes by, for whoever names it in what they sign (NIP-42, NIP-62). One that listens on
/// every address has none but its public URL.
pub(super) fn own_relay_urls(relay: &RelayConfig) -> Vec<RelayUrl> {
    let listen = relay.listen;
    let listening = (!listen.ip().is_unspecified()).then(|| format!("ws://{listen}"));
    let local = listen.ip().is_loopback();
    let localhost = local.then(|| format!("ws://localhost:{}", listen.port()));
    let names = [relay.public_url.clone(), listening, localhost];
    let names = names.into_iter().flatten();
    let parsed = names.map(|name| RelayUrl::parse_with(&name, LocalRelays::Accepted));
    parsed.filter_map(Result::ok).collect()
}

/// Our relay where others on the internet or an overlay can reach it.
pub(super) fn public_relay(relay: &RelayConfig) -> Option<RelayUrl> {
    RelayUrl::parse(relay.public_url.as_ref()?).ok()
}

/// The network layer's settings for one service.
pub(super) fn net_settings(config: &Config, service: ServiceName) -> Result<NetSettings> {
    let networks = config.networks_for(service);
    let settings = NetSettings::from_config(&networks);
    let mut settings = settings.context("could not use networks.*.proxy_url")?;
    settings.user_agent = user_agent(settings.user_agent, &config.relay);
    settings.allow_insecure = match service {
        ServiceName::Validator => config.validator.processing.allow_insecure,
        ServiceName::Monitor => config.monitor.processing.allow_insecure,
        ServiceName::Synchronizer => config.synchronizer.processing.allow_insecure,
        ServiceName::Seeder | ServiceName::Finder | ServiceName::Refresher | ServiceName::Relay => {
            false
        }
    };
    Ok(settings)
}

/// Says who we are, and where to read and write about it: the page of our own relay, and its contact.
fn user_agent(program: String, relay: &RelayConfig) -> String {
    let page = relay.public_url.as_deref().map(|url| {
        let url = url.replacen("ws", "http", 1);
        format!("+{url}")
    });
    let about: Vec<String> = page.into_iter().chain(relay.info.contact.clone()).collect();
    if about.is_empty() {
        return program;
    }
    format!("{program} ({})", about.join("; "))
}

/// Settings of our relay; `monitor` is the key of ours, where it is known.
pub(super) fn relay_settings(
    relay: &RelayConfig,
    policy: &PolicyConfig,
    monitor: Option<PublicKey>,
    metrics: &RelayMetrics,
) -> RelaySettings {
    RelaySettings {
        info: RelayInfo {
            name: relay.info.name.clone(),
            description: relay.info.description.clone(),
            contact: relay.info.contact.clone(),
            pubkey: relay.info.pubkey,
            icon: relay.info.icon.clone(),
        },
        urls: own_relay_urls(relay),
        limits: RelayLimits {
            max_message_length: relay.limits.max_message_length,
            max_subscriptions: relay.limits.max_subscriptions,
            max_filters: relay.limits.max_filters,
            max_filter_values: relay.limits.max_filter_values,
            max_limit: relay.limits.max_limit,
            default_limit: relay.limits.default_limit,
            max_discovery_limit: relay.limits.max_discovery_limit,
            max_sync_events: relay.limits.max_sync_events,
            max_held_bytes: relay.limits.max_answer_memory,
            max_query_time: relay.limits.query_timeout,
            ping_every: relay.limits.ping_interval,
            max_silence: relay.limits.max_silence,
            ..RelayLimits::default()
        },
        write: write_rules(relay, policy, monitor),
        rates: rates(&policy.rates),
        bans: policy.bans.enabled.then_some(BanRules {
            offences_per_minute: policy.bans.offences_per_minute,
            duration: policy.bans.duration,
        }),
        management: management(relay, policy),
        metrics: metrics.clone(),
    }
}

/// Nobody manages a relay that has no operator, or no name for what operators sign.
fn management(relay: &RelayConfig, policy: &PolicyConfig) -> Option<Management> {
    let operators = relay.info.pubkey.iter().chain(&policy.management.operators);
    let operators: HashSet<PublicKey> = operators.copied().collect();
    let url = relay.public_url.as_deref()?;
    let url = RelayUrl::parse_with(url, LocalRelays::Accepted).ok()?;
    let is_offered = policy.management.enabled && !operators.is_empty();
    is_offered.then_some(Management { url, operators })
}

fn write_rules(
    relay: &RelayConfig,
    policy: &PolicyConfig,
    monitor: Option<PublicKey>,
) -> WriteRules {
    let write = &policy.write;
    WriteRules {
        is_enabled: write.enabled,
        access: policy.write_access(relay.listen),
        insiders: monitor.into_iter().chain(relay.info.pubkey).collect(),
        kinds_allowed: write.kinds_allowed.iter().copied().collect(),
        kinds_blocked: write.kinds_blocked.iter().copied().collect(),
        authors_allowed: write.authors_allowed.iter().copied().collect(),
        authors_blocked: write.authors_blocked.iter().copied().collect(),
    }
}

fn rates(rates: &RatePolicy) -> RelayRates {
    RelayRates {
        max_connections: Some(rates.max_connections),
        max_connections_per_address: Some(rates.max_connections_per_address),
        max_connections_per_prefix: Some(rates.max_connections_per_prefix),
        events_per_minute: Some(rates.events_per_minute),
        requests_per_minute: Some(rates.requests_per_minute),
        events_per_minute_per_prefix: Some(rates.events_per_minute_per_prefix),
        requests_per_minute_per_prefix: Some(rates.requests_per_minute_per_prefix),
        events_per_minute_per_key: Some(rates.events_per_minute_per_key),
        query_time_per_minute: Some(rates.query_time_per_minute),
        query_time_per_minute_per_prefix: Some(rates.query_time_per_minute_per_prefix),
    }
}
