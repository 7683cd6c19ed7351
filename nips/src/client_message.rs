//! What clients say to relays (NIP-01, 42, 45, 77), read as leniently as a helpful answer allows.

use std::borrow::Cow;
use std::fmt;

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{Filter, FilterError};

/// Longest subscription id (NIP-01), characters.
pub const MAX_SUBSCRIPTION_ID: usize = 64;

/// An id that is longer than this is not even repeated in the refusal, characters.
pub const MAX_REPEATED_ID: usize = 256;

/// A message of a client that can be acted on.
#[derive(Debug)]
pub enum ClientMessage<'a> {
    /// `["EVENT", {…}]`
    Event(ClientEvent<'a>),
    /// `["REQ", "<id>", {…}, …]`
    Req {
        /// 1–64 characters.
        subscription: String,
        /// At least one.
        filters: Vec<Filter>,
    },
    /// `["CLOSE", "<id>"]`
    Close(String),
    /// `["COUNT", "<id>", {…}, …]`
    Count {
        /// 1–64 characters.
        id: String,
        /// At least one.
        filters: Vec<Filter>,
    },
    /// `["AUTH", {…}]`
    Auth(ClientEvent<'a>),
    /// `["NEG-OPEN", "<id>", {…}, "<hex>"]`
    NegOpen {
        /// 1–64 characters.
        id: String,
        /// What the set is made of.
        filter: Filter,
        /// The first message, decoded.
        message: Vec<u8>,
    },
    /// `["NEG-MSG", "<id>", "<hex>"]`
    NegMessage {
        /// 1–64 characters.
        id: String,
        /// The message, decoded.
        message: Vec<u8>,
    },
    /// `["NEG-CLOSE", "<id>"]`
    NegClose(String),
}

/// A published event, of which so far only this much is known to be readable.
#[derive(Debug)]
pub struct ClientEvent<'a> {
    /// What the client calls the event; names it in the `OK`.
    pub id: Cow<'a, str>,
    /// As written; checked later.
    pub pubkey: Option<Cow<'a, str>>,
    /// As written; checked later.
    pub kind: Option<u64>,
    /// The event object.
    pub json: Cow<'a, str>,
}

/// Why a message cannot be acted on, and the message that says so to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// `["CLOSED", "<id>", "<text>"]`: a REQ or COUNT whose id can be read.
    Closed {
        /// At most [`MAX_REPEATED_ID`] characters.
        id: String,
        /// What is wrong, with NIP-01's prefix.
        text: String,
    },
    /// `["NEG-ERR", "<id>", "<text>"]`: a message of NIP-77 whose id can be read.
    NegError {
        /// At most [`MAX_REPEATED_ID`] characters.
        id: String,
        /// What is wrong, with NIP-01's prefix.
        text: String,
    },
    /// `["NOTICE", "<text>"]`: everything else.
    Notice(String),
}

impl<'a> ClientMessage<'a> {
    /// Reads one text message. An event in it is not looked at beyond what [`ClientEvent`] has.
    ///
    /// # Errors
    /// [`Refusal`]; of an event whose id can be read there is none.
    pub fn parse(text: &'a str) -> Result<Self, Refusal> {
        let Ok(parts) = serde_json::from_str::<Vec<&RawValue>>(text) else {
            return Err(notice("invalid: message is not a JSON array"));
        };
        let mut parts = parts.into_iter().map(RawValue::get);
        let verb = parts.next().and_then(text_of).unwrap_or_default();
        match verb.as_ref() {
            "EVENT" => parse_event(parts.next(), "EVENT").map(Self::Event),
            "REQ" => {
                let (subscription, filters) = parse_question(parts, "REQ")?;
                Ok(Self::Req {
                    subscription,
                    filters,
                })
            }
            "CLOSE" => closed_id(parts.next()).map(Self::Close),
            "COUNT" => {
                let (id, filters) = parse_question(parts, "COUNT")?;
                Ok(Self::Count { id, filters })
            }
            "NEG-OPEN" => parse_neg_open(parts),
            "NEG-MSG" => {
                let id = sync_id_of(parts.next(), "NEG-MSG")?;
                let message = parse_neg_message(&id, parts.next())?;
                Ok(Self::NegMessage { id, message })
            }
            "NEG-CLOSE" => sync_id_of(parts.next(), "NEG-CLOSE").map(Self::NegClose),
            "AUTH" => parse_event(parts.next(), "AUTH").map(Self::Auth),
            _ => Err(notice("unsupported: unknown message type")),
        }
    }

