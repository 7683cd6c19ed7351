//! How often a service works and when it gives up.

use std::time::Duration;

use super::key::{Accepts, Key};

/// Shortest interval. A laboratory wants seconds; a production deployment uses minutes and hours.
const MIN_INTERVAL: f64 = 1.0;

/// Longest interval: a week.
const MAX_INTERVAL: f64 = 604_800.0;

/// The schedule keys that every service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Time from the start of one cycle to the start of the next.
    pub interval: Duration,
    /// Failed cycles in a row after which the service gives up; 0 means never.
    pub max_consecutive_failures: u32,
}

/// What an interval accepts.
pub(super) const INTERVAL: Accepts = Accepts::Seconds(MIN_INTERVAL, MAX_INTERVAL);

/// Row of `interval`.
pub(super) const INTERVAL_KEY: Key = Key::new(
    "interval",
    INTERVAL,
    "Time from the start of one cycle to the start of the next.",
);

/// Row of `max_consecutive_failures`.
pub(super) const FAILURES_KEY: Key = Key::new(
    "max_consecutive_failures",
    Accepts::Integer(0, 100),
    "Failed cycles in a row after which the service gives up and the process exits with 1; 0 = never.",
);

/// Row of `lease`.
pub(super) const LEASE_KEY: Key = Key::new(
    "lease",
    Accepts::Seconds(2.0, 3_600.0),
    "How long a relay stays reserved for a process that is gone; others take over then.",
);

/// `lease` by default: what a killed process left is taken over within a minute.
pub(super) const DEFAULT_LEASE: Duration = Duration::from_secs(45);

/// Failed cycles in a row that a service survives by default.
pub(super) const DEFAULT_FAILURES: u32 = 5;
