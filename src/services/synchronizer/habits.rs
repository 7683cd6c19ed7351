//! What a relay has shown of itself, remembered for the next visit.
//!
//! It is one row of service state a relay: a small document that only the synchronizer reads, that grows
//! with what can be learnt, and that costs nothing but a few questions when it is lost. Nothing in it
//! is a claim: relays say much about themselves that is not so.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing::debug;

use crate::model::{Relay, ServiceName, ServiceState, StateType};
use crate::services::backoff::{Backoff, whole_seconds};
use crate::store::{Store, StoreError};

use super::page::Order;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// How long it is believed that a relay compares sets as it should, before it has to show it again.
const TRUSTED: Duration = Duration::from_secs(30 * 86_400);

/// The pause after a failure that may be over soon.
const AFTER_TROUBLE: Backoff = Backoff {
    base: HOUR,
    max: DAY,
};

/// The pause after a refusal or a lie: nothing changes until somebody changes the relay.
const AFTER_REFUSAL: Backoff = Backoff {
    base: Duration::from_secs(7 * 86_400),
    max: Duration::from_secs(56 * 86_400),
};

/// One relay's habits. What is absent has not been shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Habits {
    /// Whether it compares sets (NIP-77).
    pub(super) negentropy: Option<Negentropy>,
    /// The most events that it has sent for one question.
    pub(super) cap: Option<usize>,
    /// The order of its answers, once it has been checked.
    pub(super) order: Option<Order>,
    /// Whether it has said with an EOSE that there is no more, or that there is (NIP-67).
    pub(super) gives_hints: bool,
    /// Until when it counts as a relay that ignores `since` and `until`, unix seconds.
    pub(super) ignores_bounds_until: Option<u64>,
    /// Until when it counts as a relay that answers only who names authors, unix seconds.
    pub(super) needs_authors_until: Option<u64>,
    /// The authors that are known to use it, as far as that matters; each batch as it was first asked about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) author_batches: Vec<Vec<String>>,
    /// The pause that it wants between two questions, milliseconds; 0 for none.
    pub(super) pause_ms: u64,
    /// When what is covered was looked through again.
    pub(super) sweeps: Sweeps,
}

/// When late arrivals were last looked for, unix seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Sweeps {
    /// In the recent past.
    pub(super) recent_at: Option<u64>,
    /// In the whole past.
    pub(super) full_at: Option<u64>,
    /// How far down an unfinished look at the whole past has got, by filter.
    pub(super) unfinished: BTreeMap<String, u64>,
}

/// Whether comparing sets works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Negentropy {
    /// The last attempt did.
    pub(super) works: bool,
    /// When that was, unix seconds.
    pub(super) learnt_at: u64,
    /// Failed attempts in a row.
    pub(super) failures: u32,
    /// From when on it has to be shown again.
    pub(super) again_at: u64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// How bad a failure to compare sets is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The relay was in trouble.
    Trouble,
    /// It does not do it, or not as it should.
    Refusal,
}

impl Habits {
    /// What is remembered of the relay. What cannot be read is forgotten.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot say.
    pub(super) async fn load(store: &dyn Store, relay: &Relay) -> Result<Self, StoreError> {
        let row = store
            .state(ServiceName::Synchronizer, StateType::Habits, &key(relay))
            .await?;
        let habits = row.map(|row| serde_json::from_value(row.value));
        Ok(habits.and_then(Result::ok).unwrap_or_default())
    }

    /// Remembers them.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be written.
    pub(super) async fn save(
        &self,
        store: &dyn Store,
        relay: &Relay,
        now: u64,
    ) -> Result<(), StoreError> {
        let Ok(value) = serde_json::to_value(self) else {
            return Ok(());
        };
        let row = ServiceState {
            service: ServiceName::Synchronizer,
            state_type: StateType::Habits,
            key: key(relay),
            value,
            updated_at: now,
        };
        store.put_states(&[row]).await?;
        Ok(())
    }

