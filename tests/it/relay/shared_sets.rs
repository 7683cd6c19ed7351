//! NIP-77: a set that was found for one session serves the next, as long as it is what a request would show.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bigbrotr::archive::ArchiveSettings;
use bigbrotr::clock::MockClock;
use bigbrotr::relay::RelaySettings;
use nips::{Event, Kind};
use serde_json::{Value, json};

use super::client::Client;
use super::server::{Served, Stores, serve_over};
use super::syncing::{NOTHING, compare, message};
use crate::archive::faults::Faulty;
use crate::archive::given::{NOW, author, crawl, note, raw, tags};

/// A relay over a store that counts how often it is asked for a set.
async fn counted(events: &[Event]) -> (Served, Arc<Faulty>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Faulty::open(directory.path()));
    let clock = Arc::new(MockClock::at(NOW));
    let stores = Stores {
        events: store.clone(),
        others: Arc::default(),
        directory: Some(directory),
    };
    let (settings, door) = (RelaySettings::default(), ArchiveSettings::default());
    let relay = serve_over(stores, settings, door, (clock.clone(), clock)).await;
    relay.archive.admit(raw(events), crawl(1)).await.unwrap();
    (relay, store)
}

async fn open(client: &mut Client, filter: Value) -> Vec<u8> {
    client.send(json!(["NEG-OPEN", "n", filter, NOTHING])).await;
    message(client, "n").await
}

#[tokio::test]
async fn a_set_is_found_once_for_all_who_ask_the_same() {
    let events: Vec<Event> = (0..400).map(note).collect();
    let (relay, store) = counted(&events).await;
    let mut first = relay.client().await;
    let all = open(&mut first, json!({})).await;
    for _ in 0..2 {
        let mut next = relay.client().await;
        assert_eq!(open(&mut next, json!({})).await, all);
    }
    assert_eq!(store.sets.load(Ordering::SeqCst), 1);
    let some = open(&mut first, json!({"limit": 7})).await;
    assert!(some.len() < all.len());
    assert_eq!(store.sets.load(Ordering::SeqCst), 2);
    assert_eq!(open(&mut first, json!({})).await, all);
    assert_eq!(store.sets.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_next_session_sees_what_has_changed() {
    let at = |second| NOW - 100 + second;
    let mistake = author(1).sign(Kind(1), at(0), Vec::new(), "oops");
    let expiration = (NOW + 5).to_string();
    let expiring = author(2).sign(Kind(1), at(1), tags(&[&["expiration", &expiration]]), "");
    let forgotten = author(3).sign(Kind(1), at(2), Vec::new(), "");
    let id = mistake.id().to_hex();
    let news = author(4).sign(Kind(1), at(3), Vec::new(), "");
    let deletion = author(1).sign(Kind(5), at(4), tags(&[&["e", &id]]), "");
    let vanishing = tags(&[&["relay", "ALL_RELAYS"]]);
    let vanishing = author(3).sign(Kind(62), at(5), vanishing, "");
    let (relay, store) = counted(&[mistake, expiring, forgotten]).await;
    let mut client = relay.client().await;
    let mut expected = 0;
    for (arriving, seconds, count) in [
        (None, 0, 3),
        (Some(news), 0, 4),
        (Some(deletion), 0, 4),
        (Some(vanishing), 0, 4),
        (None, 10, 3),
    ] {
        relay.clock.advance(seconds);
        relay.archive.admit(raw(&arriving), crawl(1)).await.unwrap();
        let (shown, _) = client.ask("s", &[json!({})]).await;
        client.send(json!(["CLOSE", "s"])).await;
        assert_eq!(shown.len(), count, "{arriving:?}");
        for _ in 0..2 {
            let (_, found) = compare(&mut client, &json!({}), &[], 0).await;
            assert_eq!(found, shown.iter().cloned().collect(), "{arriving:?}");
        }
        expected += 1;
        assert_eq!(store.sets.load(Ordering::SeqCst), expected, "{arriving:?}");
    }
}
