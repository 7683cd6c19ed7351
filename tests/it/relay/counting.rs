//! COUNT (NIP-45) and the sketch of authors.

use nips::nip45::{AuthorSketch, SketchOffset};
use nips::{Event, Filter, Kind};
use serde_json::json;

use super::client::Client;
use super::server::{named, relay, relay_with};
use crate::archive::given::{NOW, author, crawl, note, raw, tags};

#[tokio::test]
async fn the_union_of_the_filters_is_counted_whatever_their_limits() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let events: Vec<Event> = (0..700).map(note).collect();
    relay.archive.admit(raw(&events), crawl(1)).await.unwrap();
    let ids: Vec<String> = events[..7]
        .iter()
        .map(|event| event.id().to_hex())
        .collect();
    for (filters, expected) in [
        (vec![json!({})], 700),
        (vec![json!({"limit": 3})], 700),
        (vec![json!({"ids": ids, "limit": 0})], 7),
        (vec![json!({"ids": ids}), json!({"until": NOW - 5})], 700),
        (
            vec![
                json!({"ids": ids}),
                json!({"since": NOW - 4}),
                json!({"ids": ids}),
            ],
            7,
        ),
        (vec![json!({"kinds": [99_999]})], 0),
        (vec![json!({"ids": []})], 0),
    ] {
        assert_eq!(
            client.count(&filters).await,
            json!({"count": expected}),
            "{filters:?}"
        );
    }
}

#[tokio::test]
async fn one_tag_value_is_counted_with_a_sketch_of_the_authors() {
    let relay = relay().await;
    let mut client = relay.client().await;
    let target = note(1).id().to_hex();
    let react = |number| author(number).sign(Kind(7), NOW, tags(&[&["e", &target]]), "+");
    let reactions: Vec<Event> = (0..50).map(react).collect();
    let twice = author(3).sign(Kind(7), NOW - 1, tags(&[&["e", &target]]), "-");
    relay
        .archive
        .admit(raw(reactions.iter().chain([&twice])), crawl(1))
        .await
        .unwrap();
    let filter = json!({"#e": [target], "kinds": [7]});
    let offset = SketchOffset::of(&Filter::from_value(&filter).unwrap()).unwrap();
    let mut authors = AuthorSketch::new(offset);
    reactions
        .iter()
        .for_each(|event| authors.add(&event.pubkey()));
    let expected = json!({"count": 51, "hll": authors.to_hex()});
    assert_eq!(client.count(std::slice::from_ref(&filter)).await, expected);
    for filters in [
        vec![json!({"kinds": [7]})],
        vec![filter.clone(), json!({"ids": []})],
        vec![json!({"#e": [target, note(2).id().to_hex()]})],
        vec![json!({"#e": [target], "#p": []})],
    ] {
        let counted = client.count(&filters).await;
        assert!(counted["hll"].is_null(), "{filters:?}");
    }
}

#[tokio::test]
async fn a_count_that_is_cut_says_so() {
    let mut settings = named();
    settings.limits.max_scanned = 20;
    let relay = relay_with(settings).await;
    let mut client = relay.client().await;
    let events: Vec<Event> = (0..100)
        .map(|number| author(1).sign(Kind(1), NOW - number, tags(&[&["t", "x"]]), ""))
        .collect();
    relay.archive.admit(raw(&events), crawl(1)).await.unwrap();
    for filter in [json!({}), json!({"#t": ["x"]})] {
        let counted = client.count(&[filter]).await;
        assert_eq!(counted["approximate"], true);
        assert!(counted["count"].as_u64().unwrap() <= 20);
        assert!(counted["hll"].is_null());
    }
}

#[tokio::test]
async fn counts_that_cannot_be_are_closed() {
    let mut settings = named();
    settings.limits.max_filters = 2;
    let relay = relay_with(settings).await;
    let mut client = relay.client().await;
    for (filters, prefix) in [
        (vec![], "invalid:"),
        (vec![json!({"ids": ["ab"]})], "invalid:"),
        (vec![json!({}), json!({}), json!({})], "invalid:"),
        (vec![json!({"search": "x"})], "unsupported:"),
    ] {
        let why = refused(&mut client, &filters).await;
        assert!(why.starts_with(prefix), "{filters:?} {why}");
    }
    client
        .send_question("COUNT", &"x".repeat(65), &[json!({})])
        .await;
    assert_eq!(client.next().await[0], "CLOSED");
    client.expect_silence().await;
}

#[tokio::test]
async fn many_counts_at_once_are_answered_one_and_all() {
    let relay = relay().await;
    let mut client = relay.client().await;
    client.publish(&note(1)).await;
    for number in 0..400 {
        client
            .send_question("COUNT", &number.to_string(), &[json!({})])
            .await;
    }
    let (mut counted, mut refused) = (0, 0);
    for _ in 0..400 {
        let frame = client.next().await;
        match frame[0].as_str().unwrap() {
            "COUNT" => counted += 1,
            "CLOSED" => {
                assert!(frame[2].as_str().unwrap().starts_with("rate-limited:"));
                refused += 1;
            }
            _ => panic!("{frame}"),
        }
    }
    assert!(counted >= 256, "{counted} counted, {refused} refused");
}

async fn refused(client: &mut Client, filters: &[serde_json::Value]) -> String {
    client.send_question("COUNT", "c", filters).await;
    client.closed("c").await
}