    /// The same, independent of the text it was read from.
    pub fn into_owned(self) -> ClientMessage<'static> {
        match self {
            Self::Event(event) => ClientMessage::Event(event.into_owned()),
            Self::Auth(event) => ClientMessage::Auth(event.into_owned()),
            Self::Req {
                subscription,
                filters,
            } => ClientMessage::Req {
                subscription,
                filters,
            },
            Self::Close(id) => ClientMessage::Close(id),
            Self::Count { id, filters } => ClientMessage::Count { id, filters },
            Self::NegOpen {
                id,
                filter,
                message,
            } => ClientMessage::NegOpen {
                id,
                filter,
                message,
            },
            Self::NegMessage { id, message } => ClientMessage::NegMessage { id, message },
            Self::NegClose(id) => ClientMessage::NegClose(id),
        }
    }
}

impl ClientEvent<'_> {
    /// The same, independent of the text it was read from.
    pub fn into_owned(self) -> ClientEvent<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        ClientEvent {
            id: owned(self.id),
            pubkey: self.pubkey.map(owned),
            kind: self.kind,
            json: owned(self.json),
        }
    }
}

fn parse_event<'a>(json: Option<&'a str>, verb: &str) -> Result<ClientEvent<'a>, Refusal> {
    let json = json.ok_or_else(|| notice(format!("invalid: {verb} without an event")))?;
    let readable = serde_json::from_str(json).unwrap_or_default();
    let Readable { id, pubkey, kind } = readable;
    match id.filter(|id| id.chars().count() <= MAX_REPEATED_ID) {
        Some(id) => Ok(ClientEvent {
            id,
            pubkey,
            kind,
            json: Cow::Borrowed(json),
        }),
        None => Err(notice(format!(
            "invalid: {verb} without a readable event id"
        ))),
    }
}

/// What can be read of an event that may be none: of each field the first that is of its type.
#[derive(Default)]
struct Readable<'a> {
    id: Option<Cow<'a, str>>,
    pubkey: Option<Cow<'a, str>>,
    kind: Option<u64>,
}

impl<'de> Deserialize<'de> for Readable<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadableVisitor)
    }
}

struct ReadableVisitor;

impl<'de> Visitor<'de> for ReadableVisitor {
    type Value = Readable<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut read = Readable::default();
        while let Some((Text(key), value)) = map.next_entry::<Text<'_>, &RawValue>()? {
            let value = value.get();
            match key.as_ref() {
                "id" => read.id = read.id.or_else(|| text_of(value)),
                "pubkey" => read.pubkey = read.pubkey.or_else(|| text_of(value)),
                "kind" => read.kind = read.kind.or_else(|| value.parse().ok()),
                _ => {}
            }
        }
        Ok(read)
    }
}

/// An id and the filters after it.
fn parse_question<'a>(
    mut parts: impl Iterator<Item = &'a str>,
    verb: &str,
) -> Result<(String, Vec<Filter>), Refusal> {
    let id = subscription_of(parts.next(), verb)?;
    let filters: Result<Vec<Filter>, FilterError> = parts.map(Filter::from_json).collect();
    match filters {
        Ok(filters) if filters.is_empty() => {
            let text = format!("invalid: {verb} without a filter");
            Err(closed(id, text))
        }
        Ok(filters) => Ok((id, filters)),
        Err(error) => Err(closed(id, reason(&error))),
    }
}

