//! The connection and the document (NIP-01, 11).

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::{Relay, event, publish};
use crate::http::client::request;

#[tokio::test]
async fn pings_are_answered_with_what_they_said() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    client.send_message(Message::Ping("1b9e".into())).await;
    assert_eq!(
        client.next_message().await,
        Some(Message::Pong("1b9e".into()))
    );
}

#[tokio::test]
async fn other_kinds_of_messages_leave_the_connection_alone() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    client.send_message(Message::binary(vec![0xff; 10])).await;
    assert_eq!(client.next().await[0], "NOTICE");
    publish(&mut client, &[&event(1, 1, 0, &[], "")]).await;
}

#[tokio::test]
async fn the_document_is_readable_from_anywhere_and_true() {
    let relay =
        Relay::start_with("limits: {max_limit: 33, default_limit: 22, max_subscriptions: 3}\n");
    let accept = "Accept: application/nostr+json";
    let answer = request(relay.address, "GET /", &[accept]);
    assert_eq!(answer.status, 200);
    for name in ["origin", "headers", "methods"] {
        let name = format!("access-control-allow-{name}");
        assert!(!answer.header(&name).is_empty(), "{name}");
        let preflight = request(relay.address, "OPTIONS /", &[accept]);
        assert!(!preflight.header(&name).is_empty(), "{name}");
    }
    let document = answer.json();
    let listed = document["supported_nips"].as_array().unwrap();
    assert!(listed.iter().all(Value::is_u64), "{listed:?}");
    let expected = json!([1, 9, 11, 40, 42, 45, 59, 62, 67, 70, 77]);
    assert_eq!(document["supported_nips"], expected);
    let limitation = &document["limitation"];
    assert_eq!(
        (&limitation["max_limit"], &limitation["default_limit"]),
        (&json!(33), &json!(22))
    );
    let mut client = relay.client().await;
    for id in ["1", "2", "3"] {
        client.ask(id, &[json!({})]).await;
    }
    client.send(json!(["REQ", "4", {}])).await;
    client.closed("4").await;
    assert_eq!(limitation["max_subscriptions"], 3);
}
