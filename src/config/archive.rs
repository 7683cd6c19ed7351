//! `archive`: how much of an event is kept.

use nips::Kind;
use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};

/// Largest event that any door takes, as JSON text, bytes. The largest contact lists seen on the
/// network are below 300 kB; this is enough for a tag of a mebibyte.
pub const MAX_EVENT_BYTES: usize = 1_536 << 10;

/// Whether events are kept whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArchiveMode {
    /// Every event is kept whole.
    Full,
    /// Only the kinds of `whole_kinds` are kept whole (LilBrotr).
    Lightweight,
}

/// The `archive` section of `brotr.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArchiveConfig {
    /// Full or lightweight.
    pub mode: ArchiveMode,
    /// Kinds that stay whole, and so servable, in lightweight mode.
    pub whole_kinds: Vec<Kind>,
}

impl Default for ArchiveConfig {
    fn default() -> Self {
        Self {
            mode: ArchiveMode::Full,
            whole_kinds: [0, 10_002, 10_166, 30_166].map(Kind).to_vec(),
        }
    }
}

pub(super) const KEYS: &[Key] = &[
    Key::section("archive", "How much of an event is kept."),
    Key::new(
        "archive.mode",
        Accepts::Choice(&["full", "lightweight"]),
        "`lightweight` keeps tags and content only of `whole_kinds`.",
    ),
    Key::new(
        "archive.whole_kinds",
        Accepts::List,
        "Kinds (0 to 65535) that lightweight mode keeps whole, and so can serve.",
    ),
];
