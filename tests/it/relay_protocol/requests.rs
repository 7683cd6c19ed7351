//! REQ, CLOSE and what answers them (NIP-01, 50, 67).

use nips::Event;
use serde_json::{Value, json};

use super::{Relay, event, found, publish};
use crate::relay::client::ids;

#[tokio::test]
async fn lists_are_alternatives_and_fields_are_conditions() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let (a, b, c) = (
        event(1, 1, 30, &[], ""),
        event(2, 1, 20, &[], ""),
        event(1, 7, 10, &[], ""),
    );
    publish(&mut client, &[&a, &b, &c]).await;
    let (one, two) = (a.pubkey(), b.pubkey());
    for (filter, expected) in [
        (json!({"authors": [one]}), ids([&c, &a])),
        (json!({"authors": [one, two], "kinds": [1]}), ids([&b, &a])),
        (
            json!({"authors": [one], "kinds": [1, 7], "limit": 1}),
            ids([&c]),
        ),
        (json!({"ids": [a.id(), c.id()], "authors": [two]}), vec![]),
        (
            json!({"since": b.created_at(), "until": b.created_at()}),
            ids([&b]),
        ),
        (json!({"since": b.created_at() + 1}), ids([&c])),
        (json!({"until": b.created_at() - 1}), ids([&a])),
        (json!({"since": 5, "until": 4}), vec![]),
        (json!({"until": -1}), vec![]),
        (
            json!({"until": 18_446_744_073_709_551_615_u64}),
            ids([&c, &b, &a]),
        ),
    ] {
        assert_eq!(
            found(&mut client, filter.clone()).await,
            expected,
            "{filter}"
        );
    }
}

#[tokio::test]
async fn order_is_newest_then_lowest_id_and_each_filter_has_its_limit() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let at = super::now() - 9;
    let one = |n: u8| super::author(1).sign(nips::Kind(1), at, Vec::new(), n.to_string());
    let mut events: Vec<Event> = (0..9).map(one).collect();
    publish(&mut client, &events.iter().collect::<Vec<_>>()).await;
    events.sort_by_key(Event::id);
    for limit in [1, 5, 9] {
        let shown = found(&mut client, json!({"limit": limit})).await;
        assert_eq!(shown, ids(&events[..limit]));
    }
    let filters = [
        json!({"limit": 2}),
        json!({"limit": 3}),
        json!({"ids": [events[8].id()]}),
    ];
    let (shown, _) = client.ask("s", &filters).await;
    assert_eq!(shown, ids(events[..3].iter().chain([&events[8]])));
}

#[tokio::test]
async fn nothing_is_matched_by_an_empty_list_or_an_impossible_kind() {
    let relay = Relay::start();
    let (mut client, mut writer) = (relay.client().await, relay.client().await);
    publish(&mut writer, &[&event(1, 1, 5, &[], "")]).await;
    for filter in [
        json!({"ids": []}),
        json!({"authors": []}),
        json!({"kinds": []}),
        json!({"#e": []}),
        json!({"#t": []}),
        json!({"kinds": [99_999], "limit": 0}),
        json!({"kinds": [65_536]}),
        json!({"kinds": [4_294_967_296_u64]}),
    ] {
        client.send(json!(["REQ", "none", filter])).await;
        assert_eq!(client.next().await[0], "EOSE", "{filter}");
        publish(&mut writer, &[&event(1, 1, 0, &[], &filter.to_string())]).await;
    }
    client.expect_silence().await;
}

