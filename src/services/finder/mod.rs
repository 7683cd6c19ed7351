//! The finder: looks for relay URLs in all that is archived, and in directories on the web.
//!
//! Events are read once, in the order in which they arrived, by one scan over the log of arrivals. Its
//! cursor moves only after the candidates of a step are stored, so that a crash repeats a step and
//! skips none.

mod corroboration;
mod document;
mod domain;
mod http_sources;
mod ledger;
mod path_spam;
mod sieve;
mod visit;
mod weights;

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use nips::relay_sources::named_by;
use nips::{LocalRelays, RelayUrl};
use tokio::time::Instant;
use tracing::error;

use crate::config::{FinderConfig, Schedule};
use crate::lifecycle::Tokens;
use crate::model::{Evidence, NewCandidate, ServiceName};
use crate::store::StoreError;
use crate::store::events::{ArrivalBatch, BatchNumber};

use super::{Context, CycleSummary, Service, ServiceError, arrival_cursor};
use http_sources::{Directories, Setbacks};
use ledger::Ledger;
use sieve::{Naming, Sieve, Verdict};
use weights::Weights;

/// Candidates written in one transaction, and URLs read in one.
const BATCH: usize = 1_000;

/// The service.
pub struct Finder {
    context: Context,
    config: FinderConfig,
    weights: Arc<Weights>,
    sieve: Mutex<Sieve>,
    ledger: Mutex<Ledger>,
    setbacks: Mutex<Setbacks>,
}

/// What came of the scan in one cycle.
#[derive(Debug, Default)]
struct Scan {
    events: u64,
    candidates: u64,
    is_unfinished: bool,
}

impl Finder {
    /// A finder.
    pub fn new(context: Context, config: FinderConfig) -> Self {
        Self {
            weights: Arc::new(Weights::new(&config.admission)),
            sieve: Mutex::new(Sieve::new(config.admission.clone())),
            ledger: Mutex::default(),
            context,
            config,
            setbacks: Mutex::default(),
        }
    }

    async fn scan_events(&self, tokens: &Tokens) -> Result<Scan, ServiceError> {
        let mut scan = Scan::default();
        if !self.config.events.enabled {
            return Ok(scan);
        }
        let store = self.context.store.as_ref();
        let ends_at = Instant::now() + self.config.events.max_duration;
        let mut cursor = arrival_cursor::load(store).await?.unwrap_or(BatchNumber(0));
        loop {
            let step = store
                .arrivals_after(cursor, self.config.events.batch_size)
                .await?;
            let Some(last) = step.last() else {
                return Ok(scan);
            };
            cursor = last.number;
            scan.events += step
                .iter()
                .map(|batch| batch.events.len() as u64)
                .sum::<u64>();
            let local = self.context.local_relays();
            let weights = Arc::clone(&self.weights);
            let reading = tokio::task::spawn_blocking(move || namings(&step, local, &weights));
            let named = reading.await.unwrap_or_else(|failure| {
                error!(reason = "panic", batch = cursor.0, %failure, "event_scan_worker_failed");
                Vec::new()
            });
            scan.candidates += self.take_in(named).await?;
            self.write_ledger(tokens).await?;
            arrival_cursor::save(store, cursor, self.context.clock.now()).await?;
            if tokens.is_stopping() || Instant::now() >= ends_at {
                scan.is_unfinished = true;
                return Ok(scan);
            }
        }
    }

    /// Stores what passes the sieve. Returns how many candidates were new.
    async fn take_in(&self, named: Vec<Naming>) -> Result<u64, StoreError> {
        let now = self.context.clock.now();
        self.fill_sieve(now).await?;
        let (candidates, evidence) = self.sift(named, now);
        let added = self.store_candidates(&candidates, &evidence, now).await;
        if added.is_err() {
            // What is named again has to be taken in again.
            self.sieve().forget();
        }
        added
    }

    async fn store_candidates(
        &self,
        candidates: &[NewCandidate],
        evidence: &[Evidence],
        now: u64,
    ) -> Result<u64, StoreError> {
        let store = &self.context.store;
        let mut added = 0;
        for batch in candidates.chunks(BATCH) {
            added += store.add_candidates(batch, now).await?;
        }
        store.add_evidence(evidence).await?;
        Ok(added)
    }

