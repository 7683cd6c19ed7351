//! A synchronizer over an archive, for one visit to one relay.

use std::sync::Arc;

use bigbrotr::archive::{Archive, ArchiveSettings};
use bigbrotr::clock::{Clock, SystemClock};
use bigbrotr::config::SynchronizerConfig;
use bigbrotr::lifecycle::Tokens;
use bigbrotr::model::{NewRelay, ServiceName, ServiceState, StateType};
use bigbrotr::net::{Net, NetSettings};
use bigbrotr::services::synchronizer::Synchronizer;
use bigbrotr::services::{Context, CycleSummary, Service};
use bigbrotr::store::{Embedded, RelayStore as _, StateStore as _};
use nips::{LocalRelays, Network, RelayUrl};
use serde_json::json;

/// Visits the relay at an address, and says what came of it.
pub(crate) async fn visit(
    store: &Arc<Embedded>,
    address: std::net::SocketAddr,
    config: SynchronizerConfig,
) -> CycleSummary {
    let url = RelayUrl::parse_with(&format!("ws://{address}"), LocalRelays::Accepted);
    let relay = NewRelay {
        url: url.expect("an address on loopback"),
        discovered_at: 0,
    };
    let added = store.add_relays(&[relay], 0).await;
    added.expect("a relay can be added");
    let clock = Arc::new(SystemClock);
    let mut settings = NetSettings::default();
    settings.networks.get_mut(Network::Local).enabled = true;
    let archive = Archive::new(store.clone(), clock.clone(), ArchiveSettings::default());
    let context = Context {
        store: store.clone(),
        archive,
        net: Net::new(settings).expect("settings that can be used"),
        clock,
    };
    let synchronizer = Synchronizer::new(context, config, None);
    let summary = synchronizer.cycle(&Tokens::new()).await;
    summary.expect("the store works")
}

/// Has the synchronizer remember of an earlier visit that the relay compares sets.
pub(crate) async fn remember_comparing(store: &Embedded, address: std::net::SocketAddr) {
    let now = SystemClock.now();
    let works = json!({"works": true, "learnt_at": now, "failures": 0, "again_at": now + 86_400});
    let row = ServiceState {
        service: ServiceName::Synchronizer,
        state_type: StateType::Habits,
        key: RelayUrl::parse_with(&format!("ws://{address}"), LocalRelays::Accepted)
            .expect("an address on loopback")
            .to_string(),
        value: json!({ "negentropy": works }),
        updated_at: now,
    };
    let put = store.put_states(&[row]).await;
    put.expect("a state can be written");
}
