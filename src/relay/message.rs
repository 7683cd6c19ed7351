//! Client messages, read as leniently as a helpful answer allows.

use std::borrow::Cow;

use data_encoding::HEXLOWER_PERMISSIVE;
use nips::{Filter, FilterError};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::reply::Reply;
use super::syncing::SyncError;

/// Longest subscription id (NIP-01), characters.
pub(crate) const MAX_SUBSCRIPTION_ID: usize = 64;

/// A subscription id that is longer than this is not even repeated in the refusal, characters.
const MAX_REPEATED_ID: usize = 256;

/// A message of a client that can be acted on.
#[derive(Debug)]
pub(super) enum ClientMessage<'a> {
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
pub(super) struct ClientEvent<'a> {
    /// What the client calls the event; names it in the `OK`.
    pub(super) id: Cow<'a, str>,
    /// As written; checked later.
    pub(super) pubkey: Option<Cow<'a, str>>,
    /// As written; checked later.
    pub(super) kind: Option<u64>,
    /// The event object.
    pub(super) json: &'a str,
}

/// Reads one text message.
///
/// # Errors
/// What to answer: `OK` for an event whose id can be read, `CLOSED` for a request whose
/// subscription can be read, else `NOTICE`.
pub(super) fn parse(text: &str) -> Result<ClientMessage<'_>, Reply> {
    let Ok(parts) = serde_json::from_str::<Vec<&RawValue>>(text) else {
        return Err(Reply::notice("invalid: message is not a JSON array"));
    };
    let mut parts = parts.into_iter().map(RawValue::get);
    let verb = parts.next().and_then(text_of).unwrap_or_default();
    match verb.as_ref() {
        "EVENT" => parse_event(parts.next(), "EVENT").map(ClientMessage::Event),
        "REQ" => {
            let (subscription, filters) = parse_question(parts, "REQ")?;
            Ok(ClientMessage::Req {
                subscription,
                filters,
            })
        }
        "CLOSE" => subscription_of(parts.next(), "CLOSE").map(ClientMessage::Close),
        "COUNT" => {
            let (id, filters) = parse_question(parts, "COUNT")?;
            Ok(ClientMessage::Count { id, filters })
        }
        "NEG-OPEN" => parse_neg_open(parts),
        "NEG-MSG" => {
            let id = sync_id_of(parts.next(), "NEG-MSG")?;
            let message = parse_neg_message(&id, parts.next())?;
            Ok(ClientMessage::NegMessage { id, message })
        }
        "NEG-CLOSE" => sync_id_of(parts.next(), "NEG-CLOSE").map(ClientMessage::NegClose),
        "AUTH" => parse_event(parts.next(), "AUTH").map(ClientMessage::Auth),
        _ => Err(Reply::notice("unsupported: unknown message type")),
    }
}

fn parse_event<'a>(json: Option<&'a str>, verb: &str) -> Result<ClientEvent<'a>, Reply> {
    #[derive(Deserialize)]
    struct Readable<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
        #[serde(borrow, default, deserialize_with = "text_if_any")]
        pubkey: Option<Cow<'a, str>>,
        #[serde(default, deserialize_with = "integer_if_any")]
        kind: Option<u64>,
    }
    let json = json.ok_or_else(|| Reply::notice(format!("invalid: {verb} without an event")))?;
    match serde_json::from_str::<Readable<'_>>(json) {
        Ok(event) if event.id.chars().count() <= MAX_REPEATED_ID => Ok(ClientEvent {
            id: event.id,
            pubkey: event.pubkey,
            kind: event.kind,
            json,
        }),
        _ => Err(Reply::Notice(format!(
            "invalid: {verb} without a readable event id"
        ))),
    }
}

/// An id and the filters after it.
fn parse_question<'a>(
    mut parts: impl Iterator<Item = &'a str>,
    verb: &str,
) -> Result<(String, Vec<Filter>), Reply> {
    let id = subscription_of(parts.next(), verb)?;
    let filters: Result<Vec<Filter>, FilterError> = parts.map(Filter::from_json).collect();
    match filters {
        Ok(filters) if filters.is_empty() => {
            let text = format!("invalid: {verb} without a filter");
            Err(Reply::closed(id, text))
        }
        Ok(filters) => Ok((id, filters)),
        Err(error) => Err(Reply::closed(id, refusal(&error))),
    }
}

fn parse_neg_open<'a>(
    mut parts: impl Iterator<Item = &'a str>,
) -> Result<ClientMessage<'a>, Reply> {
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
    Filter::from_json(filter).map_err(|error| refusal(&error))
}

fn refusal(error: &FilterError) -> String {
    match error {
        FilterError::Unknown(_) => format!("unsupported: {error}"),
        FilterError::NotAnObject | FilterError::Field { .. } => format!("invalid: {error}"),
    }
}

fn parse_neg_message(id: &str, json: Option<&str>) -> Result<Vec<u8>, Reply> {
    let hex = json.and_then(text_of).unwrap_or_default();
    let message = HEXLOWER_PERMISSIVE.decode(hex.as_bytes());
    let message = message.ok().filter(|message| !message.is_empty());
    message.ok_or_else(|| neg_error(id, "invalid: message is not hex"))
}