#[tokio::test]
async fn limit_is_about_stored_events_alone() {
    let relay = Relay::start();
    let (mut client, mut writer) = (relay.client().await, relay.client().await);
    let stored = event(1, 1, 50, &[], "stored");
    publish(&mut writer, &[&stored]).await;
    assert!(
        client
            .ask("zero", &[json!({"limit": 0})])
            .await
            .0
            .is_empty()
    );
    assert_eq!(
        client.ask("one", &[json!({"limit": 1})]).await.0,
        ids([&stored])
    );
    for ago in [3, 2, 1] {
        let live = event(1, 1, ago, &[], "live");
        publish(&mut writer, &[&live]).await;
        let mut frames = [client.next().await, client.next().await];
        frames.sort_by_key(|frame| frame[1].to_string());
        assert_eq!(
            (&frames[0][1], &frames[1][1]),
            (&json!("one"), &json!("zero"))
        );
        assert!(
            frames
                .iter()
                .all(|frame| frame[2]["id"] == json!(live.id()))
        );
    }
}

#[tokio::test]
async fn a_replaced_subscription_says_no_more_and_close_is_not_answered() {
    let relay = Relay::start();
    let (mut client, mut writer) = (relay.client().await, relay.client().await);
    let events: Vec<Event> = (0..200).map(|n| event(1, 1, n, &[], "")).collect();
    publish(&mut writer, &events.iter().collect::<Vec<_>>()).await;
    for _ in 0..20 {
        client.send(json!(["REQ", "s", {}])).await;
    }
    client.send(json!(["REQ", "s", {"kinds": [7]}])).await;
    client.send(json!(["CLOSE", "s"])).await;
    client.send(json!(["CLOSE", "s"])).await;
    client.send(json!(["CLOSE", "unknown"])).await;
    client.send(json!(["REQ", "end", {"ids": []}])).await;
    let mut eoses = 0;
    loop {
        let frame = client.next().await;
        match (frame[0].as_str().unwrap(), frame[1].as_str().unwrap()) {
            ("EOSE", "end") => break,
            ("EOSE", "s") => eoses += 1,
            ("EVENT", "s") => {}
            _ => panic!("{frame}"),
        }
    }
    assert!(eoses <= 21);
    publish(&mut writer, &[&event(1, 7, 0, &[], "+")]).await;
    client.expect_silence().await;
}

#[tokio::test]
async fn a_refused_request_ends_the_one_before() {
    let relay = Relay::start_with("limits: {max_message_length: 4096}\n");
    let (mut client, mut writer) = (relay.client().await, relay.client().await);
    let long = "x".repeat(4_096);
    let refusals = [
        json!(["REQ", "s"]),
        json!(["REQ", "s", {"ids": ["ab"]}]),
        json!(["REQ", "s", {"search": "word"}]),
        json!(["REQ", "s", {"#t": [long]}]),
        json!(["COUNT", "s", {"kinds": "1"}]),
        json!(["COUNT", "s", {"search": "word"}]),
    ];
    for (number, refused) in refusals.into_iter().enumerate() {
        client.ask("s", &[json!({"limit": 0})]).await;
        client.send(refused).await;
        client.closed("s").await;
        let live = event(1, 1, 0, &[], &number.to_string());
        publish(&mut writer, &[&live]).await;
        client.expect_silence().await;
    }
}

