//! Ranges of `created_at` and what of them is still to be asked for.

use nips::Filter;

use crate::model::{Gap, Interval};

/// Seconds from `from` to `until`, both inclusive; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    /// First second.
    pub(super) from: u64,
    /// Last second, at least `from`.
    pub(super) until: u64,
}

impl Range {
    /// The range, unless it would be empty.
    pub(super) fn new(from: u64, until: u64) -> Option<Self> {
        (from <= until).then_some(Self { from, until })
    }

    /// Whether it is a single second.
    pub(super) fn is_second(self) -> bool {
        self.from == self.until
    }

    /// Whether the second lies inside.
    pub(super) fn contains(self, second: u64) -> bool {
        (self.from..=self.until).contains(&second)
    }

    /// What is left below `second`, exclusive.
    pub(super) fn below(self, second: u64) -> Option<Self> {
        Self::new(self.from, second.checked_sub(1)?.min(self.until))
    }

    /// What is left above `second`, exclusive.
    pub(super) fn above(self, second: u64) -> Option<Self> {
        Self::new(second.checked_add(1)?.max(self.from), self.until)
    }

    /// How many seconds it has, fewer by one: all of time has more than can be counted.
    pub(super) fn seconds(self) -> u64 {
        self.until - self.from
    }

    /// The filter, of these seconds only.
    pub(super) fn narrow(self, filter: &Filter) -> Filter {
        Filter {
            since: Some(self.from),
            until: Some(self.until),
            ..filter.clone()
        }
    }

    /// What lies in both.
    pub(super) fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.until.min(other.until))
    }
}

/// The parts of `target` to ask a relay for at `now`, newest first: what is neither covered nor in a
/// gap that has to wait. A gap whose time has come is a part of its own, with its own bounds, so that
/// another failure counts as another attempt of the same gap.
pub(super) fn missing(target: Range, covered: &[Interval], gaps: &[Gap], now: u64) -> Vec<Range> {
    let mut open = vec![target];
    for interval in covered {
        open = without(&open, interval.from, interval.until);
    }
    let (due, waiting): (Vec<&Gap>, Vec<&Gap>) =
        gaps.iter().partition(|gap| gap.next_attempt_at <= now);
    for gap in waiting {
        open = without(&open, gap.from, gap.until);
    }
    let mut again = Vec::new();
    for gap in due {
        let Some(bounds) = Range::new(gap.from, gap.until) else {
            continue;
        };
        again.extend(open.iter().filter_map(|part| part.intersection(bounds)));
        open = without(&open, gap.from, gap.until);
    }
    open.extend(again);
    open.sort_unstable_by(|a, b| b.cmp(a));
    open
}

fn without(ranges: &[Range], from: u64, until: u64) -> Vec<Range> {
    let mut rest = Vec::with_capacity(ranges.len() + 1);
    for range in ranges {
        if until < range.from || range.until < from {
            rest.push(*range);
            continue;
        }
        rest.extend(range.below(from));
        rest.extend(range.above(until));
    }
    rest
}

#[cfg(test)]
mod tests {
    use crate::model::{GapReason, Method};

    use super::*;

    fn range(from: u64, until: u64) -> Range {
        Range::new(from, until).unwrap()
    }

    fn covered(from: u64, until: u64) -> Interval {
        Interval {
            from,
            until,
            method: Method::Paging,
            covered_at: 0,
            events: 0,
        }
    }

    fn gap(from: u64, until: u64, next_attempt_at: u64) -> Gap {
        Gap {
            from,
            until,
            reason: GapReason::TimedOut,
            attempts: 1,
            found_at: 0,
            next_attempt_at,
        }
    }

    #[test]
    fn what_is_covered_or_waits_is_not_missing() {
        let target = range(0, 100);
        assert_eq!(missing(target, &[], &[], 50), [target]);
        assert_eq!(missing(target, &[covered(0, 100)], &[], 50), []);
        let parts = missing(target, &[covered(10, 20)], &[gap(40, 60, 51)], 50);
        assert_eq!(parts, [range(61, 100), range(21, 39), range(0, 9)]);
    }

    #[test]
    fn a_due_gap_keeps_its_bounds() {
        let parts = missing(range(0, 100), &[covered(0, 30)], &[gap(40, 60, 50)], 50);
        assert_eq!(parts, [range(61, 100), range(40, 60), range(31, 39)]);
        let parts = missing(range(0, 100), &[covered(50, 90)], &[gap(40, 60, 50)], 50);
        assert_eq!(parts, [range(91, 100), range(40, 49), range(0, 39)]);
    }

    #[test]
    fn the_edges_of_time_are_safe() {
        assert_eq!(missing(range(0, 0), &[covered(0, 0)], &[], 0), []);
        let all = range(0, u64::MAX);
        assert_eq!(missing(all, &[covered(0, u64::MAX)], &[], 0), []);
        assert_eq!(missing(all, &[covered(1, u64::MAX)], &[], 0), [range(0, 0)]);
    }
}
