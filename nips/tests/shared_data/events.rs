//! 15,127 distinct signed events of the network.

use std::collections::BTreeMap;

use nips::relay_url::LocalRelays;
use nips::{Event, relay_sources};

use crate::shared;

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
