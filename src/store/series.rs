//! The arithmetic of histories, the same over both relational engines: what a check adds to rows of three
//! resolutions, and what rows say of a window.
//!
//! A row holds numbers of checks, seconds up and down, and the times to open as a text of one letter a check on
//! a logarithmic scale: joining two rows is joining two texts, which every engine can.

use crate::model::{CheckOutcome, RelayState, Transition, WindowFigures};
use crate::store::history::WINDOWS;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
/// Failures are counted by day.
pub(super) const DAY: u64 = 24 * HOUR;

/// How long failures are kept, seconds.
pub(super) const FAILURES_KEPT: u64 = 366 * DAY;

/// A check speaks for its relay until the next one is due, and for as long again when that one is late. After
/// that nobody knows.
const BENEFIT: u64 = 2;

/// The lengths of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Resolution {
    FiveMinutes,
    Hour,
    Day,
}

impl Resolution {
    pub(super) const ALL: [Self; 3] = [Self::FiveMinutes, Self::Hour, Self::Day];

    /// The length of a row, seconds; also its name in the database.
    pub(super) fn seconds(self) -> u64 {
        match self {
            Self::FiveMinutes => 5 * MINUTE,
            Self::Hour => HOUR,
            Self::Day => DAY,
        }
    }

    /// How long rows are kept, seconds: a little longer than the longest window that reads them.
    pub(super) fn kept(self) -> u64 {
        match self {
            Self::FiveMinutes => WINDOWS[0] + HOUR,
            Self::Hour => WINDOWS[2] + DAY,
            Self::Day => WINDOWS[3] + DAY,
        }
    }

    fn of_window(window: u64) -> Self {
        let long_enough = Self::ALL.into_iter().find(|it| it.kept() > window);
        long_enough.unwrap_or(Self::Day)
    }
}

/// The latest check of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LatestCheck {
    pub(super) checked_at: u64,
    pub(super) state: RelayState,
    pub(super) is_up: bool,
    /// When the next one was due, unix seconds.
    pub(super) next_check_at: u64,
}

/// What a check adds to the row of each resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Addition {
    pub(super) answered: u64,
    pub(super) up_s: u64,
    pub(super) down_s: u64,
    pub(super) open_times: String,
}

impl Addition {
    /// What a check adds after the latest one before it. The time between them is counted by the earlier one.
    pub(super) fn of(outcome: &CheckOutcome, before: Option<&LatestCheck>) -> Self {
        let held = before.map_or(0, |before| {
            let promised = before.next_check_at.saturating_sub(before.checked_at);
            let elapsed = outcome.checked_at.saturating_sub(before.checked_at);
            elapsed.min(BENEFIT * promised)
        });
        let was_up = before.is_some_and(|before| before.is_up);
        Self {
            answered: u64::from(outcome.failure.is_none()),
            up_s: if was_up { held } else { 0 },
            down_s: if was_up { 0 } else { held },
            open_times: outcome.open_ms.map(letter).into_iter().collect(),
        }
    }
}

/// The change of state that a check made, if it made one.
pub(super) fn transition(
    outcome: &CheckOutcome,
    before: Option<&LatestCheck>,
) -> Option<Transition> {
    let from = before.map_or(RelayState::New, |before| before.state);
    let reason = outcome.failure.as_deref().unwrap_or("answered");
    (from != outcome.state).then(|| Transition {
        changed_at: outcome.checked_at,
        from,
        to: outcome.state,
        reason: reason.to_owned(),
    })
}

/// A row of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SeriesRow {
    pub(super) resolution_s: u64,
    pub(super) started_at: u64,
    pub(super) checks: u64,
    pub(super) answered: u64,
    pub(super) up_s: u64,
    pub(super) down_s: u64,
    pub(super) open_times: String,
}

/// The figures of every window, from a relay's rows of every resolution, the newest of each first. A row that
/// began before its window is no part of it.
pub(super) fn windows(rows: &[SeriesRow], now: u64) -> [WindowFigures; WINDOWS.len()] {
    WINDOWS.map(|window| {
        let resolution = Resolution::of_window(window).seconds();
        let begins = now.saturating_sub(window);
        let within = rows
            .iter()
            .filter(|row| row.resolution_s == resolution && row.started_at >= begins);
        window_of(within, window)
    })
}

