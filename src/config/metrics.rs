//! `metrics`: where `/metrics` is served.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};

/// The `metrics` section of `brotr.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetricsConfig {
    /// Whether the port is opened.
    pub enabled: bool,
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
}

impl Default for MetricsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            host: IpAddr::from([127, 0, 0, 1]),
            port: 8000,
        }
    }
}

pub(super) const KEYS: &[Key] = &[
    Key::section(
        "metrics",
        "Prometheus metrics and health, GET /metrics and /health/…",
    ),
    Key::new(
        "metrics.enabled",
        Accepts::Flag,
        "Whether the port is opened.",
    ),
    Key::new("metrics.host", Accepts::Text, "Address to listen on."),
    Key::new(
        "metrics.port",
        Accepts::Integer(0, 65_535),
        "Port to listen on; 0 takes a free one and logs it.",
    ),
];
