//! NIP-42, and what it opens: private events to their parties, protected ones from their author.

use fleet::events::Author;
use nips::{Event, Kind};
use serde_json::{Value, json};

use super::client::{Client, auth_event, ids};
use super::server::{Served, named, relay, relay_with};
use crate::archive::given::{NOW, author, crawl, note, raw, tags};

fn private(kind: u16, from: u64, to: u64) -> Event {
    let recipient = author(to).pubkey().to_hex();
    author(from).sign(Kind(kind), NOW, tags(&[&["p", &recipient]]), "?")
}

/// A client that has been challenged.
async fn challenged(relay: &Served) -> (Client, String) {
    let mut client = relay.client().await;
    client
        .send_question("REQ", "first", &[json!({"kinds": [4]})])
        .await;
    let challenge = client.challenge().await;
    assert!(client.closed("first").await.starts_with("auth-required: "));
    (client, challenge)
}

async fn known(relay: &Served, who: &Author) -> Client {
    let (mut client, challenge) = challenged(relay).await;
    client.authenticate(who, &challenge).await;
    client
}

async fn admit(relay: &Served, events: &[Event]) {
    relay.archive.admit(raw(events), crawl(1)).await.unwrap();
}

#[tokio::test]
async fn nobody_is_challenged_who_asks_for_nothing_private() {
    let relay = relay_with(named()).await;
    let mut client = relay.client().await;
    client.publish(&note(1)).await;
    assert_eq!(client.ask("s", &[json!({})]).await.0, ids([&note(1)]));
    client
        .ask("t", &[json!({"kinds": [1], "#p": [author(1).pubkey()]})])
        .await;
    assert_eq!(client.count(&[json!({})]).await["count"], 1);
    client.expect_silence().await;
}

#[tokio::test]
async fn a_challenge_comes_once_before_the_refusal() {
    let relay = relay_with(named()).await;
    let (mut client, challenge) = challenged(&relay).await;
    assert!(challenge.len() >= 16);
    for verb in ["REQ", "COUNT"] {
        client
            .send_question(verb, "s", &[json!({"kinds": [4, 1_059]})])
            .await;
        assert!(client.closed("s").await.starts_with("auth-required: "));
    }
    let (_, other) = challenged(&relay).await;
    assert_ne!(challenge, other);
}

#[tokio::test]
async fn what_is_asked_beside_private_events_is_answered() {
    let relay = relay_with(named()).await;
    let mut client = relay.client().await;
    client.publish(&note(1)).await;
    admit(&relay, &[private(4, 1, 2)]).await;
    client
        .send_question("REQ", "s", &[json!({"kinds": [1, 4]})])
        .await;
    let challenge = client.challenge().await;
    assert_eq!(client.stored("s").await.0, ids([&note(1)]));
    client.authenticate(&author(2), &challenge).await;
    let (got, _) = client.ask("s", &[json!({"kinds": [1, 4]})]).await;
    assert_eq!(got, ids([&private(4, 1, 2), &note(1)]));
}

#[tokio::test]
async fn answers_that_prove_nothing_are_refused() {
    let relay = relay_with(named()).await;
    let (mut client, challenge) = challenged(&relay).await;
    let ours = "ws://127.0.0.1";
    let (who, (_, others)) = (author(2), challenged(&relay).await);
    let right = auth_event(&who, &challenge, ours, NOW);
    for answer in [
        auth_event(&who, &others, ours, NOW),
        auth_event(&who, "", ours, NOW),
        auth_event(&who, &challenge, "wss://relay.example.com", NOW),
        auth_event(&who, &challenge, "", NOW),
        auth_event(&who, &challenge, ours, NOW - 601),
        auth_event(&who, &challenge, ours, NOW + 601),
        who.sign(
            Kind(1),
            NOW,
            tags(&[&["relay", ours], &["challenge", &challenge]]),
            "",
        ),
    ] {
        let (is_accepted, text) = client.send_auth(&answer).await;
        assert!(!is_accepted && text.starts_with("invalid: "), "{text}");
    }
    let forged = crate::archive::given::forged(&right);
    client.send_text(&format!("[\"AUTH\",{forged}]")).await;
    let (is_accepted, text) = client.verdict(&right.id().to_hex()).await;
    assert!(!is_accepted && text.starts_with("invalid: "), "{text}");
    assert!(
        client
            .refused("s", &[json!({"kinds": [4]})])
            .await
            .starts_with("auth-required: ")
    );
    assert_eq!(client.send_auth(&right).await, (true, String::new()));
    client.ask("s", &[json!({"kinds": [4]})]).await;
}

#[tokio::test]
async fn authentication_events_go_nowhere() {
    let relay = relay_with(named()).await;
    let mut reader = relay.client().await;
    reader.ask("all", &[json!({})]).await;
    let (mut client, challenge) = challenged(&relay).await;
    let answer = auth_event(&author(2), &challenge, "ws://127.0.0.1", NOW);
    assert!(!client.publish(&answer).await.0);
    assert!(client.send_auth(&answer).await.0);
    reader.expect_silence().await;
    assert!(
        client
            .ask("s", &[json!({"kinds": [22_242]})])
            .await
            .0
            .is_empty()
    );
}

