//! Recorded NIP-77 sessions of the reference implementation.

use std::collections::HashSet;

use data_encoding::HEXLOWER;
use flate2::read::GzDecoder;
use nips::EventId;
use nips::nip77::{Difference, Element, SyncSet};
use serde_json::Value;

fn cases() -> Vec<Value> {
    let Some(path) = super::shared("vectors/negentropy-v1.json.gz") else {
        return Vec::new();
    };
    let packed = std::fs::File::open(path).expect("the recording is readable");
    let recording: Value = serde_json::from_reader(GzDecoder::new(packed)).expect("JSON");
    recording["cases"].as_array().expect("cases").clone()
}

#[test]
fn recorded_messages_are_answered_byte_by_byte() {
    // A cut answer ends with a fingerprint of what is left, which the recording took of a smaller part than what its
    // reader takes it for. Where those answers lead is shown below.
    for case in cases().iter().filter(|case| case["frame_size_limit"] == 0) {
        let server = set(&case["server"]);
        let messages = case["messages"].as_array().expect("messages");
        for pair in messages.chunks_exact(2) {
            let answer = server.answer(&bytes(&pair[0]), 0).expect("an answer");
            assert!(answer == bytes(&pair[1]), "{}", case["name"]);
        }
    }
}

#[test]
fn every_recorded_session_finds_what_each_side_lacks() {
    for case in cases() {
        let limit = case["frame_size_limit"].as_u64().expect("a number");
        let (client, server) = (set(&case["client"]), set(&case["server"]));
        let found = compared(&client, &server, limit);
        let there = ids(&case["client_has_server_needs"]);
        assert!(found.missing_there == there, "{}", case["name"]);
        let here = ids(&case["client_needs"]);
        assert!(found.missing_here == here, "{}", case["name"]);
    }
}

/// What a client that has one set learns about the other.
fn compared(client: &SyncSet, server: &SyncSet, limit: u64) -> Difference {
    let mut difference = Difference::default();
    let mut next = client.first_message(limit).ok();
    while let Some(message) = next {
        let answer = server.answer(&message, limit).expect("an answer");
        assert!(limit == 0 || answer.len() as u64 <= limit);
        let compared = client.compare(&answer, limit, &mut difference);
        next = compared.expect("an answer of the protocol");
    }
    difference
}

fn set(items: &Value) -> SyncSet {
    let element = |item: &Value| Element {
        created_at: item[0].as_u64().expect("seconds"),
        id: id(&item[1]),
    };
    let items = items.as_array().expect("items").iter();
    SyncSet::new(items.map(element).collect())
}

fn ids(items: &Value) -> HashSet<EventId> {
    items.as_array().expect("ids").iter().map(id).collect()
}

fn id(hex: &Value) -> EventId {
    EventId::from_hex(hex.as_str().expect("hex")).expect("an id")
}

fn bytes(message: &Value) -> Vec<u8> {
    let hex = message["hex"].as_str().expect("hex");
    HEXLOWER.decode(hex.as_bytes()).expect("hex")
}
