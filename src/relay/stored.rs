//! The stored part of an answer: in its turn, within its time.

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::vec;

use nips::{Event, Filter, PublicKey};
use tokio::sync::OwnedSemaphorePermit;

use super::filter_limits::{expected_time, is_large};
use super::manners::Payer;
use super::query_gate::{Held, Overloaded};
use super::server::Inner;
use crate::background::Background;
use crate::store::StoreError;
use crate::store::events::{BatchNumber, Page};

/// How much later than it should the store may stop by itself, e.g. between two statements.
pub(super) const SLACK: Duration = Duration::from_millis(500);

/// How long a large answer waits for others to be sent, before its own time begins. Whoever asks for all live
/// relays can spare it.
const LARGE_PATIENCE: Duration = Duration::from_secs(10);

/// A page on its way out.
pub(super) struct Stored {
    pub(super) events: Unsent,
    /// The last batch that it knows of.
    pub(super) as_of: BatchNumber,
    /// Whether more is stored than was found.
    pub(super) has_more: bool,
}

/// Events that were looked up and not sent yet. There may be thousands of them when their client goes away.
pub(super) struct Unsent {
    pub(super) events: vec::IntoIter<Event>,
    /// The right of a large answer to be in memory.
    large: Option<OwnedSemaphorePermit>,
    /// Its share of the memory of all answers.
    held: Option<Held>,
    /// Drops many.
    drops: Arc<Background>,
}

impl Unsent {
    /// Whether all were sent.
    pub(super) fn is_empty(&self) -> bool {
        self.events.as_slice().is_empty()
    }
}

/// Events that are dropped at once; more of them take longer than handing them over.
const FEW_EVENTS: usize = 100;

impl Drop for Unsent {
    fn drop(&mut self) {
        if self.events.len() <= FEW_EVENTS {
            return;
        }
        let mut events = std::mem::take(&mut self.events);
        // They count for as long as they are there: others are refused for want of memory meanwhile.
        let rights = (self.large.take(), self.held.take());
        self.drops.start(move || {
            while !events.as_slice().is_empty() {
                let began_at = Instant::now();
                events.by_ref().take(FEW_EVENTS).for_each(drop);
                // A thread that is only nice keeps its core until the next tick, whoever wakes up meanwhile.
                std::thread::sleep(began_at.elapsed());
            }
            drop(rights);
        });
    }
}

/// Why there is none.
pub(super) enum Unanswered {
    Overloaded,
    TooSlow,
    Store(StoreError),
}

impl Unanswered {
    /// The text of a `CLOSED`.
    pub(super) fn message(&self) -> &'static str {
        match self {
            Self::Overloaded => "error: the relay is overloaded, try again later",
            Self::TooSlow => "error: the answer took too long",
            Self::Store(_) => "error: could not read the archive",
        }
    }
}

impl From<StoreError> for Unanswered {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooSlow { .. } => Self::TooSlow,
            error => Self::Store(error),
        }
    }
}

impl From<Overloaded> for Unanswered {
    fn from(_: Overloaded) -> Self {
        Self::Overloaded
    }
}

impl Inner {
    /// The stored part of a subscription.
    pub(super) async fn stored(
        &self,
        payer: Payer,
        filters: Vec<Filter>,
        readers: Vec<PublicKey>,
    ) -> Result<Stored, Unanswered> {
        let limits = &self.settings.limits;
        let expected = expected_time(&filters);
        let give_back = |_: &Overloaded| self.crowd.settle(payer, expected, Duration::ZERO);
        let large = self.large_answer(&filters).await.inspect_err(give_back)?;
        let asked_at = Instant::now();
        let place = self.queries.enter(&filters).await.inspect_err(give_back)?;
        let began_at = Instant::now();
        let scope = self.scope(readers);
        let bounds = limits.query_bounds(&filters, asked_at);
        let page = self.store.query(filters, scope, bounds);
        let page = tokio::time::timeout(limits.max_query_time + SLACK, page).await;
        self.crowd.settle(payer, expected, began_at.elapsed());
        let Page {
            events,
            as_of,
            has_more,
        } = page
            .map_err(|_| Unanswered::TooSlow)?
            .map_err(Unanswered::Store)?;
        let bytes = match large {
            // Large answers are bounded by their number.
            Some(_) => 0,
            None => events.iter().map(Event::memory_bytes).sum(),
        };
        let events = Unsent {
            events: events.into_iter(),
            large,
            held: Some(place.hold(bytes)),
            drops: Arc::clone(&self.drops),
        };
        Ok(Stored {
            events,
            as_of,
            has_more,
        })
    }

    /// Waits until a large answer may be in memory; others need no such right.
    async fn large_answer(
        &self,
        filters: &[Filter],
    ) -> Result<Option<OwnedSemaphorePermit>, Overloaded> {
        if !is_large(filters) {
            return Ok(None);
        }
        let waiting = Arc::clone(&self.large_answers).acquire_owned();
        let permit = tokio::time::timeout(LARGE_PATIENCE, waiting).await;
        Ok(permit.map_err(|_| Overloaded)?.ok())
    }
}
