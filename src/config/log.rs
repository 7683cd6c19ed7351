//! `log`: how much is written to stderr, and in which form.

use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};

/// Least severe level that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// One message.
    Trace,
    /// One relay.
    Debug,
    /// A stage finished.
    Info,
    /// Carried on degraded.
    Warn,
    /// Somebody must act.
    Error,
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// `level service message key=value`.
    Text,
    /// One JSON object a line.
    Json,
    /// For a person at a terminal: time, colour, aligned columns.
    Pretty,
}

/// The `log` section of `brotr.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// Least severe level that is written.
    pub level: LogLevel,
    /// Form of a line.
    pub format: LogFormat,
    /// Whether text lines begin with the time.
    pub timestamps: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: LogLevel::Info,
            format: LogFormat::Text,
            timestamps: false,
        }
    }
}

pub(super) const KEYS: &[Key] = &[
    Key::section("log", "What is written to stderr."),
    Key::new(
        "log.level",
        Accepts::Choice(&["trace", "debug", "info", "warn", "error"]),
        "Least severe level that is written; --log-level overrides it.",
    ),
    Key::new(
        "log.format",
        Accepts::Choice(&["text", "json", "pretty"]),
        "`text` is `level service message key=value`; --log-format overrides it.",
    ),
    Key::new(
        "log.timestamps",
        Accepts::Flag,
        "Begin text lines with the time in UTC; systemd and containers add their own.",
    ),
];
