//! Covered intervals and gaps, in the end against a model that knows every second by itself.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use bigbrotr::model::{Gap, GapReason, Interval, Method, NewGap, RelayId, RelayState, RttSample};
use bigbrotr::store::coverage::{CoverageCount, FilterId, GapCount, NetworkProgress};
use bigbrotr::store::relays::CheckRecord;
use bigbrotr::store::{RelationalStore, StoreError};
use nips::{Filter, Network};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::contract::given::{NOW, one_relay, url};

const FILTER: FilterId = FilterId(u64::MAX - 7);

pub(super) async fn nothing_is_covered_at_first(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    assert!(store.coverage(relay, FILTER).await.unwrap().is_empty());
    assert!(store.gaps(relay, FILTER).await.unwrap().is_empty());
    assert_eq!(store.relays_covered_since(0).await.unwrap(), 0);
}

pub(super) async fn touching_intervals_of_one_method_join(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    for (from, until, at, events) in [(100, 199, 5, 10), (300, 399, 6, 20), (200, 299, 7, 30)] {
        let interval = interval(from, until, Method::Paging, at, events);
        store.cover(relay, FILTER, interval).await.unwrap();
    }
    let joined = interval(100, 399, Method::Paging, 5, 60);
    assert_eq!(store.coverage(relay, FILTER).await.unwrap(), [joined]);
    // A second apart is apart.
    let apart = interval(401, 402, Method::Paging, 8, 0);
    store.cover(relay, FILTER, apart).await.unwrap();
    assert_eq!(
        store.coverage(relay, FILTER).await.unwrap(),
        [joined, apart]
    );
}

pub(super) async fn another_method_replaces_what_it_overlaps(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    for new in [
        interval(0, 99, Method::Paging, 5, 50),
        interval(100, 199, Method::Live, 6, 9),
        interval(40, 119, Method::Negentropy, 7, 33),
    ] {
        store.cover(relay, FILTER, new).await.unwrap();
    }
    let expected = [
        interval(0, 39, Method::Paging, 5, 20),
        interval(40, 119, Method::Negentropy, 7, 33),
        interval(120, 199, Method::Live, 6, 7),
    ];
    assert_eq!(store.coverage(relay, FILTER).await.unwrap(), expected);
}

pub(super) async fn covering_closes_splits_and_shrinks_gaps(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    for (from, until) in [(0, 99), (200, 299), (400, 499), (600, 699)] {
        let gap = new_gap(from, until, GapReason::TimedOut);
        store.add_gap(relay, FILTER, gap).await.unwrap();
    }
    for (from, until) in [(50, 120), (230, 249), (380, 520), (690, 700)] {
        let covered = interval(from, until, Method::Paging, 5, 0);
        store.cover(relay, FILTER, covered).await.unwrap();
    }
    let expected = [(0, 49), (200, 229), (250, 299), (600, 689)];
    let gaps = store.gaps(relay, FILTER).await.unwrap();
    let bounds: Vec<(u64, u64)> = gaps.iter().map(|gap| (gap.from, gap.until)).collect();
    assert_eq!(bounds, expected);
    assert!(gaps.iter().all(|gap| gap.attempts == 1));
    assert!(gaps.iter().all(|gap| gap.next_attempt_at == NOW + 60));
}

pub(super) async fn the_same_gap_again_is_another_attempt(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    let first = new_gap(10, 19, GapReason::TimedOut);
    store.add_gap(relay, FILTER, first).await.unwrap();
    let again = NewGap {
        reason: GapReason::RateLimited,
        found_at: NOW + 100,
        next_attempt_at: NOW + 900,
        ..first
    };
    store.add_gap(relay, FILTER, again).await.unwrap();
    let expected = Gap {
        from: 10,
        until: 19,
        reason: GapReason::RateLimited,
        attempts: 2,
        found_at: NOW,
        next_attempt_at: NOW + 900,
    };
    assert_eq!(store.gaps(relay, FILTER).await.unwrap(), [expected]);
    // A part of it goes on with the history, and the rest stays as it was.
    let part = new_gap(10, 12, GapReason::Closed);
    store.add_gap(relay, FILTER, part).await.unwrap();
    let gaps = store.gaps(relay, FILTER).await.unwrap();
    assert_eq!((gaps[0].from, gaps[0].until, gaps[0].attempts), (10, 12, 3));
    assert_eq!(
        gaps[1],
        Gap {
            from: 13,
            ..expected
        }
    );
}

