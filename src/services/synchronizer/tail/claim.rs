//! What a standing subscription proves: pure logic, no I/O.
//!
//! Two things have to be known before a second counts as covered. The stored part of the answer, up to
//! EOSE, is the whole only when it is smaller than what the relay is known to hand out at once; otherwise
//! the claim begins after EOSE. And that a relay delivers what is published has to be seen: until then
//! each claim is checked by asking for the same seconds once, and everything that the answer holds must
//! have come by itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use nips::EventId;

use super::super::ledger::SETTLING_SECONDS;
use super::super::page::Seen;
use super::super::range::Range;

/// Seconds claimed at once: a row that is written every half minute costs nothing.
const STEP: u64 = 30;

/// The same while claims are checked, at first; it doubles while nothing happens there.
const FIRST_CHECKED_STEP: u64 = 60;
const LAST_CHECKED_STEP: u64 = 900;

/// Ids remembered for a check. A relay that sends more in its first minutes is not claimed for on this
/// connection.
const MAX_IDS: usize = 20_000;

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// These seconds are covered; so many events came in them.
    Cover(Range, u64),
    /// Ask for these seconds, and tell what came.
    Check(Range),
}

/// What a check showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Everything that the relay offers had come by itself.
    Delivered,
    /// These many events have not come by themselves, so far.
    Missing(usize),
}

/// The claim of one subscription.
#[derive(Debug)]
pub(super) struct Claim {
    since: u64,
    /// The least number of stored events that may have been cut off.
    cap: usize,
    stored: usize,
    /// The first second that is not claimed yet; `None` before EOSE.
    next: Option<u64>,
    /// Events by second that are not claimed yet.
    counts: BTreeMap<u64, u64>,
    belief: Belief,
}

#[derive(Debug)]
enum Belief {
    /// Claims are checked.
    Checking {
        step: u64,
        came: HashMap<EventId, u64>,
    },
    /// The relay has shown that it delivers.
    Shown,
    /// More came than can be checked.
    Overfull,
}

impl Claim {
    /// A subscription to everything from `since` on, of a relay that hands out at least `cap` events.
    pub(super) fn new(since: u64, cap: usize) -> Self {
        Self {
            since,
            cap,
            stored: 0,
            next: None,
            counts: BTreeMap::new(),
            belief: Belief::Checking {
                step: FIRST_CHECKED_STEP,
                came: HashMap::new(),
            },
        }
    }

    /// The first second that is not claimed; `None` before EOSE.
    pub(super) fn next(&self) -> Option<u64> {
        self.next
    }

    /// An event came, of whatever kind.
    pub(super) fn note_frame(&mut self) {
        if self.next.is_none() {
            self.stored += 1;
        }
    }

    /// EOSE came at `now`.
    pub(super) fn go_live(&mut self, now: u64) {
        let is_whole = self.stored < self.cap;
        let from = if is_whole { self.since } else { now + 1 };
        self.next.get_or_insert(from);
    }

    /// Events that came by themselves and are durable.
    pub(super) fn note(&mut self, events: &[Seen]) {
        let next = self.next.unwrap_or(self.since);
        for event in events.iter().filter(|event| event.created_at >= next) {
            *self.counts.entry(event.created_at).or_default() += 1;
            if let Belief::Checking { came, .. } = &mut self.belief {
                came.insert(event.id, event.created_at);
                if came.len() > MAX_IDS {
                    self.belief = Belief::Overfull;
                }
            }
        }
    }

    /// What can be done now that the connection is known to have been alive at `proven_at`.
    pub(super) fn step(&self, proven_at: u64) -> Option<Step> {
        let range = self.settled(proven_at)?;
        let seconds = range.until - range.from + 1;
        match &self.belief {
            Belief::Shown if seconds >= STEP => Some(self.cover(range)),
            Belief::Checking { step, .. } if seconds >= *step => Some(Step::Check(range)),
            _ => None,
        }
    }

    /// The same when the connection is about to end.
    pub(super) fn last_step(&self, proven_at: u64) -> Option<Step> {
        let range = self.settled(proven_at)?;
        matches!(self.belief, Belief::Shown).then(|| self.cover(range))
    }

    /// A range was covered.
    pub(super) fn advance(&mut self, range: Range) {
        let next = range.until + 1;
        self.next = Some(next);
        self.counts = self.counts.split_off(&next);
        if let Belief::Checking { came, .. } = &mut self.belief {
            came.retain(|_, created_at| *created_at >= next);
        }
    }

