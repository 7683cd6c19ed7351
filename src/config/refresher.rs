//! `services/refresher.yaml`: what is forgotten, and when; which figures are kept up to date.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};
use super::schedule::{self, DEFAULT_FAILURES, Schedule};
use super::seconds;
use super::section::{FileName, Section};
use crate::model::VIEWS;

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
    /// Figures about the archive.
    pub refresh: RefreshConfig,
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

/// Figures about the archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefreshConfig {
    /// Views of PostgreSQL to refresh, in this order, each after what it reads; of [`VIEWS`].
    pub views: Vec<String>,
    /// Events with which counters are compared in a cycle; 0 compares nothing.
    pub compared_events: u32,
}

impl RefreshConfig {
    /// The views by the names they have in the program.
    pub fn named_views(&self) -> Vec<&'static str> {
        let named = |name: &String| VIEWS.into_iter().find(|view| view == name);
        self.views.iter().filter_map(named).collect()
    }
}

impl Default for RefreshConfig {
    fn default() -> Self {
        Self {
            views: VIEWS.map(str::to_owned).to_vec(),
            compared_events: 10_000,
        }
    }
}

impl Default for RefresherConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(3_600),
            max_consecutive_failures: DEFAULT_FAILURES,
            retention: RetentionConfig::default(),
            refresh: RefreshConfig::default(),
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
            Key::section("refresh", "Figures about the archive."),
            Key::new(
                "refresh.views",
                Accepts::List,
                "Views of PostgreSQL to refresh, in this order; the embedded store has figures without views.",
            ),
            Key::new(
                "refresh.compared_events",
                Accepts::Integer(0, 10_000_000),
                "Events with which counters are compared in a cycle, author by author; 0 = none. A wrong counter has \
                 all of them made anew.",
            ),
        ]
    }

    fn validate(&self) -> Vec<(&'static str, String)> {
        let strangers = self.refresh.views.iter();
        let strangers = strangers.filter(|name| !VIEWS.contains(&name.as_str()));
        let problem = |name| {
            let message = format!("{name:?} is none of {}", VIEWS.join(", "));
            ("refresh.views", message)
        };
        strangers.map(problem).collect()
    }
}
