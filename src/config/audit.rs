//! `processing.audit` of `services/monitor.yaml`: how the claims of relays are audited.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checks_included::ChecksIncluded;
use super::key::{Accepts, Key};
use super::seconds;

/// How the claims of relays are audited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// Time between two audits of a relay.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Time between an answer of a relay and the next question to it.
    #[serde(with = "seconds")]
    pub pause: Duration,
    /// Whether events are written, and deleted again, to see whether relays do what they claim about that.
    pub write_probe: bool,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(86_400),
            pause: Duration::from_millis(250),
            write_probe: false,
        }
    }
}

/// The rows of the section.
pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::section(
            "processing.audit",
            "How claims are audited: from the second look at a relay on that answers, about a dozen requests \
             over the connection of the check.",
        ),
        Key::new(
            "processing.audit.interval",
            Accepts::Seconds(86_400.0, 31_536_000.0),
            "Time between two audits of a relay.",
        ),
        Key::new(
            "processing.audit.pause",
            Accepts::Seconds(0.0, 10.0),
            "Time between an answer and the next question.",
        ),
        Key::new(
            "processing.audit.write_probe",
            Accepts::Flag,
            "Write up to six events that nobody displays (kind 30078), which expire within ten minutes, and delete them.",
        ),
    ]
}

/// What was stored tells when the last audit was, so that none is repeated after a restart.
pub(super) fn validate(
    compute: &ChecksIncluded,
    store: &ChecksIncluded,
) -> Option<(&'static str, String)> {
    let is_forgotten = compute.claim_audit && !store.claim_audit;
    is_forgotten.then(|| {
        let message = "claim_audit has to be stored where it is on in processing.compute";
        ("processing.store", message.to_owned())
    })
}
