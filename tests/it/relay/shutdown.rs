//! A relay that stops owes nobody anything.

use serde_json::json;

use super::server::relay;
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
