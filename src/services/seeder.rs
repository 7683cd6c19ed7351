//! The seeder: reads the list of relays to begin with. Known URLs keep their history.

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use nips::{LocalRelays, RelayUrl};
use tracing::{debug, info, warn};

use crate::config::{Schedule, SeederConfig};
use crate::lifecycle::Tokens;
use crate::model::{NewCandidate, NewRelay, ServiceName};

use super::{Context, CycleSummary, Service, ServiceError};

/// What candidates from the list give as their source.
const SOURCE: &str = "seed";

/// URLs written in one transaction.
const BATCH: usize = 1_000;

/// The service.
pub struct Seeder {
    context: Context,
    config: SeederConfig,
    built_in: &'static str,
}

/// A list, read.
#[derive(Debug, Default)]
struct SeedList {
    urls: Vec<RelayUrl>,
    refused: BTreeMap<&'static str, u64>,
}

impl Seeder {
    /// A seeder; `built_in` is the list that is used unless a file is configured.
    pub fn new(context: Context, config: SeederConfig, built_in: &'static str) -> Self {
        Self {
            context,
            config,
            built_in,
        }
    }

    async fn read(&self) -> Result<SeedList, ServiceError> {
        let local = self.context.local_relays();
        match &self.config.seed.file_path {
            Some(path) => Ok(SeedList::parse(&read_file(path).await?, local)),
            None => Ok(SeedList::parse(self.built_in, local)),
        }
    }

    async fn add_candidates(&self, urls: &[RelayUrl]) -> Result<u64, ServiceError> {
        let now = self.context.clock.now();
        let candidate = |url: &RelayUrl| NewCandidate {
            url: url.clone(),
            source: SOURCE.to_owned(),
            discovered_at: now,
        };
        let candidates: Vec<NewCandidate> = urls.iter().map(candidate).collect();
        let mut added = 0;
        for batch in candidates.chunks(BATCH) {
            added += self.context.store.add_candidates(batch, now).await?;
        }
        info!(count = added, "candidates_inserted");
        Ok(added)
    }

    async fn add_relays(&self, urls: &[RelayUrl]) -> Result<u64, ServiceError> {
        let now = self.context.clock.now();
        let relay = |url: &RelayUrl| NewRelay {
            url: url.clone(),
            discovered_at: now,
        };
        let relays: Vec<NewRelay> = urls.iter().map(relay).collect();
        let mut added = 0;
        for batch in relays.chunks(BATCH) {
            added += self.context.store.add_relays(batch, now).await?;
        }
        info!(count = added, "relays_inserted");
        Ok(added)
    }
}

#[async_trait]
impl Service for Seeder {
    fn name(&self) -> ServiceName {
        ServiceName::Seeder
    }

    fn schedule(&self) -> Schedule {
        self.config.schedule()
    }

    async fn cycle(&self, _tokens: &Tokens) -> Result<CycleSummary, ServiceError> {
        let list = self.read().await?;
        let refused = list.refused.values().sum();
        info!(count = list.urls.len(), refused, reasons = ?list.refused, "file_parsed");
        if list.urls.is_empty() {
            warn!("no_valid_relays");
        }
        let summary = CycleSummary::new()
            .with("seeds", list.urls.len() as u64)
            .with("refused", refused);
        Ok(if self.config.seed.to_validate {
            summary.with("candidates", self.add_candidates(&list.urls).await?)
        } else {
            summary.with("relays", self.add_relays(&list.urls).await?)
        })
    }
}

impl SeedList {
    /// Reads a list: one URL a line; empty lines and what follows a `#` at the beginning are skipped.
    fn parse(text: &str, local: LocalRelays) -> Self {
        let mut list = Self::default();
        // Some editors put a byte order mark before the first line.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            match RelayUrl::parse_with(line, local) {
                Ok(url) => list.urls.push(url),
                Err(refusal) => {
                    debug!(reason = refusal.reason(), "relay_parse_failed");
                    *list.refused.entry(refusal.reason()).or_default() += 1;
                }
            }
        }
        list
    }
}

/// Bytes that are not UTF-8 spoil their line and no other.
async fn read_file(path: &Path) -> Result<String, ServiceError> {
    let bytes = tokio::fs::read(path).await;
    let bytes = bytes.map_err(|source| ServiceError::File {
        path: path.to_owned(),
        source,
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_blanks_are_skipped_and_the_rest_is_accounted_for() {
        let text =
            "# relays\n\nwss://relay.example.com/\n  wss://nos.lol  \nhttp://no.example\nwss://\n";
        let list = SeedList::parse(text, LocalRelays::Refused);
        assert_eq!(list.urls.len(), 2);
        assert_eq!(list.refused.values().sum::<u64>(), 2);
    }
}
