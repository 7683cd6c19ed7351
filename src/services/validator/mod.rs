//! The validator: tries candidates, and promotes those that speak Nostr.
//!
//! Candidates that are due stream through a bounded number of probes for each network. A failure is
//! counted with its reason and puts the next attempt off, longer each time; a candidate that failed too
//! often is given up and not taken in again for a while.
//!
//! Relays that turn out to be one are clustered (`aliases`, `twins`), and looked at again after a while.

mod aliases;
mod probe;
mod retry;
mod twins;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use nips::Network;
use tracing::{Instrument, debug, debug_span, info};

use crate::config::{Schedule, ValidatorConfig};
use crate::lifecycle::Tokens;
use crate::metrics::ValidationMetrics;
use crate::model::{Candidate, ServiceName};
use crate::store::StoreError;

use super::backoff::whole_seconds;
use super::due_queue::{QueueBounds, work_off};
use super::{Context, CycleSummary, Service, ServiceError, on_every_network};

/// The service.
pub struct Validator(Arc<Inner>);

struct Inner {
    context: Context,
    config: ValidatorConfig,
    metrics: ValidationMetrics,
}

/// What came of one cycle's candidates.
#[derive(Debug, Default)]
struct Tally {
    promoted: u64,
    aliases: u64,
    postponed: BTreeMap<&'static str, u64>,
}

impl Validator {
    /// A validator that counts its verdicts in `metrics`.
    pub fn new(context: Context, config: ValidatorConfig, metrics: ValidationMetrics) -> Self {
        Self(Arc::new(Inner {
            context,
            config,
            metrics,
        }))
    }

    async fn validate_network(
        &self,
        network: Network,
        now: u64,
        tokens: &Tokens,
        tally: &Arc<Mutex<Tally>>,
    ) -> Result<(), ServiceError> {
        let processing = &self.0.config.processing;
        let bounds = QueueBounds {
            width: self.0.context.net.max_tasks(network),
            page: processing.chunk_size,
            max_items: processing.max_candidates.unwrap_or(usize::MAX),
        };
        let store = &self.0.context.store;
        let fetch = async |limit| store.due_candidates(&[network], now, limit).await;
        let work = |candidate: Candidate| {
            let (inner, tally) = (Arc::clone(&self.0), Arc::clone(tally));
            let tokens = tokens.clone();
            let span = debug_span!("relay", relay.url = %candidate.url, network = %network);
            let attempt = async move { inner.validate(&candidate, &tokens, &tally).await };
            attempt.instrument(span)
        };
        work_off(
            bounds,
            tokens,
            fetch,
            |candidate| candidate.url.clone(),
            work,
        )
        .await
    }
}

#[async_trait]
impl Service for Validator {
    fn name(&self) -> ServiceName {
        ServiceName::Validator
    }

    fn schedule(&self) -> Schedule {
        self.0.config.schedule()
    }

    async fn has_due(&self) -> Result<bool, ServiceError> {
        let context = &self.0.context;
        let now = context.clock.now();
        let due = context
            .store
            .due_candidates(&context.networks(), now, 1)
            .await?;
        Ok(!due.is_empty())
    }

    async fn cleanup(&self) -> Result<u64, ServiceError> {
        let (context, cleanup) = (&self.0.context, &self.0.config.cleanup);
        if !cleanup.enabled {
            return Ok(0);
        }
        let until = context.clock.now() + cleanup.quarantine.as_secs();
        let given_up = context
            .store
            .give_up_candidates(cleanup.max_failures, until)
            .await?;
        if given_up > 0 {
            info!(count = given_up, "exhausted_removed");
        }
        Ok(given_up)
    }

    async fn cycle(&self, tokens: &Tokens) -> Result<CycleSummary, ServiceError> {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let now = self.0.context.clock.now();
        let lane = |network| self.validate_network(network, now, tokens, &tally);
        on_every_network(&self.0.context, lane).await?;
        let released = aliases::look_again(&self.0.context, tokens).await?;
        let twins = twins::find(&self.0.context, tokens).await?;
        let tally = tally.lock().expect("no panic while counting");
        if !tally.postponed.is_empty() {
            info!(reasons = ?tally.postponed, "candidates_postponed");
        }
        let postponed: u64 = tally.postponed.values().sum();
        Ok(CycleSummary::new()
            .with("total", tally.promoted + postponed)
            .with("validated", tally.promoted)
            .with("aliases_found", tally.aliases + twins)
            .with("aliases_released", released)
            .with("not_validated", postponed))
    }
}

impl Inner {
    /// Tries one candidate and writes down what came of it.
    async fn validate(
        &self,
        candidate: &Candidate,
        tokens: &Tokens,
        tally: &Mutex<Tally>,
    ) -> Result<(), StoreError> {
        let network = candidate.url.network();
        let permit = self.context.net.permit(network).await;
        let deadline = self.context.net.deadline(network);
        let verdict = tokio::select! {
            verdict = probe::probe(&self.context.net, &candidate.url, deadline) => verdict,
            // Nothing is known about it; it is due as before.
            () = tokens.soft_stop() => return Ok(()),
        };
        drop(permit);
        match verdict {
            Ok(()) => {
                let now = self.context.clock.now();
                let store = &self.context.store;
                let relay = store.promote(&candidate.url, now).await?;
                debug!("promoted");
                self.count("promoted");
                let aliases = aliases::find(&self.context, relay, &candidate.url, tokens).await?;
                let mut tally = tally.lock().expect("no panic while counting");
                tally.promoted += 1;
                tally.aliases += aliases;
            }
            Err(reason) => {
                self.postpone(candidate, reason).await?;
                debug!(reason, "not_promoted");
                self.count(reason);
                let mut tally = tally.lock().expect("no panic while counting");
                *tally.postponed.entry(reason).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Reasons are labels in the code, so there are never more than those.
    fn count(&self, verdict: &'static str) {
        self.metrics.verdicts.with_label_values(&[verdict]).inc();
    }

    async fn postpone(
        &self,
        candidate: &Candidate,
        reason: &'static str,
    ) -> Result<(), StoreError> {
        let shortest = self.config.processing.interval;
        let failures = candidate.failures.saturating_add(1);
        let pause = retry::pause(shortest, failures, reason, self.context.luck());
        let next_attempt_at = self.context.clock.now() + whole_seconds(pause);
        self.context
            .store
            .postpone(&candidate.url, reason, next_attempt_at)
            .await
    }
}
