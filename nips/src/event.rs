//! NIP-01 events: parsing, the id hash, and the compact JSON that is stored and sent.
//!
//! [`Event`] keeps its tags and content as the escaped JSON text of the NIP-01 serialisation, because
//! that is what gets hashed, stored and spliced into frames; they are decoded only where somebody has
//! to look inside. [`EventRef`] is the same thing borrowed, e.g. from a database page.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{
    self, DeserializeSeed as _, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use sha2::{Digest, Sha256};

use crate::json::{deserialize_cow, push_string};
use crate::{EventId, Kind, PublicKey, Signature};

/// Why a text is not a NIP-01 event. The first failing check is named, in the order of the variants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not JSON, or JSON that is not one object with every key at most once.
    #[error("event is not a JSON object: {0}")]
    NotAnObject(String),
    /// `id` is not 64 lowercase hex digits.
    #[error("id is not 64 lowercase hex digits")]
    IdFormat,
    /// `pubkey` is not 64 lowercase hex digits.
    #[error("pubkey is not 64 lowercase hex digits")]
    PubkeyFormat,
    /// `sig` is not 128 lowercase hex digits.
    #[error("sig is not 128 lowercase hex digits")]
    SigFormat,
    /// `created_at` is not a non-negative integer.
    #[error("created_at is not a non-negative integer of seconds")]
    CreatedAtType,
    /// `kind` is not an integer from 0 to 65535.
    #[error("kind is not an integer from 0 to 65535")]
    KindRange,
    /// `content` is not a string.
    #[error("content is not a string")]
    ContentType,
    /// `tags` is not an array of arrays of strings.
    #[error("tags is not an array of arrays of strings")]
    TagsType,
    /// `id` is not the hash of the other fields.
    #[error("id is not the hash of the event")]
    IdMismatch,
}

impl EventError {
    /// The stable label of the reason, e.g. `id-mismatch`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotAnObject(_) => "not-an-object",
            Self::IdFormat => "id-format",
            Self::PubkeyFormat => "pubkey-format",
            Self::SigFormat => "sig-format",
            Self::CreatedAtType => "created_at-type",
            Self::KindRange => "kind-range",
            Self::ContentType => "content-type",
            Self::TagsType => "tags-type",
            Self::IdMismatch => "id-mismatch",
        }
    }
}

/// A well-formed event whose id is the hash of its content. Its signature may still be wrong.
///
/// A clone shares everything, and to move one is to move a pointer: it may be handed from owner to owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Event(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    /// SHA-256 of the NIP-01 serialisation; checked on construction.
    id: EventId,
    pubkey: PublicKey,
    created_at: u64,
    kind: Kind,
    text: Text,
    sig: Signature,
}

/// Tags and content, one behind the other.
#[derive(PartialEq, Eq)]
struct Text {
    /// `[["e","…"],…]` and `"…"`, NIP-01 escaping, no spaces.
    json: Box<str>,
    tags_len: usize,
}

/// A borrowed [`Event`]: fixed fields by value, JSON text by reference.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EventRef<'a> {
    /// SHA-256 of the NIP-01 serialisation.
    pub id: EventId,
    /// The author.
    pub pubkey: PublicKey,
    /// Unix seconds.
    pub created_at: u64,
    /// The kind.
    pub kind: Kind,
    /// Tags as escaped JSON, e.g. `[["t","nostr"]]`.
    pub tags_json: &'a str,
    /// Content as an escaped JSON string with its quotes, e.g. `"hi"`.
    pub content_json: &'a str,
    /// BIP-340 signature of `id`.
    pub sig: Signature,
}

/// One decoded tag: its strings in order, e.g. `["e", "<id>", "wss://…"]`.
pub type Tag<'a> = Vec<Cow<'a, str>>;

