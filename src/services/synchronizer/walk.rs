//! The walk over a relay's time line: which question comes next, and what an answer proves.
//!
//! Pure logic, no I/O. Only answers that ended with EOSE get here. An answer is the whole truth about
//! its range when the relay says so (NIP-67), or when it holds fewer events than the relay is known
//! to hand out at once. How many that is, the relay has to demonstrate: what it claims is not used.
//! From a fuller answer the walk goes on in the relay's own direction, and checks the direction once;
//! a relay without one is bisected.

use std::collections::{BTreeMap, HashSet};

use nips::{EventId, Filter, PublicKey};

use crate::model::GapReason;

use super::crowded_second::{self, CrowdedSecond};
use super::page::{Order, Page, Question};
use super::range::Range;

/// An answer with fewer events than this is never a capped one: no relay in use hands out so few.
const SMALLEST_CAP: usize = 5;

/// The least the limit is shrunk to when answers break off half-way.
const SMALLEST_LIMIT: usize = 20;

/// What the walk found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// Every event that the relay offers in the range has come.
    Proven {
        /// The range.
        range: Range,
        /// How many events it holds.
        events: u64,
    },
    /// The range cannot be completed this way.
    Gap {
        /// The range.
        range: Range,
        /// Why.
        reason: GapReason,
    },
}

/// How much a relay hands out at once, as far as it has shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cap(usize);

impl Cap {
    fn learn(&mut self, page: &Page) {
        self.0 = self.0.max(page.frames);
    }

    /// Whether nothing can have been left out of the answer.
    pub(super) fn is_whole(self, page: &Page, limit: usize, smallest: usize) -> bool {
        page.is_finished() || page.frames < self.0.max(smallest).min(limit)
    }
}

/// What is known of the relay before the walk begins.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    /// The most events that it has ever sent for one question. It may send fewer by now, so that this alone
    /// proves nothing.
    pub(super) cap: Option<usize>,
    /// The order of its answers, checked.
    pub(super) order: Option<Order>,
    /// The last second of the ranges that is covered already, and walked again.
    pub(super) known_until: Option<u64>,
}

/// A relay's time line, being walked for one filter.
#[derive(Debug)]
pub(super) struct Walk {
    /// Not begun, oldest first.
    ranges: Vec<Range>,
    /// What is left of the range that was begun, the next task last.
    tasks: Vec<Task>,
    limit: usize,
    cap: Cap,
    order: Option<Order>,
    is_order_checked: bool,
    manner: Manner,
    /// Seconds whose events came and could not all be kept.
    not_kept: BTreeMap<u64, GapReason>,
    kinds: Option<Vec<nips::Kind>>,
    authors: Option<Vec<PublicKey>>,
    /// Authors that are known on the relay; `None` as long as nobody needed them.
    known_authors: Option<Vec<PublicKey>>,
}

#[derive(Debug)]
enum Task {
    Range(Range),
    Check(OrderCheck),
    Second(CrowdedSecond),
}

/// A claim that rests on the relay's order, and the question that checks it: the same events again, in
/// a range so small that they cannot be capped.
#[derive(Debug)]
struct OrderCheck {
    question: Range,
    expected: HashSet<EventId>,
    /// What is proven when the check holds.
    claim: Option<(Range, u64)>,
    /// What remains to be asked when it holds.
    rest: Vec<Task>,
    /// What remains to be asked when it does not.
    whole: Range,
}

impl Walk {
    /// A walk over the ranges, given newest first, asking for at most `limit` events at once.
    pub(super) fn new(
        filter: &Filter,
        mut ranges: Vec<Range>,
        limit: usize,
        manner: Manner,
    ) -> Self {
        ranges.reverse();
        let tasks = ranges.pop().map(Task::Range).into_iter().collect();
        Self {
            ranges,
            tasks,
            limit,
            cap: Cap(SMALLEST_CAP.min(limit)),
            order: manner.order,
            is_order_checked: manner.order.is_some(),
            manner,
            not_kept: BTreeMap::new(),
            kinds: filter.kinds.clone(),
            authors: filter.authors.clone(),
            known_authors: None,
        }
    }

    /// Whether the answer may leave out a part of one second, so that it would help to know who writes there.
    pub(super) fn wants_authors(&self, page: &Page) -> bool {
        let is_second = self.tasks.last().is_some_and(|it| it.range().is_second());
        let smallest = crowded_second::SMALLEST_CAP;
        let may_be_cut = is_second && !self.cap.is_whole(page, self.limit, smallest);
        may_be_cut && self.authors.is_none() && self.known_authors.is_none()
    }

