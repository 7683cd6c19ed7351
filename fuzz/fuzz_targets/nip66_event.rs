//! Relay discovery events of strangers: what is read is what is written back, and reads as itself.

#![no_main]

use std::str::from_utf8;

use libfuzzer_sys::fuzz_target;
use nips::event::UnsignedEvent;
use nips::nip66::RelayDiscovery;
use nips::relay_url::LocalRelays;
use nips::{Event, Kind, PublicKey, Signature, relay_sources};

// The input is `[tags, content]`.
fuzz_target!(|data: &[u8]| {
    let Some((tags, content)) = from_utf8(data)
        .ok()
        .and_then(|text| serde_json::from_str(text).ok())
    else {
        return;
    };
    let event = signed(tags, content);
    let named = relay_sources::named_by(&event.as_ref(), LocalRelays::Refused);
    assert!(named.len() <= relay_sources::MAX_RELAYS_PER_EVENT);
    let Ok(discovery) = RelayDiscovery::parse(&event.as_ref(), LocalRelays::Refused) else {
        return;
    };
    let written = signed(discovery.to_tags(), discovery.content());
    let again = RelayDiscovery::parse(&written.as_ref(), LocalRelays::Refused);
    let again = again.expect("what was written can be read");
    assert_eq!(again.to_tags(), discovery.to_tags());
    assert_eq!(again.content(), discovery.content());
});

fn signed(tags: Vec<Vec<String>>, content: String) -> Event {
    let draft = UnsignedEvent {
        pubkey: PublicKey([1; 32]),
        created_at: 1_700_000_000,
        kind: Kind::RELAY_DISCOVERY,
        tags,
        content,
    };
    Event::from_parts(draft.id(), &draft, Signature([0; 64])).expect("the id is right")
}
