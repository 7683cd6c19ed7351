//! How an outside relay has taken what it was sent, across restarts: a row of `service_state`, type `publishing`.

use std::time::Duration;

use nips::RelayUrl;
use serde::{Deserialize, Serialize};

use super::lane::Lane;
use crate::model::{ServiceName, ServiceState, StateType};
use crate::services::backoff::{Backoff, whole_seconds};
use crate::store::{Store, StoreError};

/// How long a relay is left alone that could not take an event.
const REST: Backoff = Backoff {
    base: Duration::from_secs(60),
    max: Duration::from_secs(3_600),
};

/// Refusals in a row after which a relay is left alone like one that fails: it may want nothing of ours, and
/// would have to say so thousands of times an hour.
const MAX_REFUSALS: u32 = 20;

/// What is known of one outside relay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Standing {
    /// Events that it took.
    pub sent: u64,
    /// Events that it refused.
    pub refused: u64,
    /// Turns in a row that ended badly.
    pub failures: u32,
    /// Refusals in a row.
    pub refusals: u32,
    /// Until when it is left alone, unix seconds.
    pub retry_at: u64,
    /// What it said, or what happened, when it last did not take something.
    pub problem: Option<String>,
    /// When that was, unix seconds.
    pub problem_at: Option<u64>,
}

impl Standing {
    /// What is known; nothing of a relay that was never sent anything.
    pub(super) async fn load(store: &dyn Store, relay: &RelayUrl) -> Result<Self, StoreError> {
        let row = store
            .state(ServiceName::Monitor, StateType::Publishing, relay.as_str())
            .await?;
        let read = |row: ServiceState| serde_json::from_value(row.value).ok();
        Ok(row.and_then(read).unwrap_or_default())
    }

    /// Writes it down at `now` unix seconds.
    pub(super) async fn save(
        &self,
        store: &dyn Store,
        relay: &RelayUrl,
        now: u64,
    ) -> Result<(), StoreError> {
        let row = ServiceState {
            service: ServiceName::Monitor,
            state_type: StateType::Publishing,
            key: relay.as_str().to_owned(),
            value: serde_json::to_value(self).expect("fields are numbers and text"),
            updated_at: now,
        };
        store.put_states(&[row]).await?;
        Ok(())
    }

    /// Whether the relay is left alone at `now` unix seconds.
    pub(super) fn is_resting(&self, now: u64) -> bool {
        now < self.retry_at
    }

    /// The relay took an event.
    pub(super) fn on_taken(&mut self) {
        self.sent += 1;
        (self.failures, self.refusals, self.retry_at) = (0, 0, 0);
    }

    /// The relay refused an event with these words. Whether it is to be left alone now.
    pub(super) fn on_refused(&mut self, problem: String, now: u64, luck: f64) -> bool {
        self.refused += 1;
        self.refusals += 1;
        self.note(problem, now);
        let has_enough = self.refusals >= MAX_REFUSALS;
        if has_enough {
            self.refusals = 0;
            self.rest(now, luck);
        }
        has_enough
    }

    /// The relay could not take an event.
    pub(super) fn on_failed(&mut self, problem: String, now: u64, luck: f64) {
        self.note(problem, now);
        self.rest(now, luck);
    }

    fn note(&mut self, problem: String, now: u64) {
        (self.problem, self.problem_at) = (Some(problem), Some(now));
    }

    fn rest(&mut self, now: u64, luck: f64) {
        self.failures = self.failures.saturating_add(1);
        self.retry_at = now + whole_seconds(REST.delay(self.failures, luck));
    }
}

/// Forgets the relays that have no lane any more.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn forget_others(store: &dyn Store, lanes: &[Lane]) -> Result<(), StoreError> {
    let (service, of) = (ServiceName::Monitor, StateType::Publishing);
    let known = store.states(service, of).await?;
    let is_other = |url: &String| !lanes.iter().any(|lane| lane.relay().as_str() == url);
    let others: Vec<String> = known
        .into_iter()
        .map(|row| row.key)
        .filter(is_other)
        .collect();
    if !others.is_empty() {
        store.delete_states(service, of, &others).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_that_fails_is_left_alone_longer_each_time_until_it_takes_something() {
        let mut standing = Standing::default();
        let mut rests = Vec::new();
        for _ in 0..8 {
            standing.on_failed("timed_out".to_owned(), 1_000, 0.5);
            rests.push(standing.retry_at - 1_000);
        }
        assert_eq!(rests, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        assert!(standing.is_resting(1_000) && !standing.is_resting(4_600));
        standing.on_taken();
        assert!(!standing.is_resting(1_000));
        assert_eq!((standing.sent, standing.failures), (1, 0));
        assert_eq!(standing.problem.as_deref(), Some("timed_out"));
    }

    #[test]
    fn a_relay_that_refuses_everything_is_left_alone_too() {
        let mut standing = Standing::default();
        let mut refuse = || standing.on_refused("blocked: you".to_owned(), 1_000, 0.5);
        let refusals: Vec<bool> = (0..MAX_REFUSALS).map(|_| refuse()).collect();
        let ends = refusals.iter().filter(|has_enough| **has_enough).count();
        assert_eq!((ends, refusals.last()), (1, Some(&true)));
        assert!(standing.is_resting(1_000));
        assert_eq!(standing.refused, u64::from(MAX_REFUSALS));
    }
}