    /// These authors are known on the relay.
    pub(super) fn meet(&mut self, authors: Vec<PublicKey>) {
        self.known_authors = Some(authors);
    }

    /// The next question; `None` when everything is answered.
    pub(super) fn question(&self) -> Option<Question> {
        Some(match self.tasks.last()? {
            Task::Range(range) => Question::about(*range, self.limit),
            Task::Check(check) => Question::about(check.question, self.limit),
            Task::Second(second) => second.question(self.limit),
        })
    }

    /// Takes the answer to [`Walk::question`].
    pub(super) fn answer(&mut self, page: &Page) -> Vec<Finding> {
        self.cap.learn(page);
        self.not_kept.extend(&page.not_kept);
        if page.is_unbounded() && !self.cap.is_whole(page, self.limit, 0) {
            return self.give_up(GapReason::Unbounded);
        }
        let findings = match self.tasks.pop() {
            None => Vec::new(),
            Some(Task::Range(range)) => self.answer_range(range, page),
            Some(Task::Check(check)) => self.answer_check(check, page),
            Some(Task::Second(second)) => self.answer_second(second, page),
        };
        self.begin_next_range();
        let findings = findings.into_iter();
        findings.flat_map(|it| it.as_kept(&self.not_kept)).collect()
    }

    /// The order of the relay's answers, if it was checked.
    pub(super) fn checked_order(&self) -> Option<Order> {
        self.order.filter(|_| self.is_order_checked)
    }

    /// The most events that one answer has had.
    pub(super) fn shown_cap(&self) -> usize {
        self.cap.0
    }

    /// Ends the walk: what is still open, newest first.
    pub(super) fn into_open(mut self) -> Vec<Range> {
        self.take_open()
    }

    fn begin_next_range(&mut self) {
        if self.tasks.is_empty() {
            self.tasks.extend(self.ranges.pop().map(Task::Range));
        }
    }

    /// Asks for fewer events at once from now on, because an answer broke off after `received`.
    /// `false` when the limit is as small as it gets.
    pub(super) fn shrink_limit(&mut self, received: usize) -> bool {
        let smaller = received.min(self.limit) / 2;
        let smaller = smaller.max(SMALLEST_LIMIT);
        let is_smaller = smaller < self.limit;
        self.limit = self.limit.min(smaller);
        is_smaller
    }

    /// Halves the range that is being asked about, because something in it cannot be received; a single
    /// second becomes a gap.
    pub(super) fn split(&mut self, reason: GapReason) -> Vec<Finding> {
        let Some(range) = self.tasks.pop().map(|task| task.range()) else {
            return Vec::new();
        };
        if range.is_second() {
            self.begin_next_range();
            return vec![Finding::Gap { range, reason }];
        }
        let middle = range.from + (range.until - range.from) / 2;
        let halves = [
            Task::from(Range::new(range.from, middle)),
            Task::from(Range::new(middle + 1, range.until)),
        ];
        self.tasks.extend(halves.into_iter().flatten());
        Vec::new()
    }

    /// Ends the walk: everything that is still open becomes a gap, newest first.
    pub(super) fn give_up(&mut self, reason: GapReason) -> Vec<Finding> {
        let open = self.take_open().into_iter();
        open.map(|range| Finding::Gap { range, reason }).collect()
    }

    fn take_open(&mut self) -> Vec<Range> {
        let mut open: Vec<Range> = self.tasks.iter().map(Task::range).collect();
        open.sort_unstable();
        let begun = open
            .first()
            .zip(open.last())
            .and_then(|(first, last)| Range::new(first.from, last.until));
        self.tasks.clear();
        let ranges = begun.into_iter().chain(self.ranges.drain(..).rev());
        ranges.collect()
    }

    fn answer_range(&mut self, range: Range, page: &Page) -> Vec<Finding> {
        if self.cap.is_whole(page, self.limit, 0) || self.meets_known(range, page) {
            return vec![proven(range, page)];
        }
        let Some(span) = page.span() else {
            return vec![Finding::Gap {
                range,
                reason: GapReason::Garbage,
            }];
        };
        if range.is_second() {
            return self.enter_second(range.from, page);
        }
        match self.learn_order(page) {
            None => self.split_around(range, span.from),
            Some(Order::NewestFirst) => self.go_down(range, span, page),
            Some(Order::OldestFirst) => self.go_up(range, span, page),
            Some(Order::Unordered) => self.bisect(range, page),
        }
    }

