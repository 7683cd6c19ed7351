//! When a range that could not be covered is tried again.

use std::time::Duration;

use crate::model::GapReason;
use crate::services::backoff::Backoff;

const QUARTER_HOUR: Duration = Duration::from_secs(900);
const DAY: Duration = Duration::from_secs(86_400);

/// How long the whole relay is left alone when everything is refused, and not only some range.
pub(super) fn leave_alone(reason: GapReason) -> Option<Backoff> {
    match reason {
        GapReason::Blocked => Some(backoff(reason)),
        _ => None,
    }
}

/// The pauses between attempts: short where the relay was only in trouble, long where the same answer
/// is to be expected for as long as nobody changes anything.
pub(super) fn backoff(reason: GapReason) -> Backoff {
    match reason {
        GapReason::TimedOut | GapReason::Disconnected | GapReason::RateLimited => Backoff {
            base: QUARTER_HOUR,
            max: DAY,
        },
        GapReason::AuthRequired | GapReason::Restricted | GapReason::Closed => Backoff {
            base: DAY / 4,
            max: 7 * DAY,
        },
        // Whoever blocks us does not want to be asked again soon.
        GapReason::Blocked => Backoff {
            base: 7 * DAY,
            max: 30 * DAY,
        },
        GapReason::OverfullSecond
        | GapReason::Unbounded
        | GapReason::BudgetExceeded
        | GapReason::Garbage
        | GapReason::TooLarge
        | GapReason::Unstorable => Backoff {
            base: DAY,
            max: 30 * DAY,
        },
    }
}