impl Event {
    /// Parses an event object and checks its format and its id, not its signature.
    ///
    /// Unknown keys are accepted and dropped; a repeated key, a float, an upper-case hex digit or a
    /// lone surrogate is refused.
    ///
    /// # Errors
    /// The first failing check in the order of [`EventError`]'s variants.
    pub fn from_json(json: &str) -> Result<Self, EventError> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let seed = WireEventSeed {
            json_len: json.len(),
        };
        let wire = seed.deserialize(&mut deserializer);
        match wire.and_then(|wire| deserializer.end().map(|()| wire)) {
            Ok(wire) => Self::from_wire(wire),
            Err(_) => Err(first_failing_check(json)),
        }
    }

    /// Builds an event from parts that are already well formed, computing the hash.
    ///
    /// # Errors
    /// [`EventError::IdMismatch`] when `id` is not the hash of the parts.
    pub fn from_parts(
        id: EventId,
        draft: &UnsignedEvent,
        sig: Signature,
    ) -> Result<Self, EventError> {
        if draft.id() != id {
            return Err(EventError::IdMismatch);
        }
        Ok(Self::of(Parts {
            id,
            pubkey: draft.pubkey,
            created_at: draft.created_at,
            kind: draft.kind,
            text: Text::new(&tags_to_json(&draft.tags), &string_to_json(&draft.content)),
            sig,
        }))
    }

    fn from_wire(wire: WireEvent<'_>) -> Result<Self, EventError> {
        let id = EventId::from_hex(&wire.id).map_err(|_| EventError::IdFormat)?;
        let pubkey = PublicKey::from_hex(&wire.pubkey).map_err(|_| EventError::PubkeyFormat)?;
        let sig = Signature::from_hex(&wire.sig).map_err(|_| EventError::SigFormat)?;
        let kind = u16::try_from(wire.kind).map_err(|_| EventError::KindRange)?;
        let event = Self::of(Parts {
            id,
            pubkey,
            created_at: wire.created_at,
            kind: Kind(kind),
            text: Text::from_wire(wire.text, wire.tags, wire.content),
            sig,
        });
        if event.as_ref().compute_id() != id {
            return Err(EventError::IdMismatch);
        }
        Ok(event)
    }

    fn of(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The borrowed form.
    pub fn as_ref(&self) -> EventRef<'_> {
        let parts = &*self.0;
        let (tags_json, content_json) = parts.text.json.split_at(parts.text.tags_len);
        EventRef {
            id: parts.id,
            pubkey: parts.pubkey,
            created_at: parts.created_at,
            kind: parts.kind,
            tags_json,
            content_json,
            sig: parts.sig,
        }
    }

    /// The event id.
    pub fn id(&self) -> EventId {
        self.0.id
    }

    /// The author.
    pub fn pubkey(&self) -> PublicKey {
        self.0.pubkey
    }

    /// Unix seconds.
    pub fn created_at(&self) -> u64 {
        self.0.created_at
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The signature.
    pub fn sig(&self) -> Signature {
        self.0.sig
    }

    /// About how many bytes it takes in memory.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Parts>() + self.0.text.json.len()
    }

    /// The event as compact JSON, `id` first.
    pub fn to_json(&self) -> String {
        self.as_ref().to_json()
    }
}

impl Text {
    fn new(tags_json: &str, content_json: &str) -> Self {
        let mut json = String::with_capacity(tags_json.len() + content_json.len());
        json.push_str(tags_json);
        json.push_str(content_json);
        Self {
            json: json.into(),
            tags_len: tags_json.len(),
        }
    }

    /// Tags usually come first, and nothing has to be moved.
    fn from_wire(text: String, tags: Range<usize>, content: Range<usize>) -> Self {
        if tags.start > content.start {
            return Self::new(&text[tags], &text[content]);
        }
        Self {
            json: text.into(),
            tags_len: tags.len(),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl fmt::Debug for EventRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Event(kind {}, id {}, created_at {})",
            self.kind, self.id, self.created_at
        )
    }
}

impl<'a> EventRef<'a> {
    /// An owned copy.
    pub fn to_owned(&self) -> Event {
        Event::of(Parts {
            id: self.id,
            pubkey: self.pubkey,
            created_at: self.created_at,
            kind: self.kind,
            text: Text::new(self.tags_json, self.content_json),
            sig: self.sig,
        })
    }

