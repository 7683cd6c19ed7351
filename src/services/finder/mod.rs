//! The finder: looks for relay URLs in all that is archived, and in directories on the web.
//!
//! Events are read once, in the order in which they arrived, by one scan over the log of arrivals. Its
//! cursor moves only after the candidates of a step are stored, so that a crash repeats a step and
//! skips none.

mod document;
mod http_sources;
mod sieve;

use std::sync::Mutex;

use async_trait::async_trait;
use nips::relay_sources::named_by;
use nips::{LocalRelays, RelayUrl};
use tokio::time::Instant;
use tracing::error;

use crate::config::{FinderConfig, Schedule};
use crate::lifecycle::Tokens;
use crate::model::{NewCandidate, ServiceName};
use crate::store::StoreError;
use crate::store::events::{ArrivalBatch, BatchNumber};

use super::{Context, CycleSummary, Service, ServiceError, arrival_cursor};
use http_sources::{Directories, Setbacks};
use sieve::Sieve;

/// Candidates written in one transaction.
const BATCH: usize = 1_000;

/// The service.
pub struct Finder {
    context: Context,
    config: FinderConfig,
    sieve: Mutex<Sieve>,
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
            context,
            config,
            sieve: Mutex::default(),
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
            let reading = tokio::task::spawn_blocking(move || urls_of(&step, local));
            let named = reading.await.unwrap_or_else(|failure| {
                error!(reason = "panic", batch = cursor.0, %failure, "event_scan_failed");
                Vec::new()
            });
            scan.candidates += self.add_candidates(named).await?;
            arrival_cursor::save(store, cursor, self.context.clock.now()).await?;
            if tokens.is_stopping() || Instant::now() >= ends_at {
                scan.is_unfinished = true;
                return Ok(scan);
            }
        }
    }

    /// Stores those that pass the sieve. Returns how many were new.
    async fn add_candidates(
        &self,
        named: Vec<(RelayUrl, &'static str)>,
    ) -> Result<u64, StoreError> {
        let now = self.context.clock.now();
        let candidates = self.sift(named, now);
        let mut added = 0;
        for batch in candidates.chunks(BATCH) {
            match self.context.store.add_candidates(batch, now).await {
                Ok(new) => added += new,
                Err(failure) => {
                    // What is named again has to be passed on again.
                    self.sieve.lock().expect("no panic while sifting").forget();
                    return Err(failure);
                }
            }
        }
        Ok(added)
    }

    fn sift(&self, named: Vec<(RelayUrl, &'static str)>, now: u64) -> Vec<NewCandidate> {
        let mut sieve = self.sieve.lock().expect("no panic while sifting");
        let passed = named.into_iter().filter(|(url, _)| sieve.pass(url, now));
        passed
            .map(|(url, source)| NewCandidate {
                url,
                source: source.to_owned(),
                discovered_at: now,
            })
            .collect()
    }

    fn summary(scan: &Scan, directories: &Directories) -> CycleSummary {
        CycleSummary::new()
            .with("rows_seen", scan.events)
            .with("candidates_found_from_events", scan.candidates)
            .with("sources_fetched", directories.fetched)
            .with("sources_failed", directories.failed)
            .with("candidates_found_from_api", directories.candidates)
            .and_more_to_do(scan.is_unfinished)
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
        Ok(Self::summary(&scan, &directories))
    }
}

fn urls_of(step: &[ArrivalBatch], local: LocalRelays) -> Vec<(RelayUrl, &'static str)> {
    let events = step.iter().flat_map(|batch| &batch.events);
    let named = events.flat_map(|arrival| named_by(&arrival.event.as_ref(), local));
    named
        .map(|relay| (relay.url, relay.source.as_str()))
        .collect()
}
