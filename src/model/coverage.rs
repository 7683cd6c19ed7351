//! What part of a relay's time line has been archived, how, and what is missing and why.

/// How an interval was covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Backward paging, each page ended by EOSE.
    Paging,
    /// A finished NIP-77 reconciliation.
    Negentropy,
    /// A standing subscription.
    Live,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 3] = [Self::Paging, Self::Negentropy, Self::Live];

    /// The name in SQL and metrics, e.g. `paging`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paging => "paging",
            Self::Negentropy => "negentropy",
            Self::Live => "live",
        }
    }

    /// The method of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}

/// A range of `created_at`, both ends inclusive, of which every event the relay offers is archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// First covered second.
    pub from: u64,
    /// Last covered second.
    pub until: u64,
    /// How it was covered.
    pub method: Method,
    /// When it was covered, unix seconds; of merged intervals the older moment.
    pub covered_at: u64,
    /// Events the relay offered inside it.
    pub events: u64,
}

/// Why a range could not be covered. Each is a stable label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapReason {
    /// The relay did not answer in time.
    TimedOut,
    /// The connection broke.
    Disconnected,
    /// CLOSED `rate-limited:`.
    RateLimited,
    /// CLOSED `auth-required:` and no key is configured for the relay.
    AuthRequired,
    /// CLOSED `restricted:`.
    Restricted,
    /// CLOSED `blocked:`.
    Blocked,
    /// CLOSED for another reason.
    Closed,
    /// More events in one second than the relay hands out.
    OverfullSecond,
    /// The relay ignores `since` and `until`.
    Unbounded,
    /// A byte or event budget was used up.
    BudgetExceeded,
    /// What arrived was not Nostr.
    Garbage,
    /// An event of this second is larger than the archive takes.
    TooLarge,
    /// The store failed on exactly an event of this second.
    Unstorable,
}

impl GapReason {
    /// All reasons.
    pub const ALL: [Self; 13] = [
        Self::TimedOut,
        Self::Disconnected,
        Self::RateLimited,
        Self::AuthRequired,
        Self::Restricted,
        Self::Blocked,
        Self::Closed,
        Self::OverfullSecond,
        Self::Unbounded,
        Self::BudgetExceeded,
        Self::Garbage,
        Self::TooLarge,
        Self::Unstorable,
    ];

    /// The label in SQL, metrics and logs, e.g. `rate-limited`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TimedOut => "timed-out",
            Self::Disconnected => "disconnected",
            Self::RateLimited => "rate-limited",
            Self::AuthRequired => "auth-required",
            Self::Restricted => "restricted",
            Self::Blocked => "blocked",
            Self::Closed => "closed",
            Self::OverfullSecond => "overfull-second",
            Self::Unbounded => "unbounded",
            Self::BudgetExceeded => "budget-exceeded",
            Self::Garbage => "garbage",
            Self::TooLarge => "too-large",
            Self::Unstorable => "unstorable",
        }
    }

    /// The reason of that label.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// A range that could not be covered just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewGap {
    /// First missing second.
    pub from: u64,
    /// Last missing second.
    pub until: u64,
    /// Why.
    pub reason: GapReason,
    /// When it was found, unix seconds.
    pub found_at: u64,
    /// Not to be tried before this moment, unix seconds.
    pub next_attempt_at: u64,
}

/// A gap as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// First missing second.
    pub from: u64,
    /// Last missing second.
    pub until: u64,
    /// Why the latest attempt failed.
    pub reason: GapReason,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was first found, unix seconds.
    pub found_at: u64,
    /// Not to be tried before this moment, unix seconds.
    pub next_attempt_at: u64,
}
