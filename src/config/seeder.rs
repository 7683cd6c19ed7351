//! `services/seeder.yaml`: the list of relays to begin with.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};
use super::schedule::{self, DEFAULT_FAILURES, Schedule};
use super::seconds;
use super::section::{FileName, Section};

/// The contents of `services/seeder.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeederConfig {
    /// Time from the start of one cycle to the start of the next.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Failed cycles in a row after which it gives up; 0 means never.
    pub max_consecutive_failures: u32,
    /// The list.
    pub seed: SeedConfig,
}

/// Where the list is and what becomes of its relays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedConfig {
    /// One URL a line, `#` begins a comment; `None` is the list built in.
    pub file_path: Option<PathBuf>,
    /// Whether the relays have to be validated before they count as relays.
    pub to_validate: bool,
}

impl Default for SeederConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(86_400),
            max_consecutive_failures: DEFAULT_FAILURES,
            seed: SeedConfig::default(),
        }
    }
}

impl Default for SeedConfig {
    fn default() -> Self {
        Self {
            file_path: None,
            to_validate: true,
        }
    }
}

impl SeederConfig {
    /// The schedule keys.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            interval: self.interval,
            max_consecutive_failures: self.max_consecutive_failures,
        }
    }
}

impl Section for SeederConfig {
    const FILE: FileName = FileName::Seeder;

    fn keys() -> Vec<Key> {
        vec![
            schedule::INTERVAL_KEY,
            schedule::FAILURES_KEY,
            Key::section("seed", "The list of relays to begin with."),
            Key::new(
                "seed.file_path",
                Accepts::OrNull(&Accepts::Text),
                "File with one relay URL a line, `#` begins a comment; null = the list built in.",
            ),
            Key::new(
                "seed.to_validate",
                Accepts::Flag,
                "Validate the relays first; false takes them as relays at once.",
            ),
        ]
    }
}
