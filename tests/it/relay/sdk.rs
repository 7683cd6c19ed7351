//! A client that people use: `nostr-sdk`.

use std::sync::Arc;
use std::time::Duration;

use bigbrotr::clock::{MockClock, SystemClock};
use nostr_sdk::prelude::*;

use super::server::{named, relay, relay_with, serve};
use crate::archive::given::{NOW, author, crawl, note, raw, tags};

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

#[tokio::test]
async fn nostr_sdk_counts_and_compares_sets() {
    let relay = relay_with(named()).await;
    let events: Vec<::nips::Event> = (0..500).map(note).collect();
    relay.archive.admit(raw(&events), crawl(1)).await.unwrap();
    let client = Client::default();
    client.add_relay(relay.url()).await.unwrap();
    client.connect().await;
    let ours = client.relay(relay.url()).await.unwrap();
    let notes = || Filter::new().kind(Kind::TextNote);
    assert_eq!(ours.count_events(notes(), PATIENCE).await.unwrap(), 500);

    let item = |event: &::nips::Event| {
        let id = EventId::from_byte_array(event.id().0);
        (id, Timestamp::from(event.created_at()))
    };
    let unknown = (EventId::all_zeros(), Timestamp::from(NOW));
    let mine = events[100..].iter().map(item).chain([unknown]).collect();
    let options = SyncOptions::default().dry_run();
    let compared = ours.sync_with_items(notes(), mine, &options).await.unwrap();
    assert_eq!(compared.local.len(), 1);
    let expected = events[..100].iter().map(|event| item(event).0).collect();
    assert_eq!(compared.remote, expected);
    client.shutdown().await;
}

#[tokio::test]
async fn nostr_sdk_moves_what_each_side_lacks() {
    let relay = relay_with(named()).await;
    let events: Vec<::nips::Event> = (0..150).map(note).collect();
    let theirs = raw(&events[..120]);
    relay.archive.admit(theirs, crawl(1)).await.unwrap();
    let database = MemoryDatabase::with_opts(MemoryDatabaseOptions {
        events: true,
        max_events: None,
    });
    let sdk_event = |event: &::nips::Event| Event::from_json(event.to_json()).unwrap();
    for event in events[40..].iter().map(sdk_event) {
        database.save_event(&event).await.unwrap();
    }
    let client = Client::builder().database(database).build();
    client.add_relay(relay.url()).await.unwrap();
    client.connect().await;
    let notes = || Filter::new().kind(Kind::TextNote);
    let both = SyncOptions::default().direction(SyncDirection::Both);
    let moved = client.sync(notes(), &both).await.unwrap();
    assert!(moved.failed.is_empty(), "{:?}", moved.failed);
    assert_eq!((moved.received.len(), moved.sent.len()), (40, 30));

    let mine = client.database().query(notes()).await.unwrap();
    assert_eq!(mine.len(), events.len());
    let ours = client.relay(relay.url()).await.unwrap();
    assert_eq!(ours.count_events(notes(), PATIENCE).await.unwrap(), 150);
    let again = client.sync(notes(), &both).await.unwrap();
    assert!(again.local.is_empty() && again.remote.is_empty());
    client.shutdown().await;
}

#[tokio::test]
async fn nostr_sdk_publishes_what_is_protected() {
    let clock = Arc::new(MockClock::at(NOW));
    let relay = serve(named(), clock, Arc::new(SystemClock)).await;
    let keys = Keys::generate();
    let protected = EventBuilder::text_note("for this relay")
        .tag(Tag::protected())
        .custom_created_at(Timestamp::from(NOW));
    let protected = protected.sign_with_keys(&keys).unwrap();
    for (who, is_taken) in [(Keys::generate(), false), (keys, true)] {
        let client = Client::new(who);
        client.add_relay(relay.url()).await.unwrap();
        client.connect().await;
        let sent = client.send_event(&protected).await.unwrap();
        assert_eq!(sent.failed.is_empty(), is_taken, "{sent:?}");
        client.shutdown().await;
    }
}

#[tokio::test]
async fn nostr_sdk_authenticates_when_it_has_to() {
    // The client signs with the time of day, so the relay goes by it too.
    let clock = Arc::new(MockClock::at(NOW));
    let relay = serve(named(), clock, Arc::new(SystemClock)).await;
    let keys = Keys::generate();
    let to = keys.public_key().to_hex();
    let wrap = author(9).sign(::nips::Kind(1_059), NOW, tags(&[&["p", &to]]), "?");
    relay.archive.admit(raw([&wrap]), crawl(1)).await.unwrap();
    let client = Client::new(keys);
    client.automatic_authentication(true);
    client.add_relay(relay.url()).await.unwrap();
    client.connect().await;
    let mine = Filter::new().kind(Kind::GiftWrap);
    let fetched = client.fetch_events(mine, PATIENCE).await.unwrap();
    assert_eq!(fetched.first().unwrap().id.to_hex(), wrap.id().to_hex());
    client.shutdown().await;
}