    /// The tags, decoded.
    pub fn tags(&self) -> Vec<Tag<'a>> {
        serde_json::from_str::<DecodedTags<'a>>(self.tags_json)
            .map(|tags| tags.0)
            .unwrap_or_default()
    }

    /// The content, decoded.
    pub fn content(&self) -> Cow<'a, str> {
        let mut deserializer = serde_json::Deserializer::from_str(self.content_json);
        deserialize_cow(&mut deserializer).unwrap_or_default()
    }

    /// The tags that NIP-01 lets a filter ask for: one-letter names with the value at index 1.
    pub fn indexed_tags(&self) -> Vec<(u8, Cow<'a, str>)> {
        indexed_tags(self.tags())
    }

    /// The value of the first tag called `name`; `""` when that tag has no value.
    pub fn first_tag(&self, name: &str) -> Option<Cow<'a, str>> {
        let tag = self
            .tags()
            .into_iter()
            .find(|tag| tag.first().is_some_and(|n| n == name))?;
        Some(tag.into_iter().nth(1).unwrap_or_default())
    }

    /// Appends the event as compact JSON, `id` first:
    /// `{"id":…,"pubkey":…,"created_at":…,"kind":…,"tags":…,"content":…,"sig":…}`.
    pub fn push_json(&self, out: &mut String) {
        use fmt::Write as _;
        out.reserve(self.tags_json.len() + self.content_json.len() + 360);
        out.push_str("{\"id\":\"");
        self.id.push_hex(out);
        out.push_str("\",\"pubkey\":\"");
        self.pubkey.push_hex(out);
        let _ = write!(
            out,
            "\",\"created_at\":{},\"kind\":{},\"tags\":",
            self.created_at, self.kind.0
        );
        out.push_str(self.tags_json);
        out.push_str(",\"content\":");
        out.push_str(self.content_json);
        out.push_str(",\"sig\":\"");
        self.sig.push_hex(out);
        out.push_str("\"}");
    }

    /// The event as compact JSON, `id` first.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.push_json(&mut out);
        out
    }

    /// The hash that `id` must equal.
    pub fn compute_id(&self) -> EventId {
        hash_parts(
            self.pubkey,
            self.created_at,
            self.kind,
            self.tags_json,
            self.content_json,
        )
    }
}

/// Keeps the tags a filter can ask for, as (letter, value).
pub fn indexed_tags<'a>(tags: Vec<Tag<'a>>) -> Vec<(u8, Cow<'a, str>)> {
    tags.into_iter()
        .filter_map(|tag| {
            let mut strings = tag.into_iter();
            let letter = match strings.next()?.as_bytes() {
                [letter] if letter.is_ascii_alphabetic() => *letter,
                _ => return None,
            };
            Some((letter, strings.next()?))
        })
        .collect()
}

/// An event before it is signed: what an author decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsignedEvent {
    /// The author.
    pub pubkey: PublicKey,
    /// Unix seconds.
    pub created_at: u64,
    /// The kind.
    pub kind: Kind,
    /// The tags, each an array of strings.
    pub tags: Vec<Vec<String>>,
    /// The content.
    pub content: String,
}

impl UnsignedEvent {
    /// The id that the signature has to cover.
    pub fn id(&self) -> EventId {
        let (tags, content) = (tags_to_json(&self.tags), string_to_json(&self.content));
        hash_parts(self.pubkey, self.created_at, self.kind, &tags, &content)
    }
}

fn hash_parts(
    pubkey: PublicKey,
    created_at: u64,
    kind: Kind,
    tags_json: &str,
    content_json: &str,
) -> EventId {
    use fmt::Write as _;
    let mut head = String::with_capacity(112);
    head.push_str("[0,\"");
    pubkey.push_hex(&mut head);
    let _ = write!(head, "\",{created_at},{},", kind.0);
    let mut hasher = Sha256::new();
    hasher.update(head.as_bytes());
    hasher.update(tags_json.as_bytes());
    hasher.update(b",");
    hasher.update(content_json.as_bytes());
    hasher.update(b"]");
    EventId(hasher.finalize().into())
}

fn string_to_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_string(&mut out, text);
    out
}

fn tags_to_json(tags: &[Vec<String>]) -> String {
    let mut out = String::from("[");
    for (index, tag) in tags.iter().enumerate() {
        out.push_str(if index == 0 { "[" } else { ",[" });
        for (position, text) in tag.iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            push_string(&mut out, text);
        }
        out.push(']');
    }
    out.push(']');
    out
}

/// The seven keys as they arrive.
struct WireEvent<'a> {
    id: Cow<'a, str>,
    pubkey: Cow<'a, str>,
    created_at: u64,
    kind: u64,
    /// Tags and content as canonical JSON, in the order in which they came.
    text: String,
    tags: Range<usize>,
    content: Range<usize>,
    sig: Cow<'a, str>,
}

struct WireEventSeed {
    /// What the canonical text rarely is longer than.
    json_len: usize,
}

