//! `services/finder.yaml`: where relay URLs are looked for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::admission::{self, AdmissionConfig};
use super::credentials::has_password;
use super::key::{Accepts, Key};
use super::schedule::{self, DEFAULT_FAILURES, Schedule};
use super::seconds;
use super::section::{FileName, Section};

/// The contents of `services/finder.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinderConfig {
    /// Time from the start of one cycle to the start of the next.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Failed cycles in a row after which it gives up; 0 means never.
    pub max_consecutive_failures: u32,
    /// Stored events as a source.
    pub events: FinderEvents,
    /// HTTP documents as a source.
    pub api: ApiConfig,
    /// What is taken in.
    pub admission: AdmissionConfig,
}

/// Relay URLs in stored events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinderEvents {
    /// Whether events are looked through.
    pub enabled: bool,
    /// Events read in one step of the scan.
    pub batch_size: usize,
    /// Longest time of one scan.
    #[serde(with = "seconds")]
    pub max_duration: Duration,
}

/// Relay URLs in HTTP documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiConfig {
    /// Whether documents are fetched.
    pub enabled: bool,
    /// Time before a document that was read is fetched again.
    #[serde(with = "seconds")]
    pub cooldown: Duration,
    /// Pause between two documents.
    #[serde(with = "seconds")]
    pub request_delay: Duration,
    /// Largest document, bytes.
    pub max_response_size: usize,
    /// The documents.
    pub sources: Vec<ApiSource>,
}

/// One document: JSON with relay URLs in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiSource {
    /// Where it is.
    pub url: String,
    /// Whether it is fetched.
    #[serde(default = "enabled")]
    pub enabled: bool,
    /// Time for the whole request.
    #[serde(default = "source_timeout", with = "seconds")]
    pub timeout: Duration,
    /// Which part of the document names relays, in JMESPath; `None` means all of it.
    #[serde(default)]
    pub expression: Option<String>,
}

fn enabled() -> bool {
    true
}

fn source_timeout() -> Duration {
    Duration::from_secs(30)
}

impl Default for FinderConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(3_600),
            max_consecutive_failures: DEFAULT_FAILURES,
            events: FinderEvents::default(),
            api: ApiConfig::default(),
            admission: AdmissionConfig::default(),
        }
    }
}

impl Default for FinderEvents {
    fn default() -> Self {
        Self {
            enabled: true,
            batch_size: 1_000,
            max_duration: Duration::from_secs(7_200),
        }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        let lists = ["online", "offline"].map(|list| ApiSource {
            url: format!("https://api.nostr.watch/v1/{list}"),
            enabled: true,
            timeout: source_timeout(),
            expression: None,
        });
        Self {
            enabled: true,
            cooldown: Duration::from_secs(86_400),
            request_delay: Duration::from_secs(1),
            max_response_size: 5 << 20,
            sources: lists.into(),
        }
    }
}

impl FinderConfig {
    /// The schedule keys.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            interval: self.interval,
            max_consecutive_failures: self.max_consecutive_failures,
        }
    }
}

/// Bounds of [`ApiSource::timeout`], seconds.
const SOURCE_TIMEOUT: std::ops::RangeInclusive<f64> = 0.1..=120.0;

impl Section for FinderConfig {
    const FILE: FileName = FileName::Finder;

    fn keys() -> Vec<Key> {
        vec![
            schedule::INTERVAL_KEY,
            schedule::FAILURES_KEY,
            Key::section("events", "Relay URLs in stored events."),
            Key::new(
                "events.enabled",
                Accepts::Flag,
                "Whether events are looked through.",
            ),
            Key::new(
                "events.batch_size",
                Accepts::Integer(10, 10_000),
                "Events read in one step of the scan.",
            ),
            Key::new(
                "events.max_duration",
                Accepts::Seconds(1.0, 86_400.0),
                "Longest time of one scan; the next continues where it ended.",
            ),
            Key::section("api", "Relay URLs in HTTP documents."),
            Key::new(
                "api.enabled",
                Accepts::Flag,
                "Whether documents are fetched.",
            ),
            Key::new(
                "api.cooldown",
                Accepts::Seconds(1.0, 604_800.0),
                "Time before a document that was read is fetched again.",
            ),
            Key::new(
                "api.request_delay",
                Accepts::Seconds(0.0, 10.0),
                "Pause between two documents.",
            ),
            Key::new(
                "api.max_response_size",
                Accepts::Integer(1 << 10, 50 << 20),
                "Largest document, bytes.",
            ),
            Key::new(
                "api.sources",
                Accepts::List,
                "Documents: JSON with relay URLs. Each has url, enabled (true), timeout (30, seconds \
                 from 0.1 to 120) and expression (JMESPath of the part that names relays, e.g. \
                 relays[?online].url; null = all of it).",
            ),
        ]
        .into_iter()
        .chain(admission::keys())
        .collect()
    }

    fn validate(&self) -> Vec<(&'static str, String)> {
        let mut problems = self.admission.validate();
        for source in &self.api.sources {
            if !source.url.starts_with("https://") && !source.url.starts_with("http://") {
                problems.push((
                    "api.sources",
                    format!("{:?} is not an HTTP URL", source.url),
                ));
            }
            if has_password(&source.url) {
                let message = "a source with a password in its URL is not fetched";
                problems.push(("api.sources", message.to_owned()));
            }
            if let Some(expression) = &source.expression
                && let Err(error) = jmespath::compile(expression)
            {
                let reason = error.reason;
                problems.push((
                    "api.sources",
                    format!("{expression:?} is not JMESPath: {reason}"),
                ));
            }
            if !SOURCE_TIMEOUT.contains(&source.timeout.as_secs_f64()) {
                let message = format!("timeout of {} must be seconds from 0.1 to 120", source.url);
                problems.push(("api.sources", message));
            }
        }
        problems
    }
}
