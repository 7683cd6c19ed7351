//! 9259 well-formed relay URLs and 2022 odd ones.

use std::collections::BTreeMap;

use nips::{Network, RelayUrl, RelayUrlError};
use serde_json::Value;

use crate::shared_text;

/// Names of 56 base32 characters whose checksum is wrong: no onion service can have them.
const WRONG_CHECKSUM: usize = 3;

/// Names above 253 bytes, or with a label above 63: no DNS name can be like that.
const TOO_LONG_FOR_DNS: usize = 3;

#[test]
fn well_formed_urls_are_accepted() {
    let Some(text) = shared_text("relays/relays.txt") else {
        return;
    };
    let mut refused = Vec::new();
    let mut rewritten = 0;
    for raw in text.lines() {
        match RelayUrl::parse(raw) {
            Ok(url) => {
                rewritten += usize::from(url.as_str() != raw);
                assert_eq!(url.as_str(), expected(raw, &url), "{raw}");
            }
            Err(error) => refused.push((raw, error)),
        }
    }
    println!("{rewritten} rewritten, refused {refused:?}");
    let count = |reason| refused.iter().filter(|(_, error)| *error == reason).count();
    assert_eq!(count(RelayUrlError::Overlay), WRONG_CHECKSUM);
    assert_eq!(count(RelayUrlError::Host), TOO_LONG_FOR_DNS);
    assert_eq!(refused.len(), WRONG_CHECKSUM + TOO_LONG_FOR_DNS);
}

/// What a lowercase URL without trailing slash becomes: the scheme of its network, and no port that
/// is the default of that scheme.
fn expected(raw: &str, url: &RelayUrl) -> String {
    let (_, rest) = raw.split_once("://").expect("a scheme");
    match url.network() {
        Network::Clearnet => format!("wss://{}", rest.strip_suffix(":443").unwrap_or(rest)),
        _ => format!("ws://{}", rest.strip_suffix(":80").unwrap_or(rest)),
    }
}

#[test]
fn odd_strings_get_a_verdict() {
    let Some(text) = shared_text("relays/relays-odd.jsonl") else {
        return;
    };
    let mut verdicts = BTreeMap::<&str, usize>::new();
    for line in text.lines() {
        let odd: Value = serde_json::from_str(line).expect("JSON");
        let raw = odd["u"].as_str().expect("text");
        let verdict = RelayUrl::parse(raw);
        *verdicts
            .entry(
                verdict
                    .as_ref()
                    .map_or_else(|error| error.reason(), |_| "accepted"),
            )
            .or_default() += 1;
        if let Ok(url) = verdict {
            assert_eq!(RelayUrl::parse(url.as_str()), Ok(url.clone()));
            assert_accepted_rightly(raw, &url, &odd["c"]);
        }
    }
    println!("{verdicts:?}");
}

fn assert_accepted_rightly(raw: &str, url: &RelayUrl, categories: &Value) {
    const NEVER_ACCEPTED: [&str; 14] = [
        "bad-ipv4",
        "broken-scheme",
        "double-scheme",
        "empty-host",
        "empty-label",
        "http-scheme",
        "inner-whitespace",
        "ipv4-private",
        "ipv6-private",
        "label-too-long",
        "no-scheme",
        "other-scheme",
        "query",
        "userinfo",
    ];
    for category in categories.as_array().expect("a list") {
        let category = category.as_str().expect("text");
        assert!(
            !NEVER_ACCEPTED.contains(&category),
            "{category}: {raw} became {url}"
        );
    }
    assert_ne!(url.network(), Network::Local, "{raw}");
}