pub(super) async fn a_gap_over_covered_seconds_is_kept(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    let covered = interval(0, 99, Method::Paging, 5, 1);
    store.cover(relay, FILTER, covered).await.unwrap();
    let overfull = new_gap(50, 50, GapReason::OverfullSecond);
    store.add_gap(relay, FILTER, overfull).await.unwrap();
    assert_eq!(store.coverage(relay, FILTER).await.unwrap(), [covered]);
    assert_eq!(store.gaps(relay, FILTER).await.unwrap().len(), 1);
}

pub(super) async fn filters_and_relays_are_apart(store: &dyn RelationalStore) {
    let (a, b) = (one_relay(store, 1).await, one_relay(store, 2).await);
    let other = FilterId::of(&Filter::default());
    assert_ne!(other, FILTER);
    let covered = interval(0, 99, Method::Paging, 5, 1);
    store.cover(a, FILTER, covered).await.unwrap();
    let gap = new_gap(0, 99, GapReason::Garbage);
    store.add_gap(b, FILTER, gap).await.unwrap();
    store.add_gap(a, other, gap).await.unwrap();
    store.cover(b, other, covered).await.unwrap();
    for (relay, filter, intervals, gaps) in [
        (a, FILTER, 1, 0),
        (b, FILTER, 0, 1),
        (a, other, 0, 1),
        (b, other, 1, 0),
    ] {
        assert_eq!(
            store.coverage(relay, filter).await.unwrap().len(),
            intervals
        );
        assert_eq!(store.gaps(relay, filter).await.unwrap().len(), gaps);
    }
}

pub(super) async fn an_empty_range_is_ignored(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    let covered = interval(9, 8, Method::Paging, 5, 1);
    store.cover(relay, FILTER, covered).await.unwrap();
    let gap = new_gap(9, 8, GapReason::Garbage);
    store.add_gap(relay, FILTER, gap).await.unwrap();
    nothing_of(store, relay).await;
}

pub(super) async fn the_far_future_is_a_second_like_any_other(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    let gap = new_gap(0, u64::MAX, GapReason::Unbounded);
    store.add_gap(relay, FILTER, gap).await.unwrap();
    let covered = interval(100, u64::MAX, Method::Paging, 5, u64::MAX);
    for _ in 0..2 {
        store.cover(relay, FILTER, covered).await.unwrap();
    }
    let gaps = store.gaps(relay, FILTER).await.unwrap();
    assert_eq!((gaps.len(), gaps[0].from, gaps[0].until), (1, 0, 99));
    let coverage = store.coverage(relay, FILTER).await.unwrap();
    assert_eq!((coverage.len(), coverage[0].from), (1, 100));
    assert!(coverage[0].until >= u64::MAX / 2);
}

pub(super) async fn an_unknown_relay_fails(store: &dyn RelationalStore) {
    let stranger = RelayId(4_000_000);
    let covered = interval(0, 9, Method::Paging, 5, 1);
    let failed = store.cover(stranger, FILTER, covered).await;
    assert!(
        matches!(failed, Err(StoreError::Failed { .. })),
        "{failed:?}"
    );
    let gap = new_gap(0, 9, GapReason::Garbage);
    let failed = store.add_gap(stranger, FILTER, gap).await;
    assert!(
        matches!(failed, Err(StoreError::Failed { .. })),
        "{failed:?}"
    );
    nothing_of(store, stranger).await;
}

pub(super) async fn counts_speak_about_all_relays(store: &dyn RelationalStore) {
    let (a, b) = (one_relay(store, 1).await, one_relay(store, 2).await);
    for (relay, from, until, method) in [
        (a, 0, 9, Method::Paging),
        (a, 20, 29, Method::Paging),
        (b, 0, 99, Method::Paging),
        (b, 100, 109, Method::Live),
    ] {
        let covered = interval(from, until, method, 5, 3);
        store.cover(relay, FILTER, covered).await.unwrap();
    }
    let gaps = [(a, 500), (a, 600), (b, 500)];
    for (relay, from) in gaps {
        let gap = new_gap(from, from + 9, GapReason::Closed);
        store.add_gap(relay, FILTER, gap).await.unwrap();
    }
    let mut counts = store.coverage_counts().await.unwrap();
    counts.sort_unstable_by_key(|count| count.method);
    let count = |method, intervals, relays, events| CoverageCount {
        method,
        intervals,
        relays,
        events,
    };
    let expected = [count(Method::Paging, 3, 2, 9), count(Method::Live, 1, 1, 3)];
    assert_eq!(counts, expected);
    let closed = GapCount {
        reason: GapReason::Closed,
        gaps: 3,
        relays: 2,
    };
    assert_eq!(store.gap_counts().await.unwrap(), [closed]);
    assert_eq!(store.relays_covered_since(0).await.unwrap(), 2);
    assert_eq!(store.relays_covered_since(29).await.unwrap(), 2);
    assert_eq!(store.relays_covered_since(30).await.unwrap(), 1);
    assert_eq!(store.relays_covered_since(110).await.unwrap(), 0);
    let totals = store.totals().await.unwrap();
    assert_eq!((totals.covered_relays, totals.intervals), (2, 4));
    assert_eq!((totals.gap_relays, totals.gaps), (2, 3));
}

