//! From stored to live: nothing is lost and nothing comes twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bigbrotr::clock::{Clock, MockClock};
use bigbrotr::relay::RelaySettings;
use serde_json::json;
use tokio::task::JoinSet;

use super::client::Client;
use super::server::{relay, serve};
use crate::archive::given::{NOW, crawl, note, raw};

/// Reads events of a subscription, stored and live, until all numbers were seen.
async fn collect(client: &mut Client, count: usize) -> HashMap<String, usize> {
    let mut seen = HashMap::new();
    while seen.len() < count {
        let frame = client.next().await;
        if frame[0] == "EVENT" {
            *seen.entry(frame[2]["id"].to_string()).or_default() += 1;
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_comes_while_events_arrive_gets_each_once() {
    const EVENTS: u64 = 1_200;
    let relay = relay().await;
    let archive = relay.archive.clone();
    let mut readers = JoinSet::new();
    let writer = async {
        for first in (0..EVENTS).step_by(4) {
            let events: Vec<_> = (first..first + 4).map(note).collect();
            archive.admit(raw(&events), crawl(1)).await.unwrap();
            if first % 100 == 0 {
                let mut client = relay.client().await;
                client.send(json!(["REQ", "s", {"limit": 5_000}])).await;
                readers.spawn(async move { collect(&mut client, 1_200).await });
            }
        }
    };
    writer.await;
    while let Some(seen) = readers.join_next().await {
        let seen = seen.unwrap();
        assert!(seen.values().all(|times| *times == 1));
    }
}

/// A clock that stands still in the literal sense while the test holds it.
struct Stopwatch(Mutex<()>);

impl Clock for Stopwatch {
    fn now(&self) -> u64 {
        let _running = self.0.lock().unwrap();
        NOW
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn live_delivery_that_fell_behind_reads_what_it_missed() {
    let stopwatch = Arc::new(Stopwatch(Mutex::new(())));
    let clock = Arc::new(MockClock::at(NOW));
    let settings = RelaySettings::default();
    let relay = serve(settings, clock, Arc::clone(&stopwatch) as _).await;
    let mut client = relay.client().await;
    client.ask("s", &[json!({})]).await;
    relay
        .archive
        .admit(raw([&note(0)]), crawl(1))
        .await
        .unwrap();
    client.live("s").await;
    let archive = relay.archive.clone();
    let stopped = tokio::task::spawn_blocking(move || {
        let held = stopwatch.0.lock().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            for number in 1..=400 {
                archive.admit(raw([&note(number)]), crawl(1)).await.unwrap();
            }
        });
        drop(held);
    });
    stopped.await.unwrap();
    let seen = collect(&mut client, 400).await;
    assert!(seen.values().all(|times| *times == 1));
    assert!(relay.relay.counts().feed_lags > 0);
    client.expect_silence().await;
}
