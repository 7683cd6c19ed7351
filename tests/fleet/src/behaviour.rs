//! What a member does wrong, if anything.
//!
//! Rows `B…` are the conformance scenarios for crawlers and monitors that the laboratory exists for.

use std::time::Duration;

use crate::conduct::Conduct;

/// What relays say when they refuse an EVENT (B26): the machine-readable prefixes of NIP-01 and NIP-42, and
/// the prose of a paid relay that uses none.
pub const REFUSALS: [&str; 6] = [
    "blocked: you are not welcome",
    "pow: difficulty 25 is less than 30",
    "auth-required: log in to write",
    "restricted: members only",
    "rate-limited: slow down",
    "please pay the admission fee first",
];

/// How a member speaks (or does not speak) Nostr once a connection is there.
#[derive(Debug, Clone, PartialEq)]
pub enum Behaviour {
    /// A `nostr-relay-builder` relay: somebody else's honest implementation.
    Healthy,
    /// The laboratory's own honest relay, which keeps every version of replaceable events.
    Honest,
    /// Accepts the WebSocket and never answers (B1).
    Silent,
    /// Answers every frame with text that is not JSON (B2).
    NonJson,
    /// Answers every frame with JSON of another protocol.
    ChatServer,
    /// Answers every frame with a `NOTICE` and nothing else.
    NoticeOnly,
    /// Answers every REQ with EOSE for a subscription that nobody opened.
    WrongSubscription,
    /// Answers every REQ with `CLOSED auth-required:` at once (B3).
    ClosedAuthRequired,
    /// Sends an AUTH challenge on connect and serves only after a valid kind 22242 (B4, NIP-42).
    AuthFirst,
    /// Answers each `every`-th REQ with `CLOSED rate-limited:` (B5).
    RateLimited {
        /// 100 for one per cent, 20 for five.
        every: usize,
    },
    /// Never answers each `every`-th REQ (B6).
    Unanswered {
        /// 50 for two per cent.
        every: usize,
    },
    /// Drops the connection after so many events were sent on it (B7).
    DisconnectAfter {
        /// Events sent before the cut.
        events: usize,
    },
    /// Never sends more than `limit` events for a filter, whatever was asked (B8).
    Cap {
        /// The relay's own limit.
        limit: usize,
    },
    /// Sends the oldest matching events instead of the newest (B9).
    OldestFirst {
        /// The relay's own limit.
        cap: usize,
    },
    /// Sends a random choice of the matching events in random order (B10).
    RandomOrder {
        /// The relay's own limit.
        cap: usize,
    },
    /// Holds `events` events of the same second besides its share and caps answers (B11).
    BurstSecond {
        /// Events that share a second.
        events: usize,
        /// The relay's own limit.
        cap: usize,
    },
    /// Answers as if `since` and `until` were not there (B12).
    IgnoresTimeBounds {
        /// The relay's own limit.
        cap: usize,
    },
    /// Mixes events that do not match, wrong ids and bad signatures into good answers (B13).
    Liar,
    /// Streams freshly signed matching events for ever and never sends EOSE (B14).
    Endless {
        /// Time between two events; zero for as fast as it can sign.
        pace: Duration,
    },
    /// Answers REQ with one text frame of this size (B15).
    HugeFrame {
        /// Length of the frame's payload.
        bytes: usize,
    },
    /// Sends its 101 response one byte each `pace` (B16).
    SlowHandshake {
        /// Time between two bytes.
        pace: Duration,
    },
    /// Answers REQ with a frame sent one byte each `pace` (B16).
    SlowFrame {
        /// Time between two bytes.
        pace: Duration,
    },
    /// Answers the TLS client hello one byte each `pace`, if it has TLS, else says nothing (B16).
    SlowTls {
        /// Time between two bytes.
        pace: Duration,
    },
    /// Holds valid events with tag values of 900 CJK characters, 2 048 bytes and one mebibyte (B17).
    HugeTags,
    /// Holds a valid addressable event whose `d` tag has 2 690 bytes (B18).
    LongIdentifier,
    /// Refuses every EVENT with OK false and this reason, e.g. one of [`REFUSALS`] (B26).
    Refuses {
        /// The whole reason, prefix included.
        reason: &'static str,
    },
    /// Refuses filters without `kinds` (B27).
    NeedsKinds,
    /// Refuses filters without ids, authors or tags, as relays that fight scrapers do.
    RefusesScraping,
    /// The same, and makes no exception for one event, as chorus does it.
    RefusesEveryScrape,
    /// Compares sets (NIP-77), in this way.
    Syncs(Syncing),
    /// Does what documents claim, or does not.
    Conducts(Conduct),
    /// Answers everything but pings.
    NeverPongs,
    /// Accepts events and stores none (B25 for any kind); serves what it was given at the start.
    Forgetful,
    /// Nothing listens on its port until it is told to come back, and then it is honest (B30).
    Dead,
    /// Accepts TCP connections and closes them at once (B30).
    AcceptsThenCloses,
    /// Completes the WebSocket handshake and closes at once.
    ImmediateDisconnect,
    /// A web server that answers everything, upgrades too, with this status.
    HttpOnly {
        /// E.g. 200, 404, 429.
        status: u16,
    },
}