    /// Compares what the relay offers in a range with what came by itself.
    pub(super) fn judge(&self, offered: &HashSet<EventId>) -> Verdict {
        let Belief::Checking { came, .. } = &self.belief else {
            return Verdict::Delivered;
        };
        match offered.iter().filter(|id| !came.contains_key(id)).count() {
            0 => Verdict::Delivered,
            missing => Verdict::Missing(missing),
        }
    }

    /// A check was passed: what it was about is covered. With nothing in it, it showed nothing.
    pub(super) fn pass(&mut self, range: Range, offered: usize) -> Step {
        let cover = self.cover(range);
        match &mut self.belief {
            belief @ Belief::Checking { .. } if offered > 0 => *belief = Belief::Shown,
            Belief::Checking { step, .. } => *step = (*step * 2).min(LAST_CHECKED_STEP),
            Belief::Shown | Belief::Overfull => {}
        }
        cover
    }

    /// What is not claimed yet and old enough not to change.
    fn settled(&self, proven_at: u64) -> Option<Range> {
        Range::new(self.next?, proven_at.checked_sub(SETTLING_SECONDS)?)
    }

    fn cover(&self, range: Range) -> Step {
        let events = self.counts.range(range.from..=range.until);
        Step::Cover(range, events.map(|(_, events)| events).sum())
    }
}

#[cfg(test)]
mod tests {
    use nips::{Kind, PublicKey};

    use super::*;

    const NOW: u64 = 1_750_000_000;

    fn seen(number: u8, created_at: u64) -> Seen {
        Seen {
            created_at,
            id: EventId([number; 32]),
            kind: Kind(1),
            author: PublicKey([1; 32]),
        }
    }

    fn live() -> Claim {
        let mut claim = Claim::new(NOW, 20);
        claim.go_live(NOW + 5);
        claim
    }

    fn range(from: u64, until: u64) -> Range {
        Range::new(from, until).unwrap()
    }

    fn offered(numbers: &[u8]) -> HashSet<EventId> {
        numbers
            .iter()
            .map(|number| EventId([*number; 32]))
            .collect()
    }

    #[test]
    fn nothing_is_claimed_before_eose_nor_for_what_is_not_settled() {
        let mut claim = Claim::new(NOW, 20);
        assert_eq!(claim.step(NOW + 9_000), None);
        claim.go_live(NOW + 5);
        assert_eq!(claim.step(NOW + SETTLING_SECONDS), None);
        let step = claim.step(NOW + SETTLING_SECONDS + 60);
        assert_eq!(step, Some(Step::Check(range(NOW, NOW + 60))));
    }

    #[test]
    fn a_stored_part_that_may_be_cut_off_is_not_claimed() {
        let mut claim = Claim::new(NOW, 20);
        for _ in 0..20 {
            claim.note_frame();
        }
        claim.go_live(NOW + 5);
        assert_eq!(claim.next(), Some(NOW + 6));
    }

    #[test]
    fn a_relay_that_delivers_is_believed_after_one_check() {
        let mut claim = live();
        claim.note(&[seen(1, NOW + 1), seen(2, NOW + 40), seen(3, NOW + 90)]);
        let first = range(NOW, NOW + 60);
        assert_eq!(claim.judge(&offered(&[1, 2])), Verdict::Delivered);
        assert_eq!(claim.pass(first, 2), Step::Cover(first, 2));
        claim.advance(first);
        let next = range(NOW + 61, NOW + 91);
        let step = claim.step(NOW + 91 + SETTLING_SECONDS);
        assert_eq!(step, Some(Step::Cover(next, 1)));
        // At the end, seconds are claimed however few they are.
        let last = claim.last_step(NOW + 62 + SETTLING_SECONDS);
        assert_eq!(last, Some(Step::Cover(range(NOW + 61, NOW + 62), 0)));
    }

    #[test]
    fn what_did_not_come_by_itself_is_missing() {
        let mut claim = live();
        claim.note(&[seen(1, NOW + 1)]);
        assert_eq!(claim.judge(&offered(&[1, 2, 3])), Verdict::Missing(2));
        claim.note(&[seen(2, NOW + 2), seen(3, NOW + 3)]);
        assert_eq!(claim.judge(&offered(&[1, 2, 3])), Verdict::Delivered);
        assert_eq!(claim.last_step(NOW + 9_000), None);
    }

    #[test]
    fn an_empty_check_covers_and_shows_nothing() {
        let mut claim = live();
        let first = range(NOW, NOW + 60);
        claim.pass(first, 0);
        claim.advance(first);
        let at = |seconds| NOW + 60 + seconds + SETTLING_SECONDS;
        assert_eq!(claim.step(at(119)), None);
        let step = claim.step(at(120));
        assert_eq!(step, Some(Step::Check(range(NOW + 61, NOW + 180))));
    }
}
