//! Every limit that the relay advertises, reached.

use bigbrotr::relay::RelaySettings;
use nips::{Event, Kind};
use serde_json::json;

use super::client::ids;
use super::server::{relay, relay_with};
use crate::archive::given::{NOW, author, crawl, note, raw};

fn settings() -> RelaySettings {
    let mut settings = RelaySettings::default();
    settings.limits.max_subscriptions = 2;
    settings.limits.max_filters = 3;
    settings.limits.max_limit = 20;
    settings.limits.default_limit = 10;
    settings.limits.max_message_length = 2_000;
    settings
}

#[tokio::test]
async fn subscriptions_and_filters_are_counted() {
    let relay = relay_with(settings()).await;
    let mut client = relay.client().await;
    client.ask("1", &[json!({}), json!({}), json!({})]).await;
    client.ask("2", &[json!({})]).await;
    assert!(
        client
            .refused("3", &[json!({})])
            .await
            .starts_with("error:")
    );
    client.ask("2", &[json!({"kinds": [1]})]).await;
    let four = [json!({}), json!({}), json!({}), json!({})];
    assert!(client.refused("2", &four).await.starts_with("invalid:"));
    client.ask("3", &[json!({})]).await;
}

#[tokio::test]
async fn limits_are_lowered_and_filled_in() {
    let relay = relay_with(settings()).await;
    let events: Vec<Event> = (0..30).map(note).collect();
    relay.archive.admit(raw(&events), crawl(1)).await.unwrap();
    let mut client = relay.client().await;
    for (filter, expected) in [
        (json!({}), 10),
        (json!({"limit": 15}), 15),
        (json!({"limit": 5_000}), 20),
    ] {
        let (got, hint) = client.ask("s", &[filter]).await;
        assert_eq!(got, ids(&events[..expected]));
        assert_eq!(hint, Some(json!(["more"])));
    }
}

#[tokio::test]
async fn long_messages_are_refused_by_name_and_longer_ones_end_the_connection() {
    let relay = relay_with(settings()).await;
    let mut client = relay.client().await;
    let event = author(1).sign(Kind(1), NOW, Vec::new(), "x".repeat(2_000));
    let (is_accepted, text) = client.publish(&event).await;
    assert!(!is_accepted && text.starts_with("invalid:"), "{text}");
    let long = json!({"#t": ["x".repeat(2_000)]});
    assert!(client.refused("s", &[long]).await.starts_with("invalid:"));
    client.send_text(&"x".repeat(2_001)).await;
    assert_eq!(client.next().await[0], "NOTICE");
    client.send_text(&"x".repeat(100_000)).await;
    client.ended().await;
}

#[tokio::test]
async fn large_answers_are_cut_at_a_size_and_say_so() {
    let mut settings = RelaySettings::default();
    settings.limits.max_answer_bytes = 100_000;
    let relay = relay_with(settings).await;
    let text = "y".repeat(10_000);
    let sign = |at| author(1).sign(Kind(1), at, Vec::new(), text.clone());
    let events: Vec<Event> = (0..30).map(|back| sign(NOW - back)).collect();
    relay.archive.admit(raw(&events), crawl(1)).await.unwrap();
    let mut client = relay.client().await;
    let (got, hint) = client.ask("s", &[json!({})]).await;
    assert!((5..=12).contains(&got.len()), "{}", got.len());
    assert_eq!(
        (&got[..], hint),
        (&ids(&events)[..got.len()], Some(json!(["more"])))
    );
}

#[tokio::test]
async fn connections_are_counted_by_address() {
    let mut settings = RelaySettings::default();
    settings.rates.max_connections_per_address = Some(1);
    let relay = relay_with(settings).await;
    let mut first = relay.client().await;
    first.expect_silence().await;
    let mut second = relay.client().await;
    assert_eq!(u16::from(second.closing().await.unwrap().code), 1013);
    assert_eq!(relay.relay.counts().connections_refused, 1);
    first.expect_silence().await;
}

#[tokio::test]
async fn events_and_requests_are_counted_by_the_minute() {
    let mut settings = RelaySettings::default();
    settings.rates.events_per_minute = Some(2);
    settings.rates.requests_per_minute = Some(2);
    let relay = relay_with(settings).await;
    let mut client = relay.client().await;
    for number in [1, 2] {
        assert!(client.publish(&note(number)).await.0);
        client.ask("s", &[json!({})]).await;
        client.send(json!(["CLOSE", "s"])).await;
    }
    let (is_accepted, text) = client.publish(&note(3)).await;
    assert!(!is_accepted && text.starts_with("rate-limited:"));
    assert!(
        client
            .refused("s", &[json!({})])
            .await
            .starts_with("rate-limited:")
    );
}

#[tokio::test]
async fn the_operator_says_who_may_write() {
    let mut settings = RelaySettings::default();
    settings.write.kinds_blocked.insert(Kind(7));
    settings.write.authors_blocked.insert(author(2).pubkey());
    let relay = relay_with(settings).await;
    let mut client = relay.client().await;
    assert!(client.publish(&note(1)).await.0);
    for event in [
        author(1).sign(Kind(7), NOW, Vec::new(), "+"),
        author(2).sign(Kind(1), NOW, Vec::new(), ""),
    ] {
        let (is_accepted, text) = client.publish(&event).await;
        assert!(!is_accepted && text.starts_with("blocked:"), "{text}");
    }
}

#[tokio::test]
async fn who_does_not_read_is_closed_and_nobody_else_notices() {
    let relay = relay().await;
    let (mut deaf, mut healthy) = (relay.client().await, relay.client().await);
    deaf.ask("s", &[json!({})]).await;
    healthy.ask("s", &[json!({})]).await;
    let text = "z".repeat(400_000);
    let mut published = 0;
    while relay.relay.counts().slow_readers == 0 {
        let event = author(1).sign(Kind(20_001), NOW - published, Vec::new(), text.clone());
        relay.archive.admit(raw([&event]), crawl(1)).await.unwrap();
        assert_eq!(healthy.live("s").await, event.id().to_hex());
        published += 1;
        assert!(published < 1_000, "the deaf client is closed at some point");
    }
    healthy.expect_silence().await;
    assert_eq!(relay.relay.counts().connections, 1);
}