#[tokio::test]
async fn private_events_are_shown_to_their_parties_on_every_door() {
    let relay = relay_with(named()).await;
    let (wrap, message, other) = (private(1_059, 9, 2), private(4, 2, 3), private(4, 4, 5));
    admit(&relay, &[wrap.clone(), message.clone(), other.clone()]).await;
    let mut expected = [&wrap, &message];
    expected.sort_by_key(|event| event.id());
    let mut client = known(&relay, &author(2)).await;
    for filter in [
        json!({}),
        json!({"kinds": [4, 1_059]}),
        json!({"ids": ids([&wrap, &message, &other])}),
    ] {
        let (got, _) = client.ask("s", std::slice::from_ref(&filter)).await;
        assert_eq!(got, ids(expected.iter().copied()), "{filter}");
        assert_eq!(client.count(&[filter]).await["count"], 2);
    }
    let mut stranger = relay.client().await;
    assert_eq!(stranger.count(&[json!({})]).await["count"], 0);
}

#[tokio::test]
async fn other_peoples_messages_are_out_of_reach() {
    let relay = relay_with(named()).await;
    let mut client = known(&relay, &author(2)).await;
    let key = |number| author(number).pubkey().to_hex();
    let of_others = json!({"kinds": [4], "authors": [key(4)], "#p": [key(5)]});
    assert!(
        client
            .refused("s", std::slice::from_ref(&of_others))
            .await
            .starts_with("restricted: ")
    );
    client.send_question("COUNT", "c", &[of_others]).await;
    assert!(client.closed("c").await.starts_with("restricted: "));
    client
        .ask("s", &[json!({"kinds": [4], "authors": [key(4)]})])
        .await;
}

#[tokio::test]
async fn several_keys_count_together() {
    let relay = relay_with(named()).await;
    let events = [private(4, 7, 2), private(4, 8, 3)];
    admit(&relay, &events).await;
    let (mut client, challenge) = challenged(&relay).await;
    let mut seen = Vec::new();
    for number in [2, 3] {
        client.authenticate(&author(number), &challenge).await;
        seen.push(client.ask("s", &[json!({"kinds": [4]})]).await.0.len());
    }
    assert_eq!(seen, [1, 2]);
    for number in 4..18 {
        client.authenticate(&author(number), &challenge).await;
    }
    let one_more = auth_event(&author(18), &challenge, "ws://127.0.0.1", NOW);
    let (is_accepted, text) = client.send_auth(&one_more).await;
    assert!(!is_accepted && text.starts_with("restricted: "), "{text}");
}

#[tokio::test]
async fn live_private_events_reach_only_their_parties() {
    let relay = relay_with(named()).await;
    let (mut stranger, mut recipient) = (relay.client().await, known(&relay, &author(2)).await);
    let (mut late, challenge) = challenged(&relay).await;
    for client in [&mut stranger, &mut recipient, &mut late] {
        client.ask("live", &[json!({"limit": 0})]).await;
    }
    late.authenticate(&author(2), &challenge).await;
    let mut writer = relay.client().await;
    for kind in [4, 1_059, 21_059] {
        let event = private(kind, 9, 2);
        assert!(writer.publish(&event).await.0);
        for client in [&mut recipient, &mut late] {
            assert_eq!(
                client.live("live").await,
                event.id().to_hex(),
                "kind {kind}"
            );
        }
    }
    stranger.expect_silence().await;
}

#[tokio::test]
async fn protected_events_are_taken_from_their_author_and_then_shown() {
    let relay = relay_with(named()).await;
    let mut client = relay.client().await;
    let protected = author(2).sign(Kind(1), NOW, tags(&[&["-"]]), "mine");
    client
        .send(json!([
            "EVENT",
            serde_json::from_str::<Value>(&protected.to_json()).unwrap()
        ]))
        .await;
    let challenge = client.challenge().await;
    let (is_accepted, text) = client.verdict(&protected.id().to_hex()).await;
    assert!(
        !is_accepted && text.starts_with("auth-required: "),
        "{text}"
    );
    client.authenticate(&author(3), &challenge).await;
    let (is_accepted, text) = client.publish(&protected).await;
    assert!(!is_accepted && text.starts_with("restricted: "), "{text}");
    relay
        .archive
        .admit(raw([&protected]), crawl(1))
        .await
        .unwrap();
    let mut reader = relay.client().await;
    let (found, _) = reader.ask("live", &[json!({"kinds": [1]})]).await;
    assert!(found.is_empty(), "what was found elsewhere is hidden");
    client.authenticate(&author(2), &challenge).await;
    let (is_accepted, text) = client.publish(&protected).await;
    assert!(is_accepted, "{text}");
    assert_eq!(reader.live("live").await, protected.id().to_hex());
    let (found, _) = reader.ask("again", &[json!({"kinds": [1]})]).await;
    assert_eq!(found, [protected.id().to_hex()]);
}

#[tokio::test]
async fn a_relay_without_a_name_asks_nobody_who_they_are() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let answer = auth_event(&author(2), "x", "ws://127.0.0.1", NOW);
    let (is_accepted, text) = client.send_auth(&answer).await;
    assert!(!is_accepted && text.starts_with("error: "), "{text}");
    let protected = author(2).sign(Kind(1), NOW, tags(&[&["-"]]), "mine");
    let (is_accepted, text) = client.publish(&protected).await;
    assert!(!is_accepted && text.starts_with("blocked: "), "{text}");
    assert!(client.ask("s", &[json!({"kinds": [4]})]).await.0.is_empty());
    for (settings, is_listed) in [(Default::default(), false), (named(), true)] {
        let relay = relay_with(settings).await;
        let document: Value = serde_json::from_str(&relay.relay.information()).unwrap();
        let nips = document["supported_nips"].as_array().unwrap();
        assert_eq!(nips.contains(&json!(42)), is_listed);
        assert_eq!(nips.contains(&json!(59)), is_listed);
    }
}
