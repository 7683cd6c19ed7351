//! A relay that stops owes nobody anything.

use std::time::Duration;

use bigbrotr::relay::RelaySettings;
use serde_json::json;

use super::overload::{fill, until};
use super::server::{relay, relay_with};
use crate::archive::given::note;

#[tokio::test]
async fn events_in_hand_are_answered_and_subscriptions_closed() {
    let relay = relay().await;
    let mut client = relay.client().await;
    client.ask("s", &[json!({"kinds": [7]})]).await;
    for number in 0..100 {
        client
            .send_text(&format!("[\"EVENT\",{}]", note(number).to_json()))
            .await;
    }
    let first = client.next().await;
    assert_eq!(first[0], "OK");
    relay.soft.cancel();
    let mut frame = client.next().await;
    while frame[0] == "OK" {
        assert_eq!(frame[2], true);
        frame = client.next().await;
    }
    assert_eq!((&frame[0], &frame[1]), (&json!("CLOSED"), &json!("s")));
    assert_eq!(u16::from(client.closing().await.unwrap().code), 1001);
}

#[tokio::test]
async fn a_client_that_was_still_talking_hears_the_end() {
    let relay = relay().await;
    let mut client = relay.client().await;
    client.ask("s", &[json!({"kinds": [7]})]).await;
    // Far more than the relay reads before it stops.
    for number in 0..3_000 {
        client
            .send(json!(["EVENT", {"id": number.to_string()}]))
            .await;
    }
    relay.soft.cancel();
    let mut frame = client.next().await;
    while frame[0] == "OK" {
        frame = client.next().await;
    }
    assert_eq!((&frame[0], &frame[1]), (&json!("CLOSED"), &json!("s")));
    assert_eq!(u16::from(client.closing().await.unwrap().code), 1001);
}

#[tokio::test]
async fn who_does_not_read_holds_up_nobody() {
    let mut settings = RelaySettings::default();
    settings.limits.write_patience = Duration::from_millis(300);
    let relay = relay_with(settings).await;
    fill(&relay, 100).await;
    let (mut deaf, mut healthy) = (relay.client().await, relay.client().await);
    deaf.send(json!(["REQ", "s", {}])).await;
    healthy.ask("s", &[json!({"limit": 1})]).await;
    relay.soft.cancel();
    assert_eq!(healthy.next().await[0], "CLOSED");
    assert_eq!(u16::from(healthy.closing().await.unwrap().code), 1001);
    until(|| relay.relay.counts().connections == 0).await;
}
