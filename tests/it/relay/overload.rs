//! More work than the relay can do: it says so at once, and goes on with what is short.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bigbrotr::archive::ArchiveSettings;
use bigbrotr::clock::MockClock;
use bigbrotr::relay::RelaySettings;
use nips::Kind;
use serde_json::{Value, json};

use super::client::{Client, ids};
use super::server::{Served, Stores, relay_with, serve_over};
use crate::archive::faults::Faulty;
use crate::archive::given::{NOW, author, crawl, note, raw};

/// Longer than anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for a condition.
pub(super) async fn until(holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it does not come to that");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Stores so many events of 80 kB, more than sockets buffer if there are a hundred of them.
pub(super) async fn fill(relay: &Served, count: u64) {
    let text = "x".repeat(80_000);
    let sign = |back| author(1).sign(Kind(1), NOW - back, Vec::new(), text.clone());
    let events: Vec<_> = (0..count).map(sign).collect();
    relay.archive.admit(raw(&events), crawl(1)).await.unwrap();
}

/// A relay whose walks stand still, with places for three of them.
async fn stuck(settings: RelaySettings) -> (Served, Arc<Faulty>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(Faulty::open(directory.path()));
    store.walks.forget_permits(1_000);
    let clock = Arc::new(MockClock::at(NOW));
    let stores = Stores {
        events: store.clone(),
        others: Arc::default(),
        directory: Some(directory),
    };
    let door = ArchiveSettings::default();
    let relay = serve_over(stores, settings, door, (clock.clone(), clock)).await;
    (relay, store)
}

fn narrow() -> RelaySettings {
    let mut settings = RelaySettings::default();
    settings.limits.concurrent_queries = 4;
    settings
}

async fn send_request(client: &mut Client, id: &str) {
    client.send(json!(["REQ", id, {"kinds": [1]}])).await;
}

#[tokio::test]
async fn new_walks_are_refused_quickly_and_look_ups_go_on() {
    let mut settings = narrow();
    settings.limits.max_query_time = PATIENCE;
    let (relay, store) = stuck(settings).await;
    relay
        .archive
        .admit(raw([&note(1)]), crawl(1))
        .await
        .unwrap();
    let mut walker = relay.client().await;
    for id in ["1", "2", "3"] {
        send_request(&mut walker, id).await;
    }
    let mut client = relay.client().await;
    let since = Instant::now();
    let text = client.refused("s", &[json!({"kinds": [1]})]).await;
    assert!(text.starts_with("error: the relay is overloaded"), "{text}");
    assert!(since.elapsed() < Duration::from_secs(2));
    client.send(json!(["COUNT", "c", {"kinds": [1]}])).await;
    let text = client.closed("c").await;
    assert!(text.starts_with("error: the relay is overloaded"), "{text}");
    let by_id = json!({"ids": ids([&note(1)])});
    assert_eq!(client.count(std::slice::from_ref(&by_id)).await["count"], 1);
    assert_eq!(client.ask("s", &[by_id]).await.0, ids([&note(1)]));
    // What was under way is answered, and then there is room again.
    store.walks.add_permits(1_000);
    let mut answered = 0;
    while answered < 3 {
        let frame = walker.next().await;
        answered += usize::from(frame[0] == "EOSE");
    }
    assert_eq!(client.ask("t", &[json!({"kinds": [1]})]).await.0.len(), 1);
}

#[tokio::test]
async fn what_is_refused_for_want_of_a_place_costs_no_time() {
    let mut settings = narrow();
    settings.limits.max_query_time = PATIENCE;
    settings.rates.query_time_per_minute = Some(Duration::from_millis(1));
    let (relay, _store) = stuck(settings).await;
    let mut walker = relay.client().await;
    for id in ["1", "2", "3"] {
        send_request(&mut walker, id).await;
    }
    // 400 places of the index to look at are most of the millisecond.
    let keys: Vec<String> = (0..400).map(|number| format!("{number:064x}")).collect();
    let dear = json!({"authors": keys, "kinds": [1]});
    let mut client = relay.client().await;
    for verb in ["REQ", "COUNT", "REQ"] {
        client
            .send_question(verb, "s", std::slice::from_ref(&dear))
            .await;
        let text = client.closed("s").await;
        assert!(text.starts_with("error: the relay is overloaded"), "{text}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up() {
    let mut settings = narrow();
    settings.limits.max_query_time = Duration::from_millis(100);
    let (relay, store) = stuck(settings).await;
    let mut client = relay.client().await;
    for id in ["1", "2", "3", "4", "5"] {
        let text = client.refused(id, &[json!({"kinds": [1]})]).await;
        assert!(
            text.starts_with("error: the answer took too long"),
            "{text}"
        );
    }
    store.walks.add_permits(1_000);
    client.ask("s", &[json!({"kinds": [1]})]).await;
    assert_eq!(relay.relay.counts().subscriptions, 1);
}

#[tokio::test]
async fn an_answer_whose_time_is_up_is_cut_and_says_that_there_is_more() {
    let mut settings = RelaySettings::default();
    settings.limits.max_query_time = Duration::ZERO;
    let relay = relay_with(settings).await;
    let events: Vec<_> = (0..1_000).map(note).collect();
    relay.archive.admit(raw(&events), crawl(1)).await.unwrap();
    let mut client = relay.client().await;
    let (got, hint) = client.ask("s", &[json!({"limit": 5_000})]).await;
    assert!((1..1_000).contains(&got.len()), "{}", got.len());
    assert_eq!(got, ids(&events[..got.len()]));
    assert_eq!(hint, Some(json!(["more"])));
    // What needs no time is whole.
    let (got, hint) = client
        .ask("t", &[json!({"limit": 5_000, "since": NOW - 9})])
        .await;
    assert_eq!((got, hint), (ids(&events[..10]), Some(json!(["finish"]))));
    // It goes on live like any other.
    let event = author(2).sign(Kind(1), NOW, Vec::new(), "");
    client.send(json!(["CLOSE", "t"])).await;
    relay.archive.admit(raw([&event]), crawl(1)).await.unwrap();
    assert_eq!(client.live("s").await, event.id().to_hex());
}

/// The answer to a request that has not been asked before.
async fn first_word(client: &mut Client) -> Value {
    client.send(json!(["REQ", "s", {"limit": 1}])).await;
    client.next().await
}

#[tokio::test]
async fn answers_that_nobody_reads_take_a_bounded_amount_of_memory() {
    let mut settings = RelaySettings::default();
    settings.limits.max_held_bytes = 1 << 20;
    let relay = relay_with(settings).await;
    fill(&relay, 200).await;
    let mut deaf = relay.client().await;
    for id in ["1", "2", "3"] {
        deaf.send(json!(["REQ", id, {}])).await;
    }
    let full = async {
        loop {
            let mut client = relay.client().await;
            if first_word(&mut client).await[0] == "CLOSED" {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, full).await.unwrap();
    // It has all of 30 s to read, but not while others cannot be answered.
    until(|| relay.relay.counts().slow_readers == 1).await;
    until(|| relay.relay.counts().connections == 0).await;
    // What was not sent is dropped by another thread, which may take a moment.
    let answered = async {
        loop {
            let mut client = relay.client().await;
            if first_word(&mut client).await[0] == "EVENT" {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.unwrap();
    drop(deaf);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_answer_comes_whole_and_in_order_to_who_reads_late() {
    // More than the buffers between the two hold.
    const EVENTS: u64 = 400;
    let relay = relay_with(RelaySettings::default()).await;
    let text = "a long text ".repeat(1_400);
    let long_note = |number| author(1).sign(Kind(1), NOW - number, Vec::new(), &*text);
    let events: Vec<_> = (0..EVENTS).map(long_note).collect();
    relay.archive.admit(raw(&events), crawl(1)).await.unwrap();
    let mut client = relay.client().await;
    client.send(json!(["REQ", "s", {"limit": 5_000}])).await;
    let sent = || relay.relay.counts().stored_sent;
    until(|| sent() > 0).await;
    let mut got = Vec::new();
    loop {
        let frame = client.next().await;
        match frame[0].as_str() {
            Some("EVENT") => got.push(frame[2]["id"].as_str().unwrap().to_owned()),
            _ => break assert_eq!(frame, json!(["EOSE", "s", ["finish"]])),
        }
    }
    assert_eq!(got, ids(&events));
    assert_eq!(sent(), EVENTS);
}
