//! When a candidate that failed is tried again.

use std::time::Duration;

use crate::services::backoff::Backoff;

/// The longest pause after failures that may pass by themselves.
const MAX_PAUSE: Duration = Duration::from_secs(2 * 86_400);

/// The longest pause after failures that somebody would have to do something about.
const MAX_LONG_PAUSE: Duration = Duration::from_secs(7 * 86_400);

/// How many doublings a failure counts that is not going to pass by itself.
const HEAD_START: u32 = 4;

/// What does not pass by itself: the name is gone, the address is forbidden, or something else than a
/// relay answers.
const LASTING: [&str; 8] = [
    "no_address",
    "malformed_name",
    "overlay_name",
    "address_refused",
    "upgrade_refused",
    "not_nostr",
    "notice_only",
    "no_answer",
];

/// How the reasons begin of a certificate that is not valid, which somebody has to replace.
const CERTIFICATE: &str = "certificate_";

/// The pause after so many failures in a row, this one included; `luck` from 0 to 1 spreads it.
pub(super) fn pause(shortest: Duration, failures: u32, reason: &str, luck: f64) -> Duration {
    let is_lasting = LASTING.contains(&reason) || reason.starts_with(CERTIFICATE);
    let max = if is_lasting {
        MAX_LONG_PAUSE
    } else {
        MAX_PAUSE
    };
    let backoff = Backoff {
        base: shortest.max(Duration::from_secs(1)),
        max: max.max(shortest),
    };
    let head_start = if is_lasting { HEAD_START } else { 0 };
    backoff.delay(failures.saturating_add(head_start), luck)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn pauses_grow_and_are_longer_for_what_lasts() {
        let hours = |failures, reason| pause(HOUR, failures, reason, 0.5).as_secs() / 3_600;
        assert_eq!([1, 2, 3, 9].map(|n| hours(n, "timed_out")), [1, 2, 4, 48]);
        for reason in ["no_address", "certificate_expired"] {
            assert_eq!([1, 2, 9].map(|n| hours(n, reason)), [16, 32, 168]);
        }
        assert_eq!(
            pause(Duration::ZERO, 1, "timed_out", 0.5),
            Duration::from_secs(1)
        );
    }
}
