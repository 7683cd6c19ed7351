//! NIP-77: sets compared by clients that we did not write, and by hand.

use std::collections::BTreeSet;
use std::time::Duration;

use bigbrotr::relay::RelaySettings;
use data_encoding::HEXLOWER;
use negentropy::{Id, Negentropy, NegentropyStorageVector};
use nips::{Event, Kind};
use serde_json::{Value, json};

use super::client::{Client, ids};
use super::server::{Served, named, relay, relay_with};
use crate::archive::given::{NOW, author, crawl, note, raw, tags};

/// A first message about an empty set: the relay lists or fingerprints all it has.
pub(super) const NOTHING: &str = "6100000200";

fn set_of<'e>(events: impl IntoIterator<Item = &'e Event>) -> NegentropyStorageVector {
    let mut set = NegentropyStorageVector::new();
    for event in events {
        let id = Id::from_byte_array(event.id().0);
        set.insert(event.created_at(), id).unwrap();
    }
    set.seal().unwrap();
    set
}

/// Compares `mine` with what the relay has under a filter; gives what only I have and what only the relay has.
pub(super) async fn compare(
    client: &mut Client,
    filter: &Value,
    mine: &[Event],
    frame_limit: u64,
) -> (BTreeSet<String>, BTreeSet<String>) {
    let set = set_of(mine);
    let mut side = Negentropy::borrowed(&set, frame_limit).unwrap();
    let first = HEXLOWER.encode(&side.initiate().unwrap());
    client.send(json!(["NEG-OPEN", "n", filter, first])).await;
    let (mut have, mut need) = (Vec::new(), Vec::new());
    while let Some(next) = side
        .reconcile_with_ids(&message(client, "n").await, &mut have, &mut need)
        .unwrap()
    {
        let next = HEXLOWER.encode(&next);
        client.send(json!(["NEG-MSG", "n", next])).await;
    }
    client.send(json!(["NEG-CLOSE", "n"])).await;
    let hex = |ids: Vec<Id>| {
        ids.iter()
            .map(|id| HEXLOWER.encode(id.as_bytes()))
            .collect()
    };
    (hex(have), hex(need))
}

/// The relay's next message of a session.
pub(super) async fn message(client: &mut Client, id: &str) -> Vec<u8> {
    let frame = client.next().await;
    assert_eq!(
        (&frame[0], &frame[1]),
        (&json!("NEG-MSG"), &json!(id)),
        "{frame}"
    );
    HEXLOWER
        .decode(frame[2].as_str().unwrap().as_bytes())
        .unwrap()
}

async fn refused(client: &mut Client, id: &str) -> Value {
    let frame = client.next().await;
    assert_eq!(
        (&frame[0], &frame[1]),
        (&json!("NEG-ERR"), &json!(id)),
        "{frame}"
    );
    frame
}

fn hex_ids<'e>(events: impl IntoIterator<Item = &'e Event>) -> BTreeSet<String> {
    ids(events).into_iter().collect()
}

async fn filled(settings: RelaySettings, events: &[Event]) -> Served {
    let relay = relay_with(settings).await;
    relay.archive.admit(raw(events), crawl(1)).await.unwrap();
    relay
}

#[tokio::test]
async fn both_sides_differences_are_found() {
    let events: Vec<Event> = (0..3_000).map(note).collect();
    let relay = filled(named(), &events[..2_500]).await;
    let mut client = relay.client().await;
    for (mine, frame_limit) in [
        (&events[500..], 0),
        (&events[500..], 4_096),
        (&events[..0], 0),
        (&events[2_500..], 60_000),
        (&events[..2_500], 0),
    ] {
        let (have, need) = compare(&mut client, &json!({}), mine, frame_limit).await;
        let (mine, theirs) = (hex_ids(mine), hex_ids(&events[..2_500]));
        assert_eq!(have, mine.difference(&theirs).cloned().collect());
        assert_eq!(need, theirs.difference(&mine).cloned().collect());
    }
}

