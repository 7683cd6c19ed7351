//! Rates, caps and bans: by connection, by network and by key.

use std::time::{Duration, Instant};

use bigbrotr::relay::{BanRules, RelaySettings};
use nips::Kind;
use serde_json::{Value, json};

use super::client::{Client, auth_event};
use super::server::{named, relay_with};
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
fn authors(count: u64) -> Value {
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

/// The first message of a sync session about an empty set.
const NOTHING: &str = "6100000200";

/// Asks by that door and gives what comes first.
async fn knock(client: &mut Client, door: &str) -> Value {
    let message = match door {
        "NEG-OPEN" => json!([door, door, {"limit": 1}, NOTHING]),
        "NEG-MSG" => json!([door, "NEG-OPEN", NOTHING]),
        _ => json!([door, door, {"limit": 1}]),
    };
    client.send(message).await;
    client.next().await
}

fn is_limited(answer: &Value) -> bool {
    let is_refusal = answer[0] == "CLOSED" || answer[0] == "NEG-ERR";
    is_refusal && answer[2].as_str().unwrap().starts_with("rate-limited:")
}

#[tokio::test]
async fn all_questions_are_counted_together() {
    let mut settings = named();
    settings.rates.requests_per_minute_per_prefix = Some(4);
    let relay = relay_with(settings).await;
    let mut client = relay.client_from([127, 0, 5, 1]).await;
    for door in ["REQ", "COUNT", "NEG-OPEN", "NEG-MSG"] {
        let mut answer = knock(&mut client, door).await;
        assert!(!is_limited(&answer), "{answer}");
        let ends = ["EOSE", "COUNT", "NEG-MSG"];
        while !ends.contains(&answer[0].as_str().unwrap()) {
            answer = client.next().await;
        }
    }
    for door in ["NEG-MSG", "REQ", "COUNT", "NEG-OPEN"] {
        let answer = knock(&mut client, door).await;
        assert!(is_limited(&answer), "{door} {answer}");
    }
}

#[tokio::test]
async fn all_questions_pay_from_one_purse() {
    let mut settings = named();
    // Enough for what one question is expected to take, and less than it takes.
    settings.rates.query_time_per_minute = Some(Duration::from_micros(5));
    let relay = relay_with(settings).await;
    for spender in ["REQ", "COUNT", "NEG-OPEN"] {
        let mut client = relay.client().await;
        let answer = knock(&mut client, spender).await;
        assert!(!is_limited(&answer), "{spender} {answer}");
        for door in ["REQ", "COUNT", "NEG-OPEN"] {
            let answer = knock(&mut client, door).await;
            assert!(is_limited(&answer), "{spender} {door} {answer}");
        }
    }
    let mut client = relay.client().await;
    assert_eq!(knock(&mut client, "NEG-OPEN").await[0], "NEG-MSG");
    assert!(is_limited(&knock(&mut client, "NEG-MSG").await));
}

#[tokio::test]
async fn answers_to_the_challenge_are_counted_as_events() {
    let mut settings = named();
    settings.rates.events_per_minute_per_prefix = Some(2);
    let relay = relay_with(settings).await;
    let answer = auth_event(&author(2), "made up", "ws://127.0.0.1", NOW);
    let mut client = relay.client().await;
    assert!(client.publish(&note(1)).await.0);
    for expected in ["invalid:", "rate-limited:"] {
        let (is_accepted, text) = client.send_auth(&answer).await;
        assert!(!is_accepted && text.starts_with(expected), "{text}");
    }
}

#[tokio::test]
async fn rules_can_be_broken_by_every_door() {
    let mut settings = named();
    settings.bans = impatient().bans;
    let relay = relay_with(settings).await;
    let mut client = relay.client_from([127, 0, 5, 1]).await;
    let answer = auth_event(&author(2), "made up", "ws://127.0.0.1", NOW);
    for _ in 0..2 {
        client.send(json!(["COUNT", "c", {"ids": ["ab"]}])).await;
        client.send(json!(["NEG-OPEN", "n", {}, "6"])).await;
        client
            .send_text(&format!("[\"AUTH\",{}]", answer.to_json()))
            .await;
    }
    assert_eq!(u16::from(client.closing().await.unwrap().code), 1008);
    assert_eq!(relay.relay.counts().banned, 1);
}

#[tokio::test]
async fn an_offender_whom_nobody_bans_is_listened_to_ever_more_rarely() {
    let relay = relay_with(RelaySettings::default()).await;
    let mut offender = relay.client().await;
    let mut bystander = relay.client().await;
    for _ in 0..310 {
        offender.send_text("{").await;
    }
    let since = Instant::now();
    for _ in 0..304 {
        assert_eq!(offender.next().await[0], "NOTICE");
    }
    // 300 at once, then five a second.
    assert!(since.elapsed() >= Duration::from_millis(500));
    bystander.expect_silence().await;
    for _ in 304..310 {
        offender.next().await;
    }
    offender.expect_silence().await;
}
