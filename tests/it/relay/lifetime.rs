//! What is no longer, or not for everybody: NIP-09, NIP-40, NIP-70 and private kinds.

use nips::Kind;
use serde_json::json;

use super::client::ids;
use super::server::relay;
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
