//! The monitor: looks at relays when it is their turn, keeps what it found, and publishes it (NIP-66).
//!
//! What was found about a relay is stored first, published after that, and only then the relay's next
//! look is scheduled. A relay whose results cannot be kept is looked at again soon; it neither stops the
//! others nor comes first for ever. About relays that do not answer nothing is published.

mod claims;
mod examination;
mod findings;
mod life_cycle;
mod publication;
mod publisher;
mod withdrawal;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use nips::nip66::{Observed, Phase};
use nips::{Network, RelayUrl};
use tracing::{Instrument, debug, debug_span, warn};

use crate::checks::dns;
use crate::config::{MonitorConfig, Schedule};
use crate::lifecycle::Tokens;
use crate::metrics::PublicationMetrics;
use crate::model::{
    CheckOutcome, Metadata, MetadataType, Relay, RelayMetadata, RttSample, ServiceName,
};
use crate::store::StoreError;
use crate::store::leases::Work;
use crate::store::relays::CheckRecord;

use super::backoff::whole_seconds;
use super::due_queue::{QueueBounds, work_off};
use super::leases::Leases;
use super::signer::Signer;
use super::{Context, CycleSummary, Service, ServiceError, on_every_network};

pub use examination::{Depth, Examiner};
pub use findings::Findings;
use life_cycle::{Prognosis, after_answer, after_silence};
use publisher::Publisher;

/// A document that has not changed is written down again after this time, so that its history shows
/// that it was still current.
const SAME_DOCUMENT: u64 = 86_400;

/// When a relay is looked at again whose results could not be kept.
const AFTER_LOSS: Duration = Duration::from_secs(60);

/// The service.
pub struct Monitor(Arc<Inner>);

struct Inner {
    context: Context,
    config: MonitorConfig,
    signer: Signer,
    examiner: Examiner,
    /// The relays that no other monitor checks meanwhile.
    leases: Leases,
    publisher: Publisher,
    /// Our relay as others reach it.
    own_relay: Option<RelayUrl>,
}

/// What came of one cycle's relays.
#[derive(Debug, Default)]
struct Tally {
    succeeded: u64,
    failed: u64,
    lost: u64,
    audited: u64,
    upheld: u64,
    refuted: u64,
    untestable: u64,
}

impl Tally {
    fn add(&mut self, findings: &Findings, is_kept: bool) {
        let is_online = findings.connection.is_online();
        self.succeeded += u64::from(is_online);
        self.failed += u64::from(!is_online);
        self.lost += u64::from(!is_kept);
        if let Some(claims) = &findings.claims {
            let count = |observed| claims.count(observed) as u64;
            self.audited += 1;
            self.upheld += count(Observed::Yes);
            self.refuted += count(Observed::No);
            self.untestable += count(Observed::Untestable);
        }
    }
}

impl Monitor {
    /// A monitor that signs with this key and whose events others find on `own_relay`, if there is one. What
    /// outside relays make of them is counted in `metrics`.
    pub fn new(
        context: Context,
        config: MonitorConfig,
        signer: Signer,
        own_relay: Option<RelayUrl>,
        metrics: PublicationMetrics,
    ) -> Self {
        let net = context.net.clone();
        Self(Arc::new(Inner {
            examiner: Examiner::new(net, signer.clone(), &config),
            publisher: Publisher::new(&context, &config, signer.clone(), metrics),
            leases: Leases::new(context.store.clone(), Work::Check, config.lease),
            context,
            config,
            signer,
            own_relay,
        }))
    }

    /// Speaks about itself where that is due, takes back what is said of aliases, and checks the relays that are due.
    async fn say_and_check(
        &self,
        tokens: &Tokens,
        tally: &Arc<Mutex<Tally>>,
    ) -> Result<(), ServiceError> {
        self.0.publish_about_us().await?;
        self.0.withdraw_aliases().await?;
        let now = self.0.context.clock.now();
        let lane = |network| self.check_network(network, now, tokens, tally);
        let leases = &self.0.leases;
        let checked = tokio::select! {
            checked = on_every_network(&self.0.context, lane) => checked,
            never = leases.renew() => match never {},
        };
        leases.release_all().await;
        checked
    }

