//! What is no longer, or not for everybody: NIP-09, NIP-13, NIP-40, NIP-62, NIP-70 and private kinds.

use nips::{Kind, nip13};
use serde_json::{Value, json};

use super::client::ids;
use super::server::{laborious, named, relay, relay_with};
use crate::archive::given::{NOW, author, crawl, note, raw, tags};

#[tokio::test]
async fn deleted_events_are_gone_and_stay_gone() {
    let relay = relay().await;
    let mut client = relay.client().await;
    client.publish(&note(1)).await;
    let targets = tags(&[&["e", &note(1).id().to_hex()]]);
    let foreign = author(2).sign(Kind::DELETION, NOW, targets.clone(), "");
    assert!(client.publish(&foreign).await.0);
    let (stored, _) = client.ask("s", &[json!({"kinds": [1]})]).await;
    assert_eq!(stored, ids([&note(1)]));
    let own = author(1).sign(Kind::DELETION, NOW, targets, "");
    client.send(json!(["CLOSE", "s"])).await;
    assert!(client.publish(&own).await.0);
    let (stored, _) = client.ask("s", &[json!({"kinds": [1]})]).await;
    assert!(stored.is_empty());
    let (is_accepted, text) = client.publish(&note(1)).await;
    assert!(!is_accepted && text.starts_with("blocked:"), "{text}");
}

#[tokio::test]
async fn an_older_version_is_kept_but_neither_served_nor_announced() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let version = |at| author(1).sign(Kind::METADATA, at, Vec::new(), "{}");
    client.publish(&version(NOW)).await;
    client.ask("s", &[json!({"kinds": [0]})]).await;
    let (is_accepted, _) = client.publish(&version(NOW - 9)).await;
    assert!(is_accepted);
    client.expect_silence().await;
    let (stored, _) = client.ask("s", &[json!({"kinds": [0]})]).await;
    assert_eq!(stored, ids([&version(NOW)]));
}

#[tokio::test]
async fn events_expire_while_they_are_stored() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let soon = (NOW + 60).to_string();
    let event = author(1).sign(Kind(1), NOW, tags(&[&["expiration", &soon]]), "");
    assert!(client.publish(&event).await.0);
    assert_eq!(client.ask("s", &[json!({})]).await.0, ids([&event]));
    relay.clock.advance(60);
    assert!(client.ask("s", &[json!({})]).await.0.is_empty());
    let (is_accepted, text) = client.publish(&event).await;
    assert_eq!(
        (is_accepted, text.as_str()),
        (false, "invalid: event has expired")
    );
}

#[tokio::test]
async fn protected_events_are_not_taken_from_others_nor_served_again() {
    let relay = relay().await;
    let mut client = relay.client().await;
    client.ask("s", &[json!({})]).await;
    let protected = author(1).sign(Kind(1), NOW, tags(&[&["-"]]), "");
    let repost = author(2).sign(Kind::REPOST, NOW, Vec::new(), protected.to_json());
    for event in [&protected, &repost] {
        let (is_accepted, text) = client.publish(event).await;
        assert!(!is_accepted && text.starts_with("blocked:"), "{text}");
    }
    relay
        .archive
        .admit(raw([&protected]), crawl(1))
        .await
        .unwrap();
    client.expect_silence().await;
    assert!(client.ask("s", &[json!({})]).await.0.is_empty());
}

#[tokio::test]
async fn private_messages_are_shown_to_nobody_who_is_not_known() {
    let relay = relay().await;
    let mut client = relay.client().await;
    client.ask("live", &[json!({})]).await;
    let recipient = author(2).pubkey().to_hex();
    let sign = |kind| author(1).sign(Kind(kind), NOW, tags(&[&["p", &recipient]]), "?");
    let private = [4, 1_059, 21_059].map(sign);
    for event in &private {
        assert!(client.publish(event).await.0);
    }
    client.expect_silence().await;
    for filter in [
        json!({"kinds": [4, 1_059, 21_059]}),
        json!({"#p": [recipient]}),
        json!({"ids": ids(&private)}),
    ] {
        assert!(client.ask("s", &[filter]).await.0.is_empty());
    }
}

#[tokio::test]
async fn what_is_dated_too_far_ahead_is_refused() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let sign = |at| author(1).sign(Kind(1), at, Vec::new(), "");
    assert!(client.publish(&sign(NOW + 900)).await.0);
    for at in [NOW + 901, NOW * 1_000] {
        let (is_accepted, text) = client.publish(&sign(at)).await;
        assert!(!is_accepted && text.starts_with("invalid:"), "{text}");
    }
}

