//! Messages that take long to read: they are read elsewhere, and everything about them is as with short ones.

use nips::{Event, Kind};
use serde_json::{Value, json};

use super::server::relay;
use crate::archive::given::{NOW, author};

/// A filter that names authors whom nobody knows, and these.
fn feed(known: &[&Event]) -> Value {
    let strangers = (0..1_500).map(|number| format!("{number:064x}"));
    let known = known.iter().map(|event| event.pubkey().to_hex());
    let authors: Vec<String> = strangers.chain(known).collect();
    json!({"authors": authors, "kinds": [1], "limit": 0})
}

fn note(writer: u64, second: u64) -> Event {
    author(writer).sign(Kind(1), NOW + second, Vec::new(), "a note")
}

#[tokio::test]
async fn messages_stay_in_order_however_long_some_take() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let mut writer = relay.client().await;
    let note = note(1, 1);
    client.send(json!(["REQ", "s", feed(&[&note])])).await;
    // Whatever this one is refused for, what was open under its id is over.
    client.send(json!(["REQ", "s", {"kinds": "all"}])).await;
    while client.next().await[0] != "CLOSED" {}
    assert!(writer.publish(&note).await.0);
    client.expect_silence().await;
}

#[tokio::test]
async fn a_long_list_gets_the_events_of_each_until_it_is_closed() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let mut writer = relay.client().await;
    let notes = [note(1, 1), note(2, 2), note(3, 3)];
    let feed = feed(&[&notes[0], &notes[2]]);
    // Twice the same, so that events match two filters and come once.
    client.ask("s", &[feed.clone(), feed]).await;
    for note in &notes {
        assert!(writer.publish(note).await.0);
    }
    assert_eq!(client.live("s").await, notes[0].id().to_hex());
    assert_eq!(client.live("s").await, notes[2].id().to_hex());
    client.send(json!(["CLOSE", "s"])).await;
    client.expect_silence().await;
    assert!(writer.publish(&note(1, 4)).await.0);
    client.expect_silence().await;
}

#[tokio::test]
async fn a_long_event_is_taken_however_it_is_written() {
    let relay = relay().await;
    let mut client = relay.client().await;
    for (second, start) in [(1, "[\"EVENT\","), (2, " [ \"EVENT\" , ")] {
        let event = author(1).sign(Kind(1), NOW + second, Vec::new(), "x".repeat(40_000));
        client
            .send_text(&format!("{start}{}]", event.to_json()))
            .await;
        let (is_accepted, text) = client.verdict(&event.id().to_hex()).await;
        assert!(is_accepted, "{text}");
    }
    client.send_text(&"[".repeat(40_000)).await;
    assert_eq!(client.next().await[0], "NOTICE");
}