#[tokio::test]
async fn the_set_is_what_a_request_would_show() {
    let at = |second| NOW - 100 + second;
    let plain = author(1).sign(Kind(1), at(0), Vec::new(), "");
    let old = author(1).sign(Kind(0), at(1), Vec::new(), "old");
    let new = author(1).sign(Kind(0), at(2), Vec::new(), "new");
    let deleted = author(1).sign(Kind(1), at(3), Vec::new(), "oops");
    let id = deleted.id().to_hex();
    let deletion = author(1).sign(Kind(5), at(4), tags(&[&["e", &id]]), "");
    let expiration = (NOW + 5).to_string();
    let expiring = author(1).sign(Kind(1), at(5), tags(&[&["expiration", &expiration]]), "");
    let to = author(2).pubkey().to_hex();
    let wrap = author(9).sign(Kind(1_059), at(6), tags(&[&["p", &to]]), "");
    let protected = author(1).sign(Kind(1), at(7), tags(&[&["-"]]), "");
    let everything = [
        plain, old, new, deleted, deletion, expiring, wrap, protected,
    ];
    let relay = filled(named(), &everything).await;
    let mut stranger = relay.client().await;
    let mut recipient = relay.client().await;
    let wraps = json!({"kinds": [1_059]});
    recipient
        .send(json!(["NEG-OPEN", "n", wraps, NOTHING]))
        .await;
    let challenge = recipient.challenge().await;
    let error = refused(&mut recipient, "n").await;
    assert!(error[2].as_str().unwrap().starts_with("auth-required: "));
    recipient.authenticate(&author(2), &challenge).await;
    assert_eq!(compare(&mut recipient, &wraps, &[], 0).await.1.len(), 1);
    for seconds in [0, 10] {
        relay.clock.advance(seconds);
        for client in [&mut stranger, &mut recipient] {
            let (shown, _) = client.ask("s", &[json!({})]).await;
            let (have, need) = compare(client, &json!({}), &[], 0).await;
            assert!(have.is_empty());
            assert_eq!(need, shown.into_iter().collect());
        }
    }
}

#[tokio::test]
async fn a_session_keeps_its_snapshot_while_events_arrive() {
    let events: Vec<Event> = (0..400).map(|number| note(number + 10)).collect();
    let relay = filled(named(), &events).await;
    let mut client = relay.client().await;
    let set = set_of(&events[..200]);
    let mut side = Negentropy::borrowed(&set, 4_096).unwrap();
    let first = HEXLOWER.encode(&side.initiate().unwrap());
    client.send(json!(["NEG-OPEN", "n", {}, first])).await;
    let (mut have, mut need) = (Vec::new(), Vec::new());
    let mut number = 0;
    while let Some(next) = side
        .reconcile_with_ids(&message(&mut client, "n").await, &mut have, &mut need)
        .unwrap()
    {
        let late = note(number);
        relay.archive.admit(raw([&late]), crawl(1)).await.unwrap();
        number += 1;
        client
            .send(json!(["NEG-MSG", "n", HEXLOWER.encode(&next)]))
            .await;
    }
    assert!(number > 0 && have.is_empty());
    let need: BTreeSet<String> = need
        .iter()
        .map(|id| HEXLOWER.encode(id.as_bytes()))
        .collect();
    assert_eq!(need, hex_ids(&events[200..]));
}

#[tokio::test]
async fn filters_come_in_a_list_too_and_limits_mean_the_newest() {
    let events: Vec<Event> = (0..50).map(note).collect();
    let relay = filled(named(), &events).await;
    let mut client = relay.client().await;
    for (filter, expected) in [
        (json!([{"kinds": [1]}]), 50),
        (json!([{"limit": 7}]), 7),
        (json!({"limit": 0}), 0),
        (json!({"ids": []}), 0),
        (json!({"since": NOW - 9}), 10),
    ] {
        let (_, need) = compare(&mut client, &filter, &[], 0).await;
        assert_eq!(need, hex_ids(&events[..expected]), "{filter}");
    }
    client
        .send(json!(["NEG-OPEN", "n", [{}, {}], NOTHING]))
        .await;
    assert!(
        refused(&mut client, "n").await[2]
            .as_str()
            .unwrap()
            .starts_with("unsupported: ")
    );
}

