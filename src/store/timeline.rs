//! The arithmetic of covered intervals and gaps, the same for every backend.
//!
//! A backend reads the rows that a change touches, replaces them by what these functions return, and
//! does both in one transaction. The rules are told in [`crate::store::coverage`].

use crate::model::{Gap, Interval, NewGap};

/// Highest second that a database's 64-bit integers hold.
const LAST_SECOND: u64 = i64::MAX as u64;

/// The interval with ends that a database holds; `None` for an empty one.
pub(crate) fn storable_interval(interval: Interval) -> Option<Interval> {
    let (from, until) = storable(interval.from, interval.until)?;
    Some(Interval {
        from,
        until,
        ..interval
    })
}

/// The gap with ends that a database holds; `None` for an empty one.
pub(crate) fn storable_gap(gap: NewGap) -> Option<NewGap> {
    let (from, until) = storable(gap.from, gap.until)?;
    Some(NewGap { from, until, ..gap })
}

/// What becomes of the intervals that overlap or touch `new`, and of `new`: the rows that replace
/// them, oldest first.
pub(crate) fn cover(touched: &[Interval], new: Interval) -> Vec<Interval> {
    let mut joined = new;
    let mut apart = Vec::new();
    for old in touched {
        for piece in interval_outside(old, new.from, new.until) {
            if piece.method == new.method && touches(&piece, &joined) {
                joined = join(joined, piece);
            } else {
                apart.push(piece);
            }
        }
    }
    apart.push(joined);
    apart.sort_unstable_by_key(|interval| interval.from);
    apart
}

/// What remains of the gaps that overlap a range which is now covered.
pub(crate) fn close_gaps(overlapped: &[Gap], from: u64, until: u64) -> Vec<Gap> {
    let remains = overlapped.iter().flat_map(|gap| {
        outside((gap.from, gap.until), from, until).map(|(from, until)| Gap {
            from,
            until,
            ..*gap
        })
    });
    remains.collect()
}

/// What becomes of the gaps that overlap `new`, and of `new`, oldest first.
pub(crate) fn add_gap(overlapped: &[Gap], new: NewGap) -> Vec<Gap> {
    let attempts = overlapped.iter().map(|gap| gap.attempts).max().unwrap_or(0);
    let found_at = overlapped.iter().map(|gap| gap.found_at).min();
    let mut gaps = close_gaps(overlapped, new.from, new.until);
    gaps.push(Gap {
        from: new.from,
        until: new.until,
        reason: new.reason,
        attempts: attempts.saturating_add(1),
        found_at: found_at.map_or(new.found_at, |oldest| oldest.min(new.found_at)),
        next_attempt_at: new.next_attempt_at,
    });
    gaps.sort_unstable_by_key(|gap| gap.from);
    gaps
}

fn storable(from: u64, until: u64) -> Option<(u64, u64)> {
    (from <= until).then(|| (from.min(LAST_SECOND), until.min(LAST_SECOND)))
}

/// The parts of `old` before `from` and after `until`, each with its share of the events.
fn interval_outside(old: &Interval, from: u64, until: u64) -> impl Iterator<Item = Interval> {
    let old = *old;
    outside((old.from, old.until), from, until).map(move |(from, until)| Interval {
        from,
        until,
        events: share(
            old.events,
            seconds(from, until),
            seconds(old.from, old.until),
        ),
        ..old
    })
}

/// The parts of the range `old` before `from` and after `until`.
fn outside(old: (u64, u64), from: u64, until: u64) -> impl Iterator<Item = (u64, u64)> {
    let before = (old.0 < from).then(|| (old.0, old.1.min(from.saturating_sub(1))));
    let after = (old.1 > until).then(|| (old.0.max(until.saturating_add(1)), old.1));
    before.into_iter().chain(after)
}

fn touches(a: &Interval, b: &Interval) -> bool {
    a.until.checked_add(1) == Some(b.from) || b.until.checked_add(1) == Some(a.from)
}

fn join(a: Interval, b: Interval) -> Interval {
    Interval {
        from: a.from.min(b.from),
        until: a.until.max(b.until),
        method: a.method,
        covered_at: a.covered_at.min(b.covered_at),
        events: a.events.saturating_add(b.events),
    }
}

fn seconds(from: u64, until: u64) -> u128 {
    u128::from(until - from) + 1
}

fn share(events: u64, part: u128, whole: u128) -> u64 {
    let share = u128::from(events) * part / whole;
    u64::try_from(share).expect("a part is no larger than the whole")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GapReason, Method};

    fn interval(from: u64, until: u64, method: Method, covered_at: u64, events: u64) -> Interval {
        Interval {
            from,
            until,
            method,
            covered_at,
            events,
        }
    }

    #[test]
    fn a_live_subscription_grows_one_interval() {
        let old = interval(100, 199, Method::Live, 200, 7);
        let grown = cover(&[old], interval(200, 299, Method::Live, 300, 3));
        assert_eq!(grown, [interval(100, 299, Method::Live, 200, 10)]);
    }

    #[test]
    fn another_method_replaces_only_what_it_overlaps() {
        let old = interval(0, 99, Method::Paging, 1_000, 50);
        let rows = cover(&[old], interval(40, 59, Method::Negentropy, 2_000, 12));
        assert_eq!(
            rows,
            [
                interval(0, 39, Method::Paging, 1_000, 20),
                interval(40, 59, Method::Negentropy, 2_000, 12),
                interval(60, 99, Method::Paging, 1_000, 20),
            ]
        );
    }

    #[test]
    fn covering_the_whole_again_renews_it() {
        let old = interval(10, 19, Method::Paging, 1, 5);
        let new = interval(0, 30, Method::Paging, 2, 6);
        assert_eq!(cover(&[old], new), [new]);
    }

    #[test]
    fn the_ends_of_the_number_line_are_no_special_case() {
        let all = interval(0, u64::MAX, Method::Paging, 1, u64::MAX);
        assert_eq!(cover(&[all], all), [all]);
        let rows = cover(&[all], interval(u64::MAX, u64::MAX, Method::Live, 2, 0));
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].until, u64::MAX - 1);
    }

    #[test]
    fn a_gap_inside_a_gap_goes_on_with_its_history() {
        let old = Gap {
            from: 0,
            until: 59,
            reason: GapReason::TimedOut,
            attempts: 5,
            found_at: 1_000,
            next_attempt_at: 2_000,
        };
        let new = NewGap {
            from: 0,
            until: 29,
            reason: GapReason::RateLimited,
            found_at: 2_500,
            next_attempt_at: 9_000,
        };
        let rows = add_gap(&[old], new);
        assert_eq!(rows[0].attempts, 6);
        assert_eq!(rows[0].found_at, 1_000);
        assert_eq!(rows[1], Gap { from: 30, ..old });
    }
}
