//! A client that people use: `nostr-sdk`.

use std::time::Duration;

use nostr_sdk::prelude::*;

use super::server::relay;
use crate::archive::given::{NOW, author, crawl, raw};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn nostr_sdk_publishes_fetches_and_listens() {
    let relay = relay().await;
    let client = Client::new(Keys::generate());
    client.add_relay(relay.url()).await.unwrap();
    client.connect().await;
    let created_at = Timestamp::from(NOW);
    let draft = EventBuilder::text_note("hello").custom_created_at(created_at);
    let sent = client.send_event_builder(draft).await.unwrap();
    assert_eq!((sent.success.len(), sent.failed.len()), (1, 0));

    let fetched = client
        .fetch_events(Filter::new().id(*sent.id()), PATIENCE)
        .await;
    assert_eq!(fetched.unwrap().first().unwrap().content, "hello");

    let mut notifications = client.notifications();
    let live = Filter::new().kind(Kind::Reaction).limit(0);
    client.subscribe(live, None).await.unwrap();
    let reaction = author(5).sign(::nips::Kind(7), NOW, Vec::new(), "+");
    let heard = async {
        loop {
            match notifications.recv().await.unwrap() {
                RelayPoolNotification::Message {
                    message: RelayMessage::EndOfStoredEvents(_),
                    ..
                } => {
                    let admitted = relay.archive.admit(raw([&reaction]), crawl(1)).await;
                    admitted.unwrap();
                }
                RelayPoolNotification::Event { event, .. } => return event.id,
                _ => {}
            }
        }
    };
    let heard = tokio::time::timeout(PATIENCE, heard).await.unwrap();
    assert_eq!(heard.to_hex(), reaction.id().to_hex());
    client.shutdown().await;
}