fn parse_neg_open<'a>(
    mut parts: impl Iterator<Item = &'a str>,
) -> Result<ClientMessage<'a>, Refusal> {
    let id = sync_id_of(parts.next(), "NEG-OPEN")?;
    let filter = match parse_neg_filter(parts.next().unwrap_or_default()) {
        Ok(filter) => filter,
        Err(why) => return Err(neg_error(&id, why)),
    };
    let message = parse_neg_message(&id, parts.next())?;
    Ok(ClientMessage::NegOpen {
        id,
        filter,
        message,
    })
}

/// The filter as the NIP has it, or in a list of its own as some clients do.
fn parse_neg_filter(json: &str) -> Result<Filter, String> {
    let filter = match serde_json::from_str::<Vec<&RawValue>>(json) {
        Ok(filters) => match filters.as_slice() {
            [filter] => filter.get(),
            _ => return Err("unsupported: a set has exactly one filter".to_owned()),
        },
        Err(_) => json,
    };
    Filter::from_json(filter).map_err(|error| reason(&error))
}

fn reason(error: &FilterError) -> String {
    match error {
        FilterError::Unknown(_) => format!("unsupported: {error}"),
        FilterError::NotAnObject | FilterError::Field { .. } => format!("invalid: {error}"),
    }
}

fn parse_neg_message(id: &str, json: Option<&str>) -> Result<Vec<u8>, Refusal> {
    let hex = json.and_then(text_of).unwrap_or_default();
    let message = HEXLOWER_PERMISSIVE.decode(hex.as_bytes());
    let message = message.ok().filter(|message| !message.is_empty());
    message.ok_or_else(|| neg_error(id, "invalid: message is not hex"))
}

/// Like [`subscription_of`], refused in words that end nothing: nobody waits for an answer to CLOSE.
fn closed_id(part: Option<&str>) -> Result<String, Refusal> {
    subscription_of(part, "CLOSE").map_err(|refusal| match refusal {
        Refusal::Closed { text, .. } => Refusal::Notice(text),
        other => other,
    })
}

/// Like [`subscription_of`], refused in the words of NIP-77.
fn sync_id_of(part: Option<&str>, verb: &str) -> Result<String, Refusal> {
    subscription_of(part, verb).map_err(|refusal| match refusal {
        Refusal::Closed { id, text } => Refusal::NegError { id, text },
        other => other,
    })
}