    /// Whether the answer, newest first, comes down to what is covered: then nothing newer can have been
    /// left out, and nothing older unless the relay has got stingier within what is covered already.
    fn meets_known(&self, range: Range, page: &Page) -> bool {
        let reaches = |known: u64| {
            range.contains(known) && page.span().is_some_and(|span| span.from <= known)
        };
        let is_newest_first = self.manner.order == Some(Order::NewestFirst)
            && page.order().is_none_or(|order| order == Order::NewestFirst);
        let is_small = self
            .manner
            .cap
            .is_some_and(|cap| page.frames < cap.min(self.limit));
        is_newest_first && is_small && self.manner.known_until.is_some_and(reaches)
    }

    /// One page against the known order is enough to distrust it for good.
    fn learn_order(&mut self, page: &Page) -> Option<Order> {
        let shown = page.order();
        self.order = match (self.order, shown) {
            (known, None) => known,
            (None, shown) => shown,
            (Some(known), Some(shown)) if known == shown => Some(known),
            (Some(_), Some(_)) => Some(Order::Unordered),
        };
        self.order
    }

    fn go_down(&mut self, range: Range, span: Range, page: &Page) -> Vec<Finding> {
        let claim = range.above(span.from);
        let rest = if span.is_second() {
            vec![Task::from(range.below(span.from)), Task::second(span.from)]
        } else {
            vec![Task::from(Range::new(range.from, span.from))]
        };
        let checked = Range::new(span.from + 1, page.time_at(page.events.len() / 4));
        self.claim(range, claim, checked, rest, page)
    }

    fn go_up(&mut self, range: Range, span: Range, page: &Page) -> Vec<Finding> {
        let claim = range.below(span.until);
        let rest = if span.is_second() {
            vec![
                Task::from(range.above(span.until)),
                Task::second(span.until),
            ]
        } else {
            vec![Task::from(Range::new(span.until, range.until))]
        };
        let highest = span.until.saturating_sub(1);
        let checked = Range::new(page.time_at(page.events.len() * 3 / 4), highest);
        self.claim(range, claim, checked, rest, page)
    }

    /// Believes what follows from the order, the first time only after a check.
    fn claim(
        &mut self,
        whole: Range,
        claim: Option<Range>,
        checked: Option<Range>,
        rest: Vec<Option<Task>>,
        page: &Page,
    ) -> Vec<Finding> {
        let claim = claim.map(|range| (range, page.count_within(range)));
        let rest: Vec<Task> = rest.into_iter().flatten().collect();
        let Some(question) = checked.filter(|_| !self.is_order_checked) else {
            self.tasks.extend(rest);
            return claim.into_iter().map(Finding::from).collect();
        };
        self.tasks.push(Task::Check(OrderCheck {
            question,
            expected: page.ids_within(question),
            claim,
            rest,
            whole,
        }));
        Vec::new()
    }

    fn answer_check(&mut self, check: OrderCheck, page: &Page) -> Vec<Finding> {
        self.is_order_checked = true;
        let is_as_expected = page.events.iter().all(|e| check.expected.contains(&e.id));
        if is_as_expected {
            self.tasks.extend(check.rest);
            return check.claim.into_iter().map(Finding::from).collect();
        }
        self.order = Some(Order::Unordered);
        self.tasks.push(Task::Range(check.whole));
        Vec::new()
    }

    /// All of a capped page lies in one second, and the relay's order is not known yet.
    fn split_around(&mut self, range: Range, second: u64) -> Vec<Finding> {
        let parts = [
            Task::from(range.below(second)),
            Task::second(second),
            Task::from(range.above(second)),
        ];
        self.tasks.extend(parts.into_iter().flatten());
        Vec::new()
    }

    /// Halves the range where the page suggests that half of the events lie.
    fn bisect(&mut self, range: Range, page: &Page) -> Vec<Finding> {
        let middle = page.time_at(page.events.len() / 2).min(range.until - 1);
        let parts = [
            Task::from(Range::new(range.from, middle)),
            Task::from(Range::new(middle + 1, range.until)),
        ];
        self.tasks.extend(parts.into_iter().flatten());
        Vec::new()
    }

