//! What some changes add up to, before it goes into the counters.

use std::collections::{BTreeMap, HashMap};

use nips::{Kind, PublicKey};

/// Seconds in a day of `created_at`.
const DAY: u64 = 86_400;

/// The day of a second, in UTC.
pub(super) fn day_of(created_at: u64) -> u32 {
    u32::try_from(created_at / DAY).expect("keys have 33 bits for seconds")
}

/// The first and the last of some seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Span {
    pub(super) fn at(second: u64) -> Self {
        Self {
            first: second,
            last: second,
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }

    /// Widens what is there by something, if that is anything.
    pub(super) fn widen(span: &mut Option<Self>, by: Option<Self>) {
        *span = match (*span, by) {
            (Some(span), Some(by)) => Some(span.and(by)),
            (span, by) => span.or(by),
        };
    }

    /// Whether losing seconds of this span may move the ends of another.
    pub(super) fn reaches_an_end_of(self, other: Self) -> bool {
        self.first <= other.first || self.last >= other.last
    }
}

/// Events that came, less those that went, and when both were written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub(super) events: i64,
    pub(super) added: Option<Span>,
    pub(super) removed: Option<Span>,
}

impl Sum {
    pub(super) fn add(&mut self, sign: i64, created_at: u64) {
        self.events += sign;
        let side = if sign > 0 {
            &mut self.added
        } else {
            &mut self.removed
        };
        Span::widen(side, Some(Span::at(created_at)));
    }

    pub(super) fn include(&mut self, other: &Self) {
        self.events += other.events;
        Span::widen(&mut self.added, other.added);
        Span::widen(&mut self.removed, other.removed);
    }
}

/// Everything that some changes add up to.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// By author's number, kind and day.
    pub(super) events: BTreeMap<(u32, Kind, u32), Sum>,
    /// By author's number, relay and kind.
    pub(super) sightings: BTreeMap<(u32, u32, Kind), Sum>,
    /// Different events by network.
    pub(super) network_events: BTreeMap<u8, i64>,
    /// Whose the numbers are.
    pub(super) authors: BTreeMap<u32, PublicKey>,
    /// The networks of the relays above.
    pub(super) networks: HashMap<u32, u8>,
}
