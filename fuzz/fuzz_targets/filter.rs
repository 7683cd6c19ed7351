//! The filter parser and matcher, beside one that asks the JSON of filter and events directly.

#![no_main]

use std::str::from_utf8;

use libfuzzer_sys::fuzz_target;
use nips::{Event, Filter};
use serde_json::Value;

/// Events that differ in what filters ask for, one a line.
const EVENTS: &str = include_str!("../corpus/events.jsonl");

fuzz_target!(|data: &[u8]| {
    let Ok(text) = from_utf8(data) else { return };
    let Ok(filter) = Filter::from_json(text) else {
        return;
    };
    let written: Value = serde_json::from_str(text).expect("a filter is JSON");
    assert_eq!(Filter::from_value(&written).as_ref(), Ok(&filter));
    for line in EVENTS.lines() {
        let event = Event::from_json(line).expect("events of ours are valid");
        let event = event.as_ref();
        let is_match = filter.matches(&event, &event.indexed_tags());
        let value = serde_json::from_str(line).expect("events are JSON");
        assert_eq!(is_match, slow_match(&written, &value), "{line}");
        assert!(!(is_match && filter.is_empty()));
    }
    let canonical = filter.to_json();
    let again = Filter::from_json(&canonical).expect("what was read can be written and read");
    assert_eq!(again.to_json(), canonical);
    assert_eq!(again, filter);
});

fn slow_match(filter: &Value, event: &Value) -> bool {
    let fields = filter.as_object().expect("a filter is an object");
    fields.iter().all(|(name, asked)| match name.as_str() {
        "ids" => has(asked, &event["id"]),
        "authors" => has(asked, &event["pubkey"]),
        "kinds" => has(asked, &event["kind"]),
        "since" => seconds(&event["created_at"]) >= seconds(asked),
        "until" => seconds(&event["created_at"]) <= seconds(asked),
        "limit" | "search" => true,
        tag => event["tags"]
            .as_array()
            .expect("tags")
            .iter()
            .any(|it| it[0] == tag[1..] && it[1].is_string() && has(asked, &it[1])),
    })
}

fn has(asked: &Value, value: &Value) -> bool {
    asked.as_array().expect("a list").contains(value)
}

fn seconds(value: &Value) -> i128 {
    let positive = value.as_u64().map(i128::from);
    positive
        .or_else(|| value.as_i64().map(i128::from))
        .expect("an integer")
}
