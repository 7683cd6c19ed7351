//! The event decoder, beside a slow one that reads one field after the other.
//!
//! Mutated events hardly ever have the right id, so each is also tried with the id that it should have.

#![no_main]

use std::fmt;
use std::str::from_utf8;

use libfuzzer_sys::fuzz_target;
use nips::{Event, EventId};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = from_utf8(data) else { return };
    let Some(fields) = Fields::read(text) else {
        assert!(Event::from_json(text).is_err());
        return;
    };
    let expected = fields.slow();
    let has_right_id = expected
        .as_ref()
        .is_some_and(|slow| slow.id == slow.written_id);
    assert_eq!(Event::from_json(text).is_ok(), has_right_id);
    let Some(slow) = expected else { return };
    let event = Event::from_json(&fields.with_id(&slow.id)).expect("the id is right now");
    slow.compare(&event);
    assert_eq!(Event::from_json(&event.to_json()), Ok(event));
});

/// The fields as they are written, in their order.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Fields<'a> {
    fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The one field of this name.
    fn one<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        let mut named = self.0.iter().filter(|(key, _)| key == name);
        match (named.next(), named.next()) {
            (Some((_, raw)), None) => serde_json::from_str(raw.get()).ok(),
            _ => None,
        }
    }

    /// What the event says, if all of it can be read.
    fn slow(&self) -> Option<Slow> {
        let slow = Slow {
            id: String::new(),
            written_id: hex(self.one("id")?, 64)?,
            pubkey: hex(self.one("pubkey")?, 64)?,
            created_at: self.one("created_at")?,
            kind: self.one("kind")?,
            tags: self.one("tags")?,
            content: self.one("content")?,
            sig: hex(self.one("sig")?, 128)?,
        };
        let hashed = serde_json::json!([
            0,
            slow.pubkey,
            slow.created_at,
            slow.kind,
            slow.tags,
            slow.content
        ]);
        let hash = Sha256::digest(hashed.to_string().as_bytes());
        let id = EventId(hash.into()).to_hex();
        Some(Slow { id, ..slow })
    }

    /// The event with another id, everything else as it was written.
    fn with_id(&self, id: &str) -> String {
        let field = |(key, raw): &(String, &RawValue)| {
            let name = serde_json::Value::from(key.as_str());
            match key.as_str() {
                "id" => format!(r#"{name}:"{id}""#),
                _ => format!("{name}: {}", raw.get()),
            }
        };
        let fields: Vec<String> = self.0.iter().map(field).collect();
        format!("{{{}}}", fields.join(","))
    }
}

fn hex(text: String, length: usize) -> Option<String> {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == length && text.bytes().all(is_hex)).then_some(text)
}

/// What an event says, and the id that it should have.
struct Slow {
    id: String,
    written_id: String,
    pubkey: String,
    created_at: u64,
    kind: u16,
    tags: Vec<Vec<String>>,
    content: String,
    sig: String,
}

impl Slow {
    fn compare(&self, event: &Event) {
        let event = event.as_ref();
        assert_eq!(event.id.to_hex(), self.id);
        assert_eq!(event.pubkey.to_hex(), self.pubkey);
        assert_eq!(
            (event.created_at, event.kind.0),
            (self.created_at, self.kind)
        );
        assert_eq!(event.tags(), self.tags);
        assert_eq!(event.content(), self.content);
        assert_eq!(event.sig.to_hex(), self.sig);
        let indexed: Vec<(u8, &str)> = self.tags.iter().filter_map(|tag| indexed(tag)).collect();
        let found = event.indexed_tags();
        let found: Vec<(u8, &str)> = found
            .iter()
            .map(|(name, value)| (*name, value.as_ref()))
            .collect();
        assert_eq!(found, indexed);
    }
}

fn indexed(tag: &[String]) -> Option<(u8, &str)> {
    match tag {
        [name, value, ..] if name.len() == 1 && name.as_bytes()[0].is_ascii_alphabetic() => {
            Some((name.as_bytes()[0], value))
        }
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}
