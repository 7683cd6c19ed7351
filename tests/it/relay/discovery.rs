//! NIP-66 as its consumers use it: all relays in one answer, found by every listed tag, monitors told apart.

use nips::{Event, Kind};
use serde_json::json;

use super::client::ids;
use super::server::{named, relay, relay_with};
use crate::archive::given::{NOW, author, crawl, note, raw, tags};

/// A discovery event of a monitor about a relay.
fn found(monitor: u64, url: &str, more: &[&[&str]]) -> Event {
    found_at(NOW - 60, monitor, url, more)
}

fn found_at(at: u64, monitor: u64, url: &str, more: &[&[&str]]) -> Event {
    let url = ["d", url];
    let mut all = vec![&url[..], &["rtt-open", "120"]];
    all.extend_from_slice(more);
    author(monitor).sign(Kind::RELAY_DISCOVERY, at, tags(&all), "{}")
}

#[tokio::test]
async fn all_live_relays_come_in_one_answer() {
    let mut settings = named();
    settings.limits.max_limit = 50;
    settings.limits.default_limit = 20;
    settings.limits.max_discovery_limit = 300;
    let relay = relay_with(settings).await;
    let of = |number: u64| {
        let url = format!("wss://r{number}.example.com/");
        found_at(NOW - 60 - number, number % 2, &url, &[])
    };
    let relays: Vec<Event> = (0..400).map(of).collect();
    let notes: Vec<Event> = (0..100).map(note).collect();
    relay
        .archive
        .admit(raw(relays[..250].iter().chain(&notes)), crawl(1))
        .await
        .unwrap();
    let mut client = relay.client().await;
    for (filter, expected, hint) in [
        (json!({"kinds": [30_166]}), 250, "finish"),
        (
            json!({"kinds": [30_166], "since": NOW - 5_400, "limit": 5_000}),
            250,
            "finish",
        ),
        (json!({"kinds": [30_166], "limit": 10}), 10, "more"),
        (
            json!({"kinds": [30_166], "authors": [author(1).pubkey()]}),
            125,
            "finish",
        ),
        (json!({"kinds": [30_166, 10_166]}), 20, "more"),
        (json!({"kinds": [30_166, 10_166], "limit": 400}), 50, "more"),
        (json!({"kinds": [1]}), 20, "more"),
    ] {
        let (got, said) = client.ask("s", std::slice::from_ref(&filter)).await;
        assert_eq!(
            (got.len(), said),
            (expected, Some(json!([hint]))),
            "{filter}"
        );
    }
    let both = [json!({"kinds": [30_166]}), json!({"kinds": [1]})];
    assert_eq!(client.ask("s", &both).await.0.len(), 40);
    client.send(json!(["CLOSE", "s"])).await;
    relay
        .archive
        .admit(raw(&relays[250..]), crawl(1))
        .await
        .unwrap();
    let (got, said) = client.ask("s", &[json!({"kinds": [30_166]})]).await;
    assert_eq!((got.len(), said), (300, Some(json!(["more"]))));
}

#[tokio::test]
async fn a_relay_is_found_with_and_without_the_last_slash() {
    let relay = relay().await;
    let (with, without) = (
        found(1, "wss://relay.example.com/", &[]),
        found(2, "wss://relay.example.com", &[]),
    );
    let path = found(1, "wss://relay.example.com/path", &[]);
    let events = [with.clone(), without.clone(), path.clone()];
    let mut client = relay.client().await;
    for url in ["wss://relay.example.com/", "wss://relay.example.com"] {
        let live = json!({"kinds": [30_166], "#d": [url], "limit": 0});
        client.ask(url, &[live]).await;
    }
    relay.archive.admit(raw(&events), crawl(1)).await.unwrap();
    let mut live = Vec::new();
    for _ in 0..4 {
        live.push(client.next().await[2]["id"].as_str().unwrap().to_owned());
    }
    live.sort();
    live.dedup();
    let mut both = ids([&with, &without]);
    both.sort();
    assert_eq!(live, both);
    for url in ["wss://relay.example.com/", "wss://relay.example.com"] {
        let filter = json!({"kinds": [30_166], "#d": [url]});
        let (mut got, _) = client.ask("s", std::slice::from_ref(&filter)).await;
        got.sort();
        assert_eq!(got, both);
        assert_eq!(client.count(&[filter]).await["count"], 2);
    }
    let filter = json!({"kinds": [30_166], "#d": ["wss://relay.example.com/path"]});
    assert_eq!(client.ask("s", &[filter]).await.0, ids([&path]));
}

#[tokio::test]
async fn every_listed_tag_finds_and_monitors_are_told_apart() {
    let relay = relay().await;
    let listed: &[&[&str]] = &[
        &["n", "clearnet"],
        &["N", "77"],
        &["R", "!payment"],
        &["T", "PublicOutbox"],
        &["t", "nostr"],
        &["g", "u281z"],
        &["l", "en", "ISO-639-1"],
        &["L", "ISO-639-1"],
        &["k", "!1"],
        &["W", "Search"],
        &["s", "strfry"],
    ];
    let ours = found(1, "wss://relay.example.com/", listed);
    let theirs = found(2, "wss://relay.example.com/", listed);
    let plain = found(1, "wss://other.example.com/", &[]);
    relay
        .archive
        .admit(raw([&ours, &theirs, &plain]), crawl(1))
        .await
        .unwrap();
    let mut client = relay.client().await;
    for tag in listed {
        let letter = format!("#{}", tag[0]);
        let filter = |author_number| json!({"kinds": [30_166], "authors": [author(author_number).pubkey()], &letter: [tag[1]]});
        for (number, expected) in [(1, &ours), (2, &theirs)] {
            let (got, _) = client.ask("s", &[filter(number)]).await;
            assert_eq!(got, ids([expected]), "{tag:?}");
        }
        let other_case = json!({"kinds": [30_166], &letter: [tag[1].to_uppercase() + "x"]});
        assert!(client.ask("s", &[other_case]).await.0.is_empty());
    }
    let online = json!({
        "kinds": [30_166],
        "authors": [author(1).pubkey(), author(2).pubkey()],
        "#R": ["!payment"],
        "#N": ["77"],
        "since": NOW - 5_400,
    });
    assert_eq!(client.ask("s", &[online]).await.0.len(), 2);
}
