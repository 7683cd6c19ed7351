//! Events on the wire (NIP-01): what is one, how it comes back, and what its kind means.

use nips::Event;
use serde_json::{Value, json};

use super::{Relay, event, expect_refusal, found, publish};
use crate::relay::client::ids;

#[tokio::test]
async fn any_text_comes_back_as_it_was_signed() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let texts = [
        "line\nquote\"backslash\\return\rtab\tbackspace\u{8}feed\u{c}",
        "\u{0}\u{1}\u{1f}\u{7f}\u{85}\u{2028}\u{2029}",
        "é 漢字 🏳️‍🌈 \u{fdd0}\u{fffe}\u{10ffff}",
        "a/b </script> \\u00e9 \\/",
        "",
    ];
    for (ago, text) in texts.into_iter().enumerate() {
        let one = event(
            1,
            1,
            ago as u64,
            &[&["t", text], &["x"], &[], &["t", "a", text]],
            text,
        );
        publish(&mut client, &[&one]).await;
        client.send(json!(["REQ", "s", {"ids": [one.id()]}])).await;
        let frame = client.next_text().await;
        assert_eq!(frame, format!("[\"EVENT\",\"s\",{}]", one.to_json()));
        assert!(frame.starts_with("[\"EVENT\",\"s\",{\"id\":\""));
        client.next().await;
        assert_eq!(
            found(&mut client, json!({"#t": [text], "ids": [one.id()]}))
                .await
                .len(),
            1
        );
    }
}

#[tokio::test]
async fn escapes_and_unknown_fields_make_no_difference() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let one = event(1, 1, 0, &[&["r", "wss://é.example.com/"]], "é/");
    let written = one
        .to_json()
        .replace('é', "\\u00e9")
        .replace("\":\"\\u00e9/", "\":\"\\u00e9\\/");
    let written = written
        .replacen('{', "{\"seen_on\": [\"x\"], ", 1)
        .replace(",\"", " ,\n \"");
    client
        .send_text(&format!(" [\"EVENT\" , {written}] "))
        .await;
    assert!(client.verdict(&one.id().to_hex()).await.0);
    client.send(json!(["REQ", "s", {"ids": [one.id()]}])).await;
    assert_eq!(
        client.next_text().await,
        format!("[\"EVENT\",\"s\",{}]", one.to_json())
    );
}

#[tokio::test]
async fn what_is_no_event_is_invalid_by_name() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let one = event(1, 1, 0, &[&["t", "x"]], "text");
    let (json, id) = (one.to_json(), one.id().to_hex());
    let created_at = format!("\"created_at\":{}", one.created_at());
    let with_created_at = |text: &str| json.replace(&created_at, &format!("\"created_at\":{text}"));
    for broken in [
        json.replace("text", "other"),
        json.replace("\"kind\":1,", "\"kind\":65536,"),
        json.replace("\"kind\":1,", "\"kind\":-1,"),
        json.replace("\"kind\":1,", "\"kind\":\"1\","),
        with_created_at("1.5"),
        with_created_at(&format!("{}e0", one.created_at())),
        with_created_at("-1"),
        with_created_at("\"1\""),
        json.replace("[\"t\",\"x\"]", "[\"t\",1]"),
        json.replace("[\"t\",\"x\"]", "[\"t\",null]"),
        json.replace("[\"t\",\"x\"]", "\"t\""),
        json.replace("\"text\"", "\"\\ud800\""),
        json.replace("\"text\"", "null"),
        json.replace(
            &one.pubkey().to_hex(),
            &one.pubkey().to_hex().to_uppercase(),
        ),
        json.replace(&one.sig().to_hex(), &"0".repeat(128)),
        json.replace(&one.sig().to_hex(), "00"),
        format!("{{\"id\":\"{id}\"}}"),
        json.replace("{", "{\"pubkey\":\"\","),
        json.replace("{", &format!("{{\"id\":\"{id}\",")),
        json.replace("{", "{\"kind\":[],"),
    ] {
        client.send_text(&format!("[\"EVENT\",{broken}]")).await;
        let (is_accepted, text) = client.verdict(&id).await;
        assert!(
            !is_accepted && text.starts_with("invalid: "),
            "{text}: {broken}"
        );
    }
    let upper = json.replace(&id, &id.to_uppercase());
    client.send_text(&format!("[\"EVENT\",{upper}]")).await;
    assert!(!client.verdict(&id.to_uppercase()).await.0);
    publish(&mut client, &[&one]).await;
    let (is_accepted, text) = client.publish(&one).await;
    assert!(is_accepted && text.starts_with("duplicate: "), "{text}");
}

