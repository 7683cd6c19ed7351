//! How a subscription or a publication ended, never to be confused with another ending.

use std::fmt;

use tokio::time::Instant;

pub use nips::nip67::Nip67Hint;

/// The JSON text of an event object exactly as the relay sent it; nothing in it has been checked.
pub type RawEvent = Box<str>;

/// How a subscription ended. Only [`Outcome::Eose`] says that everything stored was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The relay sent EOSE for our subscription.
    Eose,
    /// The relay sent CLOSED for our subscription.
    Closed {
        /// The machine-readable part of the message.
        prefix: ClosedPrefix,
        /// The message, cleaned and cut to [`MAX_TEXT_BYTES`].
        message: String,
    },
    /// The relay wants NIP-42, and we may not, could not, or did and it was not enough.
    AuthRequired {
        /// The relay's message, cleaned and cut.
        message: String,
    },
    /// The deadline passed first, or passed while the consumer of the events was not keeping up.
    TimedOut,
    /// The connection ended first.
    Disconnected,
    /// What came was not Nostr: broken frames, or nothing but unintelligible messages.
    Garbage,
    /// A limit of ours was reached first.
    BudgetExceeded {
        /// Which one.
        budget: Budget,
    },
}

impl Outcome {
    /// Stable label, e.g. `timed_out`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Eose => "eose",
            Self::Closed { .. } => "closed",
            Self::AuthRequired { .. } => "auth_required",
            Self::TimedOut => "timed_out",
            Self::Disconnected => "disconnected",
            Self::Garbage => "garbage",
            Self::BudgetExceeded { .. } => "budget_exceeded",
        }
    }

    /// Whether what is asked next should be asked on a new connection.
    pub fn is_end_of_session(&self) -> bool {
        matches!(
            self,
            Self::Disconnected
                | Self::Garbage
                | Self::BudgetExceeded {
                    budget: Budget::Frame | Budget::SessionBytes
                }
        )
    }
}

/// The limits that can end a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Budget {
    /// One message was larger than `max_frame_bytes`.
    Frame,
    /// The request's `max_bytes`.
    Bytes,
    /// The request's `max_events`; the one event too many was not delivered.
    Events,
    /// The session's `max_total_bytes`.
    SessionBytes,
    /// The receiver of the events is gone.
    Consumer,
}

/// Largest text of a relay that is kept, in bytes. It is for people, and for rows and log lines.
pub const MAX_TEXT_BYTES: usize = 512;

/// The machine-readable prefix of a CLOSED or OK message (NIP-01, NIP-42, NIP-43).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClosedPrefix {
    /// `auth-required`
    AuthRequired,
    /// `blocked`
    Blocked,
    /// `duplicate`
    Duplicate,
    /// `error`
    Error,
    /// `info`
    Info,
    /// `invalid`
    Invalid,
    /// `mute`
    Mute,
    /// `pow`
    Pow,
    /// `rate-limited`
    RateLimited,
    /// `restricted`
    Restricted,
    /// `unsupported`
    Unsupported,
    /// Another prefix, or none.
    Other,
}

impl ClosedPrefix {
    const NAMED: [Self; 11] = [
        Self::AuthRequired,
        Self::Blocked,
        Self::Duplicate,
        Self::Error,
        Self::Info,
        Self::Invalid,
        Self::Mute,
        Self::Pow,
        Self::RateLimited,
        Self::Restricted,
        Self::Unsupported,
    ];

    /// The prefix of a message: what stands before the first colon, in any case.
    pub fn of(message: &str) -> Self {
        let Some((prefix, _)) = message.split_once(':') else {
            return Self::Other;
        };
        let is_named = |named: &Self| named.as_str().eq_ignore_ascii_case(prefix.trim());
        Self::NAMED
            .into_iter()
            .find(is_named)
            .unwrap_or(Self::Other)
    }

    /// The prefix as NIP-01 spells it; `other` for the rest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthRequired => "auth-required",
            Self::Blocked => "blocked",
            Self::Duplicate => "duplicate",
            Self::Error => "error",
            Self::Info => "info",
            Self::Invalid => "invalid",
            Self::Mute => "mute",
            Self::Pow => "pow",
            Self::RateLimited => "rate-limited",
            Self::Restricted => "restricted",
            Self::Unsupported => "unsupported",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for ClosedPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far a relay has shown that it speaks Nostr, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Answer {
    /// Not at all.
    #[default]
    Nothing,
    /// A NOTICE, which is no answer to anything.
    Notice,
    /// A NIP-42 challenge: a relay, but one that has not answered us.
    Challenge,
    /// EVENT, EOSE or CLOSED for our own subscription, or OK for our own event.
    Subscription,
}

/// What became of one request.
#[derive(Debug, Clone)]
pub struct RequestReport {
    /// How it ended.
    pub outcome: Outcome,
    /// The strongest proof of Nostr so far on this session, this request included.
    pub answer: Answer,
    /// Events delivered.
    pub events: usize,
    /// Bytes received meanwhile, of every kind of frame.
    pub bytes: u64,
    /// Messages that were not Nostr, or were for subscriptions that are not ours.
    pub garbage: usize,
    /// When REQ was sent.
    pub started_at: Instant,
    /// When the first event of ours arrived.
    pub first_event_at: Option<Instant>,
    /// When the outcome was known.
    pub finished_at: Instant,
    /// NIP-67's third element of EOSE.
    pub hint: Option<Nip67Hint>,
    /// The first few NOTICEs, cleaned and cut to [`MAX_TEXT_BYTES`].
    pub notices: Vec<String>,
    /// Whether every filter asked by `ids` alone and an event came under each of those ids.
    pub has_all_ids: bool,
}

impl RequestReport {
    /// Whether nothing stored is missing: EOSE, or the empty CLOSED with which some relays end a
    /// lookup of ids of which they sent every one.
    pub fn is_complete(&self) -> bool {
        match &self.outcome {
            Outcome::Eose => true,
            Outcome::Closed { message, .. } => message.is_empty() && self.has_all_ids,
            _ => false,
        }
    }
}

/// What became of an event that was sent to a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishOutcome {
    /// The relay sent OK for this event.
    Answered {
        /// Whether it took the event; a duplicate is taken.
        accepted: bool,
        /// The machine-readable part of the message.
        prefix: ClosedPrefix,
        /// The message, cleaned and cut to [`MAX_TEXT_BYTES`].
        message: String,
    },
    /// The relay wants NIP-42, and we may not, could not, or did and it was not enough.
    AuthRequired {
        /// The relay's message, cleaned and cut.
        message: String,
    },
    /// The deadline passed first.
    TimedOut,
    /// The connection ended first.
    Disconnected,
    /// The relay broke the WebSocket protocol, or sent too much that is not Nostr.
    Garbage,
    /// A limit of ours was reached first.
    BudgetExceeded {
        /// Which one.
        budget: Budget,
    },
}

impl PublishOutcome {
    /// Whether the relay said that it has the event.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Answered { accepted: true, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_in_any_case() {
        for (message, prefix) in [
            (
                "auth-required: we only serve members",
                ClosedPrefix::AuthRequired,
            ),
            ("Rate-Limited: slow down", ClosedPrefix::RateLimited),
            ("ERROR: too many concurrent REQs", ClosedPrefix::Error),
            ("blocked:", ClosedPrefix::Blocked),
            ("blocked", ClosedPrefix::Other),
            ("https://pay.example: pay", ClosedPrefix::Other),
            ("", ClosedPrefix::Other),
        ] {
            assert_eq!(ClosedPrefix::of(message), prefix, "{message}");
        }
    }
}
