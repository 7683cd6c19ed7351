//! Deletion, expiration, vanishing, protection and privacy (NIP-09, 17, 40, 42, 59, 62, 70).

use std::time::{Duration, Instant};

use nips::Kind;
use serde_json::json;

use super::{Relay, author, event, expect_refusal, found, now, publish, tags};
use crate::relay::client::ids;

#[tokio::test]
async fn deletion_by_id_is_for_ones_own_events_and_for_good() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let (mine, theirs) = (event(1, 1, 50, &[], "mine"), event(2, 1, 50, &[], "theirs"));
    publish(&mut client, &[&mine, &theirs]).await;
    let (a, b) = (mine.id().to_hex(), theirs.id().to_hex());
    let request = event(
        1,
        5,
        10,
        &[&["e", &a], &["e", &b], &["e", "nonsense"], &["k", "1"]],
        "why",
    );
    publish(&mut client, &[&request]).await;
    assert_eq!(
        found(&mut client, json!({"kinds": [1]})).await,
        ids([&theirs])
    );
    assert_eq!(
        found(&mut client, json!({"kinds": [5]})).await,
        ids([&request])
    );
    expect_refusal(&mut client, &mine, "blocked: ").await;
    let undo = event(1, 5, 5, &[&["e", &request.id().to_hex()]], "");
    publish(&mut client, &[&undo]).await;
    assert_eq!(
        found(&mut client, json!({"kinds": [5]})).await,
        ids([&undo, &request])
    );
    expect_refusal(&mut client, &mine, "blocked: ").await;
}

#[tokio::test]
async fn a_deletion_may_come_before_what_it_deletes() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let mine = event(1, 1, 50, &[], "mine");
    let id = mine.id().to_hex();
    let (foreign, own) = (
        event(2, 5, 10, &[&["e", &id]], ""),
        event(1, 5, 10, &[&["e", &id]], ""),
    );
    publish(&mut client, &[&foreign, &own]).await;
    expect_refusal(&mut client, &mine, "blocked: ").await;
}

#[tokio::test]
async fn deletion_by_address_ends_at_its_own_time() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let article = |d, ago| event(1, 30_023, ago, &[&["d", d]], "");
    let (old, other) = (article("x", 50), article("y", 50));
    let foreign = event(2, 30_023, 50, &[&["d", "x"]], "");
    publish(&mut client, &[&old, &other, &foreign]).await;
    let address = format!("30023:{}:x", old.pubkey());
    let theirs = format!("30023:{}:x", foreign.pubkey());
    let request = event(1, 5, 20, &[&["a", &address], &["a", &theirs]], "");
    publish(&mut client, &[&request]).await;
    let mut left = ids([&other, &foreign]);
    left.sort();
    let mut shown = found(&mut client, json!({"kinds": [30_023]})).await;
    shown.sort();
    assert_eq!(shown, left);
    expect_refusal(&mut client, &old, "blocked: ").await;
    expect_refusal(&mut client, &article("x", 20 + 1), "blocked: ").await;
    let newer = article("x", 10);
    publish(&mut client, &[&newer]).await;
    assert_eq!(
        found(
            &mut client,
            json!({"kinds": [30_023], "#d": ["x"], "authors": [newer.pubkey()]})
        )
        .await,
        ids([&newer])
    );
    let profile = event(1, 0, 40, &[], "{}");
    publish(&mut client, &[&profile]).await;
    let address = format!("0:{}:", profile.pubkey());
    publish(&mut client, &[&event(1, 5, 1, &[&["a", &address]], "")]).await;
    assert!(found(&mut client, json!({"kinds": [0]})).await.is_empty());
}

