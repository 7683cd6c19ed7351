//! Rates, caps and bans: by connection, by network and by key.

use std::time::Duration;

use bigbrotr::relay::{BanRules, RelaySettings};
use nips::Kind;
use serde_json::json;

use super::client::Client;
use super::server::relay_with;
use crate::archive::given::{NOW, author, forged, note};

#[tokio::test]
async fn connections_are_counted_by_network() {
    let mut settings = RelaySettings::default();
    settings.rates.max_connections_per_prefix = Some(2);
    let relay = relay_with(settings).await;
    let mut held = [
        relay.client_from([127, 0, 5, 1]).await,
        relay.client_from([127, 0, 5, 2]).await,
    ];
    for client in &mut held {
        client.expect_silence().await;
    }
    let mut third = relay.client_from([127, 0, 5, 3]).await;
    assert_eq!(u16::from(third.closing().await.unwrap().code), 1013);
    let mut elsewhere = relay.client_from([127, 0, 6, 1]).await;
    elsewhere.expect_silence().await;
}

#[tokio::test]
async fn events_and_requests_are_counted_by_network_however_many_connections_bring_them() {
    let mut settings = RelaySettings::default();
    settings.rates.events_per_minute_per_prefix = Some(3);
    settings.rates.requests_per_minute_per_prefix = Some(3);
    let relay = relay_with(settings).await;
    let neighbours = [[127, 0, 5, 1], [127, 0, 5, 2], [127, 0, 5, 3]];
    for (number, from) in (1..).zip(neighbours) {
        let mut client = relay.client_from(from).await;
        assert!(client.publish(&note(number)).await.0);
        client.ask("s", &[json!({"limit": 1})]).await;
    }
    let mut fourth = relay.client_from([127, 0, 5, 4]).await;
    let (is_accepted, text) = fourth.publish(&note(4)).await;
    assert!(!is_accepted && text.starts_with("rate-limited:"), "{text}");
    let text = fourth.refused("s", &[json!({})]).await;
    assert!(text.starts_with("rate-limited:"), "{text}");
    let mut elsewhere = relay.client_from([127, 0, 6, 1]).await;
    assert!(elsewhere.publish(&note(4)).await.0);
    elsewhere.ask("s", &[json!({})]).await;
}

#[tokio::test]
async fn new_events_are_counted_by_author_and_nobody_else_can_use_them_up() {
    let mut settings = RelaySettings::default();
    settings.rates.events_per_minute_per_key = Some(2);
    let relay = relay_with(settings).await;
    let mut client = relay.client().await;
    // Neither forgeries nor copies of what is here count against the author that they name.
    for _ in 0..5 {
        client
            .send_text(&format!("[\"EVENT\",{}]", forged(&note(9))))
            .await;
        assert!(!client.verdict(&note(9).id().to_hex()).await.0);
    }
    assert!(client.publish(&note(1)).await.0);
    for _ in 0..5 {
        assert!(client.publish(&note(1)).await.1.starts_with("duplicate:"));
    }
    assert!(client.publish(&note(2)).await.0);
    let mut other = relay.client_from([127, 0, 9, 1]).await;
    let (is_accepted, text) = other.publish(&note(3)).await;
    assert!(!is_accepted && text.starts_with("rate-limited:"), "{text}");
    let event = author(2).sign(Kind(1), NOW, Vec::new(), "");
    assert!(other.publish(&event).await.0);
}

/// A filter that names that many authors, none of whom is known.
fn authors(count: u64) -> serde_json::Value {
    let keys: Vec<String> = (0..count).map(|number| format!("{number:064x}")).collect();
    json!({"authors": keys, "kinds": [1]})
}

#[tokio::test]
async fn what_answers_cost_is_bounded_by_connection_and_by_network() {
    let mut settings = RelaySettings::default();
    settings.limits.max_message_length = 2 << 20;
    settings.rates.query_time_per_minute = Some(Duration::from_millis(20));
    settings.rates.query_time_per_minute_per_prefix = Some(Duration::from_millis(30));
    let relay = relay_with(settings).await;
    let mut client = relay.client_from([127, 0, 5, 1]).await;
    // 20 filters of 1,000 authors are 20,000 places of the index to look at, 2 µs each.
    let text = client.refused("bomb", &vec![authors(1_000); 20]).await;
    assert!(text.starts_with("rate-limited:"), "{text}");
    client.ask("small", &[json!({"limit": 1})]).await;
    let mut spender = relay.client_from([127, 0, 5, 2]).await;
    spend(&mut spender).await;
    // The neighbour pays for it, somebody else does not.
    let mut neighbour = relay.client_from([127, 0, 5, 3]).await;
    spend(&mut neighbour).await;
    let text = neighbour.refused("s", &[authors(1_000)]).await;
    assert!(text.starts_with("rate-limited:"), "{text}");
    let mut elsewhere = relay.client_from([127, 0, 6, 1]).await;
    elsewhere.ask("s", &[authors(1_000)]).await;
}

/// Asks until there is no time left.
async fn spend(client: &mut Client) {
    for _ in 0..1_000 {
        client.send(json!(["REQ", "s", authors(1_000)])).await;
        if client.next().await[0] == "CLOSED" {
            return;
        }
    }
    panic!("there is always time left");
}

fn impatient() -> RelaySettings {
    RelaySettings {
        bans: Some(BanRules {
            offences_per_minute: 5,
            duration: Duration::from_millis(1_500),
        }),
        ..RelaySettings::default()
    }
}

#[tokio::test]
async fn who_goes_on_breaking_rules_is_kept_out_until_the_ban_is_over() {
    let relay = relay_with(impatient()).await;
    let mut bystander = relay.client_from([127, 0, 5, 2]).await;
    let mut client = relay.client_from([127, 0, 5, 1]).await;
    for number in 0..6 {
        match number % 3 {
            0 => client.send_text("nonsense").await,
            1 => client.send(json!(["REQ", "s", {"ids": ["ab"]}])).await,
            _ => {
                client
                    .send_text(&format!("[\"EVENT\",{}]", forged(&note(1))))
                    .await
            }
        }
    }
    assert_eq!(u16::from(client.closing().await.unwrap().code), 1008);
    let mut again = relay.client_from([127, 0, 5, 1]).await;
    assert_eq!(u16::from(again.closing().await.unwrap().code), 1008);
    assert_eq!(relay.relay.counts().banned, 1);
    bystander.expect_silence().await;
    let forgiven = async {
        loop {
            let mut client = relay.client_from([127, 0, 5, 1]).await;
            client.send(json!(["REQ", "s", {"limit": 0}])).await;
            if client.answers().await {
                return;
            }
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), forgiven).await;
    waited.expect("the ban is over at some point");
}

#[tokio::test]
async fn what_is_not_the_clients_fault_is_no_offence() {
    let mut settings = impatient();
    settings.limits.max_subscriptions = 1;
    settings.write.is_enabled = false;
    let relay = relay_with(settings).await;
    let mut client = relay.client().await;
    client.ask("s", &[json!({"limit": 0})]).await;
    for number in 0..20 {
        assert!(!client.publish(&note(number)).await.0);
        let text = client.refused("t", &[json!({})]).await;
        assert!(text.starts_with("error:"), "{text}");
        client.send(json!(["WHAT"])).await;
        assert_eq!(client.next().await[0], "NOTICE");
    }
    client.send(json!(["CLOSE", "s"])).await;
    client.expect_silence().await;
}
