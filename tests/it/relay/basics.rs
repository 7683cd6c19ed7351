//! NIP-01, message by message.

use nips::{Event, Kind};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::client::ids;
use super::server::relay;
use crate::archive::given::{NOW, author, crawl, forged, note, raw, tags};

#[tokio::test]
async fn what_is_published_is_stored_and_served_as_it_was_signed() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let event = author(1).sign(Kind(1), NOW, tags(&[&["t", "x\"y"], &[]]), "é\n");
    assert_eq!(client.publish(&event).await, (true, String::new()));
    client
        .send(json!(["REQ", "s", {"ids": [event.id().to_hex()]}]))
        .await;
    let frame = client.next_text().await;
    assert_eq!(frame, format!("[\"EVENT\",\"s\",{}]", event.to_json()));
    assert_eq!(client.next_text().await, r#"["EOSE","s",["finish"]]"#);
}

#[tokio::test]
async fn a_duplicate_is_accepted_and_said_to_be_one() {
    let relay = relay().await;
    let mut client = relay.client().await;
    client.publish(&note(1)).await;
    let (is_accepted, text) = client.publish(&note(1)).await;
    assert!(is_accepted && text.starts_with("duplicate:"), "{text}");
}

#[tokio::test]
async fn bad_events_are_refused_by_name() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let id = note(1).id().to_hex();
    for event in [
        forged(&note(1)),
        note(1).to_json().replace("note 1", "note 2"),
        note(1).to_json().replace("\"kind\":1", "\"kind\":65536"),
        format!(r#"{{"id":"{id}"}}"#),
    ] {
        client.send_text(&format!("[\"EVENT\",{event}]")).await;
        let (is_accepted, text) = client.verdict(&id).await;
        assert!(!is_accepted && text.starts_with("invalid: "), "{text}");
    }
    client.publish(&note(1)).await;
    let (stored, _) = client.ask("all", &[json!({})]).await;
    assert_eq!(stored, ids([&note(1)]));
}

#[tokio::test]
async fn nonsense_is_answered_and_the_connection_lives() {
    let relay = relay().await;
    let mut client = relay.client().await;
    for text in [
        "",
        "x",
        "{}",
        "[]",
        "[1]",
        r#"["WHAT"]"#,
        r#"["EVENT"]"#,
        r#"["REQ"]"#,
    ] {
        client.send_text(text).await;
        assert_eq!(client.next().await[0], "NOTICE", "{text}");
    }
    let deep = format!("[\"EVENT\",{}", "[".repeat(100_000));
    client.send_text(&deep).await;
    assert_eq!(client.next().await[0], "NOTICE");
    client.send_message(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(client.next().await[0], "NOTICE");
    for filter in [
        json!([]),
        json!({"ids": ["ab"]}),
        json!({"authors": ["A".repeat(64)]}),
    ] {
        assert!(client.refused("s", &[filter]).await.starts_with("invalid:"));
    }
    assert!(client.refused("s", &[]).await.starts_with("invalid:"));
    assert!(
        client
            .refused("s", &[json!({"search": "x"})])
            .await
            .starts_with("unsupported:")
    );
    client.expect_silence().await;
}

#[tokio::test]
async fn answers_are_newest_first_lowest_id_first_within_a_second() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let sign = |at: u64, text: &str| author(2).sign(Kind(1), at, Vec::new(), text);
    let mut events: Vec<Event> = ["a", "b", "c", "d"].map(|text| sign(NOW, text)).into();
    events.extend([sign(NOW - 1, "e"), sign(NOW + 1, "f")]);
    for event in &events {
        client.publish(event).await;
    }
    events.sort_by_key(|event| (std::cmp::Reverse(event.created_at()), event.id()));
    let (all, hint) = client.ask("s", &[json!({})]).await;
    assert_eq!((all, hint), (ids(&events), Some(json!(["finish"]))));
    let (some, hint) = client.ask("s", &[json!({"limit": 3})]).await;
    assert_eq!((some, hint), (ids(&events[..3]), Some(json!(["more"]))));
}

