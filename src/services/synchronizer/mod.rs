//! The synchronizer: archives what relays hold, as a record of which seconds of each are complete.
//!
//! For every relay that is due it asks which ranges of `created_at` are not covered yet. Where the relay
//! has shown that it compares sets (`trial`), it downloads only what is missing (`comparison`); else it
//! walks them by backward paging (`walk`). Only a comparison that came to its end, and an answer that
//! ended with EOSE, prove anything. What the relay has shown of itself is remembered (`habits`). What cannot be
//! covered becomes a gap with its reason and the moment of the next attempt. Each visit has a share of
//! time, so that a large relay does not keep the others waiting; what it could not do is due again
//! after them.

mod account;
mod comparison;
mod consent;
mod conversation;
mod crowded_second;
mod download;
mod errand;
mod gap_policy;
mod habits;
mod harvest;
mod hosts;
mod intake;
mod known_authors;
mod ledger;
mod pace;
mod page;
mod paging;
mod patience;
mod progress;
mod range;
mod resweep;
mod tail;
mod trial;
mod visit;
mod walk;
mod windows;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use nips::{Network, RelayUrl};
use tokio::sync::watch;
use tracing::{Instrument, debug, debug_span};

use crate::config::{Schedule, SynchronizerConfig};
use crate::lifecycle::Tokens;
use crate::model::{Relay, ServiceName};
use crate::net::AuthSigner;
use crate::store::StoreError;
use crate::store::leases::Work;

use super::backoff::{Backoff, spread, whole_seconds};
use super::due_queue::{QueueBounds, work_off};
use super::leases::Leases;
use super::{Context, CycleSummary, Service, ServiceError, on_every_network};

pub use errand::{Errand, ErrandEnd};
pub use progress::Progress;
pub use tail::Tail;

use harvest::Harvest;
use hosts::Hosts;
use tail::Yields;
use visit::{Reserve, Visit, VisitEnd, VisitReport};

/// The longest pause between two attempts at a relay that fails.
const MAX_PAUSE: Duration = Duration::from_secs(86_400);

/// The pause of a relay whose host was busy.
const HOST_PAUSE: Duration = Duration::from_secs(20);

/// Relays leased at once: those that wait for a place are nobody else's meanwhile.
const PAGE: usize = 16;

/// The service. Clones share everything.
#[derive(Clone)]
pub struct Synchronizer(Arc<Inner>);

struct Inner {
    context: Context,
    config: SynchronizerConfig,
    signer: Option<Arc<dyn AuthSigner>>,
    leases: Leases,
    hosts: Hosts,
    yields: Yields,
}

/// One cycle, as its visits know it.
struct Cycle {
    began_at: u64,
    tokens: Tokens,
    tally: Mutex<Tally>,
}

/// What the visits of one cycle brought.
#[derive(Debug, Default)]
struct Tally {
    synced: u64,
    unfinished: u64,
    failed: u64,
    passed_over: u64,
    requests: u64,
    received_bytes: u64,
    harvest: Harvest,
}

impl Cycle {
    fn new(began_at: u64, tokens: &Tokens) -> Self {
        Self {
            began_at,
            tokens: tokens.clone(),
            tally: Mutex::default(),
        }
    }
}

impl Synchronizer {
    /// A synchronizer. The signer is shown to the relays that `auth.relays` lists, and to no other.
    pub fn new(
        context: Context,
        config: SynchronizerConfig,
        signer: Option<Arc<dyn AuthSigner>>,
    ) -> Self {
        let leases = Leases::new(context.store.clone(), Work::Sync, config.lease);
        Self(Arc::new(Inner {
            leases,
            hosts: Hosts::new(config.max_per_host),
            yields: Yields::default(),
            context,
            config,
            signer,
        }))
    }
}

#[async_trait]
impl Service for Synchronizer {
    fn name(&self) -> ServiceName {
        ServiceName::Synchronizer
    }

    fn schedule(&self) -> Schedule {
        self.0.config.schedule()
    }

    async fn has_due(&self) -> Result<bool, ServiceError> {
        let context = &self.0.context;
        let now = context.clock.now();
        Ok(!context
            .store
            .due_for_sync(&context.networks(), now, 1)
            .await?
            .is_empty())
    }

    async fn cycle(&self, tokens: &Tokens) -> Result<CycleSummary, ServiceError> {
        let cycle = Arc::new(Cycle::new(self.0.context.clock.now(), tokens));
        let lane = |network| self.sync_network(network, &cycle);
        let worked = tokio::select! {
            worked = on_every_network(&self.0.context, lane) => worked,
            never = self.0.leases.renew() => match never {},
        };
        self.0.leases.release_all().await;
        worked?;
        let tally = cycle.tally.lock().expect("no panic while counting");
        Ok(tally.summary())
    }
}

impl Synchronizer {
    async fn sync_network(&self, network: Network, cycle: &Arc<Cycle>) -> Result<(), ServiceError> {
        let width = self.0.context.net.max_tasks(network);
        let page = PAGE.min(width);
        let bounds = QueueBounds {
            width,
            page,
            max_items: usize::MAX,
        };
        let (leases, due_by) = (&self.0.leases, cycle.began_at);
        // What is leased already is not offered again, however much is asked for.
        let fetch = async |_| {
            let tokens = &cycle.tokens;
            leases.take_due(tokens, &[network], due_by, page).await
        };
        let work = |relay: Relay| {
            let (inner, cycle) = (Arc::clone(&self.0), Arc::clone(cycle));
            let span = debug_span!("relay", relay.url = %relay.url, network = %network);
            let visit = async move { inner.sync(&relay, &cycle).await };
            visit.instrument(span)
        };
        work_off(bounds, &cycle.tokens, fetch, |relay| relay.id, work).await
    }
}