    fn enter_second(&mut self, at: u64, page: &Page) -> Vec<Finding> {
        let known = self.known_authors.as_deref().unwrap_or_default();
        let second = CrowdedSecond::new(at, self.kinds.as_deref(), self.authors.as_deref());
        let second = second.among(known);
        self.answer_second(second, page)
    }

    fn answer_second(&mut self, mut second: CrowdedSecond, page: &Page) -> Vec<Finding> {
        match second.answer(self.cap, self.limit, page) {
            Some(finding) => vec![finding],
            None => {
                self.tasks.push(Task::Second(second));
                Vec::new()
            }
        }
    }
}

impl Finding {
    /// A second of which an event could not be kept is a gap, whatever the relay has proven.
    pub(super) fn as_kept(self, not_kept: &BTreeMap<u64, GapReason>) -> Vec<Self> {
        let Self::Proven { range, events } = self else {
            return vec![self];
        };
        let mut findings = Vec::new();
        let mut rest = Some(range);
        for (second, reason) in not_kept.range(range.from..=range.until) {
            let below = rest.and_then(|rest| rest.below(*second));
            findings.extend(below.map(|range| Self::Proven { range, events: 0 }));
            findings.extend(Range::new(*second, *second).map(|range| Self::Gap {
                range,
                reason: *reason,
            }));
            rest = range.above(*second);
        }
        // How many events each part holds is not known here; together they hold this many.
        findings.extend(rest.map(|range| Self::Proven { range, events }));
        findings
    }
}

fn proven(range: Range, page: &Page) -> Finding {
    Finding::from((range, page.count_within(range)))
}

impl From<(Range, u64)> for Finding {
    fn from((range, events): (Range, u64)) -> Self {
        Self::Proven { range, events }
    }
}

impl Task {
    fn from(range: Option<Range>) -> Option<Self> {
        range.map(Self::Range)
    }

    fn second(at: u64) -> Option<Self> {
        Self::from(Range::new(at, at))
    }

