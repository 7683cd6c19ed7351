//! What was received of a relay, added up: for those who ask how much is taken from it, and for the live tail, which
//! listens to the relays that bring the most news.

use crate::model::{News, RelayId, Traffic};
use crate::store::StoreError;

use super::Inner;
use super::harvest::Harvest;

/// After so many seconds what a relay brought counts half: a relay is judged by the last day.
const HALF_LIFE_SECONDS: f64 = 21_600.0;

/// What came of a relay lately.
#[derive(Debug)]
pub(super) struct Receipt<'a> {
    /// The events.
    pub(super) harvest: &'a Harvest,
    /// Bytes on the wire.
    pub(super) received_bytes: u64,
    /// Whether its history is archived now; `None` when that is as it was.
    pub(super) is_caught_up: Option<bool>,
}

impl Inner {
    /// Adds it to what came before.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub(super) async fn account(
        &self,
        relay: RelayId,
        receipt: Receipt<'_>,
    ) -> Result<(), StoreError> {
        let store = &self.context.store;
        let before = store.traffic(relay).await?.news;
        let now = self.context.clock.now();
        let harvest = receipt.harvest;
        let news = News {
            fresh_until: fresh_until(before.fresh_until, harvest.fresh, now),
            is_caught_up: receipt.is_caught_up.unwrap_or(before.is_caught_up),
        };
        let received = Traffic {
            received_bytes: receipt.received_bytes,
            new_events: harvest.stored,
            known_events: harvest.known,
            refused_events: harvest.refusals(),
        };
        store.add_traffic(relay, received, news).await?;
        self.yields.note(relay, news, now);
        Ok(())
    }
}

/// Until when the events of before and these weigh as much as one. A weight of two lasts for half a life.
fn fresh_until(before: u64, fresh: u64, now: u64) -> u64 {
    if fresh == 0 {
        return before;
    }
    #[expect(clippy::cast_precision_loss, reason = "a weight")]
    let (before, now, fresh) = (before as f64, now as f64, fresh as f64);
    let weight = ((before - now) / HALF_LIFE_SECONDS).exp2() + fresh;
    (now + HALF_LIFE_SECONDS * weight.log2()).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_750_000_000;
    const HALF_LIFE: u64 = 21_600;

    #[test]
    fn what_came_lately_counts_most() {
        assert_eq!(fresh_until(0, 0, NOW), 0);
        assert_eq!(fresh_until(0, 1, NOW), NOW);
        let old = fresh_until(0, 128, NOW);
        assert_eq!(old, NOW + 7 * HALF_LIFE);
        assert_eq!(fresh_until(old, 0, NOW + HALF_LIFE), old);
        // Half of it is left, and as much is added.
        let again = fresh_until(old, 64, NOW + HALF_LIFE);
        assert_eq!(again, NOW + 8 * HALF_LIFE);
        let new = fresh_until(0, 100, NOW + HALF_LIFE);
        assert!(old < new && new < again);
    }
}
