//! The relay list that old clients kept in the content of kind 3 (NIP-02).

use serde_json::{Map, Value};

use crate::relay_url::LocalRelays;
use crate::{EventRef, Kind, RelayUrl};

/// A relay of a contact list with what its owner used it for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRelay {
    /// The relay.
    pub url: RelayUrl,
    /// Whether the owner reads from it; `true` unless said otherwise.
    pub read: bool,
    /// Whether the owner writes to it; `true` unless said otherwise.
    pub write: bool,
}

/// The relays in the content of a kind 3 event: `{"wss://…": {"read": true, "write": true}}`.
///
/// Empty for other kinds and for content that is something else. Keys that are no relay URLs are
/// passed over.
pub fn contact_relays(event: &EventRef<'_>, local: LocalRelays) -> Vec<ContactRelay> {
    if event.kind != Kind::CONTACTS {
        return Vec::new();
    }
    let object: Map<String, Value> = serde_json::from_str(&event.content()).unwrap_or_default();
    let relay = |(raw, usage): (&String, &Value)| {
        let flag = |name| usage.get(name).and_then(Value::as_bool).unwrap_or(true);
        Some(ContactRelay {
            url: RelayUrl::parse_with(raw, local).ok()?,
            read: flag("read"),
            write: flag("write"),
        })
    };
    object.iter().filter_map(relay).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_event::event;

    fn relays(kind: u16, content: &str) -> Vec<(String, bool, bool)> {
        contact_relays(&event(kind, &[], content).as_ref(), LocalRelays::Refused)
            .into_iter()
            .map(|relay| (relay.url.to_string(), relay.read, relay.write))
            .collect()
    }

    #[test]
    fn keys_are_relays() {
        let content = r#"{"wss://a.com/":{"read":true,"write":false},"WSS://B.com":1,"ws://127.0.0.1":{},"x":null}"#;
        let (a, b) = ("wss://a.com".to_owned(), "wss://b.com".to_owned());
        // Keys come in the order of their text.
        assert_eq!(relays(3, content), [(b, true, true), (a, true, false)]);
        assert!(relays(1, content).is_empty());
    }

    #[test]
    fn other_content_has_none() {
        for content in ["", "[]", "\"wss://a.com\"", "{\"wss://a.com\":"] {
            assert!(relays(3, content).is_empty(), "{content}");
        }
    }
}