    /// Whether the relay is known to ignore `since` and `until`.
    pub(super) fn ignores_bounds(&self, now: u64) -> bool {
        self.ignores_bounds_until.is_some_and(|until| now < until)
    }

    /// The relay has shown that it ignores them.
    pub(super) fn has_ignored_bounds(&mut self, now: u64) {
        self.ignores_bounds_until = Some(now + whole_seconds(TRUSTED));
    }

    /// Whether the relay is known to answer only who names authors.
    pub(super) fn needs_authors(&self, now: u64) -> bool {
        self.needs_authors_until.is_some_and(|until| now < until)
    }

    /// The relay has refused a question and answered the same one about some authors.
    pub(super) fn has_wanted_authors(&mut self, now: u64) {
        self.needs_authors_until = Some(now + whole_seconds(TRUSTED));
    }

    /// Whether sets can be compared with the relay.
    pub(super) fn can_compare(&self, now: u64) -> bool {
        let found = self.negentropy.as_ref();
        found.is_some_and(|found| found.works && now < found.again_at)
    }

    /// Whether the relay is to show whether sets can be compared with it.
    pub(super) fn is_trial_due(&self, now: u64) -> bool {
        let found = self.negentropy.as_ref();
        found.is_none_or(|found| now >= found.again_at)
    }

    /// Comparing a set went as it should.
    pub(super) fn passed_trial(&mut self, now: u64) {
        self.negentropy = Some(Negentropy {
            works: true,
            learnt_at: now,
            failures: 0,
            again_at: now + whole_seconds(TRUSTED),
            reason: None,
        });
    }

    /// Comparing a set failed; `luck` from 0 to 1 spreads the next attempts.
    pub(super) fn failed_to_compare(
        &mut self,
        failure: Failure,
        reason: &str,
        now: u64,
        luck: f64,
    ) {
        debug!(reason, ?failure, "comparing_failed");
        let before = self.negentropy.as_ref().map_or(0, |found| found.failures);
        let failures = before.saturating_add(1);
        let backoff = match failure {
            Failure::Trouble => AFTER_TROUBLE,
            Failure::Refusal => AFTER_REFUSAL,
        };
        self.negentropy = Some(Negentropy {
            works: false,
            learnt_at: now,
            failures,
            again_at: now + whole_seconds(backoff.delay(failures, luck)),
            reason: Some(reason.to_owned()),
        });
    }
}

fn key(relay: &Relay) -> String {
    relay.url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_750_000_000;

    #[test]
    fn a_relay_has_to_show_it_first_and_again_after_a_month() {
        let mut habits = Habits::default();
        assert!(!habits.can_compare(NOW) && habits.is_trial_due(NOW));
        habits.passed_trial(NOW);
        assert!(habits.can_compare(NOW) && !habits.is_trial_due(NOW));
        let later = NOW + 31 * 86_400;
        assert!(!habits.can_compare(later) && habits.is_trial_due(later));
    }

    #[test]
    fn trouble_is_forgotten_sooner_than_a_refusal() {
        let again_after = |failure, times| {
            let mut habits = Habits::default();
            for _ in 0..times {
                habits.failed_to_compare(failure, "x", NOW, 0.5);
            }
            assert!(!habits.can_compare(NOW) && !habits.is_trial_due(NOW));
            habits.negentropy.unwrap().again_at - NOW
        };
        assert!(again_after(Failure::Trouble, 1) <= 2 * 3_600);
        assert!(again_after(Failure::Refusal, 1) >= 3 * 86_400);
        assert!(again_after(Failure::Refusal, 2) > again_after(Failure::Refusal, 1));
        assert!(again_after(Failure::Refusal, 50) <= 57 * 86_400);
    }

    #[test]
    fn what_an_older_or_newer_version_wrote_can_be_read() {
        let habits: Habits = serde_json::from_str(r#"{"cap":500,"unheard_of":1}"#).unwrap();
        assert_eq!(habits.cap, Some(500));
        let text = serde_json::to_string(&habits).unwrap();
        assert_eq!(serde_json::from_str::<Habits>(&text).unwrap(), habits);
    }
}
