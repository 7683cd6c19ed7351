//! What an operator may want to bound differently.

use crate::config::MAX_EVENT_BYTES;

/// Bounds of the archive's door; each applies to every event unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveSettings {
    /// Longest event as JSON text, bytes.
    pub max_event_bytes: usize,
    /// Most tags of one event.
    pub max_tags: usize,
    /// How far ahead of our clock the `created_at` of a client's event may be, seconds. Events that
    /// other relays serve are archived whatever they claim.
    pub max_created_at_ahead: u64,
    /// Difficulty that a client's event has to have (NIP-13); 0 asks for none.
    pub min_difficulty: u16,
    /// How many ids of recently stored events are remembered, so that a copy of them needs no
    /// look-up; about 50 bytes each.
    pub recent_ids: usize,
    /// Threads that parse and verify at the same time. Twice the cores by default: a chunk that was handed
    /// over and waits for its thread would leave a core idle.
    pub verify_threads: usize,
}

impl Default for ArchiveSettings {
    fn default() -> Self {
        Self {
            max_event_bytes: MAX_EVENT_BYTES,
            max_tags: 10_000,
            max_created_at_ahead: 900,
            min_difficulty: 0,
            recent_ids: 100_000,
            verify_threads: 2 * std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}