#[tokio::test]
async fn whoever_vanishes_is_forgotten_on_both_doors() {
    let relay = relay_with(named()).await;
    let mut client = relay.client().await;
    let key = author(1).pubkey().to_hex();
    let before = author(1).sign(Kind(1), NOW - 9, Vec::new(), "before");
    let deletion = author(1).sign(Kind(5), NOW - 8, tags(&[&["e", &before.id().to_hex()]]), "");
    let wrap = author(9).sign(Kind(1_059), NOW - 7, tags(&[&["p", &key]]), "?");
    let after = author(1).sign(Kind(1), NOW + 1, Vec::new(), "after");
    let other = author(2).sign(Kind(1), NOW - 9, Vec::new(), "other");
    for event in [&before, &deletion, &wrap, &after, &other] {
        assert!(client.publish(event).await.0);
    }
    let elsewhere = tags(&[&["relay", "wss://relay.example.com"]]);
    let elsewhere = author(1).sign(Kind(62), NOW, elsewhere, "");
    assert!(client.publish(&elsewhere).await.0);
    let (stored, _) = client.ask("s", &[json!({"authors": [key]})]).await;
    assert_eq!(
        stored.len(),
        3,
        "a request to another relay is an event like any other"
    );
    client.send(json!(["CLOSE", "s"])).await;

    let here = author(1).sign(Kind(62), NOW, tags(&[&["relay", "ws://127.0.0.1/"]]), "bye");
    assert!(client.publish(&here).await.0);
    let (stored, _) = client.ask("s", &[json!({"kinds": [1, 5]})]).await;
    assert_eq!(stored, ids([&after, &other]));
    for event in [&before, &deletion, &wrap] {
        let (is_accepted, text) = client.publish(event).await;
        assert!(!is_accepted && text.starts_with("blocked:"), "{text}");
    }
    relay
        .archive
        .admit(raw([&before, &wrap]), crawl(1))
        .await
        .unwrap();
    assert_eq!(
        client
            .count(&[json!({"authors": [key], "kinds": [1, 5]})])
            .await["count"],
        1
    );
}

#[tokio::test]
async fn a_request_to_vanish_that_was_crawled_counts() {
    let relay = relay().await;
    let mut client = relay.client().await;
    client.publish(&note(1)).await;
    let everywhere = tags(&[&["relay", "ALL_RELAYS"]]);
    let request = author(1).sign(Kind(62), NOW, everywhere, "");
    relay
        .archive
        .admit(raw([&request]), crawl(1))
        .await
        .unwrap();
    assert!(client.ask("s", &[json!({"kinds": [1]})]).await.0.is_empty());
    assert!(!client.publish(&note(1)).await.0);
}

#[tokio::test]
async fn nobody_is_kept_from_vanishing() {
    let mut settings = named();
    settings.write.is_enabled = false;
    let closed = relay_with(settings).await;
    for relay in [closed, laborious(200).await] {
        let mut client = relay.client().await;
        assert!(!client.publish(&note(1)).await.0);
        let elsewhere = tags(&[&["relay", "wss://relay.example.com"]]);
        let everywhere = tags(&[&["relay", "ALL_RELAYS"]]);
        let request = author(1).sign(Kind(62), NOW, everywhere, "");
        assert_eq!(client.publish(&request).await, (true, String::new()));
        if relay.archive.settings().min_difficulty == 0 {
            let other = author(2).sign(Kind(62), NOW, elsewhere, "");
            assert!(!client.publish(&other).await.0);
        }
    }
}

#[tokio::test]
async fn work_has_to_be_done_and_committed_to() {
    let relay = laborious(6).await;
    let mut client = relay.client().await;
    let mine = |target: &str| {
        let nonces = (0_u32..).map(|nonce| {
            let nonce = nonce.to_string();
            author(1).sign(Kind(1), NOW, tags(&[&["nonce", &nonce, target]]), "")
        });
        let mut worked = nonces.filter(|event| nip13::difficulty(&event.id()) >= 6);
        worked.next().unwrap()
    };
    for (event, is_taken) in [(mine("6"), true), (mine("3"), false), (mine(""), false)] {
        let (is_accepted, text) = client.publish(&event).await;
        assert_eq!(is_accepted, is_taken, "{text}");
        assert!(is_taken || text.starts_with("pow: "), "{text}");
    }
    relay
        .archive
        .admit(raw([&mine("3")]), crawl(1))
        .await
        .unwrap();
    assert_eq!(client.count(&[json!({})]).await["count"], 2);
    let document: Value = serde_json::from_str(&relay.relay.information()).unwrap();
    assert_eq!(document["limitation"]["min_pow_difficulty"], 6);
    assert!(
        document["supported_nips"]
            .as_array()
            .unwrap()
            .contains(&json!(13))
    );
}
