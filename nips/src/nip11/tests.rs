use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(value: &Value) -> RelayInformation {
    RelayInformation::from_value(value).unwrap()
}

#[test]
fn a_document_of_today_is_read_whole() {
    let document = json!({
        "name": "relay", "description": "a\nb", "banner": "https://a/b", "icon": "https://a/i",
        "pubkey": "ab".repeat(32), "self": "cd".repeat(32), "contact": "mailto:a@b.c",
        "supported_nips": [1, 11, 77], "software": "https://s", "version": "1.0",
        "terms_of_service": "https://t", "payments_url": "https://p",
        "limitation": {
            "max_message_length": 1, "max_subscriptions": 2, "max_limit": 3, "max_subid_length": 4,
            "max_event_tags": 5, "max_content_length": 6, "min_pow_difficulty": 7,
            "auth_required": true, "payment_required": false, "restricted_writes": true,
            "created_at_lower_limit": 8, "created_at_upper_limit": 9, "default_limit": 10,
            "max_filters": 11
        },
        "fees": {
            "admission": [{"amount": 1, "unit": "msats"}],
            "subscription": [{"amount": 2, "unit": "sats", "period": 3}],
            "publication": [{"amount": 4, "unit": "msats", "kinds": [4]}]
        },
        "attributes": ["Paid"], "relay_countries": ["IT"], "language_tags": ["it-IT"],
        "tags": ["bitcoin"], "posting_policy": "https://q", "privacy_policy": "https://r",
        "retention": [{"kinds": [[0, 0], [5, 7]], "time": 60}, {"count": 9}]
    });
    assert_eq!(
        read(&document).to_json(),
        crate::canonical_json::canonical_json(&document)
    );
    assert_eq!(read(&document).administrator(), Some(PublicKey([0xab; 32])));
    assert_eq!(read(&document).own_key(), Some(PublicKey([0xcd; 32])));
}

#[test]
fn wrong_types_are_read_or_passed_over() {
    let document = json!({
        "name": ["no"], "version": 2.5, "supported_nips": "1", "tags": "one", "payment_url": "https://p",
        "limitation": {"max_limit": "500", "auth_required": "true", "max_subscriptions": -1, "p2p": 1},
        "fees": {"admission": {"amount": "21"}, "subscription": [null, {}, 7]},
        "retention": [{"time": null}, {"kinds": [1, "2", [3], [4, 5]], "time": 0}],
        "attributes": ["Fine", "not fine", "x1"], "unknown": {"deep": []}, "pubkey": "npub1xyz"
    });
    let information = read(&document);
    assert_eq!(
        information.to_json(),
        r#"{"attributes":["Fine"],"fees":{"admission":[{"amount":21}]},"#.to_owned()
            + r#""limitation":{"auth_required":true,"max_limit":500},"payments_url":"https://p","#
            + r#""pubkey":"npub1xyz","retention":[{"kinds":[[1,1],[2,2],[4,5]],"time":0}],"#
            + r#""supported_nips":[1],"tags":["one"],"version":"2.5"}"#
    );
    assert_eq!(information.administrator(), None);
}

#[test]
fn hostile_text_is_cleaned_and_cut() {
    let name = "x".repeat(1_000_000);
    let body = format!(r#"{{"name":"{name}","software":"a\u0000b\ud800c","version":"{name}"}}"#);
    let information = RelayInformation::parse(body.as_bytes()).unwrap_err();
    assert_eq!(information, InformationError::TooLarge);
    let body = format!(r#"{{"name":"{name}","software":"a\u0000b\ud800c"}}"#);
    let information = RelayInformation::parse(body.as_bytes()).unwrap();
    assert_eq!(information.name.unwrap().len(), MAX_NAME_BYTES);
    assert_eq!(information.software.unwrap(), "ab\u{fffd}c");
}

#[test]
fn a_document_may_be_wrapped_in_a_string_or_start_with_a_mark() {
    let inner = r#"{"name":"a"}"#;
    for body in [
        inner.to_owned(),
        serde_json::to_string(inner).unwrap(),
        format!("\u{feff}\n{inner}\n"),
    ] {
        let information = RelayInformation::parse(body.as_bytes()).unwrap();
        assert_eq!(information.name.as_deref(), Some("a"), "{body}");
    }
}

#[test]
fn other_bodies_say_why() {
    for (body, reason) in [
        ("", "empty"),
        (" \n", "empty"),
        ("<html>", "not-json"),
        ("{\"a\":1,}", "not-json"),
        ("[]", "not-an-object"),
        ("null", "not-an-object"),
        ("\"text\"", "not-json"),
        ("\"\"", "empty"),
    ] {
        let error = RelayInformation::parse(body.as_bytes()).unwrap_err();
        assert_eq!(error.reason(), reason, "{body}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(
        RelayInformation::parse(deep.as_bytes())
            .unwrap_err()
            .reason(),
        "not-json"
    );
    assert!(RelayInformation::parse(b"{\"name\":\"\xff\"}").is_ok());
}

/// Any JSON under the names of fields.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u16>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let names = prop_oneof![
        Just("name"),
        Just("description"),
        Just("supported_nips"),
        Just("limitation"),
        Just("fees"),
        Just("admission"),
        Just("max_limit"),
        Just("auth_required"),
        Just("amount"),
        Just("kinds"),
        Just("retention"),
        Just("attributes"),
        Just("tags"),
        Just("version"),
        Just("unit"),
        Just("time"),
    ];
    let value = leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    });
    let names = prop_oneof![
        Just("name"),
        Just("fees"),
        Just("limitation"),
        Just("supported_nips"),
        Just("retention"),
        Just("attributes")
    ];
    proptest::collection::btree_map(names.prop_map(str::to_owned), value, 0..8)
        .prop_map(|entries| entries.into_iter().collect())
}

proptest! {
    #[test]
    fn what_was_read_reads_the_same_again(document in document()) {
        let information = read(&document);
        let again = RelayInformation::parse(information.to_json().as_bytes()).unwrap();
        prop_assert_eq!(again, information);
    }

    #[test]
    fn any_body_gets_a_verdict(body in proptest::collection::vec(any::<u8>(), 0..200), text in "[{}\\[\\]\":,\\\\ud8a0-9]{0,60}") {
        let _ = RelayInformation::parse(&body);
        let _ = RelayInformation::parse(text.as_bytes());
    }
}
