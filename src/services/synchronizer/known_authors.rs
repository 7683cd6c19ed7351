//! The authors that are known to use a relay: those whose events were seen there, and those whose relay lists
//! (NIP-65) name it.
//!
//! Relays that answer only who names authors, to keep scrapers away, are asked about them in batches that never
//! change, each with coverage of its own, so that a new author costs a new batch and nothing is archived twice.
//! What such a relay holds of others stays a gap.

use std::collections::{BTreeSet, HashSet};

use nips::{Filter, Kind, PublicKey};

use crate::model::{GapReason, Relay};
use crate::services::Context;
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
        let mut new = known_authors(self.context, self.relay).await?;
        new.retain(|author| !met.contains(author));
        let room = MAX_AUTHORS.saturating_sub(met.len());
        let new: Vec<String> = new.iter().take(room).map(PublicKey::to_hex).collect();
        let batches = new.chunks(BATCH).map(<[String]>::to_vec);
        self.habits.author_batches.extend(batches);
        Ok(())
    }
}

/// At most [`MAX_AUTHORS`] authors that are known to use the relay: those who were seen there come first, the
/// latest of them before the others.
///
/// # Errors
/// [`StoreError`] when the store cannot say.
pub(super) async fn known_authors(
    context: &Context,
    relay: &Relay,
) -> Result<Vec<PublicKey>, StoreError> {
    let seen = context.store.authors_seen_on(relay.id, MAX_AUTHORS).await?;
    let listing = authors_of_lists(context, relay).await?;
    let mut met = HashSet::new();
    let known = seen.into_iter().chain(listing);
    let known = known.filter(|author| met.insert(*author));
    Ok(known.take(MAX_AUTHORS).collect())
}

async fn authors_of_lists(
    context: &Context,
    relay: &Relay,
) -> Result<BTreeSet<PublicKey>, StoreError> {
    let url = relay.url.as_str().trim_end_matches('/');
    let lists = Filter {
        kinds: Some(vec![RELAY_LIST]),
        tags: [(b'r', vec![url.to_owned(), format!("{url}/")])].into(),
        limit: Some(MAX_AUTHORS),
        ..Filter::default()
    };
    let scope = Scope::public(context.clock.now());
    let bounds = QueryBounds::default();
    let events = context
        .store
        .query(vec![lists], scope, bounds)
        .await?
        .events;
    Ok(events.iter().map(|event| event.pubkey()).collect())
}

/// The keys of a batch, sorted as filters have them.
fn keys(batch: &[String]) -> Vec<PublicKey> {
    let keys = batch.iter().filter_map(|hex| PublicKey::from_hex(hex).ok());
    let mut keys: Vec<PublicKey> = keys.collect();
    keys.sort_unstable();
    keys
}