    async fn check_network(
        &self,
        network: Network,
        now: u64,
        tokens: &Tokens,
        tally: &Arc<Mutex<Tally>>,
    ) -> Result<(), ServiceError> {
        let processing = &self.0.config.processing;
        let width = self.0.context.net.max_tasks(network);
        // Those that wait for a place are no other monitor's meanwhile, so they are few.
        let page = processing.chunk_size.min(width);
        let bounds = QueueBounds {
            width,
            page,
            max_items: processing.max_relays.unwrap_or(usize::MAX),
        };
        let leases = &self.0.leases;
        // What is leased already is not offered again, however much is asked for.
        let fetch = async |_| leases.take_due(tokens, &[network], now, page).await;
        let work = |relay: Relay| {
            let (inner, tally) = (Arc::clone(&self.0), Arc::clone(tally));
            let span = debug_span!("relay", relay.url = %relay.url, network = %network);
            let check = async move { inner.check_leased(&relay, &tally).await };
            check.instrument(span)
        };
        work_off(bounds, tokens, fetch, |relay| relay.id, work).await
    }
}

#[async_trait]
impl Service for Monitor {
    fn name(&self) -> ServiceName {
        ServiceName::Monitor
    }

    fn schedule(&self) -> Schedule {
        self.0.config.schedule()
    }

    async fn has_due(&self) -> Result<bool, ServiceError> {
        let context = &self.0.context;
        let now = context.clock.now();
        let due = context
            .store
            .due_for_check(&context.networks(), now, 1)
            .await?;
        Ok(!due.is_empty() || self.0.publisher.has_due().await?)
    }

    async fn cycle(&self, tokens: &Tokens) -> Result<CycleSummary, ServiceError> {
        tokio::select! {
            () = self.0.examiner.keep_up(self.0.context.clock.now()) => {}
            // A download may take minutes, and be begun again any time.
            () = tokens.soft_stop() => return Ok(CycleSummary::new()),
        }
        let tally = Arc::new(Mutex::new(Tally::default()));
        let work = self.say_and_check(tokens, &tally);
        let (checked, sent) = self.0.publisher.send_during(work, tokens).await;
        checked?;
        let sendings = sent?;
        let tally = tally.lock().expect("no panic while counting");
        Ok(CycleSummary::new()
            .with("total", tally.succeeded + tally.failed)
            .with("succeeded", tally.succeeded)
            .with("failed", tally.failed)
            .with("lost", tally.lost)
            .with("audited", tally.audited)
            .with("claims_upheld", tally.upheld)
            .with("claims_refuted", tally.refuted)
            .with("claims_untestable", tally.untestable)
            .with("sent", sendings.sent)
            .with("refused", sendings.refused)
            .with("not_sent", sendings.failed)
            .and_more_to_do(sendings.has_more && !tokens.is_stopping()))
    }
}

impl Inner {
    async fn check_leased(&self, relay: &Relay, tally: &Mutex<Tally>) -> Result<(), StoreError> {
        let Some(tokens) = self.leases.tokens_of(relay.id) else {
            return Ok(());
        };
        let done = self.check(relay, &tokens, tally).await;
        self.leases.settle(relay.id, &done).await;
        done
    }

    async fn check(
        &self,
        relay: &Relay,
        tokens: &Tokens,
        tally: &Mutex<Tally>,
    ) -> Result<(), StoreError> {
        let permit = self.context.net.permit(relay.network()).await;
        let checked_at = self.context.clock.now();
        let deadline = self.context.net.deadline(relay.network());
        let last = self.last_audit(relay).await?;
        let mut depth = self.depth(relay, last.as_ref(), checked_at);
        if depth == Depth::Claims && self.is_left_alone(relay).await? {
            depth = Depth::Checks;
        }
        let mut findings = tokio::select! {
            findings = self.examiner.look_at(&relay.url, depth, deadline) => findings,
            // Nothing is known about it; it is due as before.
            () = tokens.soft_stop() => return Ok(()),
        };
        drop(permit);
        let is_online = findings.connection.is_online();
        debug!(is_online, rtt = ?findings.connection.rtt, "relay_checked");
        findings.claims_before = last.and_then(|last| claims::read(&last.metadata));
        let is_kept = self.keep(relay, checked_at, findings.clone()).await;
        self.record(relay, checked_at, &findings, is_kept).await?;
        let mut tally = tally.lock().expect("no panic while counting");
        tally.add(&findings, is_kept);
        Ok(())
    }

