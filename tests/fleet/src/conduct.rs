//! Whether a member does what documents claim: counting, searching, limits, deletion and the like.

use nips::nip40::Expiration;
use nips::nip70::is_protected;
use nips::{Event, Kind};

use crate::behaviour::Syncing;

/// What a member does about claims. In everything else it is honest.
///
/// ```
/// use fleet::{Conduct, Counting};
///
/// // All that it should, but for COUNT.
/// let liar = Conduct { counting: Counting::Puzzled, ..Conduct::exemplary() };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conduct {
    /// What becomes of COUNT (NIP-45).
    pub counting: Counting,
    /// What becomes of `search` in filters (NIP-50).
    pub searching: Searching,
    /// How sets are compared (NIP-77); `None` for not at all.
    pub syncing: Option<Syncing>,
    /// Events sent for one filter at most.
    pub cap: usize,
    /// Open subscriptions at most; `None` for any number, as for the others.
    pub max_subscriptions: Option<usize>,
    /// Filters of one REQ.
    pub max_filters: Option<usize>,
    /// Characters of a subscription id.
    pub max_subid_length: Option<usize>,
    /// Bytes of a message; the connection ends at a longer one.
    pub max_message_length: Option<usize>,
    /// The latest `created_at` that is taken.
    pub latest: Option<u64>,
    /// Whether deleted and expired events are hidden (NIP-09, NIP-40) and protected ones refused (NIP-70).
    /// What counts as expired is what was when it was written.
    pub keeps_rules: bool,
}

/// What becomes of COUNT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// The number of events that match.
    Rightly,
    /// This number.
    Always(u64),
    /// A NOTICE, as relays have it that know no such message.
    Puzzled,
    /// CLOSED `unsupported:`.
    Refused,
    /// No answer.
    Mute,
}

/// What becomes of `search`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Searching {
    /// Only events whose content has it.
    Honest,
    /// It is passed over.
    Ignored,
    /// It finds nothing, ever.
    Blind,
}

impl Conduct {
    /// A member that does everything that can be claimed.
    pub fn exemplary() -> Self {
        Self {
            counting: Counting::Rightly,
            searching: Searching::Honest,
            syncing: Some(Syncing::Honest { max_events: 10_000 }),
            cap: 20,
            max_subscriptions: Some(4),
            max_filters: Some(3),
            max_subid_length: Some(64),
            max_message_length: Some(8 << 10),
            latest: None,
            keeps_rules: true,
        }
    }

    /// A member that does nothing beyond NIP-01 and enforces nothing.
    pub fn careless() -> Self {
        Self {
            counting: Counting::Refused,
            searching: Searching::Ignored,
            syncing: None,
            cap: 500,
            max_subscriptions: None,
            max_filters: None,
            max_subid_length: None,
            max_message_length: None,
            latest: None,
            keeps_rules: false,
        }
    }

    /// Why a REQ is refused that has this id, so many filters, and so many subscriptions beside it.
    pub(crate) fn refusal(&self, id: &str, filters: usize, open: usize) -> Option<&'static str> {
        let passes = |limit: Option<usize>, number| limit.is_some_and(|limit| number > limit);
        if passes(self.max_subid_length, id.chars().count()) {
            return Some("invalid: subscription id is too long");
        }
        if passes(self.max_filters, filters) {
            return Some("invalid: too many filters");
        }
        passes(self.max_subscriptions, open + 1).then_some("error: too many subscriptions")
    }

    /// Why an event is refused.
    pub(crate) fn refuses(&self, event: &Event) -> Option<&'static str> {
        if self
            .latest
            .is_some_and(|latest| event.created_at() > latest)
        {
            return Some("invalid: created_at is too far in the future");
        }
        let is_refused = self.keeps_rules && is_protected(&event.as_ref().tags());
        is_refused.then_some("auth-required: this event is protected")
    }

    /// Whether an event is hidden, given the deletions that there are.
    pub(crate) fn hides<'a>(
        &self,
        event: &Event,
        deletions: impl IntoIterator<Item = &'a Event>,
    ) -> bool {
        let is_deleted = |deletion: &Event| {
            let tags = deletion.as_ref().tags();
            let mut targets = tags.iter().filter(|tag| tag[0] == "e");
            let id = event.id().to_hex();
            deletion.pubkey() == event.pubkey()
                && targets.any(|tag| tag.get(1) == Some(&id.as_str().into()))
        };
        let was_expired = Expiration::of(&event.as_ref().tags()).is_past(event.created_at());
        self.keeps_rules
            && event.kind() != Kind::DELETION
            && (was_expired || deletions.into_iter().any(is_deleted))
    }
}