/// The seconds of a row may have begun before the window: what does not fit is left out.
fn window_of<'a>(rows: impl Iterator<Item = &'a SeriesRow>, window: u64) -> WindowFigures {
    let mut figures = WindowFigures {
        window_s: window,
        ..WindowFigures::default()
    };
    let mut times = Vec::new();
    for row in rows {
        figures.checks += row.checks;
        figures.answered += row.answered;
        let (room, observed) = (
            window - figures.up_s - figures.down_s,
            row.up_s + row.down_s,
        );
        let up = if observed > room {
            row.up_s * room / observed
        } else {
            row.up_s
        };
        figures.up_s += up;
        figures.down_s += observed.min(room) - up;
        times.extend(row.open_times.bytes());
    }
    times.sort_unstable();
    figures.p50_ms = percentile(&times, 50);
    figures.p95_ms = percentile(&times, 95);
    figures
}

/// The first letter of the scale, and how many there are: all that ASCII can print.
const FIRST: u8 = b'!';
const LETTERS: u8 = 94;

/// What the last letter stands for, milliseconds; longer times are counted as this.
const LONGEST_MS: f64 = 120_000.0;

/// How much longer the time of the next letter is.
fn growth() -> f64 {
    LONGEST_MS.powf(1.0 / f64::from(LETTERS - 1))
}

/// A time to open as a letter.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the letters that there are"
)]
fn letter(ms: u32) -> char {
    let step = (f64::from(ms.max(1)).ln() / growth().ln()).round();
    char::from(FIRST + step.clamp(0.0, f64::from(LETTERS - 1)) as u8)
}

/// The time that a letter stands for, milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 1 to 120,000"
)]
fn milliseconds(letter: u8) -> u32 {
    let step = letter.saturating_sub(FIRST).min(LETTERS - 1);
    growth().powi(i32::from(step)).round() as u32
}

/// The time that so many of a hundred stay within, from sorted letters.
fn percentile(sorted: &[u8], percent: usize) -> Option<u32> {
    let rank = (sorted.len() * percent).div_ceil(100);
    let letter = sorted.get(rank.checked_sub(1)?)?;
    Some(milliseconds(*letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_to_seven_percent() {
        for ms in (1..2_000).chain((2_000..130_000).step_by(997)) {
            let kept = f64::from(milliseconds(letter(ms) as u8));
            let true_ms = f64::from(ms).min(LONGEST_MS);
            assert!(
                (kept - true_ms).abs() <= 0.07 * true_ms + 0.5,
                "{ms} became {kept}"
            );
        }
        assert_eq!(letter(0), letter(1));
        assert_eq!(milliseconds(letter(u32::MAX) as u8), 120_000);
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let letters =
            |times: &[u32]| -> Vec<u8> { times.iter().map(|ms| letter(*ms) as u8).collect() };
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&letters(&[1]), 95), Some(1));
        let near = |found: Option<u32>, ms: u32| found.unwrap().abs_diff(ms) * 100 <= ms * 7;
        let times = letters(&[10, 100, 1_000, 10_000]);
        assert!(near(percentile(&times, 50), 100));
        assert!(near(percentile(&times, 95), 10_000));
    }

    #[test]
    fn a_late_check_leaves_time_that_nobody_looked_at() {
        let before = LatestCheck {
            checked_at: 1_000,
            state: RelayState::Online,
            is_up: true,
            next_check_at: 1_100,
        };
        let at = |checked_at| {
            let outcome = CheckOutcome {
                relay: crate::model::RelayId(1),
                checked_at,
                state: RelayState::Flaky,
                next_check_at: checked_at + 100,
                open_ms: None,
                failure: Some("timed_out".to_owned()),
            };
            let addition = Addition::of(&outcome, Some(&before));
            (addition.up_s, addition.down_s)
        };
        assert_eq!(
            [1_100, 1_150, 9_000].map(at),
            [(100, 0), (150, 0), (200, 0)]
        );
    }
}