impl Inner {
    async fn sync(&self, relay: &Relay, cycle: &Cycle) -> Result<(), StoreError> {
        let Some(tokens) = self.leases.tokens_of(relay.id) else {
            return Ok(());
        };
        let done = self.sync_leased(relay, &tokens, cycle).await;
        self.leases.settle(relay.id, &done).await;
        done
    }

    async fn sync_leased(
        &self,
        relay: &Relay,
        tokens: &Tokens,
        cycle: &Cycle,
    ) -> Result<(), StoreError> {
        let Some(report) = self.visit(relay, tokens, None).await? else {
            return Ok(());
        };
        self.record(relay, cycle.began_at, &report).await?;
        let mut tally = cycle.tally.lock().expect("no panic while counting");
        tally.add(&report);
        Ok(())
    }

    /// Visits the relay once there is a place for it; `None` when the service stops before.
    async fn visit(
        &self,
        relay: &Relay,
        tokens: &Tokens,
        watcher: Option<&watch::Sender<Progress>>,
    ) -> Result<Option<VisitReport>, StoreError> {
        let _permit = self.context.net.permit(relay.network()).await;
        if tokens.is_stopping() {
            return Ok(None);
        }
        if !consent::is_welcome(&self.context, relay).await? {
            return Ok(Some(VisitReport::of_none(Reserve::Unwelcome)));
        }
        let Some(place) = self.hosts.enter(relay.url.host()) else {
            return Ok(Some(VisitReport::of_none(Reserve::HostBusy)));
        };
        let signer = self.signer_for(&relay.url);
        let processing = self.config.processing_for(&relay.url);
        let (context, config) = (&self.context, &self.config);
        let visit = Visit::new(context, config, &processing, tokens, relay, signer);
        // A visit knows much, and whoever waits for it should not have to carry it around.
        let mut report = Box::pin(visit.watched_by(watcher).run()).await?;
        report.place = Some(place);
        debug!(
            end = ?report.end,
            count = report.harvest.stored,
            known = report.harvest.known,
            requests = report.requests,
            refused = ?report.harvest.refused,
            bytes = report.received_bytes,
            "relay_synced"
        );
        Ok(Some(report))
    }

    /// Who signs for this relay; nobody, unless it is listed.
    fn signer_for(&self, relay: &RelayUrl) -> Option<Arc<dyn AuthSigner>> {
        let may_know_us = self.config.auth.relays.contains(relay);
        self.signer.clone().filter(|_| may_know_us)
    }

    /// Writes down what the visit brought and how it ended. Returns when the relay is due again.
    async fn record(
        &self,
        relay: &Relay,
        cycle_began_at: u64,
        report: &VisitReport,
    ) -> Result<u64, StoreError> {
        if !matches!(report.end, VisitEnd::PassedOver(_)) {
            self.account(relay.id, report.receipt()).await?;
        }
        let failures = match report.end {
            VisitEnd::PassedOver(_) => relay.sync_failures,
            _ if report.is_failure() => relay.sync_failures.saturating_add(1),
            _ => 0,
        };
        let pause = match report.end {
            // What is stopped in the middle is due first thing next time.
            VisitEnd::Stopped => return Ok(relay.next_sync_at),
            VisitEnd::OutOfTime if failures == 0 => Duration::ZERO,
            VisitEnd::PassedOver(Reserve::HostBusy) => spread(HOST_PAUSE, self.context.luck()),
            _ if failures == 0 => spread(self.config.interval, self.context.luck()),
            VisitEnd::GaveUp(reason) => {
                let backoff = gap_policy::leave_alone(reason).unwrap_or(self.backoff());
                backoff.delay(failures, self.context.luck())
            }
            _ => self.backoff().delay(failures, self.context.luck()),
        };
        let next_sync_at = self.context.clock.now() + whole_seconds(pause);
        // Whatever the clock did, the next turn is in another cycle: this one has others to visit.
        let next_sync_at = next_sync_at.max(cycle_began_at + 1);
        let store = &self.context.store;
        store.record_sync(relay.id, failures, next_sync_at).await?;
        Ok(next_sync_at)
    }

    fn backoff(&self) -> Backoff {
        Backoff {
            base: self.config.interval,
            max: MAX_PAUSE.max(self.config.interval),
        }
    }
}

impl Tally {
    fn add(&mut self, report: &VisitReport) {
        match report.end {
            VisitEnd::CaughtUp => self.synced += 1,
            VisitEnd::OutOfTime => self.unfinished += 1,
            VisitEnd::Stopped => {}
            VisitEnd::Unreachable(_) | VisitEnd::GaveUp(_) => self.failed += 1,
            VisitEnd::PassedOver(_) => self.passed_over += 1,
        }
        self.received_bytes += report.received_bytes;
        self.requests += report.requests;
        self.harvest.merge(&report.harvest);
    }

    fn summary(&self) -> CycleSummary {
        CycleSummary::new()
            .with("synced_relays", self.synced)
            .with("unfinished_relays", self.unfinished)
            .with("failed_relays", self.failed)
            .with("synced_events", self.harvest.stored)
            .with("known_events", self.harvest.known)
            .with("invalid_events", self.harvest.refusals())
            .with("passed_over_relays", self.passed_over)
            .with("requests", self.requests)
            .with("received_bytes", self.received_bytes)
            .and_more_to_do(self.unfinished > 0)
    }
}