pub(super) async fn progress_speaks_about_each_network_and_those_behind(
    store: &dyn RelationalStore,
) {
    let [a, b, c, d] = [1, 2, 3, 4];
    let mut ids = Vec::new();
    for number in [a, b, c, d] {
        ids.push(one_relay(store, number).await);
    }
    for (relay, until) in [(0, 500), (1, 900), (2, 100)] {
        let covered = interval(0, until, Method::Paging, 5, 3);
        store.cover(ids[relay], FILTER, covered).await.unwrap();
    }
    for from in [600, 700] {
        let gap = new_gap(from, from + 9, GapReason::Closed);
        store.add_gap(ids[0], FILTER, gap).await.unwrap();
    }
    // The third does not answer any more; the others do, or were never asked.
    for (relay, state) in [
        (0, RelayState::Online),
        (1, RelayState::Online),
        (2, RelayState::Dead),
    ] {
        store
            .record_check(&checked(ids[relay], state))
            .await
            .unwrap();
    }
    let progress = store.network_progress(900).await.unwrap();
    let expected = NetworkProgress {
        network: Network::Clearnet,
        relays: 4,
        covered: 3,
        recent: 1,
        gaps: 2,
        gap_relays: 1,
        oldest: Some(500),
    };
    assert_eq!(progress, [expected]);
    let behind = store.relays_behind(10).await.unwrap();
    let behind: Vec<_> = behind
        .iter()
        .map(|of| (of.url.clone(), of.covered_until, of.gaps))
        .collect();
    let expected = [
        (url(d), None, 0),
        (url(a), Some(500), 2),
        (url(b), Some(900), 0),
    ];
    assert_eq!(behind, expected);
    assert_eq!(store.relays_behind(1).await.unwrap()[0].url, url(d));
}

fn checked(relay: RelayId, state: RelayState) -> CheckRecord {
    CheckRecord {
        rtt: RttSample {
            relay,
            checked_at: 1,
            open_ms: None,
            read_ms: None,
            write_ms: None,
        },
        state,
        check_failures: 0,
        next_check_at: 1,
    }
}

/// Histories that are tried, each on a time line of its own.
const HISTORIES: u64 = 48;

/// Seconds of the model's time line.
const SECONDS: RangeInclusive<u64> = 0..=40;