    /// Stores documents and publishes. Whether all of it was kept.
    async fn keep(&self, relay: &Relay, checked_at: u64, findings: Findings) -> bool {
        let documents = findings.documents(&self.config.processing.store);
        if let Err(failure) = self.store_documents(relay, checked_at, documents).await {
            warn!(reason = failure.reason(), "metadata_insert_failed");
            return false;
        }
        if self.config.discovery.enabled
            && findings.connection.is_online()
            && let Err(failure) = self.publish_discovery(relay, checked_at, findings).await
        {
            warn!(reason = failure.reason(), "publish_failed");
            return false;
        }
        true
    }

    async fn store_documents(
        &self,
        relay: &Relay,
        generated_at: u64,
        documents: Vec<Metadata>,
    ) -> Result<(), StoreError> {
        let mut rows = Vec::new();
        for metadata in documents {
            let latest = self
                .context
                .store
                .latest_metadata(relay.id, metadata.metadata_type())
                .await?;
            let row = RelayMetadata {
                relay: relay.id,
                generated_at,
                metadata,
            };
            rows.extend(match latest {
                Some(latest) => still_to_write(row, latest),
                None => Some(row),
            });
        }
        if !rows.is_empty() {
            self.context.store.add_relay_metadata(&rows).await?;
        }
        Ok(())
    }

    async fn record(
        &self,
        relay: &Relay,
        checked_at: u64,
        findings: &Findings,
        is_kept: bool,
    ) -> Result<(), StoreError> {
        let prognosis = self.prognosis(relay, findings);
        let pause = if is_kept {
            prognosis.pause
        } else {
            AFTER_LOSS.min(prognosis.pause)
        };
        let rtt = &findings.connection.rtt;
        let stored = |phase: &Phase| {
            phase
                .ms()
                .filter(|_| self.config.processing.store.nip66_rtt)
        };
        let record = CheckRecord {
            rtt: RttSample {
                relay: relay.id,
                checked_at,
                open_ms: stored(&rtt.open),
                read_ms: stored(&rtt.read),
                write_ms: stored(&rtt.write),
            },
            state: prognosis.state,
            check_failures: prognosis.failures,
            next_check_at: self.context.clock.now() + whole_seconds(pause),
        };
        // The history first: after a crash between the two the relay is due as before.
        let outcome = CheckOutcome {
            relay: relay.id,
            checked_at,
            state: prognosis.state,
            next_check_at: record.next_check_at,
            open_ms: rtt.open.ms().filter(|_| findings.connection.is_online()),
            failure: life_cycle::failure(&findings.connection).map(str::to_owned),
        };
        self.context.store.add_outcome(&outcome).await?;
        self.context.store.record_check(&record).await
    }

    fn prognosis(&self, relay: &Relay, findings: &Findings) -> Prognosis {
        let (interval, luck) = (self.config.discovery.interval, self.context.luck());
        if findings.connection.is_online() {
            after_answer(interval, luck)
        } else {
            after_silence(relay.check_failures, interval, luck)
        }
    }
}

/// What there is to write down about a document when the latest one of its kind is known: nothing if that
/// says the same and was noted lately.
fn still_to_write(mut row: RelayMetadata, latest: RelayMetadata) -> Option<RelayMetadata> {
    let (old, new) = (&latest.metadata, &row.metadata);
    let says_the_same = match new.metadata_type() {
        MetadataType::Nip66Dns => dns::is_same_but_for_age(old.data(), new.data()),
        MetadataType::ClaimAudit => claims::agree(old, new),
        _ => false,
    };
    if says_the_same {
        row.metadata = latest.metadata.clone();
    }
    let is_same = latest.metadata.id() == row.metadata.id();
    let is_recent = latest.generated_at + SAME_DOCUMENT > row.generated_at;
    (!is_same || !is_recent).then_some(row)
}
