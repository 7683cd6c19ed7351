//! `processing.retries` of `services/monitor.yaml`: checks that fail for a moment, tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};
use super::seconds;

/// How often each check is made again that others answer for. All of it is within the time of one look.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetriesConfig {
    /// Fetching the relay information document.
    pub nip11_info: RetryConfig,
    /// Opening a connection.
    pub nip66_rtt: RetryConfig,
    /// Looking at a certificate that was refused.
    pub nip66_ssl: RetryConfig,
    /// Asking for DNS records.
    pub nip66_dns: RetryConfig,
}

/// How often one check is made again, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryConfig {
    /// Attempts after the first.
    pub max_attempts: u32,
    /// Pause before the second attempt; doubles with each.
    #[serde(with = "seconds")]
    pub initial_delay: Duration,
    /// Longest pause.
    #[serde(with = "seconds")]
    pub max_delay: Duration,
    /// Up to this much more, so that what failed together does not come back together.
    #[serde(with = "seconds")]
    pub jitter: Duration,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            max_attempts: 0,
            initial_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(10),
            jitter: Duration::from_millis(500),
        }
    }
}

/// Where the rows of one check are: the section, then its keys in the order of [`RetryConfig`].
type Paths = [&'static str; 5];

const NIP11_INFO: Paths = [
    "processing.retries.nip11_info",
    "processing.retries.nip11_info.max_attempts",
    "processing.retries.nip11_info.initial_delay",
    "processing.retries.nip11_info.max_delay",
    "processing.retries.nip11_info.jitter",
];
const NIP66_RTT: Paths = [
    "processing.retries.nip66_rtt",
    "processing.retries.nip66_rtt.max_attempts",
    "processing.retries.nip66_rtt.initial_delay",
    "processing.retries.nip66_rtt.max_delay",
    "processing.retries.nip66_rtt.jitter",
];
const NIP66_SSL: Paths = [
    "processing.retries.nip66_ssl",
    "processing.retries.nip66_ssl.max_attempts",
    "processing.retries.nip66_ssl.initial_delay",
    "processing.retries.nip66_ssl.max_delay",
    "processing.retries.nip66_ssl.jitter",
];
const NIP66_DNS: Paths = [
    "processing.retries.nip66_dns",
    "processing.retries.nip66_dns.max_attempts",
    "processing.retries.nip66_dns.initial_delay",
    "processing.retries.nip66_dns.max_delay",
    "processing.retries.nip66_dns.jitter",
];

/// The rows of the section.
pub(super) fn keys() -> Vec<Key> {
    let section = Key::section(
        "processing.retries",
        "How often a check is made again that failed for what may pass, within the time of the look.",
    );
    let mut keys = vec![section];
    keys.extend(check(
        NIP11_INFO,
        "Fetching the relay information document.",
    ));
    keys.extend(check(
        NIP66_RTT,
        "Opening a connection. Some relays ban who comes back at once.",
    ));
    keys.extend(check(
        NIP66_SSL,
        "Looking at a certificate that was refused.",
    ));
    keys.extend(check(NIP66_DNS, "Asking for DNS records."));
    keys
}

fn check(
    [section, max_attempts, initial_delay, max_delay, jitter]: Paths,
    doc: &'static str,
) -> [Key; 5] {
    [
        Key::section(section, doc),
        Key::new(
            max_attempts,
            Accepts::Integer(0, 10),
            "Attempts after the first.",
        ),
        Key::new(
            initial_delay,
            Accepts::Seconds(0.1, 10.0),
            "Pause before the second; doubles with each.",
        ),
        Key::new(max_delay, Accepts::Seconds(1.0, 60.0), "Longest pause."),
        Key::new(
            jitter,
            Accepts::Seconds(0.0, 2.0),
            "Up to this much longer.",
        ),
    ]
}

/// A pause cannot begin longer than it may become.
pub(super) fn validate(retries: &RetriesConfig) -> Vec<(&'static str, String)> {
    let checks = [
        (NIP11_INFO, &retries.nip11_info),
        (NIP66_RTT, &retries.nip66_rtt),
        (NIP66_SSL, &retries.nip66_ssl),
        (NIP66_DNS, &retries.nip66_dns),
    ];
    let wrong = checks
        .into_iter()
        .filter(|(_, retry)| retry.max_delay < retry.initial_delay);
    wrong
        .map(|([_, _, _, max_delay, _], _)| {
            (max_delay, "must not be below initial_delay".to_owned())
        })
        .collect()
}
