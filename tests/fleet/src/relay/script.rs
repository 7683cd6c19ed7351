//! A behaviour as the points where it departs from the honest session.

use std::time::Duration;

use crate::behaviour::{Behaviour, Syncing};
use crate::conduct::Conduct;

/// Most events that an honest scripted relay sends for one filter, as most real relays do.
const ORDINARY_CAP: usize = 500;

/// What a scripted session does at each point; [`Script::honest`] with a few fields changed.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// What comes first on a new connection.
    pub greeting: Greeting,
    /// How a frame of the client is taken.
    pub hearing: Hearing,
    /// Whether AUTH must come before anything is served.
    pub needs_auth: bool,
    /// How a REQ is answered.
    pub answer: Answer,
    /// Each n-th REQ of the member gets this instead; `None` for never.
    pub every: Option<(usize, Lapse)>,
    /// Which filters are refused.
    pub refusal: Refusal,
    /// Events sent for one filter at most.
    pub cap: usize,
    /// Which events come first, and in which order.
    pub order: Order,
    /// Whether `since` and `until` are looked at.
    pub time_bounds: TimeBounds,
    /// Events sent on one connection before it is cut.
    pub disconnect_after: Option<usize>,
    /// What becomes of an EVENT.
    pub event: EventPolicy,
    /// How sets are compared; `None` for not at all.
    pub syncing: Option<Syncing>,
    /// What is done about claims.
    pub conduct: Conduct,
}

/// What comes first on a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Greeting {
    Nothing,
    Challenge,
    Close,
}

/// How a frame of the client is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// As NIP-01 says.
    Nostr,
    /// Not at all.
    Deaf,
    /// Each frame is answered with this text.
    Parrot(&'static str),
}

/// How a REQ is answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// Matching events, then EOSE.
    Page,
    /// CLOSED with this reason.
    Closed(&'static str),
    /// EOSE for another subscription.
    WrongSubscription,
    /// Matching events mixed with lies, then EOSE.
    Lies,
    /// New events for ever, so much time apart.
    Endless(Duration),
    /// One frame of so many bytes.
    HugeFrame(usize),
    /// One frame, a byte at a time.
    SlowFrame(Duration),
}

/// What happens to each n-th REQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lapse {
    RateLimited,
    Unanswered,
}

/// Which filters are refused with CLOSED.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Nothing,
    WithoutKinds,
    Scraping,
    EveryScrape,
}

/// Which of the matching events are sent, in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    NewestFirst,
    OldestFirst,
    Random,
}

/// Whether `since` and `until` are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeBounds {
    Honoured,
    Ignored,
}

/// What becomes of an EVENT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventPolicy {
    /// Verified, stored unless ephemeral, announced.
    Store,
    /// Answered with OK true and forgotten.
    Forget,
    /// Answered with OK false and this reason.
    Refuse(&'static str),
}

impl Script {
    fn honest() -> Self {
        Self {
            greeting: Greeting::Nothing,
            hearing: Hearing::Nostr,
            needs_auth: false,
            answer: Answer::Page,
            every: None,
            refusal: Refusal::Nothing,
            cap: ORDINARY_CAP,
            order: Order::NewestFirst,
            time_bounds: TimeBounds::Honoured,
            disconnect_after: None,
            event: EventPolicy::Store,
            syncing: None,
            conduct: Conduct::careless(),
        }
    }

    /// The script of a behaviour, honest where the behaviour says nothing.
    pub(crate) fn of(behaviour: &Behaviour) -> Self {
        let honest = Self::honest();
        match *behaviour {
            Behaviour::Silent => Self {
                hearing: Hearing::Deaf,
                ..honest
            },
            Behaviour::NonJson => parrot("who is there? this is not json"),
            Behaviour::ChatServer => parrot(r#"{"type":"message","room":"lobby","text":"hello"}"#),
            Behaviour::NoticeOnly => parrot(r#"["NOTICE","error: come back later"]"#),
            Behaviour::WrongSubscription => answering(Answer::WrongSubscription),
            Behaviour::ClosedAuthRequired => {
                answering(Answer::Closed("auth-required: only for members"))
            }
            Behaviour::AuthFirst => Self {
                greeting: Greeting::Challenge,
                needs_auth: true,
                ..honest
            },
            Behaviour::RateLimited { every } => Self {
                every: Some((every, Lapse::RateLimited)),
                ..honest
            },
            Behaviour::Unanswered { every } => Self {
                every: Some((every, Lapse::Unanswered)),
                ..honest
            },
            Behaviour::DisconnectAfter { events } => Self {
                disconnect_after: Some(events),
                ..honest
            },
            Behaviour::Cap { limit } => Self {
                cap: limit,
                ..honest
            },
            Behaviour::BurstSecond { cap, .. } => Self { cap, ..honest },
            Behaviour::OldestFirst { cap } => Self {
                cap,
                order: Order::OldestFirst,
                ..honest
            },
            Behaviour::RandomOrder { cap } => Self {
                cap,
                order: Order::Random,
                ..honest
            },
            Behaviour::IgnoresTimeBounds { cap } => Self {
                cap,
                time_bounds: TimeBounds::Ignored,
                ..honest
            },
            Behaviour::Liar => answering(Answer::Lies),
            Behaviour::Endless { pace } => answering(Answer::Endless(pace)),
            Behaviour::HugeFrame { bytes } => answering(Answer::HugeFrame(bytes)),
            Behaviour::SlowFrame { pace } => answering(Answer::SlowFrame(pace)),
            Behaviour::Refuses { reason } => Self {
                event: EventPolicy::Refuse(reason),
                ..honest
            },
            Behaviour::Syncs(syncing) => Self {
                syncing: Some(syncing),
                ..honest
            },
            Behaviour::Conducts(conduct) => Self {
                cap: conduct.cap,
                syncing: conduct.syncing,
                conduct,
                ..honest
            },
            Behaviour::Forgetful => Self {
                event: EventPolicy::Forget,
                ..honest
            },
            Behaviour::NeedsKinds => Self {
                refusal: Refusal::WithoutKinds,
                ..honest
            },
            Behaviour::RefusesScraping => Self {
                refusal: Refusal::Scraping,
                ..honest
            },
            Behaviour::RefusesEveryScrape => Self {
                refusal: Refusal::EveryScrape,
                ..honest
            },
            Behaviour::ImmediateDisconnect => Self {
                greeting: Greeting::Close,
                ..honest
            },
            // Those never get to a scripted session, or differ in their events only.
            Behaviour::Healthy
            | Behaviour::Honest
            | Behaviour::NeverPongs
            | Behaviour::SlowHandshake { .. }
            | Behaviour::SlowTls { .. }
            | Behaviour::HugeTags
            | Behaviour::LongIdentifier
            | Behaviour::Dead
            | Behaviour::AcceptsThenCloses
            | Behaviour::HttpOnly { .. } => honest,
        }
    }
}

fn parrot(text: &'static str) -> Script {
    Script {
        hearing: Hearing::Parrot(text),
        ..Script::honest()
    }
}

fn answering(answer: Answer) -> Script {
    Script {
        answer,
        ..Script::honest()
    }
}
