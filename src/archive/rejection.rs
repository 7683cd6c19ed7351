//! Why an event is refused at the door, for metrics and for the client who sent it.

use nips::EventError;

use crate::store::events::Refusal;

/// Why an event was not admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The text is longer than this many bytes.
    TooLarge(usize),
    /// It is no NIP-01 event.
    Malformed(EventError),
    /// It has more tags than this.
    TooManyTags(usize),
    /// The signature is not the author's.
    Signature,
    /// Authentication events (kind 22242) are for one connection only (NIP-42).
    ClientAuth,
    /// A client's event is dated more than this many seconds ahead.
    CreatedAtAhead(u64),
    /// A client's event has less proof of work than this, or did not aim at so much (NIP-13).
    Difficulty(u16),
    /// A client's event has already expired (NIP-40).
    Expired,
    /// A client's event has an `expiration` that is no number of seconds (NIP-40).
    ExpirationFormat,
    /// A protected event that somebody else than its authenticated author brought (NIP-70).
    Protected,
    /// A client's repost embeds a protected event (NIP-70).
    EmbedsProtected,
    /// The store has a reason of its own.
    Store(Refusal),
    /// The store failed on exactly this event, whatever batch it came in.
    Unstorable,
}

impl Rejection {
    /// The stable label for metrics and logs, e.g. `id-mismatch`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "too-large",
            Self::Malformed(error) => error.reason(),
            Self::TooManyTags(_) => "too-many-tags",
            Self::Signature => "sig-invalid",
            Self::ClientAuth => "client-auth",
            Self::CreatedAtAhead(_) => "created_at-ahead",
            Self::Difficulty(_) => "difficulty",
            Self::Expired => "expired",
            Self::ExpirationFormat => "expiration-format",
            Self::Protected => "protected",
            Self::EmbedsProtected => "embeds-protected",
            Self::Store(refusal) => refusal.reason(),
            Self::Unstorable => "unstorable",
        }
    }

    /// The text of a NIP-01 `OK`: a machine-readable prefix, a colon, a sentence for a person.
    pub fn message(&self) -> String {
        match self {
            Self::TooLarge(max) => format!("invalid: event is longer than {max} bytes"),
            Self::Malformed(error) => format!("invalid: {error}"),
            Self::TooManyTags(max) => format!("invalid: event has more than {max} tags"),
            Self::Signature => "invalid: signature does not match the event".to_owned(),
            Self::ClientAuth => "invalid: authentication events are not published".to_owned(),
            Self::CreatedAtAhead(max) => {
                format!("invalid: created_at is more than {max} seconds in the future")
            }
            Self::Difficulty(wanted) => {
                format!("pow: difficulty {wanted} is needed, and committed to")
            }
            Self::Expired => "invalid: event has expired".to_owned(),
            Self::ExpirationFormat => {
                "invalid: expiration is not a number of unix seconds".to_owned()
            }
            Self::Protected => "blocked: only its author may publish a protected event".to_owned(),
            Self::EmbedsProtected => "blocked: reposts a protected event".to_owned(),
            Self::Store(refusal) => refusal_message(*refusal).to_owned(),
            Self::Unstorable => "error: event could not be stored".to_owned(),
        }
    }
}

fn refusal_message(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Ephemeral => "invalid: ephemeral events are not stored",
        Refusal::Vanished => "blocked: author requested to vanish",
        Refusal::Deleted => "blocked: author requested deletion",
        Refusal::CreatedAtRange => "invalid: created_at is out of range",
        Refusal::KeySpaceFull => "error: too many events of that second",
    }
}
