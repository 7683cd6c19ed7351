//! 15,127 distinct signed events of the network.

use std::collections::BTreeMap;

use nips::relay_url::LocalRelays;
use nips::{Event, EventId, relay_sources};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{shared, shared_text};

/// Every event of the file, parsed and with its id checked; nothing when the file is not there.
fn events() -> Vec<Event> {
    let Some(path) = shared("events/events-valid.jsonl.zst") else {
        return Vec::new();
    };
    let file = std::fs::File::open(path).expect("shared data is readable");
    let text = zstd::decode_all(file).expect("the file is zstd");
    let text = String::from_utf8(text).expect("events are UTF-8");
    text.lines()
        .map(|line| Event::from_json(line).expect("the event is valid"))
        .collect()
}

#[test]
fn relays_are_found_in_real_events() {
    let mut by_source = BTreeMap::<&str, usize>::new();
    for event in events() {
        let named = relay_sources::named_by(&event.as_ref(), LocalRelays::Refused);
        assert!(named.len() <= relay_sources::MAX_RELAYS_PER_EVENT);
        for relay in named {
            *by_source.entry(relay.source.as_str()).or_default() += 1;
        }
    }
    println!("{by_source:?}");
    if by_source.is_empty() {
        return;
    }
    for source in [
        "relay-list",
        "contacts",
        "hint",
        "content",
        "zap",
        "direct-message-relays",
    ] {
        assert!(by_source.contains_key(source), "{source}");
    }
}

#[test]
fn unusual_events_are_serialised_as_their_authors_did() {
    let Some(text) = shared_text("vectors/event-id-edge.json") else {
        return;
    };
    let vectors: Value = serde_json::from_str(&text).expect("JSON");
    for vector in vectors["vectors"].as_array().expect("vectors") {
        let event = Event::from_json(&vector["event"].to_string()).expect("a valid event");
        let serialised = serialised(&event);
        assert_eq!(serialised, vector["serialized"], "{}", vector["features"]);
        let hash: [u8; 32] = Sha256::digest(serialised.as_bytes()).into();
        assert_eq!(EventId(hash), event.id(), "{}", vector["features"]);
        assert_eq!(Event::from_json(&event.to_json()), Ok(event));
    }
}

/// NIP-01's serialisation, made of the text that is stored and sent.
fn serialised(event: &Event) -> String {
    let event = event.as_ref();
    format!(
        r#"[0,"{}",{},{},{},{}]"#,
        event.pubkey, event.created_at, event.kind, event.tags_json, event.content_json
    )
}