    fn range(&self) -> Range {
        match self {
            Self::Range(range) => *range,
            Self::Check(check) => check.whole,
            Self::Second(second) => second.range(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nips::{Kind, PublicKey};
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::super::page::Seen;
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Habit {
        Newest,
        Oldest,
        Random,
        IgnoresBounds,
    }

    struct Simulated {
        events: Vec<Seen>,
        cap: usize,
        habit: Habit,
        salt: u64,
        sent: usize,
        requests: usize,
    }

    impl Simulated {
        fn new(times: &[u64], cap: usize, habit: Habit) -> Self {
            let seen = |(index, at): (usize, &u64)| {
                let mut id = [0; 32];
                id[..8].copy_from_slice(&(index as u64).to_be_bytes());
                Seen {
                    created_at: *at,
                    id: EventId(id),
                    kind: Kind((index % 3) as u16),
                    author: PublicKey([(index % 7) as u8; 32]),
                }
            };
            Self {
                events: times.iter().enumerate().map(seen).collect(),
                cap,
                habit,
                salt: 1,
                sent: 0,
                requests: 0,
            }
        }

        fn answer(&mut self, question: &Question, filter: &Filter) -> Page {
            self.requests += 1;
            self.salt += 1;
            let kinds = question
                .kind
                .map(|kind| vec![kind])
                .or(filter.kinds.clone());
            let is_match = |event: &Seen| {
                kinds
                    .as_ref()
                    .is_none_or(|kinds| kinds.contains(&event.kind))
                    && question
                        .authors
                        .as_ref()
                        .is_none_or(|authors| authors.contains(&event.author))
            };
            let is_inside = |event: &Seen| question.range.contains(event.created_at);
            let ignores = self.habit == Habit::IgnoresBounds;
            let matching = self.events.iter().filter(|e| is_match(e));
            let mut answer: Vec<Seen> = matching
                .copied()
                .filter(|e| ignores || is_inside(e))
                .collect();
            let salt = self.salt;
            let scramble = |e: &Seen| {
                (u64::from(e.id.0[7]) * 31 + u64::from(e.id.0[6]) * 17 + salt) * 2_654_435_761
                    % 1009
            };
            match self.habit {
                Habit::Newest | Habit::IgnoresBounds => {
                    answer.sort_by_key(|e| (u64::MAX - e.created_at, e.id))
                }
                Habit::Oldest => answer.sort_by_key(|e| (e.created_at, e.id)),
                Habit::Random => answer.sort_by_key(scramble),
            }
            answer.truncate(self.cap.min(question.limit));
            self.sent += answer.len();
            let frames = answer.len();
            answer.retain(is_inside);
            Page {
                out_of_range: frames - answer.len(),
                events: answer,
                frames,
                not_kept: BTreeMap::new(),
                hint: None,
            }
        }
    }

    struct Outcome {
        proven: Vec<(Range, u64)>,
        gaps: Vec<(Range, GapReason)>,
        got: HashSet<EventId>,
    }

    fn walk(relay: &mut Simulated, filter: &Filter, ranges: Vec<Range>) -> Outcome {
        walk_with(Manner::default(), relay, filter, ranges)
    }

    fn walk_with(
        manner: Manner,
        relay: &mut Simulated,
        filter: &Filter,
        ranges: Vec<Range>,
    ) -> Outcome {
        let mut walk = Walk::new(filter, ranges, 500, manner);
        let mut outcome = Outcome {
            proven: Vec::new(),
            gaps: Vec::new(),
            got: HashSet::new(),
        };
        while let Some(question) = walk.question() {
            assert!(relay.requests < 20_000, "the walk does not end");
            let page = relay.answer(&question, filter);
            outcome.got.extend(page.events.iter().map(|event| event.id));
            for finding in walk.answer(&page) {
                match finding {
                    Finding::Proven { range, events } => outcome.proven.push((range, events)),
                    Finding::Gap { range, reason } => outcome.gaps.push((range, reason)),
                }
            }
        }
        outcome
    }

    /// Proven ranges and gaps are the target, cut up; what is proven has come.
    fn assert_sound(relay: &Simulated, outcome: &Outcome, target: Range) {
        let proven = outcome.proven.iter().map(|(range, _)| *range);
        let mut parts: Vec<Range> = proven
            .clone()
            .chain(outcome.gaps.iter().map(|g| g.0))
            .collect();
        parts.sort_unstable();
        let mut next = target.from;
        for part in &parts {
            assert_eq!(part.from, next, "parts {parts:?}");
            next = part.until + 1;
        }
        assert_eq!(next, target.until + 1, "parts {parts:?}");
        let proven: Vec<Range> = proven.collect();
        for event in &relay.events {
            let is_proven = proven.iter().any(|range| range.contains(event.created_at));
            assert!(
                !is_proven || outcome.got.contains(&event.id),
                "lost {event:?}"
            );
        }
    }

    fn spread(events: u64) -> Vec<u64> {
        (0..events)
            .map(|index| 1_000 + index * 7 % 100_003)
            .collect()
    }

    const TARGET: Range = Range {
        from: 0,
        until: 200_000,
    };

    fn is_complete(relay: &Simulated, outcome: &Outcome) -> bool {
        outcome.got.len() == relay.events.len() && outcome.gaps.is_empty()
    }

    #[test]
    fn a_capped_relay_costs_little_more_than_its_events() {
        for habit in [Habit::Newest, Habit::Oldest] {
            let mut relay = Simulated::new(&spread(3_000), 100, habit);
            let outcome = walk(&mut relay, &Filter::default(), vec![TARGET]);
            assert_sound(&relay, &outcome, TARGET);
            assert!(is_complete(&relay, &outcome));
            assert!(
                relay.sent * 100 <= 3_000 * 130,
                "{habit:?} sent {}",
                relay.sent
            );
            assert!(relay.requests <= 40, "{habit:?} asked {}", relay.requests);
            let proven: u64 = outcome.proven.iter().map(|(_, events)| events).sum();
            assert!((3_000..3_100).contains(&proven), "{proven}");
        }
    }

    #[test]
    fn an_idle_relay_costs_one_request() {
        for events in [0, 1, 4] {
            let mut relay = Simulated::new(&spread(events), 100, Habit::Newest);
            let outcome = walk(&mut relay, &Filter::default(), vec![TARGET]);
            assert!(is_complete(&relay, &outcome));
            assert_eq!(relay.requests, 1);
        }
    }

    /// What a visit knows that was preceded by another.
    fn second_visit(known_until: u64) -> Manner {
        Manner {
            cap: Some(500),
            order: Some(Order::NewestFirst),
            known_until: Some(known_until),
        }
    }

    #[test]
    fn what_comes_down_to_what_is_covered_costs_one_request() {
        let mut relay = Simulated::new(&spread(300), 500, Habit::Newest);
        let target = Range::new(1_000, 200_000).unwrap();
        let manner = second_visit(1_300);
        let outcome = walk_with(manner, &mut relay, &Filter::default(), vec![target]);
        assert_sound(&relay, &outcome, target);
        assert_eq!((relay.requests, outcome.gaps.len()), (1, 0));
    }

    #[test]
    fn a_relay_that_has_got_stingier_loses_nothing() {
        let older = Range::new(0, 1_500).unwrap();
        let newer = Range::new(2_000, 200_000).unwrap();
        for cap in [10, 100, 499] {
            let mut relay = Simulated::new(&spread(600), cap, Habit::Newest);
            let manner = second_visit(2_010);
            let outcome = walk_with(manner, &mut relay, &Filter::default(), vec![newer, older]);
            let got = |from, until| {
                let inside = |event: &&Seen| (from..=until).contains(&event.created_at);
                let mut events = relay.events.iter().filter(inside);
                events.all(|event| outcome.got.contains(&event.id))
            };
            assert!(got(2_011, 200_000) && got(0, 1_500), "cap {cap}");
        }
    }

    #[test]
    fn random_order_is_bisected() {
        let mut relay = Simulated::new(&spread(2_000), 100, Habit::Random);
        let outcome = walk(&mut relay, &Filter::default(), vec![TARGET]);
        assert_sound(&relay, &outcome, TARGET);
        assert!(is_complete(&relay, &outcome));
        assert!(relay.sent < 2_000 * 4, "sent {}", relay.sent);
    }

    #[test]
    fn a_crowded_second_is_taken_apart_or_a_gap() {
        let mut times = spread(500);
        times.extend([50_000; 300]);
        for habit in [Habit::Newest, Habit::Oldest, Habit::Random] {
            let mut relay = Simulated::new(&times, 100, habit);
            let outcome = walk(&mut relay, &Filter::default(), vec![TARGET]);
            assert_sound(&relay, &outcome, TARGET);
            assert_eq!(outcome.got.len(), 800, "{habit:?}");
            let second = Range::new(50_000, 50_000).unwrap();
            assert_eq!(outcome.gaps, [(second, GapReason::OverfullSecond)]);

            let filter = Filter {
                kinds: Some(vec![Kind(0), Kind(1), Kind(2)]),
                authors: Some((0..7).map(|byte| PublicKey([byte; 32])).collect()),
                ..Filter::default()
            };
            let outcome = walk(&mut relay, &filter, vec![TARGET]);
            assert_sound(&relay, &outcome, TARGET);
            assert!(is_complete(&relay, &outcome), "{habit:?}");
        }
    }

    #[test]
    fn a_crowded_second_is_asked_for_by_those_who_are_known_there() {
        let author = |byte| PublicKey([byte; 32]);
        let crowd = |index: usize| Seen {
            created_at: 50_000,
            id: EventId([index as u8 + 1; 32]),
            kind: Kind(1),
            author: author((index % 40) as u8),
        };
        let mut relay = Simulated::new(&[], 20, Habit::Newest);
        relay.events = (0..200).map(crowd).collect();
        let ask = |relay: &mut Simulated, known: Option<Vec<PublicKey>>| {
            let filter = Filter::default();
            let mut walk = Walk::new(&filter, vec![TARGET], 500, Manner::default());
            let (mut got, mut has_wanted) = (HashSet::new(), false);
            while let Some(question) = walk.question() {
                let page = relay.answer(&question, &filter);
                got.extend(page.events.iter().map(|event| event.id));
                if walk.wants_authors(&page) {
                    has_wanted = true;
                    walk.meet(known.clone().unwrap_or_default());
                }
                walk.answer(&page);
            }
            assert!(has_wanted);
            got.len()
        };
        assert!(ask(&mut relay, None) < 200);
        let known = (0..90).rev().map(author).collect();
        assert_eq!(ask(&mut relay, Some(known)), 200);
    }

    #[test]
    fn ignored_bounds_are_detected() {
        let mut relay = Simulated::new(&spread(2_000), 100, Habit::IgnoresBounds);
        let outcome = walk(&mut relay, &Filter::default(), vec![TARGET]);
        assert_sound(&relay, &outcome, TARGET);
        assert!(relay.requests <= 3);
        assert!(
            outcome
                .gaps
                .iter()
                .all(|(_, reason)| *reason == GapReason::Unbounded)
        );
        assert!(!outcome.gaps.is_empty());
    }

    #[test]
    fn nip_67_saves_the_last_question() {
        let filter = Filter::default();
        let mut relay = Simulated::new(&spread(60), 100, Habit::Newest);
        let mut walk = Walk::new(&filter, vec![TARGET], 500, Manner::default());
        let mut page = relay.answer(&walk.question().unwrap(), &filter);
        page.hint = Some(nips::nip67::Nip67Hint::Finish);
        let proven = Finding::Proven {
            range: TARGET,
            events: 60,
        };
        assert_eq!(walk.answer(&page), [proven]);
        assert_eq!(walk.question(), None);
    }

    #[test]
    fn a_second_that_was_not_kept_is_a_gap_inside_what_is_proven() {
        let filter = Filter::default();
        let mut relay = Simulated::new(&[0, 70, 80], 100, Habit::Newest);
        let mut walk = Walk::new(&filter, vec![TARGET], 500, Manner::default());
        let mut page = relay.answer(&walk.question().unwrap(), &filter);
        page.not_kept = BTreeMap::from([(0, GapReason::TooLarge), (70, GapReason::Unstorable)]);
        let gap = |second, reason| Finding::Gap {
            range: Range::new(second, second).unwrap(),
            reason,
        };
        let proven = |from, until, events| Finding::Proven {
            range: Range::new(from, until).unwrap(),
            events,
        };
        let expected = [
            gap(0, GapReason::TooLarge),
            proven(1, 69, 0),
            gap(70, GapReason::Unstorable),
            proven(71, TARGET.until, 3),
        ];
        assert_eq!(walk.answer(&page), expected);
    }

    #[test]
    fn giving_up_leaves_gaps_for_everything_open() {
        let filter = Filter::default();
        let mut relay = Simulated::new(&spread(1_000), 100, Habit::Newest);
        let older = Range::new(0, 50).unwrap();
        let newer = Range::new(1_000, 200_000).unwrap();
        let mut walk = Walk::new(&filter, vec![newer, older], 500, Manner::default());
        for _ in 0..2 {
            let page = relay.answer(&walk.question().unwrap(), &filter);
            walk.answer(&page);
        }
        let gaps = walk.give_up(GapReason::TimedOut);
        let Finding::Gap { range, .. } = gaps[0] else {
            panic!("{gaps:?}");
        };
        assert_eq!((range.from, gaps.len()), (1_000, 2));
        assert!(range.until < 200_000);
        assert_eq!(walk.question(), None);
    }

    #[test]
    fn the_limit_shrinks_to_a_floor() {
        let mut walk = Walk::new(&Filter::default(), vec![TARGET], 500, Manner::default());
        assert!(walk.shrink_limit(200));
        assert_eq!(walk.question().unwrap().limit, 100);
        assert!(walk.shrink_limit(0));
        assert_eq!(walk.question().unwrap().limit, 20);
        assert!(!walk.shrink_limit(0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn nothing_is_proven_that_has_not_come(
            times in prop::collection::vec(0_u64..400, 0..600),
            clusters in prop::collection::vec((0_u64..400, 1_usize..120), 0..4),
            cap in 20_usize..120,
            habit in prop::sample::select(vec![Habit::Newest, Habit::Oldest, Habit::Random]),
            cuts in prop::collection::vec(any::<Index>(), 0..3),
        ) {
            let mut times = times;
            for (at, events) in clusters {
                times.extend(std::iter::repeat_n(at, events));
            }
            let target = Range::new(0, 400).unwrap();
            let mut starts: BTreeMap<u64, ()> = cuts.iter().map(|i| (i.index(400) as u64, ())).collect();
            starts.insert(0, ());
            let mut ranges = Vec::new();
            let mut until = 400;
            for from in starts.keys().rev() {
                ranges.extend(Range::new(*from, until));
                until = from.saturating_sub(1);
            }
            let mut relay = Simulated::new(&times, cap, habit);
            let outcome = walk(&mut relay, &Filter::default(), ranges);
            assert_sound(&relay, &outcome, target);
            let is_overfull = |reason: &GapReason| *reason == GapReason::OverfullSecond;
            prop_assert!(outcome.gaps.iter().all(|(range, r)| range.is_second() && is_overfull(r)));
        }
    }
}