#[tokio::test]
async fn too_large_sets_are_refused_with_the_limit() {
    let mut settings = named();
    settings.limits.max_sync_events = 100;
    let events: Vec<Event> = (0..200).map(note).collect();
    let relay = filled(settings, &events).await;
    let mut client = relay.client().await;
    client.send(json!(["NEG-OPEN", "n", {}, NOTHING])).await;
    let error = refused(&mut client, "n").await;
    assert!(
        error[2]
            .as_str()
            .unwrap()
            .starts_with("blocked: too many query results")
    );
    assert_eq!(error[3], 100);
    let half = json!({"since": NOW - 49});
    assert_eq!(compare(&mut client, &half, &[], 0).await.1.len(), 50);
}

#[tokio::test]
async fn all_sessions_share_one_room() {
    let mut settings = named();
    settings.limits.max_synced_events = 150;
    let events: Vec<Event> = (0..100).map(note).collect();
    let relay = filled(settings, &events).await;
    let (mut one, mut other) = (relay.client().await, relay.client().await);
    for client in [&mut one, &mut other] {
        client.send(json!(["NEG-OPEN", "n", {}, NOTHING])).await;
        message(client, "n").await;
    }
    let notes = json!(["NEG-OPEN", "n", {"kinds": [1]}, NOTHING]);
    other.send(notes.clone()).await;
    let error = refused(&mut other, "n").await;
    assert!(error[2].as_str().unwrap().starts_with("rate-limited: "));
    one.send(json!(["NEG-CLOSE", "n"])).await;
    one.expect_silence().await;
    other.send(notes.clone()).await;
    message(&mut other, "n").await;
}

#[tokio::test]
async fn what_is_no_session_is_an_error_of_its_id() {
    let relay = relay().await;
    let mut client = relay.client().await;
    client.publish(&note(1)).await;
    for (sent, prefix) in [
        (json!(["NEG-MSG", "n", "61"]), "closed: "),
        (json!(["NEG-OPEN", "n", {}, "zz"]), "invalid: "),
        (json!(["NEG-OPEN", "n", {}, ""]), "invalid: "),
        (json!(["NEG-OPEN", "n", {}, "50"]), "invalid: "),
        (json!(["NEG-OPEN", "n", {}, "61000007"]), "invalid: "),
        (
            json!(["NEG-OPEN", "n", {}, "61000002c080808000"]),
            "invalid: ",
        ),
        (json!(["NEG-OPEN", "n", {}]), "invalid: "),
        (
            json!(["NEG-OPEN", "n", {"ids": ["ab"]}, NOTHING]),
            "invalid: ",
        ),
        (
            json!(["NEG-OPEN", "n", {"search": "x"}, NOTHING]),
            "unsupported: ",
        ),
    ] {
        client.send(sent.clone()).await;
        let error = refused(&mut client, "n").await;
        assert!(
            error[2].as_str().unwrap().starts_with(prefix),
            "{sent} {error}"
        );
    }
    client.send(json!(["NEG-CLOSE", "never opened"])).await;
    client.expect_silence().await;
}

#[tokio::test]
async fn an_unknown_version_is_answered_with_ours() {
    let relay = relay().await;
    let mut client = relay.client().await;
    client.send(json!(["NEG-OPEN", "n", {}, "62aabb"])).await;
    assert_eq!(message(&mut client, "n").await, [0x61]);
}

#[tokio::test]
async fn ids_are_apart_from_requests_and_opening_again_starts_over() {
    let relay = filled(named(), &[note(1)]).await;
    let mut client = relay.client().await;
    client.ask("n", &[json!({})]).await;
    for _ in 0..20 {
        client.send(json!(["NEG-OPEN", "n", {}, NOTHING])).await;
        message(&mut client, "n").await;
    }
    client.send(json!(["CLOSE", "n"])).await;
    client.send(json!(["NEG-MSG", "n", NOTHING])).await;
    message(&mut client, "n").await;
    client.send(json!(["NEG-CLOSE", "n"])).await;
    client.send(json!(["NEG-MSG", "n", NOTHING])).await;
    refused(&mut client, "n").await;
}

