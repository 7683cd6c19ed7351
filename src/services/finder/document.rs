//! Relay URLs in a JSON document of any shape: an array of URLs, objects with URLs in them, or keyed by
//! them. A JMESPath expression says which part of the document is meant.

use nips::{LocalRelays, RelayUrl};
use serde_json::Value;

/// URLs taken from one document at most; the largest directory known has about 3,000.
const MAX_URLS: usize = 50_000;

/// The URLs in the part of the document that `expression` selects (all of it without one), in its order,
/// repeats left out.
///
/// # Errors
/// The stable label of what is wrong with the document or the expression.
pub(super) fn relay_urls(
    body: &[u8],
    expression: Option<&str>,
    local: LocalRelays,
) -> Result<Vec<RelayUrl>, &'static str> {
    let document: Value = serde_json::from_slice(body).map_err(|_| "not_json")?;
    let document = match expression {
        Some(expression) => select(document, expression)?,
        None => document,
    };
    let mut urls = Vec::new();
    collect(&document, local, &mut urls);
    let mut seen = std::collections::HashSet::new();
    urls.retain(|url: &RelayUrl| seen.insert(url.clone()));
    Ok(urls)
}

/// An expression that finds nothing selects null, which has no URLs.
fn select(document: Value, expression: &str) -> Result<Value, &'static str> {
    let compiled = jmespath::compile(expression).map_err(|_| "malformed_expression")?;
    let found = compiled.search(document).map_err(|_| "expression")?;
    serde_json::to_value(&*found).map_err(|_| "expression")
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
        let urls = relay_urls(json.as_bytes(), None, LocalRelays::Refused).unwrap();
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
        let refused = relay_urls(b"<html>", None, LocalRelays::Refused);
        assert_eq!(refused, Err("not_json"));
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
            let urls = relay_urls(json, Some(expression), LocalRelays::Refused)?;
            Ok(urls.iter().map(ToString::to_string).collect::<Vec<_>>())
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