#[tokio::test]
async fn only_first_values_of_one_letter_tags_are_found() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let one = event(
        1,
        1,
        0,
        &[&["t", "a", "b"], &["T", "c"], &["t"], &["relay", "d"]],
        "",
    );
    publish(&mut client, &[&one]).await;
    for (filter, is_found) in [
        (json!({"#t": ["a"]}), true),
        (json!({"#t": ["x", "a"]}), true),
        (json!({"#T": ["c"]}), true),
        (json!({"#t": ["b"]}), false),
        (json!({"#t": ["c"]}), false),
        (json!({"#t": [""]}), false),
        (json!({"#t": ["A"]}), false),
        (json!({"#t": ["a"], "#T": ["x"]}), false),
    ] {
        assert_eq!(
            found(&mut client, filter.clone()).await.len(),
            usize::from(is_found),
            "{filter}"
        );
    }
}

#[tokio::test]
async fn of_replaceable_events_the_newest_is_shown() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    for (kind, d) in [
        (0, None),
        (3, None),
        (10_002, None),
        (30_023, Some("x")),
        (30_023, Some("")),
    ] {
        let tag = d.map(|d| ["d", d]);
        let with: Vec<&[&str]> = tag.iter().map(|tag| &tag[..]).collect();
        let version = |ago, content| event(1, kind, ago, &with, content);
        let (old, new, older) = (version(50, "old"), version(40, "new"), version(60, "older"));
        publish(&mut client, &[&old, &new, &older]).await;
        let mut filter = json!({"kinds": [kind]});
        if let Some(d) = d {
            filter["#d"] = json!([d]);
        }
        assert_eq!(
            found(&mut client, filter).await,
            ids([&new]),
            "kind {kind} {d:?}"
        );
    }
    let mut tied: Vec<Event> = (0..6)
        .map(|n: u8| event(2, 0, 9, &[], &n.to_string()))
        .collect();
    tied.iter()
        .for_each(|one| assert_eq!(one.created_at(), tied[0].created_at()));
    publish(&mut client, &tied.iter().collect::<Vec<_>>()).await;
    tied.sort_by_key(Event::id);
    let theirs = json!({"kinds": [0], "authors": [tied[0].pubkey()]});
    assert_eq!(found(&mut client, theirs).await, ids([&tied[0]]));
}

#[tokio::test]
async fn the_first_d_names_an_address_and_none_is_the_empty_one() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let (none, empty) = (
        event(1, 30_000, 9, &[], "none"),
        event(1, 30_000, 8, &[&["d", ""]], ""),
    );
    let two = event(1, 30_000, 7, &[&["d", "a"], &["d", "b"]], "");
    let second = event(1, 30_000, 6, &[&["d", "b"]], "");
    publish(&mut client, &[&none, &empty, &two, &second]).await;
    let shown = found(&mut client, json!({"kinds": [30_000]})).await;
    assert_eq!(shown, ids([&second, &two, &empty]));
}

#[tokio::test]
async fn ephemeral_events_pass_by_and_unnamed_kinds_are_kept() {
    let relay = Relay::start();
    let (mut client, mut listener) = (relay.client().await, relay.client().await);
    listener
        .ask("live", &[json!({"kinds": [20_000, 29_999]})])
        .await;
    for kind in [20_000, 29_999] {
        let passing = event(1, kind, 0, &[], "");
        publish(&mut client, &[&passing]).await;
        assert_eq!(listener.live("live").await, passing.id().to_hex());
        assert!(
            found(&mut client, json!({"ids": [passing.id()]}))
                .await
                .is_empty()
        );
    }
    for kind in [45, 54, 443, 999, 9_999, 40_000, 65_535] {
        let (one, two) = (event(1, kind, 5, &[], "1"), event(1, kind, 4, &[], "2"));
        publish(&mut client, &[&one, &two]).await;
        assert_eq!(
            found(&mut client, json!({"kinds": [kind]})).await,
            ids([&two, &one])
        );
    }
    expect_refusal(&mut client, &event(1, 22_242, 0, &[], ""), "invalid: ").await;
}

#[tokio::test]
async fn every_verdict_has_four_elements_and_every_no_a_prefix() {
    let relay = Relay::start();
    let mut client = relay.client().await;
    let far = super::author(1).sign(nips::Kind(1), super::now() + 100_000, Vec::new(), "");
    for refused in [
        far,
        event(1, 1, 0, &[&["-"]], ""),
        event(1, 1, 9, &[&["expiration", "1"]], ""),
    ] {
        client
            .send_text(&format!("[\"EVENT\",{}]", refused.to_json()))
            .await;
        let mut ok = client.next().await;
        if ok[0] == "AUTH" {
            ok = client.next().await;
        }
        assert_eq!(
            (ok[0].as_str(), ok.as_array().map(Vec::len)),
            (Some("OK"), Some(4)),
            "{ok}"
        );
        assert_eq!(
            (&ok[1], &ok[2]),
            (&json!(refused.id()), &Value::Bool(false))
        );
        let text = ok[3].as_str().unwrap();
        assert!(
            text.split_once(": ")
                .is_some_and(|(prefix, _)| !prefix.contains(' ')),
            "{text}"
        );
    }
}