#[tokio::test]
async fn the_recipient_may_delete_a_gift_wrap() {
    let relay = Relay::start();
    let (recipient, mut client) = (author(2), relay.client().await);
    let to = recipient.pubkey().to_hex();
    let wrap = event(9, 1_059, 50, &[&["p", &to]], "?");
    publish(&mut client, &[&wrap]).await;
    let mut theirs = relay.client_of(&recipient).await;
    assert_eq!(
        found(&mut theirs, json!({"kinds": [1_059]})).await,
        ids([&wrap])
    );
    let request = event(2, 5, 10, &[&["e", &wrap.id().to_hex()]], "");
    publish(&mut theirs, &[&request]).await;
    assert!(
        found(&mut theirs, json!({"kinds": [1_059]}))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn expired_events_are_neither_taken_nor_shown() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let past = (now() - 1).to_string();
    expect_refusal(
        &mut client,
        &event(1, 1, 9, &[&["expiration", &past]], ""),
        "invalid: ",
    )
    .await;
    expect_refusal(
        &mut client,
        &event(1, 1, 9, &[&["expiration", "soon"]], ""),
        "invalid: ",
    )
    .await;
    let expires_at = now() + 2;
    let soon = event(1, 1, 9, &[&["expiration", &expires_at.to_string()]], "");
    let kept = event(1, 1, 8, &[&["expiration", &(now() + 600).to_string()]], "");
    publish(&mut client, &[&soon, &kept]).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while found(&mut client, json!({"kinds": [1]})).await != ids([&kept]) {
        assert!(Instant::now() < deadline, "it expires");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(now() >= expires_at);
    assert_eq!(client.count(&[json!({"kinds": [1]})]).await["count"], 1);
}

#[tokio::test]
async fn whoever_asks_to_vanish_is_gone_and_stays_gone() {
    let relay = Relay::start();
    for (number, to) in [(1, "wss://RELAY.example.com:443"), (2, "ALL_RELAYS")] {
        let mut client = relay.client().await;
        let before = event(number, 1, 50, &[], "before");
        let deletion = event(number, 5, 45, &[&["e", &before.id().to_hex()]], "");
        let kept = event(number, 1, 5, &[], "after");
        publish(&mut client, &[&before, &deletion, &kept]).await;
        let elsewhere = event(number, 62, 40, &[&["relay", "wss://other.example.com"]], "");
        publish(&mut client, &[&elsewhere]).await;
        let request = event(number, 62, 20, &[&["relay", to]], "");
        publish(&mut client, &[&request]).await;
        let theirs = json!({"authors": [kept.pubkey()], "kinds": [1, 5]});
        assert_eq!(found(&mut client, theirs).await, ids([&kept]), "{to}");
        for gone in [&before, &deletion] {
            expect_refusal(&mut client, gone, "blocked: ").await;
        }
    }
}

#[tokio::test]
async fn protected_events_are_taken_from_their_author_alone() {
    let relay = Relay::start();
    let mut stranger = relay.client().await;
    let protected = event(1, 1, 9, &[&["-"]], "mine");
    stranger
        .send_text(&format!("[\"EVENT\",{}]", protected.to_json()))
        .await;
    stranger.challenge().await;
    let (is_accepted, text) = stranger.verdict(&protected.id().to_hex()).await;
    assert!(
        !is_accepted && text.starts_with("auth-required: "),
        "{text}"
    );
    let mut other = relay.client_of(&author(2)).await;
    expect_refusal(&mut other, &protected, "restricted: ").await;
    let repost = author(2).sign(Kind::REPOST, now(), tags(&[]), protected.to_json());
    expect_refusal(&mut other, &repost, "blocked: ").await;
    let mut own = relay.client_of(&author(1)).await;
    publish(&mut own, &[&protected]).await;
    let shown = found(&mut stranger, json!({"ids": [protected.id()]})).await;
    assert_eq!(shown, [protected.id().to_hex()], "its author sent it here");
}

#[tokio::test]
async fn private_events_are_for_their_parties() {
    let relay = Relay::start();
    let (mut writer, mut stranger) = (relay.client().await, relay.client().await);
    let mut recipient = relay.client_of(&author(2)).await;
    stranger.ask("live", &[json!({"limit": 0})]).await;
    recipient.ask("live", &[json!({"limit": 0})]).await;
    let to = author(2).pubkey().to_hex();
    for kind in [4, 1_059, 21_059] {
        let private = event(9, kind, 100, &[&["p", &to]], "?");
        publish(&mut writer, &[&private]).await;
        assert_eq!(recipient.live("live").await, private.id().to_hex());
        let is_stored = usize::from(kind != 21_059);
        for (client, expected) in [(&mut stranger, 0), (&mut recipient, is_stored)] {
            let by_id = json!({"ids": [private.id()]});
            assert_eq!(
                found(client, by_id.clone()).await.len(),
                expected,
                "kind {kind}"
            );
            assert_eq!(client.count(&[by_id]).await["count"], expected);
        }
    }
}
