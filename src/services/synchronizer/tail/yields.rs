//! Which relays bring news, as far as visits have shown lately.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::model::RelayId;

/// After so many seconds what a relay brought counts half: a relay is judged by the last day.
const HALF_LIFE_SECONDS: f64 = 21_600.0;

/// A relay that brought less than this is not worth a connection of its own.
const LEAST: f64 = 1.0;

/// What every relay brought; how many are remembered is bounded by those that brought anything.
#[derive(Debug, Default)]
pub(in crate::services::synchronizer) struct Yields {
    relays: Mutex<HashMap<RelayId, Yield>>,
    changed: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Yield {
    /// Fresh events, weighed by how long ago they came, as of `at`.
    events: f64,
    at: u64,
    /// Its history is archived, as far as it can be.
    is_caught_up: bool,
    passed_over_until: u64,
}

impl Yield {
    fn events_at(&self, now: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a weight")]
        let elapsed = now.saturating_sub(self.at) as f64;
        self.events * (-elapsed / HALF_LIFE_SECONDS).exp2()
    }
}

impl Yields {
    /// A relay brought so many fresh events by `now`.
    pub(in crate::services::synchronizer) fn note(
        &self,
        relay: RelayId,
        fresh: u64,
        is_caught_up: bool,
        now: u64,
    ) {
        let mut relays = self.lock();
        if fresh == 0 && !relays.contains_key(&relay) {
            return;
        }
        let entry = relays.entry(relay).or_insert(Yield {
            events: 0.0,
            at: now,
            is_caught_up,
            passed_over_until: 0,
        });
        #[expect(clippy::cast_precision_loss, reason = "a weight")]
        let fresh = fresh as f64;
        entry.events = entry.events_at(now) + fresh;
        entry.at = now;
        entry.is_caught_up = is_caught_up;
        drop(relays);
        self.changed.notify_one();
    }

    /// A relay that should not be listened to until then.
    pub(super) fn pass_over(&self, relay: RelayId, until: u64) {
        if let Some(entry) = self.lock().get_mut(&relay) {
            entry.passed_over_until = until;
        }
    }

    /// The relays that bring the most, best first.
    pub(super) fn best(&self, limit: usize, now: u64) -> Vec<RelayId> {
        let mut relays = self.lock();
        relays.retain(|_, entry| entry.events_at(now) >= LEAST || entry.passed_over_until > now);
        let can_be_tailed = |entry: &Yield| entry.is_caught_up && entry.passed_over_until <= now;
        let mut best: Vec<(f64, RelayId)> = relays
            .iter()
            .filter(|(_, entry)| can_be_tailed(entry))
            .map(|(relay, entry)| (entry.events_at(now), *relay))
            .collect();
        best.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        best.truncate(limit);
        best.into_iter().map(|(_, relay)| relay).collect()
    }

    /// Waits until something was noted. Cancel-safe.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RelayId, Yield>> {
        self.relays.lock().expect("no panic while yields are noted")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_750_000_000;

    #[test]
    fn what_came_lately_counts_most() {
        let yields = Yields::default();
        let [old, new, busy, quiet] = [1, 2, 3, 4].map(RelayId);
        yields.note(old, 100, true, NOW);
        yields.note(new, 60, true, NOW + 21_600);
        yields.note(busy, 1_000, false, NOW + 21_600);
        yields.note(quiet, 0, true, NOW);
        assert_eq!(yields.best(10, NOW + 21_600), [new, old]);
        assert_eq!(yields.best(1, NOW + 21_600), [new]);
        yields.note(busy, 0, true, NOW + 21_700);
        assert_eq!(yields.best(10, NOW + 21_700), [busy, new, old]);
        yields.pass_over(busy, NOW + 108_100);
        assert_eq!(yields.best(10, NOW + 21_700), [new, old]);
        assert_eq!(yields.best(10, NOW + 200_000), [busy]);
        assert_eq!(yields.best(10, NOW + 2_000_000), []);
    }
}
