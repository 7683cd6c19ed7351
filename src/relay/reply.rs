//! Messages of the relay as text.

use data_encoding::HEXLOWER;
use nips::client_message::Refusal;
use serde_json::{Value, json};

use super::counting::Counted;
use super::syncing::SyncError;

/// How refusals begin that authentication may turn (NIP-42).
const AUTH_REQUIRED: &str = "auth-required:";

/// A message of the relay that is not an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// `["OK", "<id>", <is_accepted>, "<text>"]`
    Ok {
        id: String,
        is_accepted: bool,
        text: String,
    },
    /// `["EOSE", "<id>"]`, with NIP-67's hint `["finish"]` or `["more"]` when it is known.
    Eose {
        subscription: String,
        hint: Option<&'static str>,
    },
    /// `["CLOSED", "<id>", "<text>"]`
    Closed { subscription: String, text: String },
    /// `["COUNT", "<id>", {"count": <number>, …}]`
    Count { id: String, counted: Counted },
    /// `["AUTH", "<challenge>"]`
    Auth(String),
    /// `["NEG-MSG", "<id>", "<hex>"]`
    NegMessage { id: String, message: Vec<u8> },
    /// `["NEG-ERR", "<id>", "<text>"]`, with the most events that a set may have where that is why.
    NegError {
        id: String,
        text: String,
        max_events: Option<usize>,
    },
    /// `["NOTICE", "<text>"]`
    Notice(String),
}

impl Reply {
    /// The refusal of a subscription.
    pub(super) fn closed(subscription: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Closed {
            subscription: subscription.into(),
            text: text.into(),
        }
    }

    /// That an event was taken.
    pub(super) fn accepted(id: impl Into<String>) -> Self {
        Self::Ok {
            id: id.into(),
            is_accepted: true,
            text: String::new(),
        }
    }

    /// The refusal of an event.
    pub(super) fn refused(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Ok {
            id: id.into(),
            is_accepted: false,
            text: text.into(),
        }
    }

    /// The end of a sync session.
    pub(super) fn neg_error(id: impl Into<String>, error: SyncError) -> Self {
        let (text, max_events) = match error {
            SyncError::TooMany(max) => {
                let text = format!("blocked: too many query results, more than {max}");
                (text, Some(max))
            }
            SyncError::Other(text) => (text, None),
        };
        Self::NegError {
            id: id.into(),
            text,
            max_events,
        }
    }

    /// Whether the client is asked to say who it is: it needs the challenge before this.
    pub(super) fn asks_for_authentication(&self) -> bool {
        match self {
            Self::Ok { text, .. } | Self::Closed { text, .. } | Self::NegError { text, .. } => {
                text.starts_with(AUTH_REQUIRED)
            }
            _ => false,
        }
    }

    /// Whether the client could have known better: it sent nonsense, or more than it may.
    pub(super) fn blames_client(&self) -> bool {
        let text = match self {
            Self::Ok {
                is_accepted: false,
                text,
                ..
            }
            | Self::Closed { text, .. }
            | Self::NegError { text, .. }
            | Self::Notice(text) => text,
            _ => return false,
        };
        text.starts_with("invalid:") || text.starts_with("rate-limited:")
    }

    /// The frame.
    pub(super) fn to_frame(&self) -> String {
        let frame = match self {
            Self::Ok {
                id,
                is_accepted,
                text,
            } => json!(["OK", id, is_accepted, text]),
            Self::Eose {
                subscription,
                hint: Some(hint),
            } => json!(["EOSE", subscription, [hint]]),
            Self::Eose {
                subscription,
                hint: None,
            } => json!(["EOSE", subscription]),
            Self::Closed { subscription, text } => json!(["CLOSED", subscription, text]),
            Self::Count { id, counted } => json!(["COUNT", id, count_object(counted)]),
            Self::Auth(challenge) => json!(["AUTH", challenge]),
            Self::NegMessage { id, message } => json!(["NEG-MSG", id, HEXLOWER.encode(message)]),
            Self::NegError {
                id,
                text,
                max_events: Some(max),
            } => json!(["NEG-ERR", id, text, max]),
            Self::NegError {
                id,
                text,
                max_events: None,
            } => json!(["NEG-ERR", id, text]),
            Self::Notice(text) => json!(["NOTICE", text]),
        };
        frame.to_string()
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed { id, text } => Self::closed(id, text),
            Refusal::NegError { id, text } => Self::neg_error(id, SyncError::Other(text)),
            Refusal::Notice(text) => Self::Notice(text),
        }
    }
}

fn count_object(counted: &Counted) -> Value {
    let mut object = json!({"count": counted.events});
    if counted.is_approximate {
        object["approximate"] = true.into();
    }
    if let Some(authors) = &counted.authors {
        object["hll"] = authors.to_hex().into();
    }
    object
}

/// The beginning of the event frames of a subscription: `["EVENT","<id>",`.
pub(super) fn event_frame_start(subscription: &str) -> String {
    let id = Value::from(subscription);
    format!("[\"EVENT\",{id},")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_of_stored_events_carries_the_hint() {
        let eose = |hint| Reply::Eose {
            subscription: "s".to_owned(),
            hint,
        };
        assert_eq!(eose(None).to_frame(), r#"["EOSE","s"]"#);
        assert_eq!(eose(Some("more")).to_frame(), r#"["EOSE","s",["more"]]"#);
    }

    #[test]
    fn ids_are_repeated_as_they_were_written() {
        let start = event_frame_start("\"é\n");
        assert_eq!(start, r#"["EVENT","\"é\n","#);
        let id = "\"é\n".to_owned();
        let text = "invalid: x".to_owned();
        let refused = Reply::from(Refusal::NegError { id, text });
        assert_eq!(refused.to_frame(), r#"["NEG-ERR","\"é\n","invalid: x"]"#);
    }

    #[test]
    fn counts_say_what_is_known_about_them() {
        let count = |is_approximate| Reply::Count {
            id: "q".to_owned(),
            counted: Counted {
                events: 7,
                is_approximate,
                authors: None,
            },
        };
        assert_eq!(count(false).to_frame(), r#"["COUNT","q",{"count":7}]"#);
        let approximate = r#"["COUNT","q",{"approximate":true,"count":7}]"#;
        assert_eq!(count(true).to_frame(), approximate);
    }

    #[test]
    fn refusals_tell_whether_a_challenge_has_to_come_first() {
        assert!(Reply::closed("s", "auth-required: x").asks_for_authentication());
        assert!(!Reply::closed("s", "restricted: x").asks_for_authentication());
        assert!(!Reply::Notice("auth-required: x".to_owned()).asks_for_authentication());
    }
}
