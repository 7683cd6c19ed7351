//! A client that people use, reading the relay.

use std::collections::BTreeMap;
use std::time::Duration;

use nostr_sdk::prelude::*;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connects to the relay at `url`.
pub(super) async fn connect(url: &str) -> Client {
    let client = Client::default();
    client.add_relay(url).await.unwrap();
    client.try_connect(PATIENCE).await;
    client
}

/// The relays that the monitor has published as online, and when it last did, by `d` tag.
pub(super) async fn published(client: &Client) -> BTreeMap<String, u64> {
    let filter = Filter::new().kind(Kind::Custom(30166));
    let events = client.fetch_events(filter, PATIENCE).await.unwrap();
    let entry = |event: &Event| {
        event.verify().unwrap();
        let url = event.tags.identifier().unwrap().to_owned();
        (url, event.created_at.as_secs())
    };
    events.iter().map(entry).collect()
}

/// Waits for the next result of the monitor that comes live.
pub(super) async fn next_live(client: &Client) {
    let mut notifications = client.notifications();
    let filter = Filter::new().kind(Kind::Custom(30166)).limit(0);
    client.subscribe(filter, None).await.unwrap();
    let heard = async {
        loop {
            if let RelayPoolNotification::Event { .. } = notifications.recv().await.unwrap() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.unwrap();
}