pub(super) async fn random_histories_agree_with_seconds(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    let mut runner = TestRunner::deterministic();
    let histories = prop::collection::vec(step(), 1..24);
    for history in 0..HISTORIES {
        let filter = FilterId(history);
        let steps = histories.new_tree(&mut runner).unwrap().current();
        let mut model = Seconds::default();
        for (number, step) in steps.iter().enumerate() {
            match *step {
                Step::Cover(interval) => {
                    store.cover(relay, filter, interval).await.unwrap();
                    model.cover(interval);
                }
                Step::Gap(gap) => {
                    store.add_gap(relay, filter, gap).await.unwrap();
                    model.add_gap(number, gap);
                }
            }
            let coverage = store.coverage(relay, filter).await.unwrap();
            let gaps = store.gaps(relay, filter).await.unwrap();
            assert_eq!(
                spans(&coverage),
                model.intervals(),
                "after {step:?} of {steps:?}"
            );
            assert_eq!(gaps, model.gaps(), "after {step:?} of {steps:?}");
            let offered: u64 = coverage.iter().map(|interval| interval.events).sum();
            assert!(offered <= model.offered, "events out of nothing: {steps:?}");
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Cover(Interval),
    Gap(NewGap),
}

fn step() -> impl Strategy<Value = Step> {
    let range = (SECONDS, 0..12_u64).prop_map(|(from, length)| (from, from + length));
    let moment = NOW..NOW + 50;
    prop_oneof![
        (range.clone(), 0..3_usize, moment.clone(), 0..100_u64).prop_map(
            |((from, until), method, covered_at, events)| {
                Step::Cover(interval(
                    from,
                    until,
                    Method::ALL[method],
                    covered_at,
                    events,
                ))
            }
        ),
        (range, 0..10_usize, moment.clone(), moment).prop_map(
            |((from, until), reason, found_at, next_attempt_at)| {
                Step::Gap(NewGap {
                    from,
                    until,
                    reason: GapReason::ALL[reason],
                    found_at,
                    next_attempt_at,
                })
            }
        ),
    ]
}

/// The naive model: what is known of each second.
#[derive(Default)]
struct Seconds {
    covered: BTreeMap<u64, (Method, u64)>,
    missing: BTreeMap<u64, (usize, Gap)>,
    offered: u64,
}

impl Seconds {
    fn cover(&mut self, new: Interval) {
        self.offered += new.events;
        for second in new.from..=new.until {
            self.covered.insert(second, (new.method, new.covered_at));
            self.missing.remove(&second);
        }
        let is_same = |second: u64| {
            let covered = self.covered.get(&second);
            covered.is_some_and(|(method, _)| *method == new.method)
        };
        let (mut from, mut until) = (new.from, new.until);
        while from > 0 && is_same(from - 1) {
            from -= 1;
        }
        while is_same(until + 1) {
            until += 1;
        }
        let joined = || self.covered.range(from..=until).map(|(_, (_, at))| *at);
        let oldest = joined().min().unwrap();
        for (_, covered) in self.covered.range_mut(from..=until) {
            covered.1 = oldest;
        }
    }

    fn add_gap(&mut self, number: usize, new: NewGap) {
        let overlapped = || {
            self.missing
                .range(new.from..=new.until)
                .map(|(_, (_, gap))| gap)
        };
        let attempts = overlapped().map(|gap| gap.attempts).max().unwrap_or(0);
        let found_at = overlapped().map(|gap| gap.found_at).min();
        let gap = Gap {
            from: 0,
            until: 0,
            reason: new.reason,
            attempts: attempts + 1,
            found_at: found_at.map_or(new.found_at, |oldest| oldest.min(new.found_at)),
            next_attempt_at: new.next_attempt_at,
        };
        for second in new.from..=new.until {
            self.missing.insert(second, (number, gap));
        }
    }

    /// Runs of seconds covered in the same way.
    fn intervals(&self) -> Vec<(u64, u64, Method, u64)> {
        let mut runs: Vec<(u64, u64, Method, u64)> = Vec::new();
        for (&second, &(method, covered_at)) in &self.covered {
            match runs.last_mut() {
                Some(run) if run.1 + 1 == second && run.2 == method => run.1 = second,
                _ => runs.push((second, second, method, covered_at)),
            }
        }
        runs
    }

    /// Runs of seconds that the same call named.
    fn gaps(&self) -> Vec<Gap> {
        let mut runs: Vec<(usize, Gap)> = Vec::new();
        for (&second, &(number, gap)) in &self.missing {
            match runs.last_mut() {
                Some((same, run)) if *same == number && run.until + 1 == second => {
                    run.until = second;
                }
                _ => runs.push((
                    number,
                    Gap {
                        from: second,
                        until: second,
                        ..gap
                    },
                )),
            }
        }
        runs.into_iter().map(|(_, gap)| gap).collect()
    }
}

fn spans(coverage: &[Interval]) -> Vec<(u64, u64, Method, u64)> {
    let span = |interval: &Interval| {
        let Interval {
            from,
            until,
            method,
            covered_at,
            ..
        } = *interval;
        (from, until, method, covered_at)
    };
    coverage.iter().map(span).collect()
}

fn interval(from: u64, until: u64, method: Method, covered_at: u64, events: u64) -> Interval {
    Interval {
        from,
        until,
        method,
        covered_at,
        events,
    }
}

fn new_gap(from: u64, until: u64, reason: GapReason) -> NewGap {
    NewGap {
        from,
        until,
        reason,
        found_at: NOW,
        next_attempt_at: NOW + 60,
    }
}

async fn nothing_of(store: &dyn RelationalStore, relay: RelayId) {
    assert!(store.coverage(relay, FILTER).await.unwrap().is_empty());
    assert!(store.gaps(relay, FILTER).await.unwrap().is_empty());
}