impl<'de> de::DeserializeSeed<'de> for WireEventSeed {
    type Value = WireEvent<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        struct EventVisitor(usize);
        impl<'de> Visitor<'de> for EventVisitor {
            type Value = WireEvent<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut id, mut pubkey, mut created_at, mut kind) = (None, None, None, None);
                let (mut tags, mut content, mut sig) = (None, None, None);
                let mut text = String::with_capacity(self.0);
                while let Some(key) = map.next_key::<BorrowedText<'de>>()? {
                    match key.0.as_ref() {
                        "id" => set_once(&mut id, "id", map.next_value::<BorrowedText<'de>>()?.0)?,
                        "pubkey" => {
                            set_once(
                                &mut pubkey,
                                "pubkey",
                                map.next_value::<BorrowedText<'de>>()?.0,
                            )?;
                        }
                        "created_at" => set_once(&mut created_at, "created_at", map.next_value()?)?,
                        "kind" => set_once(&mut kind, "kind", map.next_value()?)?,
                        "tags" => {
                            let start = text.len();
                            map.next_value_seed(TagsSeed { out: &mut text })?;
                            set_once(&mut tags, "tags", start..text.len())?;
                        }
                        "content" => {
                            let start = text.len();
                            let out = &mut text;
                            map.next_value_seed(StringSeed { out, first: true })?;
                            set_once(&mut content, "content", start..text.len())?;
                        }
                        "sig" => {
                            set_once(&mut sig, "sig", map.next_value::<BorrowedText<'de>>()?.0)?
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                let missing = de::Error::missing_field;
                Ok(WireEvent {
                    id: id.ok_or_else(|| missing("id"))?,
                    pubkey: pubkey.ok_or_else(|| missing("pubkey"))?,
                    created_at: created_at.ok_or_else(|| missing("created_at"))?,
                    kind: kind.ok_or_else(|| missing("kind"))?,
                    text,
                    tags: tags.ok_or_else(|| missing("tags"))?,
                    content: content.ok_or_else(|| missing("content"))?,
                    sig: sig.ok_or_else(|| missing("sig"))?,
                })
            }
        }
        deserializer.deserialize_map(EventVisitor(self.json_len))
    }
}

fn set_once<T, E: de::Error>(slot: &mut Option<T>, key: &'static str, value: T) -> Result<(), E> {
    if slot.replace(value).is_some() {
        return Err(E::duplicate_field(key));
    }
    Ok(())
}

struct BorrowedText<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for BorrowedText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_cow(deserializer).map(BorrowedText)
    }
}

/// An array of arrays of strings, re-written with NIP-01 escaping.
struct TagsSeed<'o> {
    out: &'o mut String,
}

impl<'de> de::DeserializeSeed<'de> for TagsSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for TagsSeed<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of tags")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { out } = self;
        out.push('[');
        let mut first = true;
        while seq.next_element_seed(TagSeed { out, first })?.is_some() {
            first = false;
        }
        out.push(']');
        Ok(())
    }
}

struct TagSeed<'o> {
    out: &'o mut String,
    first: bool,
}

impl<'de> de::DeserializeSeed<'de> for TagSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for TagSeed<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of strings")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.out.push_str(if self.first { "[" } else { ",[" });
        let mut first = true;
        while seq
            .next_element_seed(StringSeed {
                out: self.out,
                first,
            })?
            .is_some()
        {
            first = false;
        }
        self.out.push(']');
        Ok(())
    }
}

struct StringSeed<'o> {
    out: &'o mut String,
    first: bool,
}

impl<'de> de::DeserializeSeed<'de> for StringSeed<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl StringSeed<'_> {
    fn begin(&mut self) {
        if !self.first {
            self.out.push(',');
        }
    }
}

impl<'de> Visitor<'de> for StringSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    /// What JSON does not escape, NIP-01 does not either.
    fn visit_borrowed_str<E: de::Error>(mut self, text: &'de str) -> Result<(), E> {
        self.begin();
        self.out.push('"');
        self.out.push_str(text);
        self.out.push('"');
        Ok(())
    }

    fn visit_str<E: de::Error>(mut self, text: &str) -> Result<(), E> {
        self.begin();
        push_string(self.out, text);
        Ok(())
    }
}

/// The tags decoded from our own canonical JSON, borrowing where nothing is escaped.
struct DecodedTags<'a>(Vec<Tag<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for DecodedTags<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let tags = Vec::<Vec<BorrowedText<'a>>>::deserialize(deserializer)?;
        Ok(Self(
            tags.into_iter()
                .map(|tag| tag.into_iter().map(|text| text.0).collect())
                .collect(),
        ))
    }
}

