//! How long to leave something alone after it failed, once or again.

use std::time::Duration;

/// How far a delay is spread around its nominal length, so that what failed together does not come
/// back together.
const SPREAD: f64 = 0.2;

/// Delays that double from one failure to the next, between two bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backoff {
    /// The delay after the first failure.
    pub base: Duration,
    /// The longest delay, before it is spread.
    pub max: Duration,
}

impl Backoff {
    /// The delay after so many failures in a row, at least 1; `luck` from 0 to 1 spreads it by a fifth
    /// to either side.
    pub(super) fn delay(&self, failures: u32, luck: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let nominal = self.base.saturating_mul(1 << doublings).min(self.max);
        spread(nominal, luck)
    }
}

/// A duration, a fifth shorter at luck 0 and a fifth longer at luck 1.
pub(super) fn spread(nominal: Duration, luck: f64) -> Duration {
    nominal.mul_f64(1.0 - SPREAD + 2.0 * SPREAD * luck.clamp(0.0, 1.0))
}

/// Whole seconds of a delay; only no delay at all is zero.
pub(super) fn whole_seconds(delay: Duration) -> u64 {
    delay.as_secs_f64().ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_bound() {
        let backoff = Backoff {
            base: Duration::from_secs(10),
            max: Duration::from_secs(60),
        };
        let delays = [0, 1, 2, 3, 4, 1_000].map(|failures| backoff.delay(failures, 0.5).as_secs());
        assert_eq!(delays, [10, 10, 20, 40, 60, 60]);
        assert_eq!(backoff.delay(1, 0.0), Duration::from_secs(8));
        assert_eq!(backoff.delay(1, 1.0), Duration::from_secs(12));
        assert_eq!(whole_seconds(Duration::ZERO), 0);
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
    }
}
