//! Which relays bring news: what the store has of it, and who cannot be listened to for a while.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::model::{News, RelayId};

/// The relays with fresh news; how many are remembered is bounded by those that bring any.
#[derive(Debug, Default)]
pub(in crate::services::synchronizer) struct Yields {
    relays: Mutex<HashMap<RelayId, Yield>>,
    changed: Notify,
}

#[derive(Debug, Clone, Copy, Default)]
struct Yield {
    news: News,
    passed_over_until: u64,
}

impl Yields {
    /// What a relay brings by `now`.
    pub(in crate::services::synchronizer) fn note(&self, relay: RelayId, news: News, now: u64) {
        let mut relays = self.lock();
        if news.fresh_until <= now && !relays.contains_key(&relay) {
            return;
        }
        relays.entry(relay).or_default().news = news;
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
        relays.retain(|_, it| it.news.fresh_until > now || it.passed_over_until > now);
        let can_be_tailed = |it: &Yield| it.news.is_caught_up && it.passed_over_until <= now;
        let mut best: Vec<(u64, RelayId)> = relays
            .iter()
            .filter(|(_, it)| can_be_tailed(it) && it.news.fresh_until > now)
            .map(|(relay, it)| (it.news.fresh_until, *relay))
            .collect();
        best.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
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
    fn the_best_have_news_are_caught_up_and_are_not_passed_over() {
        let yields = Yields::default();
        let [old, new, busy, quiet] = [1, 2, 3, 4].map(RelayId);
        let news = |lasting, is_caught_up| News {
            fresh_until: NOW + lasting,
            is_caught_up,
        };
        yields.note(old, news(1_000, true), NOW);
        yields.note(new, news(2_000, true), NOW);
        yields.note(busy, news(9_000, false), NOW);
        yields.note(quiet, news(0, true), NOW);
        assert_eq!(yields.best(10, NOW), [new, old]);
        assert_eq!(yields.best(1, NOW), [new]);
        yields.note(busy, news(9_000, true), NOW);
        assert_eq!(yields.best(10, NOW), [busy, new, old]);
        yields.pass_over(busy, NOW + 1_500);
        assert_eq!(yields.best(10, NOW), [new, old]);
        assert_eq!(yields.best(10, NOW + 1_499), [new]);
        assert_eq!(yields.best(10, NOW + 1_500), [busy, new]);
        assert_eq!(yields.best(10, NOW + 9_000), []);
    }
}
