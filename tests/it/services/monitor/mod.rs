//! The monitor: what it measures, what it keeps, what it publishes, and when it looks again.

mod certificates;
mod claims;
mod documents;
mod names;
mod places;
mod publication;
mod publishing;
mod rtt;
mod states;
mod withdrawal;

use std::sync::Arc;
use std::time::Duration;

use bigbrotr::config::{MonitorConfig, MonitorProcessing};
use bigbrotr::metrics::PublicationMetrics;
use bigbrotr::model::{MetadataType, Relay, RelayMetadata, RttSample};
use bigbrotr::services::Context;
use bigbrotr::services::monitor::Monitor;
use bigbrotr::services::signer::Signer;
use fleet::Member;
use nips::nip11::RelayInformation;
use nips::nip66::RelayDiscovery;
use nips::{Event, Kind, LocalRelays, RelayUrl};
use serde::de::DeserializeOwned;

use super::given::{Given, cycle};

/// Where the monitor's events are, as it says.
const OWN_RELAY: &str = "wss://archive.example.com";

fn signer(context: &Context) -> Signer {
    Signer::new(&"1f".repeat(32), Arc::clone(&context.clock)).unwrap()
}

fn monitor(context: &Context) -> Monitor {
    monitor_with(context, unhurried())
}

/// The defaults, but for the breath that audits take: loopback does not mind.
fn unhurried() -> MonitorConfig {
    let mut config = MonitorConfig::default();
    config.processing.audit.pause = Duration::ZERO;
    config
}

fn monitor_with(context: &Context, config: MonitorConfig) -> Monitor {
    let own_relay = RelayUrl::parse(OWN_RELAY).unwrap();
    let metrics = PublicationMetrics::default();
    Monitor::new(
        context.clone(),
        config,
        signer(context),
        Some(own_relay),
        metrics,
    )
}

/// Also sends each relay an event, to see whether it takes it.
fn writing() -> MonitorConfig {
    MonitorConfig {
        processing: MonitorProcessing {
            write_probe: true,
            ..MonitorProcessing::default()
        },
        ..MonitorConfig::default()
    }
}

/// Looks at every member once, whatever it is.
async fn look(given: &Given) {
    look_with(given, unhurried()).await;
}

async fn look_with(given: &Given, config: MonitorConfig) {
    given.trust_all().await;
    cycle(&monitor_with(&given.context, config)).await;
}

async fn relay(given: &Given, member: &Member) -> Relay {
    let relay = given.relay(member.url()).await;
    relay.unwrap_or_else(|| panic!("{} is no relay", member.url()))
}

/// The round-trip times of a member, newest first.
async fn samples(given: &Given, member: &Member) -> Vec<RttSample> {
    let id = relay(given, member).await.id;
    given.store().rtt_samples(id, 100).await.unwrap()
}

/// The newest NIP-11 document of a member.
async fn document(given: &Given, member: &Member) -> Option<RelayMetadata> {
    document_of(given, member, MetadataType::Nip11Info).await
}

/// The newest document of a check.
async fn document_of(given: &Given, member: &Member, check: MetadataType) -> Option<RelayMetadata> {
    let id = relay(given, member).await.id;
    given.store().latest_metadata(id, check).await.unwrap()
}

/// The same, as what it says.
async fn result_of<T: DeserializeOwned>(
    given: &Given,
    member: &Member,
    check: MetadataType,
) -> Option<T> {
    let document = document_of(given, member, check).await?;
    Some(serde_json::from_str(document.metadata.data()).unwrap())
}

/// The same, as what it says.
async fn information(given: &Given, member: &Member) -> Option<RelayInformation> {
    let document = document(given, member).await?;
    Some(RelayInformation::parse(document.metadata.data().as_bytes()).unwrap())
}

/// What a reader sees of the relays, newest first.
async fn discoveries(given: &Given) -> Vec<(Event, RelayDiscovery)> {
    let events = given.servable(&[Kind::RELAY_DISCOVERY]).await.into_iter();
    let read = |event: Event| {
        let discovery = RelayDiscovery::parse(&event.as_ref(), LocalRelays::Accepted);
        (event, discovery.unwrap())
    };
    events.map(read).collect()
}

/// What a reader sees of one member.
async fn discovery(given: &Given, member: &Member) -> Option<RelayDiscovery> {
    let all = discoveries(given).await.into_iter();
    let mut of_member = all.filter(|(_, discovery)| discovery.url == *member.url());
    of_member.next().map(|(_, discovery)| discovery)
}
