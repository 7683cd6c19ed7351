//! What the cases start from: assemblies and nouns.

use bigbrotr::model::{Metadata, MetadataType, NewCandidate, NewRelay, RelayId, RelayMetadata};
use bigbrotr::store::postgres::PostgresStore;
use bigbrotr::store::{Embedded, EmbeddedOptions, RelationalStore};
use nips::RelayUrl;
use nips::relay_url::LocalRelays;
use tempfile::TempDir;

use crate::postgres::server::Database;

/// When the cases happen, unix seconds.
pub(super) const NOW: u64 = 1_700_000_000;

/// A valid onion service.
pub(super) const ONION: &str =
    "ws://2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion";

/// An empty embedded store, which lives as long as its directory.
pub(super) async fn embedded() -> (Embedded, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let opened = Embedded::open(directory.path(), EmbeddedOptions::default()).await;
    (opened.unwrap(), directory)
}

/// An empty PostgreSQL store behind a pooler, which lives as long as its database. It is the writer's, as
/// that of the services: whatever they do is what the writer may.
pub(super) async fn postgres() -> (PostgresStore, Database) {
    let database = Database::create().await;
    let opened = PostgresStore::open(database.options_as("writer")).await;
    (opened.unwrap(), database)
}

/// A clearnet relay's URL by number.
pub(super) fn url(number: u32) -> RelayUrl {
    RelayUrl::parse(&format!("wss://r{number}.nostr.net")).unwrap()
}

/// A URL of any network.
pub(super) fn any_url(text: &str) -> RelayUrl {
    RelayUrl::parse_with(text, LocalRelays::Accepted).unwrap()
}

/// A candidate, first named an hour ago.
pub(super) fn candidate(url: &RelayUrl) -> NewCandidate {
    NewCandidate {
        url: url.clone(),
        source: "seed".to_owned(),
        discovered_at: NOW - 3_600,
    }
}

/// Stores one candidate.
pub(super) async fn one_candidate(store: &dyn RelationalStore, url: &RelayUrl, now: u64) {
    let added = store.add_candidates(&[candidate(url)], now).await.unwrap();
    assert_eq!(added, 1);
}

/// Stores one relay.
pub(super) async fn one_relay(store: &dyn RelationalStore, number: u32) -> RelayId {
    let relay = NewRelay {
        url: url(number),
        discovered_at: NOW - 3_600,
    };
    assert_eq!(store.add_relays(&[relay], NOW).await.unwrap(), 1);
    let stored = store.relay_by_url(&url(number)).await.unwrap().unwrap();
    stored.id
}

/// A NIP-11 document of a relay as observed at a moment.
pub(super) fn document(relay: RelayId, generated_at: u64, name: &str) -> RelayMetadata {
    let data = format!(r#"{{"name":"{name}"}}"#);
    RelayMetadata {
        relay,
        generated_at,
        metadata: Metadata::new(MetadataType::Nip11Info, data),
    }
}
