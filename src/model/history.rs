//! What became of a relay: how often it answered and how fast, and when its state changed.

use super::{RelayId, RelayState};

/// What a check means for the history of a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckOutcome {
    /// The relay.
    pub relay: RelayId,
    /// When it was checked, unix seconds.
    pub checked_at: u64,
    /// Its state from then on.
    pub state: RelayState,
    /// When it will be looked at next, unix seconds: until then this check speaks for it.
    pub next_check_at: u64,
    /// Time to open a connection, milliseconds.
    pub open_ms: Option<u32>,
    /// Stable label of why it did not answer; `None` when it did.
    pub failure: Option<String>,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// When it was noticed, unix seconds.
    pub changed_at: u64,
    /// The state before.
    pub from: RelayState,
    /// The state from then on.
    pub to: RelayState,
    /// Why: the label of the failure, or `answered`.
    pub reason: String,
}

/// How often a relay did not answer for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureCount {
    /// Stable label.
    pub reason: String,
    /// Failed checks.
    pub failures: u64,
}

/// A stretch of time that ends now, in figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowFigures {
    /// Its length, seconds.
    pub window_s: u64,
    /// Checks in it.
    pub checks: u64,
    /// Checks that were answered.
    pub answered: u64,
    /// Seconds in which the latest check had been answered.
    pub up_s: u64,
    /// Seconds in which it had not. What is missing to the length of the window nobody looked at.
    pub down_s: u64,
    /// Half of the connections opened within this time, milliseconds, to 7 %.
    pub p50_ms: Option<u32>,
    /// 95 of 100 connections opened within this time, milliseconds, to 7 %.
    pub p95_ms: Option<u32>,
}

impl WindowFigures {
    /// The part of the observed time in which the relay was up, from 0 to 1; `None` when it was not observed.
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds of a year are far below 2^53"
    )]
    pub fn uptime(&self) -> Option<f64> {
        let observed = self.up_s + self.down_s;
        (observed > 0).then(|| self.up_s as f64 / observed as f64)
    }
}
