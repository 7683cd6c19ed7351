//! What to do when a relay did not answer with EOSE, and how often.

use std::time::Duration;

use crate::model::GapReason;
use crate::net::{Budget, ClosedPrefix, Outcome};
use crate::services::backoff::Backoff;

/// Failed answers in a row before a relay is left alone.
const MAX_FAILURES: u32 = 5;

/// Refusals `rate-limited:` in a row before a relay is left alone.
const MAX_RATE_LIMITS: u32 = 6;

/// Ranges halved in one visit because of something in them that cannot be received.
const MAX_SPLITS: u32 = 40;

/// The pause before asking again after a failure: the relay is probably busy, or has just restarted.
const AFTER_FAILURE: Backoff = Backoff {
    base: Duration::from_millis(250),
    max: Duration::from_secs(4),
};

/// The pause that a relay asked for with `rate-limited:`.
const AFTER_RATE_LIMIT: Backoff = Backoff {
    base: Duration::from_secs(1),
    max: Duration::from_secs(30),
};

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reaction {
    /// Ask the same again after a pause.
    Retry {
        /// How long to wait.
        pause: Duration,
        /// Why nothing came, for when there is no time left to wait.
        reason: GapReason,
        /// Ask for fewer events at once.
        is_smaller: bool,
        /// On a new connection.
        is_reconnecting: bool,
    },
    /// Halve the range: something in it cannot be received.
    Split,
    /// Leave the rest for another visit.
    GiveUp(GapReason),
}

/// How much a relay has tried our patience in this visit.
#[derive(Debug, Default)]
pub(super) struct Patience {
    failures: u32,
    rate_limits: u32,
    splits: u32,
}

impl Patience {
    /// The relay answered with EOSE.
    pub(super) fn restore(&mut self) {
        self.failures = 0;
        self.rate_limits = 0;
    }

    /// How often in a row the relay did not answer; silence is borne longer after each.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Decides about an outcome that is not EOSE; `luck` from 0 to 1 spreads the pauses.
    pub(super) fn react(&mut self, outcome: &Outcome, luck: f64) -> Reaction {
        match outcome {
            Outcome::Eose => self.retry(GapReason::Closed, false, luck),
            Outcome::TimedOut => self.retry(GapReason::TimedOut, self.failures > 0, luck),
            Outcome::Disconnected => self.retry(GapReason::Disconnected, true, luck),
            Outcome::Closed { prefix, .. } => self.react_to_closed(*prefix, luck),
            Outcome::AuthRequired { .. } => Reaction::GiveUp(GapReason::AuthRequired),
            Outcome::Garbage => Reaction::GiveUp(GapReason::Garbage),
            Outcome::BudgetExceeded { budget } => self.react_to_budget(*budget, luck),
        }
    }

    fn react_to_closed(&mut self, prefix: ClosedPrefix, luck: f64) -> Reaction {
        match prefix {
            ClosedPrefix::RateLimited => {
                self.rate_limits += 1;
                if self.rate_limits > MAX_RATE_LIMITS {
                    return Reaction::GiveUp(GapReason::RateLimited);
                }
                Reaction::Retry {
                    pause: AFTER_RATE_LIMIT.delay(self.rate_limits, luck),
                    reason: GapReason::RateLimited,
                    is_smaller: false,
                    is_reconnecting: false,
                }
            }
            ClosedPrefix::Restricted => Reaction::GiveUp(GapReason::Restricted),
            ClosedPrefix::Blocked | ClosedPrefix::Mute => Reaction::GiveUp(GapReason::Blocked),
            ClosedPrefix::AuthRequired => Reaction::GiveUp(GapReason::AuthRequired),
            ClosedPrefix::Invalid | ClosedPrefix::Unsupported | ClosedPrefix::Pow => {
                Reaction::GiveUp(GapReason::Closed)
            }
            ClosedPrefix::Error
            | ClosedPrefix::Other
            | ClosedPrefix::Info
            | ClosedPrefix::Duplicate => self.retry(GapReason::Closed, false, luck),
        }
    }

    fn react_to_budget(&mut self, budget: Budget, luck: f64) -> Reaction {
        match budget {
            // More than the limit that we asked for: a relay that does not know when to end.
            Budget::Events | Budget::Consumer => Reaction::GiveUp(GapReason::BudgetExceeded),
            Budget::SessionBytes => self.retry(GapReason::BudgetExceeded, true, luck),
            Budget::Bytes | Budget::Frame => {
                self.splits += 1;
                if self.splits > MAX_SPLITS {
                    return Reaction::GiveUp(GapReason::BudgetExceeded);
                }
                Reaction::Split
            }
        }
    }

    fn retry(&mut self, reason: GapReason, is_reconnecting: bool, luck: f64) -> Reaction {
        self.failures += 1;
        if self.failures > MAX_FAILURES {
            return Reaction::GiveUp(reason);
        }
        Reaction::Retry {
            pause: AFTER_FAILURE.delay(self.failures, luck),
            reason,
            is_smaller: self.failures > 1,
            is_reconnecting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(message: &str) -> Outcome {
        Outcome::Closed {
            prefix: ClosedPrefix::of(message),
            message: message.to_owned(),
        }
    }

    fn last_of(outcome: &Outcome, times: u32) -> Reaction {
        let mut patience = Patience::default();
        for _ in 1..times {
            let reaction = patience.react(outcome, 0.5);
            assert!(!matches!(reaction, Reaction::GiveUp(_)), "{outcome:?}");
        }
        patience.react(outcome, 0.5)
    }

    #[test]
    fn failures_are_borne_for_a_while() {
        for (outcome, reason, times) in [
            (Outcome::TimedOut, GapReason::TimedOut, 6),
            (Outcome::Disconnected, GapReason::Disconnected, 6),
            (closed("error: busy"), GapReason::Closed, 6),
            (closed("rate-limited: slow down"), GapReason::RateLimited, 7),
            (closed("restricted: members only"), GapReason::Restricted, 1),
            (closed("blocked: you"), GapReason::Blocked, 1),
            (closed("unsupported: too broad"), GapReason::Closed, 1),
            (Outcome::Garbage, GapReason::Garbage, 1),
        ] {
            assert_eq!(last_of(&outcome, times), Reaction::GiveUp(reason));
        }
    }

    #[test]
    fn an_answer_restores_patience() {
        let mut patience = Patience::default();
        for _ in 0..100 {
            let reaction = patience.react(&Outcome::TimedOut, 0.5);
            assert!(matches!(
                reaction,
                Reaction::Retry {
                    is_smaller: false,
                    ..
                }
            ));
            patience.restore();
        }
    }

    #[test]
    fn the_second_failure_asks_for_less() {
        let Reaction::Retry {
            is_smaller,
            is_reconnecting,
            ..
        } = last_of(&Outcome::TimedOut, 2)
        else {
            panic!("a second failure is borne");
        };
        assert!(is_smaller && is_reconnecting);
    }
}
