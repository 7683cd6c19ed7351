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

/// The relays about which the monitor has published this label, by `d` tag.
pub(super) async fn labelled(client: &Client, label: &str) -> Vec<String> {
    let tag = SingleLetterTag::lowercase(Alphabet::L);
    let filter = Filter::new()
        .kind(Kind::Custom(30166))
        .custom_tag(tag, label);
    let events = client.fetch_events(filter, PATIENCE).await.unwrap();
    let identifier = |event: &Event| event.tags.identifier().unwrap().to_owned();
    events.iter().map(identifier).collect()
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
