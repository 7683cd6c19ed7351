//! Relays that answer only who names authors, to keep scrapers away: they are asked about the authors that
//! are known to use them.
//!
//! Those are the authors of relay lists (NIP-65) that name the relay. They are asked about in batches that
//! never change, each with coverage of its own, so that a new author costs a new batch and nothing is
//! archived twice. What the relay holds of others stays a gap.

use std::collections::BTreeSet;

use nips::{Filter, Kind, PublicKey};

use crate::model::GapReason;
use crate::store::StoreError;
use crate::store::events::{QueryBounds, Scope};

use super::visit::{Visit, VisitEnd};

/// Authors in one question: few enough for relays that count them.
const BATCH: usize = 50;

/// Authors of one relay at most.
const MAX_AUTHORS: usize = 1_000;

/// Relay lists (NIP-65).
const RELAY_LIST: Kind = Kind(10_002);

impl Visit<'_> {
    /// Archives what the relay holds of known authors. It ends as it was refused for `refusal` when that is
    /// refused, too.
    ///
    /// # Errors
    /// [`StoreError`] when the store did not do its part.
    pub(super) async fn archive_by_author(
        &mut self,
        filter: &Filter,
        refusal: GapReason,
    ) -> Result<VisitEnd, StoreError> {
        self.meet_authors().await?;
        let batches = self.habits.author_batches.clone();
        if batches.is_empty() {
            return Ok(VisitEnd::GaveUp(refusal));
        }
        for batch in batches {
            let narrow = Filter {
                authors: Some(keys(&batch)),
                ..filter.clone()
            };
            match Box::pin(self.archive_filter(&narrow)).await? {
                VisitEnd::CaughtUp => {
                    let now = self.context.clock.now();
                    self.habits.has_wanted_authors(now);
                }
                end => return Ok(end),
            }
        }
        Ok(VisitEnd::CaughtUp)
    }

    /// Adds the authors that are not in a batch yet.
    async fn meet_authors(&mut self) -> Result<(), StoreError> {
        let met: BTreeSet<PublicKey> = self
            .habits
            .author_batches
            .iter()
            .flat_map(|batch| keys(batch))
            .collect();
        let mut new = self.authors_of_lists().await?;
        new.retain(|author| !met.contains(author));
        let room = MAX_AUTHORS.saturating_sub(met.len());
        let new: Vec<String> = new.iter().take(room).map(PublicKey::to_hex).collect();
        let batches = new.chunks(BATCH).map(<[String]>::to_vec);
        self.habits.author_batches.extend(batches);
        Ok(())
    }

    async fn authors_of_lists(&mut self) -> Result<BTreeSet<PublicKey>, StoreError> {
        let url = self.relay.url.as_str().trim_end_matches('/');
        let lists = Filter {
            kinds: Some(vec![RELAY_LIST]),
            tags: [(b'r', vec![url.to_owned(), format!("{url}/")])].into(),
            limit: Some(MAX_AUTHORS),
            ..Filter::default()
        };
        let scope = Scope::public(self.context.clock.now());
        let page = self
            .context
            .store
            .query(vec![lists], scope, QueryBounds::default());
        let events = page.await?.events;
        Ok(events.iter().map(|event| event.pubkey()).collect())
    }
}

/// The keys of a batch, sorted as filters have them.
fn keys(batch: &[String]) -> Vec<PublicKey> {
    let keys = batch.iter().filter_map(|hex| PublicKey::from_hex(hex).ok());
    let mut keys: Vec<PublicKey> = keys.collect();
    keys.sort_unstable();
    keys
}
