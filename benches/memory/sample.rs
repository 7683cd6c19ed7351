//! One look at the program.

use std::time::Duration;

use super::program::Program;
use super::resident::{field, map_kb};

/// What it uses and how far it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) at: Duration,
    /// Memory of its own.
    pub(crate) anonymous_kb: u64,
    /// All resident memory but for pages of the event store's files, which the kernel takes back when
    /// somebody needs room.
    pub(crate) besides_map_kb: u64,
    pub(crate) map_kb: u64,
    pub(crate) events: u64,
    /// (event, relay) pairs.
    pub(crate) sightings: u64,
}

impl Sample {
    pub(crate) fn take(program: &Program, at: Duration) -> Self {
        let status = program.proc_file("status");
        let map_kb = map_kb(&program.proc_file("smaps"));
        let archived = program.status().unwrap_or_default();
        let count = |name: &str| archived["events"][name].as_u64().unwrap_or(0);
        Self {
            at,
            anonymous_kb: field(&status, "RssAnon:"),
            besides_map_kb: field(&status, "VmRSS:").saturating_sub(map_kb),
            map_kb,
            events: count("events"),
            sightings: count("sightings"),
        }
    }
}
