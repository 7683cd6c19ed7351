//! `services/validator.yaml`: how candidates are tried and given up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::NetworkOverrides;
use super::key::{Accepts, Key};
use super::networks::OVERRIDES_KEY;
use super::schedule::{self, DEFAULT_FAILURES, Schedule};
use super::seconds;
use super::section::{FileName, Section};

/// The contents of `services/validator.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidatorConfig {
    /// Time from the start of one cycle to the start of the next.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Failed cycles in a row after which it gives up; 0 means never.
    pub max_consecutive_failures: u32,
    /// How candidates are tried.
    pub processing: ValidatorProcessing,
    /// How candidates are given up.
    pub cleanup: CleanupConfig,
    /// Differences from `brotr.yaml`.
    pub networks: NetworkOverrides,
}

/// How candidates are tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ValidatorProcessing {
    /// Candidates read from the store at once.
    pub chunk_size: usize,
    /// Candidates tried in one cycle; `None` means all that are due.
    pub max_candidates: Option<usize>,
    /// Shortest time before a candidate that failed is tried again.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Whether relays with an invalid certificate are tried all the same.
    pub allow_insecure: bool,
}

/// How candidates are given up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CleanupConfig {
    /// Whether candidates are ever given up.
    pub enabled: bool,
    /// Failures after which a candidate is given up.
    pub max_failures: u32,
    /// Time during which a URL that was given up is not added again.
    #[serde(with = "seconds")]
    pub quarantine: Duration,
}

impl Default for ValidatorConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(28_800),
            max_consecutive_failures: DEFAULT_FAILURES,
            processing: ValidatorProcessing::default(),
            cleanup: CleanupConfig::default(),
            networks: NetworkOverrides::default(),
        }
    }
}

impl Default for ValidatorProcessing {
    fn default() -> Self {
        Self {
            chunk_size: 100,
            max_candidates: None,
            interval: Duration::from_secs(3_600),
            allow_insecure: false,
        }
    }
}

impl Default for CleanupConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            max_failures: 100,
            quarantine: Duration::from_secs(30 * 86_400),
        }
    }
}

impl ValidatorConfig {
    /// The schedule keys.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            interval: self.interval,
            max_consecutive_failures: self.max_consecutive_failures,
        }
    }
}

impl Section for ValidatorConfig {
    const FILE: FileName = FileName::Validator;

    fn keys() -> Vec<Key> {
        vec![
            schedule::INTERVAL_KEY,
            schedule::FAILURES_KEY,
            Key::section("processing", "How candidates are tried."),
            Key::new(
                "processing.chunk_size",
                Accepts::Integer(10, 1_000),
                "Candidates read from the store at once.",
            ),
            Key::new(
                "processing.max_candidates",
                Accepts::OrNull(&Accepts::Integer(1, u64::MAX)),
                "Candidates tried in one cycle; null = all that are due.",
            ),
            Key::new(
                "processing.interval",
                Accepts::Seconds(0.0, 604_800.0),
                "Shortest time before a candidate that failed is tried again.",
            ),
            Key::new(
                "processing.allow_insecure",
                Accepts::Flag,
                "Whether relays with an invalid certificate are tried all the same.",
            ),
            Key::section("cleanup", "How candidates are given up."),
            Key::new(
                "cleanup.enabled",
                Accepts::Flag,
                "Whether candidates are ever given up.",
            ),
            Key::new(
                "cleanup.max_failures",
                Accepts::Integer(1, 1_000_000),
                "Failures after which a candidate is given up.",
            ),
            Key::new(
                "cleanup.quarantine",
                Accepts::Seconds(0.0, 31_536_000.0),
                "Time during which a URL that was given up is not added again.",
            ),
            OVERRIDES_KEY,
        ]
    }

    fn validate(&self) -> Vec<(&'static str, String)> {
        self.networks.validate()
    }
}