#[tokio::test]
async fn filters_are_united_without_repeats() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let events = [1, 2, 3].map(note);
    for event in &events {
        client.publish(event).await;
    }
    let filters = [
        json!({"limit": 1}),
        json!({"ids": ids(&events[..2])}),
        json!({"authors": [author(1).pubkey().to_hex()], "kinds": [1], "until": NOW - 2}),
    ];
    let (united, _) = client.ask("s", &filters).await;
    assert_eq!(united, ids(&events));
}

#[tokio::test]
async fn impossible_filters_match_nothing_and_end_at_once() {
    let relay = relay().await;
    let mut client = relay.client().await;
    client.publish(&note(1)).await;
    for filter in [
        json!({"ids": []}),
        json!({"authors": []}),
        json!({"#t": []}),
        json!({"kinds": [99_999]}),
        json!({"kinds": [99_999], "limit": 0}),
        json!({"since": 2, "until": 1}),
    ] {
        let (none, _) = client.ask("s", &[filter]).await;
        assert!(none.is_empty());
    }
    for (filters, hint) in [
        (vec![json!({"ids": []})], Some(json!(["finish"]))),
        (vec![json!({"limit": 0}), json!({"limit": 1})], None),
        (vec![json!({"limit": 0})], None),
    ] {
        assert_eq!(client.ask("s", &filters).await.1, hint, "{filters:?}");
    }
    relay
        .archive
        .admit(raw([&note(2)]), crawl(1))
        .await
        .unwrap();
    assert_eq!(client.live("s").await, note(2).id().to_hex());
}

#[tokio::test]
async fn live_events_reach_every_subscription_they_match_once() {
    let relay = relay().await;
    let (mut writer, mut reader) = (relay.client().await, relay.client().await);
    let (all, tag, other) = (
        json!({"limit": 0}),
        json!({"#t": ["x"]}),
        json!({"kinds": [7]}),
    );
    reader.ask("all", &[all.clone(), all]).await;
    reader.ask("tag", std::slice::from_ref(&tag)).await;
    reader.ask("other", std::slice::from_ref(&other)).await;
    let event = author(1).sign(Kind(1), NOW, tags(&[&["t", "x"]]), "");
    assert!(writer.publish(&event).await.0);
    let mut got = [reader.next().await, reader.next().await];
    got.sort_by_key(|frame| frame[1].to_string());
    assert_eq!((&got[0][1], &got[1][1]), (&json!("all"), &json!("tag")));
    reader.expect_silence().await;
    let ephemeral = author(1).sign(Kind(20_000), NOW, Vec::new(), "");
    assert!(writer.publish(&ephemeral).await.0);
    assert_eq!(reader.live("all").await, ephemeral.id().to_hex());
    let (stored, _) = writer.ask("s", &[json!({"kinds": [20_000]})]).await;
    assert!(stored.is_empty());
}

#[tokio::test]
async fn closed_and_replaced_subscriptions_are_silent() {
    let relay = relay().await;
    let (mut writer, mut reader) = (relay.client().await, relay.client().await);
    reader.ask("closed", &[json!({})]).await;
    reader.ask("replaced", &[json!({})]).await;
    reader.send(json!(["CLOSE", "closed"])).await;
    reader.send(json!(["CLOSE", "never opened"])).await;
    reader.ask("replaced", &[json!({"kinds": [7]})]).await;
    writer.publish(&note(1)).await;
    let reaction = author(1).sign(Kind(7), NOW, Vec::new(), "+");
    writer.publish(&reaction).await;
    assert_eq!(reader.live("replaced").await, reaction.id().to_hex());
    assert_eq!(relay.relay.counts().subscriptions, 1);
    reader.expect_silence().await;
}

#[tokio::test]
async fn many_events_at_once_are_all_answered() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let events: Vec<Event> = (0..1_500).map(note).collect();
    for event in &events {
        client
            .send_text(&format!("[\"EVENT\",{}]", event.to_json()))
            .await;
    }
    let mut accepted = std::collections::HashSet::new();
    for _ in &events {
        let ok = client.next().await;
        assert_eq!((&ok[0], &ok[2]), (&json!("OK"), &json!(true)));
        accepted.insert(ok[1].to_string());
    }
    assert_eq!(accepted.len(), events.len());
    let (stored, _) = client.ask("s", &[json!({"limit": 5_000})]).await;
    assert_eq!(stored, ids(&events));
}
