//! One question and everything that came until it was answered, or until nobody waited any longer: what
//! the verdicts are read from.

use nips::Event;
use nips::event::EventError;

use crate::net::{ClosedPrefix, RelayMessage};

/// Words with which relays say that they do not know a message or a field, whatever else they say.
const PUZZLED: [&str; 11] = [
    "bad message",
    "bad msg",
    "command",
    "could not parse",
    "disabled",
    "not enabled",
    "not implemented",
    "not supported",
    "unknown",
    "unrecogni",
    "unsupported",
];

/// Words with which relays say that they were asked too much for now.
const HURRIED: [&str; 4] = ["rate", "slow down", "too fast", "too many requests"];

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// With the answer.
    Answered,
    /// Nobody waited any longer.
    Silence,
    /// The connection did.
    Disconnected,
    /// More came than is taken in.
    TooMuch,
    /// Nothing was asked, for this reason.
    NotAsked(&'static str),
}

/// What came.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    /// Messages as they came.
    pub replies: Vec<String>,
    /// How it ended.
    pub ended: Ended,
}

impl Exchange {
    /// Messages that can be read.
    pub(super) fn messages(&self) -> impl Iterator<Item = RelayMessage<'_>> {
        self.replies
            .iter()
            .filter_map(|text| RelayMessage::parse(text))
    }

    /// Whether the relay said that this was all.
    pub(super) fn has_eose(&self, id: &str) -> bool {
        let is_eose =
            |message| matches!(message, RelayMessage::Eose { sub, .. } if sub.as_ref() == id);
        self.messages().any(is_eose)
    }

    /// The events of a subscription, each if it is well formed and has the id that it says.
    pub(super) fn events(&self, id: &str) -> Vec<Result<Event, EventError>> {
        let event = |message| match message {
            RelayMessage::Event { sub, event } if sub == id => Some(Event::from_json(event)),
            _ => None,
        };
        self.messages().filter_map(event).collect()
    }

    /// The text with which a subscription was closed.
    pub(super) fn closed(&self, id: &str) -> Option<String> {
        self.messages().find_map(|message| match message {
            RelayMessage::Closed { sub, message } | RelayMessage::NegError { sub, message }
                if sub == id =>
            {
                Some(message)
            }
            _ => None,
        })
    }

    /// The first text for people.
    pub(super) fn notice(&self) -> Option<String> {
        self.messages().find_map(|message| match message {
            RelayMessage::Notice(text) => Some(text),
            _ => None,
        })
    }

    /// What the relay said instead of an answer, if it said something.
    pub(super) fn refusal(&self, id: &str) -> Option<String> {
        self.closed(id).or_else(|| self.notice())
    }

    /// What the relay said instead of an answer, where that means that it does not know the message.
    pub(super) fn puzzlement(&self, id: &str) -> Option<String> {
        self.refusal(id).filter(|text| is_puzzled(text))
    }

    /// What the relay said about a message that it does not take for what is in it, and not for who asks.
    pub(super) fn objection(&self, id: &str) -> Option<String> {
        if self.has_eose(id) || self.last_word().is_some() {
            return None;
        }
        self.refusal(id).filter(|text| !is_policy(text))
    }

    /// Why there is no answer, as a reason.
    pub(super) fn shortfall(&self, id: &str) -> String {
        match (self.ended, self.refusal(id)) {
            (Ended::NotAsked(reason), _) => reason.to_owned(),
            (_, Some(text)) => format!("it says: {text}"),
            (Ended::Disconnected, None) => "the connection ended".to_owned(),
            (Ended::TooMuch, None) => "the answer is too long".to_owned(),
            (Ended::Silence | Ended::Answered, None) => "no answer".to_owned(),
        }
    }

    /// Why nothing more should be asked.
    pub(super) fn last_word(&self) -> Option<&'static str> {
        match self.ended {
            Ended::Disconnected => return Some("the connection ended"),
            Ended::TooMuch => return Some("it sends more than is taken in"),
            _ => {}
        }
        self.messages().find_map(|message| match message {
            RelayMessage::Closed { message, .. } | RelayMessage::NegError { message, .. } => {
                match ClosedPrefix::of(&message) {
                    ClosedPrefix::RateLimited => Some("it asks for fewer requests"),
                    ClosedPrefix::AuthRequired => Some("it asks for authentication"),
                    _ => None,
                }
            }
            RelayMessage::Ok { message, .. }
                if ClosedPrefix::of(&message) == ClosedPrefix::RateLimited =>
            {
                Some("it asks for fewer requests")
            }
            RelayMessage::Notice(text) if is_hurried(&text) => Some("it asks for fewer requests"),
            _ => None,
        })
    }
}

fn is_puzzled(text: &str) -> bool {
    let text = text.to_lowercase();
    let is_known = is_policy(&text) || is_hurried(&text);
    !is_known && PUZZLED.iter().any(|word| text.contains(word))
}

/// A policy is no ignorance: whoever logs in, or asks less, may get an answer.
fn is_policy(text: &str) -> bool {
    matches!(
        ClosedPrefix::of(text),
        ClosedPrefix::AuthRequired
            | ClosedPrefix::Blocked
            | ClosedPrefix::RateLimited
            | ClosedPrefix::Restricted
    )
}

fn is_hurried(text: &str) -> bool {
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
    HURRIED.iter().any(|hurried| {
        // "rate" as a word, for "operate" and "generate" hold it too.
        words.contains(hurried) || (hurried.contains(' ') && text.contains(hurried))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What a relay said, which ended with the answer.
    pub(in crate::checks::audit) fn said(replies: &[&str]) -> Exchange {
        Exchange {
            replies: replies.iter().map(|text| (*text).to_owned()).collect(),
            ended: Ended::Answered,
        }
    }

    /// What a relay said, which was no answer.
    pub(in crate::checks::audit) fn mumbled(replies: &[&str]) -> Exchange {
        Exchange {
            ended: Ended::Silence,
            ..said(replies)
        }
    }

    #[test]
    fn ignorance_is_told_from_policy() {
        for text in [
            "ERROR: bad msg: unknown cmd",
            "could not parse command",
            "unsupported: COUNT is off",
            "bad msg: negentropy disabled",
            "error: Unrecognized message",
        ] {
            assert!(is_puzzled(text), "{text}");
        }
        for text in [
            "",
            "hello",
            "restricted: unknown key",
            "auth-required: unknown client",
            "rate-limited: too many commands",
            "slow down, unknown one",
            "error: shutting down",
        ] {
            assert!(!is_puzzled(text), "{text}");
        }
    }

    #[test]
    fn a_relay_that_has_had_enough_is_heard() {
        for (reply, word) in [
            (
                r#"["CLOSED","s","rate-limited: no"]"#,
                Some("it asks for fewer requests"),
            ),
            (
                r#"["NOTICE","rate limit exceeded"]"#,
                Some("it asks for fewer requests"),
            ),
            (
                r#"["CLOSED","s","auth-required: x"]"#,
                Some("it asks for authentication"),
            ),
            (r#"["NOTICE","could not generate"]"#, None),
            (r#"["EOSE","s"]"#, None),
        ] {
            assert_eq!(said(&[reply]).last_word(), word, "{reply}");
        }
    }
}
