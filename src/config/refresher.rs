//! `services/refresher.yaml`: what is forgotten, and when.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};
use super::schedule::{self, DEFAULT_FAILURES, Schedule};
use super::seconds;
use super::section::{FileName, Section};

/// The contents of `services/refresher.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefresherConfig {
    /// Time from the start of one cycle to the start of the next.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Failed cycles in a row after which it gives up; 0 means never.
    pub max_consecutive_failures: u32,
    /// How long things are kept.
    pub retention: RetentionConfig,
}

/// How long things are kept. Events stay for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// Age at which check results go; the newest of each relay and type stays.
    #[serde(with = "seconds")]
    pub metadata: Duration,
    /// Age at which entries of the log of arrivals go.
    #[serde(with = "seconds")]
    pub arrivals: Duration,
    /// Rows deleted in one transaction.
    pub batch_size: u32,
}

impl Default for RefresherConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(3_600),
            max_consecutive_failures: DEFAULT_FAILURES,
            retention: RetentionConfig::default(),
        }
    }
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            metadata: Duration::from_secs(90 * 86_400),
            arrivals: Duration::from_secs(7 * 86_400),
            batch_size: 1_000,
        }
    }
}

impl RefresherConfig {
    /// The schedule keys.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            interval: self.interval,
            max_consecutive_failures: self.max_consecutive_failures,
        }
    }
}

/// Ten years: longer is written as a large number by mistake.
const MAX_AGE: f64 = 315_360_000.0;

impl Section for RefresherConfig {
    const FILE: FileName = FileName::Refresher;

    fn keys() -> Vec<Key> {
        vec![
            schedule::INTERVAL_KEY,
            schedule::FAILURES_KEY,
            Key::section(
                "retention",
                "How long things are kept. Events stay for ever.",
            ),
            Key::new(
                "retention.metadata",
                Accepts::Seconds(3_600.0, MAX_AGE),
                "Age at which check results go; the newest of each relay and type stays.",
            ),
            Key::new(
                "retention.arrivals",
                Accepts::Seconds(3_600.0, MAX_AGE),
                "Age at which entries of the log of arrivals go; finder and feed read it.",
            ),
            Key::new(
                "retention.batch_size",
                Accepts::Integer(10, 100_000),
                "Rows deleted in one transaction.",
            ),
        ]
    }
}
