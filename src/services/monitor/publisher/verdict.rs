//! What a relay's answer to an event means for that event.

use crate::net::{ClosedPrefix, PublishOutcome};

/// What is done with an event that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The relay has it.
    Taken,
    /// The relay does not want it, and would not an hour later.
    Refused {
        /// The prefix of its message.
        reason: &'static str,
        /// The message.
        message: String,
    },
    /// It may well take it later.
    Later {
        /// The prefix of its message, or what happened instead of one.
        reason: &'static str,
        /// The message, if there was one.
        message: String,
    },
}

impl Verdict {
    /// Reads an outcome. A refusal without a prefix that is known is one all the same: words of whoever runs the
    /// relay are for people.
    pub(super) fn of(outcome: PublishOutcome) -> Self {
        let later = |reason| Self::Later {
            reason,
            message: String::new(),
        };
        match outcome {
            PublishOutcome::Answered {
                accepted,
                prefix,
                message,
            } => Self::of_answer(accepted, prefix, message),
            PublishOutcome::AuthRequired { message } => Self::Refused {
                reason: ClosedPrefix::AuthRequired.as_str(),
                message,
            },
            PublishOutcome::TimedOut => later("timed_out"),
            PublishOutcome::Disconnected => later("disconnected"),
            PublishOutcome::Garbage => later("garbage"),
            PublishOutcome::BudgetExceeded { .. } => later("budget_exceeded"),
        }
    }

    fn of_answer(accepted: bool, prefix: ClosedPrefix, message: String) -> Self {
        let reason = prefix.as_str();
        match prefix {
            // Some relays say `false` about what they have.
            _ if accepted => Self::Taken,
            ClosedPrefix::Duplicate => Self::Taken,
            ClosedPrefix::RateLimited | ClosedPrefix::Error => Self::Later { reason, message },
            _ => Self::Refused { reason, message },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(accepted: bool, message: &str) -> Verdict {
        Verdict::of(PublishOutcome::Answered {
            accepted,
            prefix: ClosedPrefix::of(message),
            message: message.to_owned(),
        })
    }

    #[test]
    fn what_a_relay_has_is_sent_whatever_it_calls_that() {
        for (accepted, message) in [
            (true, ""),
            (true, "duplicate: have it"),
            (false, "duplicate: have it"),
            (true, "error: but stored"),
        ] {
            assert_eq!(answered(accepted, message), Verdict::Taken, "{message}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_will_not_is_not() {
        for message in ["rate-limited: slow down", "error: disk full"] {
            let verdict = answered(false, message);
            assert!(matches!(verdict, Verdict::Later { .. }), "{message}");
        }
        for message in [
            "blocked: you",
            "invalid: kind",
            "restricted: members",
            "pow: 30",
            "please pay first",
            "",
        ] {
            let verdict = answered(false, message);
            assert!(matches!(verdict, Verdict::Refused { .. }), "{message}");
        }
        let silence = Verdict::of(PublishOutcome::TimedOut);
        assert!(matches!(
            silence,
            Verdict::Later {
                reason: "timed_out",
                ..
            }
        ));
    }
}
