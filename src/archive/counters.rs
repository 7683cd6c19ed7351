//! What passed the door, counted for metrics.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Admission;

/// Totals since the archive was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArchiveCounts {
    /// Events stored for the first time.
    pub stored: u64,
    /// Events that were known.
    pub known: u64,
    /// Ephemeral events delivered.
    pub delivered: u64,
    /// Signatures checked.
    pub verified: u64,
    /// Sightings that were new.
    pub sightings: u64,
    /// Store batches that had to be taken apart because of one row.
    pub poisoned_batches: u64,
    /// Refused events by [`Rejection::reason`](super::Rejection::reason), and by the reasons of
    /// [`Archive::count_refused`](super::Archive::count_refused).
    pub refused: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    stored: AtomicU64,
    known: AtomicU64,
    delivered: AtomicU64,
    verified: AtomicU64,
    sightings: AtomicU64,
    poisoned_batches: AtomicU64,
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counters {
    pub(super) fn count(&self, admissions: &[Admission]) {
        let (mut stored, mut known, mut delivered, mut sightings) = (0, 0, 0, 0);
        for admission in admissions {
            match admission {
                Admission::Stored(_) => stored += 1,
                Admission::Known { new_sighting } => {
                    known += 1;
                    sightings += u64::from(*new_sighting);
                }
                Admission::Delivered => delivered += 1,
                Admission::Refused(rejection) => self.count_refused(rejection.reason()),
            }
        }
        self.stored.fetch_add(stored, Ordering::Relaxed);
        self.known.fetch_add(known, Ordering::Relaxed);
        self.delivered.fetch_add(delivered, Ordering::Relaxed);
        self.sightings.fetch_add(sightings, Ordering::Relaxed);
    }

    pub(super) fn count_refused(&self, reason: &'static str) {
        let mut refused = self.refused.lock().expect("no panic while counting");
        *refused.entry(reason).or_default() += 1;
    }

    pub(super) fn count_sighted(&self, known: usize, new_sightings: u64) {
        self.known.fetch_add(known as u64, Ordering::Relaxed);
        self.sightings.fetch_add(new_sightings, Ordering::Relaxed);
    }

    pub(super) fn count_verified(&self, count: usize) {
        self.verified.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(super) fn count_poisoned(&self) {
        self.poisoned_batches.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> ArchiveCounts {
        ArchiveCounts {
            stored: self.stored.load(Ordering::Relaxed),
            known: self.known.load(Ordering::Relaxed),
            delivered: self.delivered.load(Ordering::Relaxed),
            verified: self.verified.load(Ordering::Relaxed),
            sightings: self.sightings.load(Ordering::Relaxed),
            poisoned_batches: self.poisoned_batches.load(Ordering::Relaxed),
            refused: self
                .refused
                .lock()
                .expect("no panic while counting")
                .clone(),
        }
    }
}