    /// Tells the sieve what the store knows, when it does not know or has known for long.
    async fn fill_sieve(&self, now: u64) -> Result<(), StoreError> {
        if !self.sieve().is_stale(now) {
            return Ok(());
        }
        self.sieve().begin(now);
        let mut last: Option<RelayUrl> = None;
        loop {
            let page = self
                .context
                .store
                .known_urls(last.as_ref(), now, BATCH)
                .await
                .inspect_err(|_| self.sieve().forget())?;
            let mut sieve = self.sieve();
            page.iter().for_each(|url| sieve.remember(url));
            drop(sieve);
            // Not by its length: what this version cannot read is left out of a page.
            let Some(end) = page.last() else {
                return Ok(());
            };
            last = Some(end.clone());
        }
    }

    fn sift(&self, named: Vec<Naming>, now: u64) -> (Vec<NewCandidate>, Vec<Evidence>) {
        let (mut sieve, mut ledger) = (self.sieve(), self.ledger());
        let (mut candidates, mut evidence) = (Vec::new(), Vec::new());
        for naming in named {
            match sieve.judge(&naming, now) {
                Verdict::Taken(rows) => {
                    evidence.extend(rows);
                    candidates.push(NewCandidate {
                        url: naming.url,
                        source: naming.source.to_owned(),
                        discovered_at: now,
                    });
                }
                Verdict::Known => ledger.count(naming.url, naming.source, now),
                Verdict::Refused(_) => {}
            }
        }
        (candidates, evidence)
    }

    /// Writes down who named what is known already, when there is enough of it or the service stops.
    async fn write_ledger(&self, tokens: &Tokens) -> Result<(), StoreError> {
        let now = self.context.clock.now();
        let evidence = {
            let mut ledger = self.ledger();
            if !ledger.is_due(now) && !tokens.is_stopping() {
                return Ok(());
            }
            ledger.take()
        };
        self.context.store.add_evidence(&evidence).await
    }

    fn sieve(&self) -> MutexGuard<'_, Sieve> {
        self.sieve.lock().expect("no panic while sifting")
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("no panic while counting")
    }

    fn summary(&self, scan: &Scan, directories: &Directories) -> CycleSummary {
        let summary = CycleSummary::new()
            .with("rows_seen", scan.events)
            .with("candidates_found_from_events", scan.candidates)
            .with("sources_fetched", directories.fetched)
            .with("sources_unchanged", directories.unchanged)
            .with("sources_cut", directories.cut)
            .with("sources_failed", directories.failed)
            .with("candidates_found_from_api", directories.candidates)
            .and_more_to_do(scan.is_unfinished);
        let refused = self.sieve().take_refused().into_iter();
        refused.fold(summary, |summary, (reason, count)| {
            summary.with(reason, count)
        })
    }
}

#[async_trait]
impl Service for Finder {
    fn name(&self) -> ServiceName {
        ServiceName::Finder
    }

    fn schedule(&self) -> Schedule {
        self.config.schedule()
    }

    async fn has_due(&self) -> Result<bool, ServiceError> {
        if !self.config.events.enabled {
            return Ok(false);
        }
        let store = self.context.store.as_ref();
        let read = arrival_cursor::load(store).await?.unwrap_or(BatchNumber(0));
        let (newest, _) = store.arrival_bounds().await?;
        Ok(newest > read)
    }

    async fn cycle(&self, tokens: &Tokens) -> Result<CycleSummary, ServiceError> {
        let scan = self.scan_events(tokens).await?;
        let directories = self.read_directories(tokens).await?;
        self.write_ledger(tokens).await?;
        Ok(self.summary(&scan, &directories))
    }
}

fn namings(step: &[ArrivalBatch], local: LocalRelays, weights: &Weights) -> Vec<Naming> {
    let events = step.iter().flat_map(|batch| &batch.events);
    let mut namings = Vec::new();
    for arrival in events {
        let event = arrival.event.as_ref();
        let author = Some(event.pubkey);
        let named = named_by(&event, local).into_iter();
        let weighed = named.map(|relay| Naming {
            url: relay.url,
            source: relay.source.as_str(),
            weight: weights.of(relay.source),
            author,
        });
        namings.extend(weighed.filter(|naming| naming.weight > 0));
    }
    namings
}
