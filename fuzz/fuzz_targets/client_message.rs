//! The frame parser of the relay, beside one that reads the whole frame into values.
//!
//! Whatever the frame, the client hears about it under the name that it gave, and what is acted on is what it wrote.

#![no_main]

use std::str::from_utf8;

use data_encoding::HEXLOWER_PERMISSIVE;
use libfuzzer_sys::fuzz_target;
use nips::client_message::{MAX_REPEATED_ID, MAX_SUBSCRIPTION_ID, Refusal};
use nips::{ClientEvent, ClientMessage, Filter};
use serde_json::Value;
use serde_json::value::RawValue;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = from_utf8(data) else { return };
    let parsed = ClientMessage::parse(text);
    match serde_json::from_str::<Vec<Value>>(text) {
        Ok(parts) => compare(parsed, &parts),
        // JSON that has no value, such as half a surrogate pair, a number beyond all types, or what is nested deeply, is
        // answered all the same.
        Err(_) if serde_json::from_str::<Vec<&RawValue>>(text).is_ok() => expect_prefixed(parsed),
        Err(_) => assert!(matches!(parsed, Err(Refusal::Notice(_)))),
    }
});

fn compare(parsed: Result<ClientMessage<'_>, Refusal>, parts: &[Value]) {
    let verb = parts.first().and_then(Value::as_str).unwrap_or_default();
    let name = parts.get(1).and_then(Value::as_str);
    match parsed {
        Ok(ClientMessage::Event(event)) => same_event(&event, "EVENT", parts),
        Ok(ClientMessage::Auth(event)) => same_event(&event, "AUTH", parts),
        Ok(ClientMessage::Req {
            subscription,
            filters,
        }) => {
            assert_eq!(verb, "REQ");
            same_question(&subscription, &filters, parts);
        }
        Ok(ClientMessage::Count { id, filters }) => {
            assert_eq!(verb, "COUNT");
            same_question(&id, &filters, parts);
        }
        Ok(ClientMessage::Close(id)) => same_name(&id, "CLOSE", parts),
        Ok(ClientMessage::NegClose(id)) => same_name(&id, "NEG-CLOSE", parts),
        Ok(ClientMessage::NegMessage { id, message }) => {
            same_name(&id, "NEG-MSG", parts);
            same_bytes(&message, &parts[2]);
        }
        Ok(ClientMessage::NegOpen {
            id,
            filter,
            message,
        }) => {
            same_name(&id, "NEG-OPEN", parts);
            let written = parts[2].as_array().map_or(&parts[2], |list| &list[0]);
            assert_eq!(Filter::from_value(written).as_ref(), Ok(&filter));
            same_bytes(&message, &parts[3]);
        }
        Err(Refusal::Closed { id, text }) => {
            assert!(matches!(verb, "REQ" | "COUNT"));
            assert_eq!(name, Some(id.as_str()));
            expect_prefix(&text);
        }
        Err(Refusal::NegError { id, text }) => {
            assert!(verb.starts_with("NEG-"));
            assert_eq!(name, Some(id.as_str()));
            expect_prefix(&text);
        }
        Err(Refusal::Notice(text)) => {
            // A client that gave a name waits for an answer under it.
            let is_named = name.is_some_and(|name| name.chars().count() <= MAX_REPEATED_ID);
            let is_question = matches!(verb, "REQ" | "COUNT")
                || matches!(verb, "NEG-OPEN" | "NEG-MSG" | "NEG-CLOSE");
            assert!(!(is_question && is_named), "{text}");
            let id = parts
                .get(1)
                .and_then(|event| event.get("id"))
                .and_then(Value::as_str);
            let is_readable = id.is_some_and(|id| id.chars().count() <= MAX_REPEATED_ID);
            assert!(!(matches!(verb, "EVENT" | "AUTH") && is_readable), "{text}");
            expect_prefix(&text);
        }
    }
}

fn same_event(event: &ClientEvent<'_>, verb: &str, parts: &[Value]) {
    assert_eq!(parts[0], verb);
    let written: Value = serde_json::from_str(&event.json).expect("an event is JSON");
    assert_eq!(written, parts[1]);
    assert!(event.id.chars().count() <= MAX_REPEATED_ID);
    // Of an id that comes twice a value has the last one and the parser the first that is text.
    let is_twice = event.json.matches("\"id\"").count() + event.json.matches("\\u").count() > 1;
    assert!(is_twice || written["id"] == event.id.as_ref());
}

fn same_question(id: &str, filters: &[Filter], parts: &[Value]) {
    same_name(id, parts[0].as_str().expect("a verb"), parts);
    let written: Result<Vec<Filter>, _> = parts[2..].iter().map(Filter::from_value).collect();
    assert_eq!(written.as_deref(), Ok(filters));
    assert!(!filters.is_empty());
}

fn same_name(id: &str, verb: &str, parts: &[Value]) {
    assert_eq!(parts[0], verb);
    assert_eq!(parts[1], id);
    assert!((1..=MAX_SUBSCRIPTION_ID).contains(&id.chars().count()));
}

fn same_bytes(message: &[u8], hex: &Value) {
    let hex = hex.as_str().expect("hex is text");
    assert_eq!(
        HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).as_deref(),
        Ok(message)
    );
    assert!(!message.is_empty());
}

fn expect_prefixed(parsed: Result<ClientMessage<'_>, Refusal>) {
    if let Err(
        Refusal::Closed { text, .. } | Refusal::NegError { text, .. } | Refusal::Notice(text),
    ) = parsed
    {
        expect_prefix(&text);
    }
}

fn expect_prefix(text: &str) {
    assert!(
        text.starts_with("invalid: ") || text.starts_with("unsupported: "),
        "{text}"
    );
}
