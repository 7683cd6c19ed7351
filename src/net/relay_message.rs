//! Messages from relays, parsed leniently where it is harmless and borrowed from the frame.

use std::borrow::Cow;
use std::fmt;

use nips::EventId;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::outcome::{MAX_TEXT_BYTES, Nip67Hint};

/// Stands for a message text that is no string, so that it is not taken for an empty one.
const UNREADABLE: &str = "unreadable message";

/// One relay → client message of NIP-01, NIP-42, NIP-45, NIP-67 and NIP-77.
#[derive(Debug)]
pub enum RelayMessage<'a> {
    /// `["EVENT", sub, event]`
    Event {
        /// The subscription.
        sub: Cow<'a, str>,
        /// An object, of which nothing more is known.
        event: &'a str,
    },
    /// `["EOSE", sub]`
    Eose {
        /// The subscription.
        sub: Cow<'a, str>,
        /// NIP-67's third element.
        hint: Option<Nip67Hint>,
    },
    /// `["CLOSED", sub, text]`
    Closed {
        /// The subscription.
        sub: Cow<'a, str>,
        /// The text, cleaned and cut.
        message: String,
    },
    /// `["OK", id, accepted, text]`
    Ok {
        /// The event.
        id: EventId,
        /// Whether it was taken.
        accepted: bool,
        /// The text, cleaned and cut.
        message: String,
    },
    /// `["NOTICE", text]`, cleaned and cut.
    Notice(String),
    /// `["AUTH", challenge]`
    Auth(Cow<'a, str>),
    /// `["COUNT", sub, {"count": …}]`
    Count {
        /// The query.
        sub: Cow<'a, str>,
        /// How many events match.
        count: u64,
        /// Whether the relay says that it only estimates.
        approximate: bool,
    },
    /// `["NEG-MSG", sub, hex]`
    NegMessage {
        /// The subscription.
        sub: Cow<'a, str>,
        /// The message of the algorithm.
        hex: Cow<'a, str>,
    },
    /// `["NEG-ERR", sub, text]`
    NegError {
        /// The subscription.
        sub: Cow<'a, str>,
        /// The text, cleaned and cut.
        message: String,
    },
}

impl<'a> RelayMessage<'a> {
    /// `None` for everything that is not one of these messages.
    pub fn parse(frame: &'a str) -> Option<Self> {
        serde_json::from_str(frame).ok()
    }
}

impl<'de> Deserialize<'de> for RelayMessage<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(MessageVisitor)
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Counted {
    count: u64,
    #[serde(default)]
    approximate: bool,
}

struct MessageVisitor;

impl<'de> Visitor<'de> for MessageVisitor {
    type Value = RelayMessage<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a relay message")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Text(label) = required(&mut items)?;
        let message = match label.as_ref() {
            "EVENT" => RelayMessage::Event {
                sub: required::<Text, A>(&mut items)?.0,
                event: object(&mut items)?,
            },
            "EOSE" => RelayMessage::Eose {
                sub: required::<Text, A>(&mut items)?.0,
                hint: items.next_element::<&RawValue>()?.and_then(hint_of),
            },
            "CLOSED" => RelayMessage::Closed {
                sub: required::<Text, A>(&mut items)?.0,
                message: lenient_text(items.next_element()?),
            },
            "OK" => RelayMessage::Ok {
                id: event_id(&mut items)?,
                accepted: required(&mut items)?,
                message: lenient_text(items.next_element()?),
            },
            "NOTICE" => RelayMessage::Notice(lenient_text(Some(required(&mut items)?))),
            "AUTH" => RelayMessage::Auth(required::<Text, A>(&mut items)?.0),
            "COUNT" => {
                let sub = required::<Text, A>(&mut items)?.0;
                let Counted { count, approximate } = required(&mut items)?;
                RelayMessage::Count {
                    sub,
                    count,
                    approximate,
                }
            }
            "NEG-MSG" => RelayMessage::NegMessage {
                sub: required::<Text, A>(&mut items)?.0,
                hex: required::<Text, A>(&mut items)?.0,
            },
            "NEG-ERR" => RelayMessage::NegError {
                sub: required::<Text, A>(&mut items)?.0,
                message: lenient_text(items.next_element()?),
            },
            _ => return Err(de::Error::custom("no relay message")),
        };
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(message)
    }
}

fn required<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(items: &mut A) -> Result<T, A::Error> {
    let item = items.next_element()?;
    item.ok_or_else(|| de::Error::custom("message too short"))
}

fn object<'de, A: SeqAccess<'de>>(items: &mut A) -> Result<&'de str, A::Error> {
    let raw: &RawValue = required(items)?;
    let text = raw.get();
    if !text.starts_with('{') {
        return Err(de::Error::custom("event is not an object"));
    }
    Ok(text)
}

fn event_id<'de, A: SeqAccess<'de>>(items: &mut A) -> Result<EventId, A::Error> {
    let Text(hex) = required(items)?;
    EventId::from_hex(&hex).map_err(de::Error::custom)
}

fn hint_of(raw: &RawValue) -> Option<Nip67Hint> {
    let words: Vec<Text<'_>> = serde_json::from_str(raw.get()).ok()?;
    words
        .iter()
        .find_map(|Text(word)| Nip67Hint::from_word(word))
}