#[tokio::test]
async fn sessions_are_few_and_none_waits_for_ever() {
    let mut settings = named();
    settings.limits.sync_idle_timeout = Duration::from_millis(300);
    let relay = filled(settings, &[note(1)]).await;
    let mut client = relay.client().await;
    for number in 0..8 {
        let id = number.to_string();
        client.send(json!(["NEG-OPEN", id, {}, NOTHING])).await;
        message(&mut client, &id).await;
    }
    let expire = async {
        let mut ended = BTreeSet::new();
        while ended.len() < 8 {
            let frame = client.next().await;
            assert_eq!(frame[0], "NEG-ERR");
            assert!(frame[2].as_str().unwrap().starts_with("closed: "));
            ended.insert(frame[1].to_string());
        }
    };
    expire.await;
    client.send(json!(["NEG-OPEN", "n", {}, NOTHING])).await;
    message(&mut client, "n").await;
}

#[tokio::test]
async fn a_ninth_session_is_refused() {
    let relay = filled(named(), &[note(1)]).await;
    let mut client = relay.client().await;
    for number in 0..8 {
        let id = number.to_string();
        client.send(json!(["NEG-OPEN", id, {}, NOTHING])).await;
        message(&mut client, &id).await;
    }
    client.send(json!(["NEG-OPEN", "9", {}, NOTHING])).await;
    let error = refused(&mut client, "9").await;
    assert!(error[2].as_str().unwrap().starts_with("rate-limited: "));
}

#[tokio::test]
async fn a_relay_that_offers_no_sync_says_so_and_lists_none() {
    let mut settings = named();
    settings.limits.max_sync_events = 0;
    let off = relay_with(settings).await;
    let mut client = off.client().await;
    client.send(json!(["NEG-OPEN", "n", {}, NOTHING])).await;
    assert!(
        refused(&mut client, "n").await[2]
            .as_str()
            .unwrap()
            .starts_with("unsupported: ")
    );
    for (relay, is_listed) in [(off, false), (relay().await, true)] {
        let document: Value = serde_json::from_str(&relay.relay.information()).unwrap();
        let nips = document["supported_nips"].as_array().unwrap();
        assert_eq!(nips.contains(&json!(77)), is_listed);
    }
}

#[tokio::test]
async fn the_cap_is_of_events_and_not_of_what_is_looked_at_to_find_them() {
    let mut settings = named();
    settings.limits.max_sync_events = 30;
    let event = |number: u64| {
        let topic = if number < 30 { "b" } else { "other" };
        let tags = tags(&[&["t", "a"], &["t", topic]]);
        let kind = if number < 30 { 1 } else { 7 };
        author(1).sign(Kind(kind), NOW - number, tags, "")
    };
    let events: Vec<Event> = (0..400).map(event).collect();
    let relay = filled(settings, &events).await;
    let mut client = relay.client().await;
    let twice_indexed = json!({"#t": ["a", "b"], "authors": [author(1).pubkey()], "kinds": [1]});
    let (_, need) = compare(&mut client, &twice_indexed, &[], 0).await;
    assert_eq!(need, hex_ids(&events[..30]));
    client
        .send(json!(["NEG-OPEN", "n", {"limit": 30}, NOTHING]))
        .await;
    message(&mut client, "n").await;
    client
        .send(json!(["NEG-OPEN", "n", {"limit": 31}, NOTHING]))
        .await;
    let error = refused(&mut client, "n").await;
    assert!(
        error[2].as_str().unwrap().starts_with("blocked: "),
        "{error}"
    );
    assert_eq!(error[3], 30);
}

#[tokio::test]
async fn sets_that_take_too_long_to_find_are_given_up() {
    let mut settings = named();
    settings.limits.max_sync_time = Duration::ZERO;
    settings.limits.max_query_time = Duration::ZERO;
    let events: Vec<Event> = (0..600).map(note).collect();
    let relay = filled(settings, &events).await;
    let mut client = relay.client().await;
    let late = "error: the answer took too long";
    client.send(json!(["NEG-OPEN", "n", {}, NOTHING])).await;
    assert_eq!(refused(&mut client, "n").await[2], late);
    client.send(json!(["COUNT", "c", {}])).await;
    assert_eq!(client.closed("c").await, late);
}
