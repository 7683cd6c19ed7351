//! Relay URLs in a JSON document of any shape: an array of URLs, objects with URLs in them, or keyed by
//! them.

use nips::{LocalRelays, RelayUrl};
use serde_json::Value;

/// URLs taken from one document at most; the largest directory known has about 3,000.
const MAX_URLS: usize = 50_000;

/// The URLs in the document, in its order, repeats left out; `None` when it is not JSON.
pub(super) fn relay_urls(body: &[u8], local: LocalRelays) -> Option<Vec<RelayUrl>> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let mut urls = Vec::new();
    collect(&document, local, &mut urls);
    let mut seen = std::collections::HashSet::new();
    urls.retain(|url: &RelayUrl| seen.insert(url.clone()));
    Some(urls)
}

/// Recursion is bounded by serde_json, which refuses deep documents.
fn collect(value: &Value, local: LocalRelays, urls: &mut Vec<RelayUrl>) {
    match value {
        Value::String(text) => take(text, local, urls),
        Value::Array(items) => items.iter().for_each(|item| collect(item, local, urls)),
        Value::Object(entries) => {
            for (key, item) in entries {
                take(key, local, urls);
                collect(item, local, urls);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn take(text: &str, local: LocalRelays, urls: &mut Vec<RelayUrl>) {
    if urls.len() < MAX_URLS && text.contains("://") {
        urls.extend(RelayUrl::parse_with(text.trim(), local));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str) -> Vec<String> {
        let urls = relay_urls(json.as_bytes(), LocalRelays::Refused).unwrap();
        urls.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn any_shape_will_do() {
        let expected = ["wss://a.example.com", "wss://b.example.com"];
        for json in [
            r#"["wss://a.example.com","wss://b.example.com/","wss://a.example.com"]"#,
            r#"{"relays":[{"url":"wss://a.example.com","n":1},{"url":"wss://b.example.com"}]}"#,
            r#"{"wss://a.example.com":{"read":true},"wss://b.example.com":null}"#,
            r#"[["wss://a.example.com"],"https://no.example.com",7,["wss://b.example.com"]]"#,
        ] {
            assert_eq!(found(json), expected, "{json}");
        }
        assert!(relay_urls(b"<html>", LocalRelays::Refused).is_none());
    }
}