fn subscription_of(part: Option<&str>, verb: &str) -> Result<String, Refusal> {
    let id = part.and_then(text_of);
    let Some(id) = id.filter(|id| id.chars().count() <= MAX_REPEATED_ID) else {
        return Err(notice(format!(
            "invalid: {verb} without a readable subscription id"
        )));
    };
    if (1..=MAX_SUBSCRIPTION_ID).contains(&id.chars().count()) {
        return Ok(id.into_owned());
    }
    let text = format!("invalid: subscription id is not 1 to {MAX_SUBSCRIPTION_ID} characters");
    Err(closed(id, text))
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn text_of(json: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(json)
        .ok()
        .map(|text| text.0)
}

fn notice(text: impl Into<String>) -> Refusal {
    Refusal::Notice(text.into())
}

fn closed(id: impl Into<String>, text: String) -> Refusal {
    Refusal::Closed {
        id: id.into(),
        text,
    }
}

fn neg_error(id: &str, text: impl Into<String>) -> Refusal {
    Refusal::NegError {
        id: id.to_owned(),
        text: text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The refusal, as far as it is the client's business, e.g. `NOTICE invalid: …` or `CLOSED s invalid: …`.
    fn refusal(text: &str) -> String {
        match ClientMessage::parse(text).unwrap_err() {
            Refusal::Closed { id, text } => format!("CLOSED {id} {text}"),
            Refusal::NegError { id, text } => format!("NEG-ERR {id} {text}"),
            Refusal::Notice(text) => format!("NOTICE {text}"),
        }
    }

    #[test]
    fn each_refusal_names_what_could_be_read() {
        let long = "x".repeat(65);
        let long_req = format!(r#"["REQ","{long}",{{}}]"#);
        for (text, start) in [
            ("", "NOTICE invalid:"),
            ("{}", "NOTICE invalid:"),
            ("[]", "NOTICE unsupported:"),
            (r#"["WHAT"]"#, "NOTICE unsupported:"),
            (r#"["EVENT"]"#, "NOTICE invalid:"),
            (r#"["EVENT",{"id":7}]"#, "NOTICE invalid:"),
            (r#"["EVENT",["id"]]"#, "NOTICE invalid:"),
            (r#"["REQ",7,{}]"#, "NOTICE invalid:"),
            (r#"["REQ","",{}]"#, "CLOSED  invalid:"),
            (&long_req, "CLOSED xxxx"),
            (r#"["REQ","s"]"#, "CLOSED s invalid:"),
            (r#"["REQ","s",[]]"#, "CLOSED s invalid:"),
            (r#"["REQ","s",{"ids":["ab"]}]"#, "CLOSED s invalid:"),
            (r#"["REQ","s",{"&t":["a"]}]"#, "CLOSED s unsupported:"),
            (r#"["CLOSE",""]"#, "NOTICE invalid:"),
            (r#"["COUNT","s"]"#, "CLOSED s invalid:"),
            (r#"["COUNT",{}]"#, "NOTICE invalid:"),
            (r#"["NEG-OPEN"]"#, "NOTICE invalid:"),
            (r#"["NEG-OPEN","",{},"61"]"#, "NEG-ERR  invalid:"),
            (r#"["NEG-OPEN","s"]"#, "NEG-ERR s invalid:"),
            (r#"["NEG-OPEN","s",{},"6"]"#, "NEG-ERR s invalid:"),
            (r#"["NEG-OPEN","s",{},16,"61"]"#, "NEG-ERR s invalid:"),
            (r#"["NEG-OPEN","s",[{},{}],"61"]"#, "NEG-ERR s unsupported:"),
            (r#"["NEG-MSG","s",""]"#, "NEG-ERR s invalid:"),
            (r#"["AUTH","ab"]"#, "NOTICE invalid:"),
        ] {
            let refusal = refusal(text);
            assert!(refusal.starts_with(start), "{text} → {refusal}");
        }
    }

    #[test]
    fn an_event_needs_only_a_readable_id() {
        let text = r#"["EVENT",{"id":"ab","pubkey":1,"kind":-1}]"#;
        let Ok(ClientMessage::Event(event)) = ClientMessage::parse(text) else {
            panic!("the id can be read");
        };
        assert_eq!(
            (event.id.as_ref(), event.pubkey, event.kind),
            ("ab", None, None)
        );
        assert_eq!(event.json, r#"{"id":"ab","pubkey":1,"kind":-1}"#);
    }

    #[test]
    fn what_is_independent_of_its_text_says_the_same() {
        for text in [
            r#"["EVENT",{"id":"ab","pubkey":"cd","kind":1}]"#,
            r#"["AUTH",{"id":"ab"}]"#,
            r#"["REQ","s",{"kinds":[1]},{}]"#,
            r#"["CLOSE","s"]"#,
            r#"["COUNT","s",{"kinds":[1]}]"#,
            r#"["NEG-OPEN","s",{"kinds":[1]},"61"]"#,
            r#"["NEG-MSG","s","61"]"#,
            r#"["NEG-CLOSE","s"]"#,
        ] {
            let before = ClientMessage::parse(text).unwrap();
            let after = ClientMessage::parse(text).unwrap().into_owned();
            assert_eq!(format!("{after:?}"), format!("{before:?}"));
        }
    }

    #[test]
    fn of_a_field_that_comes_twice_the_first_is_read() {
        let text = r#"["EVENT",{"kind":"1","id":"ab","kind":1,"id":"cd","kind":2}]"#;
        let Ok(ClientMessage::Event(event)) = ClientMessage::parse(text) else {
            panic!("the id can be read");
        };
        assert_eq!((event.id.as_ref(), event.kind), ("ab", Some(1)));
    }

    #[test]
    fn subscription_ids_are_any_text() {
        let Ok(ClientMessage::Req { subscription, .. }) =
            ClientMessage::parse(r#"["REQ","\"é\n",{}]"#)
        else {
            panic!("a valid request");
        };
        assert_eq!(subscription, "\"é\n");
    }
}