fn lenient_text(raw: Option<&RawValue>) -> String {
    let Some(raw) = raw else {
        return String::new();
    };
    match serde_json::from_str::<Text<'_>>(raw.get()) {
        Ok(Text(text)) => clean_text(&text),
        Err(_) => UNREADABLE.to_owned(),
    }
}

/// A relay's text made fit for rows and log lines: no control characters, bounded.
fn clean_text(text: &str) -> String {
    let mut clean = String::new();
    for char in text.trim().chars() {
        if clean.len() + char.len_utf8() > MAX_TEXT_BYTES {
            break;
        }
        clean.push(if char.is_control() { ' ' } else { char });
    }
    clean
}

/// The `id` of an event object, unchecked against its content.
pub(super) fn claimed_id(event: &str) -> Option<EventId> {
    #[derive(Deserialize)]
    struct Claim<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
    }
    let claim: Claim<'_> = serde_json::from_str(event).ok()?;
    EventId::from_hex(&claim.id).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_message_of_the_protocol() {
        let id = "ab".repeat(32);
        let parse = |frame: &str| format!("{:?}", RelayMessage::parse(frame));
        let event = parse(r#" ["EVENT" , "s\u0031", {"id": 1} , 7] "#);
        assert!(
            event.contains(r#"Event { sub: "s1", event: "{\"id\": 1}" }"#),
            "{event}"
        );
        assert!(parse(r#"["EOSE","s"]"#).contains("hint: None"));
        assert!(parse(r#"["EOSE","s",["x","finish"]]"#).contains("Some(Finish)"));
        assert!(parse(r#"["EOSE","s",["more"]]"#).contains("Some(More)"));
        assert!(parse(r#"["EOSE","s","more"]"#).contains("hint: None"));
        assert!(parse(r#"["CLOSED","s"]"#).contains(r#"message: """#));
        assert!(parse(r#"["CLOSED","s",null]"#).contains(UNREADABLE));
        assert!(parse(r#"["CLOSED","s","\ud800"]"#).contains(UNREADABLE));
        assert!(parse(&format!(r#"["OK","{id}",true]"#)).contains("accepted: true"));
        assert!(parse(r#"["NOTICE","a\u0000b\n"]"#).contains(r#"Notice("a b")"#));
        assert!(parse(r#"["AUTH","challenge"]"#).contains("challenge"));
        let count = parse(r#"["COUNT","s",{"count":7,"hll":"00"}]"#);
        assert!(count.contains("count: 7, approximate: false"), "{count}");
        assert!(parse(r#"["NEG-MSG","s","61"]"#).contains(r#"hex: "61""#));
        assert!(parse(r#"["NEG-ERR","s","blocked: too big",5]"#).contains("blocked: too big"));
    }

    #[test]
    fn anything_else_is_none() {
        for frame in [
            "",
            "hello",
            "null",
            "{}",
            "[]",
            r#"["REQ","s",{}]"#,
            r#"["EVENT","s"]"#,
            r#"["EVENT","s","{}"]"#,
            r#"["EVENT",{"id":"x"}]"#,
            r#"["EOSE"]"#,
            r#"["EOSE",1]"#,
            r#"["EOSE","s"] x"#,
            r#"["OK","s",true,""]"#,
            r#"["NOTICE"]"#,
            r#"["AUTH",{}]"#,
            r#"["COUNT","s",{}]"#,
            r#"["COUNT","s",7]"#,
            r#"["COUNT","s",{"count":-1}]"#,
            r#"["NEG-MSG","s"]"#,
            r#"["NEG-MSG","s",61]"#,
        ] {
            assert!(RelayMessage::parse(frame).is_none(), "{frame}");
        }
    }

    #[test]
    fn deep_nesting_is_harmless() {
        let deep = format!(r#"["EVENT","s",{{"a":{}}}]"#, "[".repeat(500_000));
        assert!(RelayMessage::parse(&deep).is_none());
        let ignored = format!(
            r#"["EOSE","s",1,{}{}]"#,
            "[".repeat(500_000),
            "]".repeat(500_000)
        );
        assert!(RelayMessage::parse(&ignored).is_some());
    }

    #[test]
    fn texts_are_cut_at_a_character() {
        let clean = clean_text(&"é".repeat(MAX_TEXT_BYTES));
        assert_eq!(clean.len(), MAX_TEXT_BYTES);
    }

    proptest! {
        #[test]
        fn no_input_panics(frame in r#"\[?"?(EVENT|EOSE|OK|CLOSED|NOTICE|AUTH)?.*"#) {
            let _ = RelayMessage::parse(&frame);
        }

        #[test]
        fn an_event_is_passed_on_verbatim(sub in "\\PC{0,64}", content in "\\PC{0,200}") {
            let event = serde_json::json!({"content": content}).to_string();
            let frame = format!(r#"["EVENT",{},{event}]"#, serde_json::json!(sub));
            match RelayMessage::parse(&frame) {
                Some(RelayMessage::Event { sub: s, event: e }) => {
                    prop_assert_eq!(s.as_ref(), sub.as_str());
                    prop_assert_eq!(e, event);
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
