//! Known events that a relay names without sending them (NIP-77).

use super::Archive;
use super::admission::Inner;
use crate::model::{RelayId, Sighting};
use crate::store::StoreError;
use crate::store::events::{EventBatch, EventKey};

/// Sightings written in one transaction: new events of other callers wait for it.
const BATCH: usize = 2_000;

impl Archive {
    /// Records that a relay holds these stored events; what is not stored is left out. Durable when it
    /// returns. Returns how many of the sightings are new.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not write. Part of them may be recorded.
    pub async fn sight(&self, keys: &[EventKey], relay: RelayId) -> Result<u64, StoreError> {
        let mut new_sightings = 0;
        for keys in keys.chunks(BATCH) {
            new_sightings += self.0.sight(keys, relay).await?;
        }
        Ok(new_sightings)
    }
}

impl Inner {
    async fn sight(&self, keys: &[EventKey], relay: RelayId) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let sighting = Sighting {
            relay,
            seen_at: now,
        };
        let batch = EventBatch {
            sightings: keys.iter().map(|key| (*key, sighting)).collect(),
            now,
            rows_to_come: self.verifier.waiting(),
            ..EventBatch::default()
        };
        let report = self.store.write(batch).await?;
        self.counters
            .count_sighted(keys.len(), report.new_sightings);
        Ok(report.new_sightings)
    }
}
