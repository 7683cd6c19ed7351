//! 9259 well-formed relay URLs and 2022 odd ones.

use std::collections::BTreeMap;

use nips::{Network, RelayUrl, RelayUrlError};
use serde_json::Value;

use crate::shared_text;

/// Names of 56 base32 characters whose checksum is wrong: no onion service can have them.
const WRONG_CHECKSUM: usize = 3;

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
    println!(
        "{} lines, {rewritten} rewritten, refused {refused:?}",
        text.lines().count()
    );
    assert_eq!(refused.len(), WRONG_CHECKSUM);
    assert!(
        refused
            .iter()
            .all(|(raw, error)| raw.ends_with(".onion") && *error == RelayUrlError::Overlay)
    );
}

/// What a lowercase URL without trailing slash becomes: the scheme of its network, and no port that
/// is the default of that scheme.
fn expected(raw: &str, url: &RelayUrl) -> String {
    let (_, rest) = raw.split_once("://").unwrap();
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
        let odd: Value = serde_json::from_str(line).unwrap();
        let raw = odd["u"].as_str().unwrap();
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
    const NEVER_ACCEPTED: [&str; 17] = [
        "bad-host-char",
        "bad-ipv4",
        "broken-scheme",
        "control-char",
        "double-scheme",
        "empty-host",
        "empty-label",
        "http-scheme",
        "inner-whitespace",
        "ipv4-private",
        "ipv6-private",
        "label-too-long",
        "local-or-reserved-name",
        "no-scheme",
        "other-scheme",
        "query",
        "userinfo",
    ];
    for category in categories.as_array().unwrap() {
        let category = category.as_str().unwrap();
        assert!(
            !NEVER_ACCEPTED.contains(&category),
            "{category}: {raw} became {url}"
        );
    }
    assert_ne!(url.network(), Network::Local, "{raw}");
}