/// How a member compares sets of events (NIP-77). In everything else it is honest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syncing {
    /// As it should, but no set of more events than this.
    Honest {
        /// The largest set.
        max_events: usize,
    },
    /// Finds every set the same as its own.
    Blind,
    /// Names ids in each answer that it has no events for.
    Inventive,
    /// Breaks off all comparisons after so many.
    Tired {
        /// Comparisons that are begun as they should be.
        after: usize,
    },
    /// Never answers.
    Mute,
    /// Answers with a NOTICE, as relays do that know no such message.
    Puzzled,
    /// Answers with what is no message of the protocol.
    Garbled,
}

/// How much of what a member holds a perfect crawler can get from it without logging in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// Everything: a crawler that misses an event has a bug.
    Whole,
    /// Perhaps everything; what is missing must be a gap on record.
    Uncertain,
    /// Nothing.
    Nothing,
}

impl Behaviour {
    /// A short name for tables and member names, e.g. `closed-auth-required`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Honest => "honest",
            Self::Silent => "silent",
            Self::NonJson => "non-json",
            Self::ChatServer => "chat-server",
            Self::NoticeOnly => "notice-only",
            Self::WrongSubscription => "wrong-subscription",
            Self::ClosedAuthRequired => "closed-auth-required",
            Self::AuthFirst => "auth-first",
            Self::RateLimited { .. } => "rate-limited",
            Self::Unanswered { .. } => "unanswered",
            Self::DisconnectAfter { .. } => "disconnect-after",
            Self::Cap { .. } => "cap",
            Self::OldestFirst { .. } => "oldest-first",
            Self::RandomOrder { .. } => "random-order",
            Self::BurstSecond { .. } => "burst-second",
            Self::IgnoresTimeBounds { .. } => "ignores-time-bounds",
            Self::Liar => "liar",
            Self::Endless { .. } => "endless",
            Self::HugeFrame { .. } => "huge-frame",
            Self::SlowHandshake { .. } => "slow-handshake",
            Self::SlowFrame { .. } => "slow-frame",
            Self::SlowTls { .. } => "slow-tls",
            Self::HugeTags => "huge-tags",
            Self::LongIdentifier => "long-identifier",
            Self::Refuses { .. } => "refuses",
            Self::NeedsKinds => "needs-kinds",
            Self::RefusesScraping => "refuses-scraping",
            Self::RefusesEveryScrape => "refuses-every-scrape",
            Self::Syncs(_) => "syncs",
            Self::Conducts(_) => "conducts",
            Self::NeverPongs => "never-pongs",
            Self::Forgetful => "forgetful",
            Self::Dead => "dead",
            Self::AcceptsThenCloses => "accepts-then-closes",
            Self::ImmediateDisconnect => "immediate-disconnect",
            Self::HttpOnly { .. } => "http-only",
        }
    }

    /// Whether an answer to a REQ of ours proves that Nostr is spoken here, so that the relay has to be
    /// promoted. `auth-required` is such an answer.
    pub fn speaks_nostr(&self) -> bool {
        !matches!(
            self,
            Self::Silent
                | Self::NonJson
                | Self::ChatServer
                | Self::NoticeOnly
                | Self::WrongSubscription
                | Self::HugeFrame { .. }
                | Self::SlowHandshake { .. }
                | Self::SlowFrame { .. }
                | Self::SlowTls { .. }
                | Self::Dead
                | Self::AcceptsThenCloses
                | Self::ImmediateDisconnect
                | Self::HttpOnly { .. }
        )
    }

    /// What a crawler can get.
    pub fn completeness(&self) -> Completeness {
        match self {
            Self::ClosedAuthRequired | Self::AuthFirst => Completeness::Nothing,
            Self::RandomOrder { .. }
            | Self::BurstSecond { .. }
            | Self::IgnoresTimeBounds { .. }
            | Self::Endless { .. }
            | Self::HugeTags
            | Self::NeedsKinds
            | Self::RefusesScraping
            | Self::RefusesEveryScrape => Completeness::Uncertain,
            _ if self.speaks_nostr() => Completeness::Whole,
            _ => Completeness::Nothing,
        }
    }
}
