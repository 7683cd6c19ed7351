//! Relay URLs in a JSON document of any shape: an array of URLs, objects with URLs in them, or keyed by
//! them. A JMESPath expression says which part of the document is meant.

use std::collections::HashSet;

use nips::{LocalRelays, RelayUrl};
use serde_json::Value;

/// URLs taken from one document at most; the largest directory known has about 3,000.
pub(super) const MAX_URLS: usize = 50_000;

/// What a document names.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// The first URLs, in the document's order, each once.
    pub urls: Vec<RelayUrl>,
    /// How often others were named behind them, which were not taken.
    pub left_out: u64,
    seen: HashSet<RelayUrl>,
}

/// The URLs in the part of the document that `expression` selects (all of it without one).
///
/// # Errors
/// The stable label of what is wrong with the document or the expression.
pub(super) fn relay_urls(
    body: &[u8],
    expression: Option<&str>,
    local: LocalRelays,
) -> Result<Named, &'static str> {
    let document: Value = serde_json::from_slice(body).map_err(|_| "not_json")?;
    let document = match expression {
        Some(expression) => select(document, expression)?,
        None => document,
    };
    let mut named = Named::default();
    named.collect(&document, local);
    Ok(named)
}

/// An expression that finds nothing selects null, which has no URLs.
fn select(document: Value, expression: &str) -> Result<Value, &'static str> {
    let compiled = jmespath::compile(expression).map_err(|_| "malformed_expression")?;
    let found = compiled.search(document).map_err(|_| "expression")?;
    serde_json::to_value(&*found).map_err(|_| "expression")
}

impl Named {
    /// Recursion is bounded by serde_json, which refuses deep documents.
    fn collect(&mut self, value: &Value, local: LocalRelays) {
        match value {
            Value::String(text) => self.take(text, local),
            Value::Array(items) => items.iter().for_each(|item| self.collect(item, local)),
            Value::Object(entries) => {
                for (key, item) in entries {
                    self.take(key, local);
                    self.collect(item, local);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn take(&mut self, text: &str, local: LocalRelays) {
        if !text.contains("://") {
            return;
        }
        let Ok(url) = RelayUrl::parse_with(text.trim(), local) else {
            return;
        };
        if self.seen.contains(&url) {
            return;
        }
        if self.urls.len() >= MAX_URLS {
            self.left_out += 1;
            return;
        }
        self.seen.insert(url.clone());
        self.urls.push(url);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str) -> Vec<String> {
        let named = relay_urls(json.as_bytes(), None, LocalRelays::Refused).unwrap();
        assert_eq!(named.left_out, 0);
        named.urls.iter().map(ToString::to_string).collect()
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
        let refused = relay_urls(b"<html>", None, LocalRelays::Refused);
        assert_eq!(refused.unwrap_err(), "not_json");
    }

    #[test]
    fn what_is_left_out_of_a_long_document_is_counted_and_repeats_are_not() {
        let url = |number| format!("wss://relay.example.com/{number}");
        let mut urls: Vec<String> = (0..MAX_URLS).map(url).collect();
        urls.splice(10..10, [url(3)]);
        urls.push(url(7));
        let named = |urls: &[String]| {
            let json = serde_json::to_vec(urls).unwrap();
            relay_urls(&json, None, LocalRelays::Refused).unwrap()
        };
        assert_eq!(named(&urls).left_out, 0);
        urls.extend([url(MAX_URLS), url(MAX_URLS + 1)]);
        let named = named(&urls);
        assert_eq!((named.urls.len(), named.left_out), (MAX_URLS, 2));
        assert_eq!(named.urls.last().unwrap().as_str(), url(MAX_URLS - 1));
    }

    #[test]
    fn an_expression_selects_a_part() {
        let json = br#"{
            "relays": [
                {"url": "wss://a.example.com", "online": true, "see": "wss://c.example.com"},
                {"url": "wss://b.example.com", "online": false}
            ]
        }"#;
        let found = |expression| {
            let named = relay_urls(json, Some(expression), LocalRelays::Refused)?;
            Ok(named
                .urls
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>())
        };
        for (expression, expected) in [
            (
                "relays[].url",
                Ok(vec!["wss://a.example.com", "wss://b.example.com"]),
            ),
            ("relays[?online].url", Ok(vec!["wss://a.example.com"])),
            (
                "relays[0]",
                Ok(vec!["wss://c.example.com", "wss://a.example.com"]),
            ),
            ("nothing.here", Ok(vec![])),
            ("relays[", Err("malformed_expression")),
            ("sum(relays)", Err("expression")),
        ] {
            let expected = expected.map(|urls| urls.into_iter().map(str::to_owned).collect());
            let mut found = found(expression);
            if expression == "relays[0]" {
                found
                    .as_mut()
                    .unwrap()
                    .sort_by_key(|url| !url.contains("c."));
            }
            assert_eq!(found, expected, "{expression}");
        }
    }
}