#[tokio::test]
async fn what_cannot_be_answered_is_closed_by_its_id() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let long = "é".repeat(64);
    client.ask(&long, &[json!({})]).await;
    for (request, prefix) in [
        (json!(["REQ", "s"]), "invalid: "),
        (json!(["REQ", "s", 1]), "invalid: "),
        (json!(["REQ", "s", []]), "invalid: "),
        (json!(["REQ", "s", {}, "x"]), "invalid: "),
        (json!(["REQ", "s", {"ids": "x"}]), "invalid: "),
        (json!(["REQ", "s", {"ids": ["abcd"]}]), "invalid: "),
        (
            json!(["REQ", "s", {"authors": ["A".repeat(64)]}]),
            "invalid: ",
        ),
        (json!(["REQ", "s", {"#e": ["z".repeat(64)]}]), "invalid: "),
        (json!(["REQ", "s", {"#p": ["ab"]}]), "invalid: "),
        (json!(["REQ", "s", {"kinds": ["1"]}]), "invalid: "),
        (json!(["REQ", "s", {"kinds": [-1]}]), "invalid: "),
        (json!(["REQ", "s", {"since": "1"}]), "invalid: "),
        (json!(["REQ", "s", {"limit": -1}]), "invalid: "),
        (json!(["REQ", "s", {"#tt": ["x"]}]), "unsupported: "),
        (json!(["REQ", "s", {"unknown": ["x"]}]), "unsupported: "),
        (json!(["REQ", "s", {"search": "word"}]), "unsupported: "),
        (json!(["COUNT", "s", {"search": "word"}]), "unsupported: "),
        (json!(["COUNT", "s"]), "invalid: "),
    ] {
        client.send(request.clone()).await;
        let why = client.closed("s").await;
        assert!(why.starts_with(prefix), "{request} {why}");
    }
    for id in [String::new(), "x".repeat(65)] {
        client.send(json!(["REQ", id, {}])).await;
        assert!(client.closed(&id).await.starts_with("invalid: "));
    }
    client.send(json!(["CLOSE", "x".repeat(65)])).await;
    assert_eq!(client.next().await[0], "NOTICE", "nobody waits for CLOSED");
    for nonsense in [
        "",
        "{}",
        "[]",
        "[[",
        "\"REQ\"",
        "[\"WHAT\"]",
        "[\"REQ\",{}]",
        "[\"EVENT\",7]",
    ] {
        client.send_text(nonsense).await;
        assert_eq!(client.next().await[0], "NOTICE", "{nonsense}");
    }
}

#[tokio::test]
async fn the_end_of_stored_events_says_whether_there_is_more() {
    let relay = Relay::start_with("limits: {max_limit: 10, default_limit: 5}\n");
    let mut client = relay.client().await;
    let events: Vec<Event> = (0..12).map(|n| event(1, 1, n, &[], "")).collect();
    publish(&mut client, &events.iter().collect::<Vec<_>>()).await;
    for (filters, expected, hint) in [
        (vec![json!({})], 5, Some("more")),
        (vec![json!({"limit": 10})], 10, Some("more")),
        (vec![json!({"limit": 5_000})], 10, Some("more")),
        (
            vec![json!({"since": events[3].created_at()})],
            4,
            Some("finish"),
        ),
        (vec![json!({"kinds": [7]})], 0, Some("finish")),
        (vec![json!({"limit": 0})], 0, None),
    ] {
        let (shown, said) = client.ask("s", &filters).await;
        let hint = hint.map(|hint| json!([hint]));
        assert_eq!((shown.len(), said), (expected, hint), "{filters:?}");
    }
    let mut pages: Vec<String> = Vec::new();
    let mut until: Option<u64> = None;
    loop {
        let mut filter = json!({"limit": 5});
        if let Some(until) = until {
            filter["until"] = json!(until);
        }
        let (shown, said) = client.ask("s", &[filter]).await;
        let oldest = events
            .iter()
            .find(|one| Some(&one.id().to_hex()) == shown.last());
        until = oldest.map(Event::created_at);
        pages.extend(shown);
        if said == Some(json!(["finish"])) {
            break;
        }
    }
    pages.dedup();
    assert_eq!(pages, ids(&events), "paging meets every event");
}

#[tokio::test]
async fn a_thousand_authors_and_twenty_filters_are_no_problem() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let one = event(1, 1, 5, &[], "");
    publish(&mut client, &[&one]).await;
    let mut authors: Vec<Value> = (0..1_000).map(|n| json!(format!("{n:064x}"))).collect();
    authors.push(json!(one.pubkey()));
    let filter = json!({"authors": authors, "kinds": [0, 1, 3]});
    assert_eq!(found(&mut client, filter).await, ids([&one]));
    let filters: Vec<Value> = (0..20).map(|n| json!({"kinds": [7 * n + 1]})).collect();
    assert_eq!(client.ask("s", &filters).await.0, ids([&one]));
}
