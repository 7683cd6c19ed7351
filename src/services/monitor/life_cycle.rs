//! What a check says about a relay's state, and when to look again.

use std::time::Duration;

use nips::nip66::Phase;

use crate::checks::rtt::RttCheck;
use crate::model::RelayState;
use crate::services::backoff::spread;

/// Failures in a row that may be a hiccup.
const FLAKY: u32 = 2;

/// Failures in a row from which a relay counts as dead.
const DEAD: u32 = 10;

/// The longest time between two looks at a relay that may come back.
const MAX_PAUSE: Duration = Duration::from_secs(86_400);

/// The time between two looks at a dead relay.
const DEAD_PAUSE: Duration = Duration::from_secs(7 * 86_400);

/// What follows from a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prognosis {
    /// The state from now on.
    pub state: RelayState,
    /// Failures in a row.
    pub failures: u32,
    /// When to look again.
    pub pause: Duration,
}

/// A relay that answered. The pause is at most `interval`, so that what is published about it does not
/// go stale.
pub(super) fn after_answer(interval: Duration, luck: f64) -> Prognosis {
    Prognosis {
        state: RelayState::Online,
        failures: 0,
        pause: interval.mul_f64(0.8 + 0.2 * luck.clamp(0.0, 1.0)),
    }
}

/// A relay that did not, after so many failures in a row before. The first failures are looked into
/// soon, later ones ever more rarely.
pub(super) fn after_silence(failures_before: u32, interval: Duration, luck: f64) -> Prognosis {
    let failures = failures_before.saturating_add(1);
    let state = match failures {
        failures if failures <= FLAKY => RelayState::Flaky,
        failures if failures < DEAD => RelayState::Offline,
        _ => RelayState::Dead,
    };
    let nominal = match failures {
        1 => interval / 4,
        2 => interval / 2,
        DEAD.. => DEAD_PAUSE.max(interval),
        _ => interval
            .saturating_mul(1 << (failures - 3).min(31))
            .min(MAX_PAUSE.max(interval)),
    };
    Prognosis {
        state,
        failures,
        pause: spread(nominal, luck),
    }
}

/// Why a relay counts as not answering, as a stable label; `None` when it answered.
pub(super) fn failure(check: &RttCheck) -> Option<&str> {
    if check.is_online() {
        return None;
    }
    match (&check.rtt.open, &check.rtt.read) {
        (Phase::Failed(reason), _) | (_, Phase::Failed(reason)) => Some(reason),
        (_, Phase::Refused(_)) => Some("refused"),
        _ => Some("no_answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn an_answer_mends_everything() {
        let prognosis = after_answer(HOUR, 1.0);
        assert_eq!(prognosis.state, RelayState::Online);
        assert_eq!((prognosis.failures, prognosis.pause), (0, HOUR));
        assert!(after_answer(HOUR, 0.0).pause < HOUR);
    }

    #[test]
    fn silence_goes_from_flaky_over_offline_to_dead() {
        let mut failures = 0;
        let mut seen = Vec::new();
        for _ in 0..12 {
            let prognosis = after_silence(failures, HOUR, 0.5);
            failures = prognosis.failures;
            seen.push((prognosis.state, prognosis.pause.as_secs() / 900));
        }
        use RelayState::{Dead, Flaky, Offline};
        let expected = [
            (Flaky, 1),
            (Flaky, 2),
            (Offline, 4),
            (Offline, 8),
            (Offline, 16),
            (Offline, 32),
            (Offline, 64),
            (Offline, 96),
            (Offline, 96),
            (Dead, 672),
            (Dead, 672),
            (Dead, 672),
        ];
        assert_eq!(seen, expected);
        assert_eq!(after_silence(u32::MAX, HOUR, 0.5).failures, u32::MAX);
    }
}