/// Re-reads a text that failed to parse, to name the first check it fails.
fn first_failing_check(json: &str) -> EventError {
    use serde_json::Value;
    let object = match serde_json::from_str::<Value>(json) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return EventError::NotAnObject("expected an object".to_owned()),
        Err(error) => return EventError::NotAnObject(error.to_string()),
    };
    let hex = |key: &str, digits: usize| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let text = object.get(key).and_then(Value::as_str);
        text.is_some_and(|text| text.len() == digits && text.bytes().all(is_digit))
    };
    let is_tag = |tag: &Value| {
        tag.as_array()
            .is_some_and(|tag| tag.iter().all(Value::is_string))
    };
    let has_tags = object
        .get("tags")
        .and_then(Value::as_array)
        .is_some_and(|tags| tags.iter().all(is_tag));
    let kind = object.get("kind").and_then(Value::as_u64);
    if !hex("id", 64) {
        EventError::IdFormat
    } else if !hex("pubkey", 64) {
        EventError::PubkeyFormat
    } else if !hex("sig", 128) {
        EventError::SigFormat
    } else if object.get("created_at").and_then(Value::as_u64).is_none() {
        EventError::CreatedAtType
    } else if kind.is_none_or(|kind| kind > u64::from(u16::MAX)) {
        EventError::KindRange
    } else if !object.get("content").is_some_and(Value::is_string) {
        EventError::ContentType
    } else if !has_tags {
        EventError::TagsType
    } else {
        EventError::NotAnObject("a key occurs twice".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> UnsignedEvent {
        UnsignedEvent {
            pubkey: PublicKey([7; 32]),
            created_at: 1_700_000_000,
            kind: Kind(1),
            tags: vec![
                vec!["e".into(), "a\"b".into(), "wss://r".into()],
                vec![],
                vec!["t".into()],
                vec!["expiration".into(), "1".into()],
            ],
            content: "line\nbreak \u{1} é".into(),
        }
    }

    fn event() -> Event {
        let draft = draft();
        Event::from_parts(draft.id(), &draft, Signature([9; 64])).unwrap()
    }

    #[test]
    fn json_round_trips() {
        let json = event().to_json();
        assert!(json.starts_with("{\"id\":\""), "{json}");
        assert_eq!(Event::from_json(&json).unwrap(), event());
    }

    #[test]
    fn any_spelling_of_the_same_text_is_the_same_event() {
        let json = event()
            .to_json()
            .replace('é', "\\u00e9")
            .replace("wss://r", "wss:\\/\\/r");
        assert_eq!(Event::from_json(&json).unwrap(), event());
    }

    #[test]
    fn keys_may_come_in_any_order() {
        let json = event().to_json();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let part = |key: &str| format!("\"{key}\":{}", value[key]);
        let mut keys = [
            "id",
            "pubkey",
            "created_at",
            "kind",
            "tags",
            "content",
            "sig",
        ];
        for _ in 0..keys.len() {
            keys.rotate_left(1);
            for keys in [keys.to_vec(), keys.iter().rev().copied().collect()] {
                let parts: Vec<String> = keys.into_iter().map(part).collect();
                let text = format!("{{{}}}", parts.join(","));
                assert_eq!(Event::from_json(&text).unwrap(), event(), "{text}");
            }
        }
    }

    #[test]
    fn tags_decode_and_only_letters_with_values_are_indexed() {
        let event = event();
        assert_eq!(event.as_ref().tags()[0], ["e", "a\"b", "wss://r"]);
        assert_eq!(
            event.as_ref().indexed_tags(),
            [(b'e', Cow::Borrowed("a\"b"))]
        );
        assert_eq!(event.as_ref().first_tag("expiration").unwrap(), "1");
        assert_eq!(event.as_ref().content(), "line\nbreak \u{1} é");
    }

    #[test]
    fn refusals_name_the_first_failing_check() {
        let json = event().to_json();
        for (from, to, reason) in [
            ("\"kind\":1,", "\"kind\":65536,", "kind-range"),
            ("\"kind\":1,", "\"kind\":1.5,", "kind-range"),
            ("\"kind\":1,", "\"kind\":2,", "id-mismatch"),
            ("1700000000", "-1", "created_at-type"),
            ("1700000000", "1.7e9", "created_at-type"),
            ("[\"t\"]", "[1]", "tags-type"),
            ("[\"t\"]", "[null]", "tags-type"),
            ("\"content\":\"", "\"content\":1,\"x\":\"", "content-type"),
            ("\"kind\":1,", "\"kind\":1,\"kind\":1,", "not-an-object"),
            (" \\u0001", "\\ud800", "not-an-object"),
        ] {
            let text = json.replace(from, to);
            assert_ne!(text, json, "{from}");
            assert_eq!(
                Event::from_json(&text).unwrap_err().reason(),
                reason,
                "{text}"
            );
        }
    }
}