fn neg_error(id: &str, text: impl Into<String>) -> Reply {
    Reply::neg_error(id, SyncError::Other(text.into()))
}

/// Like [`subscription_of`], refused in the words of NIP-77.
fn sync_id_of(part: Option<&str>, verb: &str) -> Result<String, Reply> {
    subscription_of(part, verb).map_err(|reply| match reply {
        Reply::Closed { subscription, text } => neg_error(&subscription, text),
        other => other,
    })
}

fn subscription_of(part: Option<&str>, verb: &str) -> Result<String, Reply> {
    let id = part.and_then(text_of);
    let Some(id) = id.filter(|id| id.chars().count() <= MAX_REPEATED_ID) else {
        return Err(Reply::Notice(format!(
            "invalid: {verb} without a readable subscription id"
        )));
    };
    if (1..=MAX_SUBSCRIPTION_ID).contains(&id.chars().count()) {
        return Ok(id.into_owned());
    }
    let text = format!("invalid: subscription id is not 1 to {MAX_SUBSCRIPTION_ID} characters");
    Err(Reply::closed(id, text))
}

fn text_of(json: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str::<Text<'_>>(json)
        .ok()
        .map(|text| text.0)
}

fn text_if_any<'de, D>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(text_of(raw.get()))
}

fn integer_if_any<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(raw.get().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::super::reply::event_frame_start;
    use super::*;

    fn refusal(text: &str) -> String {
        parse(text).unwrap_err().to_frame()
    }

    #[test]
    fn each_refusal_names_what_could_be_read() {
        let long = "x".repeat(65);
        let long_req = format!(r#"["REQ","{long}",{{}}]"#);
        for (text, start) in [
            ("", r#"["NOTICE","invalid:"#),
            ("{}", r#"["NOTICE","invalid:"#),
            ("[]", r#"["NOTICE","unsupported:"#),
            (r#"["WHAT"]"#, r#"["NOTICE","unsupported:"#),
            (r#"["EVENT"]"#, r#"["NOTICE","invalid:"#),
            (r#"["EVENT",{"id":7}]"#, r#"["NOTICE","invalid:"#),
            (r#"["REQ",7,{}]"#, r#"["NOTICE","invalid:"#),
            (r#"["REQ","",{}]"#, r#"["CLOSED","","invalid:"#),
            (&long_req, r#"["CLOSED","xxxx"#),
            (r#"["REQ","s"]"#, r#"["CLOSED","s","invalid:"#),
            (r#"["REQ","s",[]]"#, r#"["CLOSED","s","invalid:"#),
            (
                r#"["REQ","s",{"ids":["ab"]}]"#,
                r#"["CLOSED","s","invalid:"#,
            ),
            (
                r#"["REQ","s",{"&t":["a"]}]"#,
                r#"["CLOSED","s","unsupported:"#,
            ),
            (r#"["COUNT","s"]"#, r#"["CLOSED","s","invalid:"#),
            (r#"["COUNT",{}]"#, r#"["NOTICE","invalid:"#),
            (r#"["NEG-OPEN"]"#, r#"["NOTICE","invalid:"#),
            (r#"["NEG-OPEN","",{},"61"]"#, r#"["NEG-ERR","","invalid:"#),
            (r#"["NEG-OPEN","s"]"#, r#"["NEG-ERR","s","invalid:"#),
            (r#"["NEG-OPEN","s",{},"6"]"#, r#"["NEG-ERR","s","invalid:"#),
            (
                r#"["NEG-OPEN","s",{},16,"61"]"#,
                r#"["NEG-ERR","s","invalid:"#,
            ),
            (
                r#"["NEG-OPEN","s",[{},{}],"61"]"#,
                r#"["NEG-ERR","s","unsupported:"#,
            ),
            (r#"["NEG-MSG","s",""]"#, r#"["NEG-ERR","s","invalid:"#),
            (r#"["AUTH","ab"]"#, r#"["NOTICE","invalid:"#),
        ] {
            let frame = refusal(text);
            assert!(frame.starts_with(start), "{text} → {frame}");
        }
    }

    #[test]
    fn an_event_needs_only_a_readable_id() {
        let text = r#"["EVENT",{"id":"ab","pubkey":1,"kind":-1}]"#;
        let Ok(ClientMessage::Event(event)) = parse(text) else {
            panic!("the id can be read");
        };
        assert_eq!(
            (event.id.as_ref(), event.pubkey, event.kind),
            ("ab", None, None)
        );
        assert_eq!(event.json, r#"{"id":"ab","pubkey":1,"kind":-1}"#);
    }

    #[test]
    fn subscription_ids_are_any_text() {
        let Ok(ClientMessage::Req { subscription, .. }) = parse(r#"["REQ","\"é\n",{}]"#) else {
            panic!("a valid request");
        };
        assert_eq!(subscription, "\"é\n");
        assert_eq!(event_frame_start(&subscription), r#"["EVENT","\"é\n","#);
    }
}
