//! COUNT (NIP-45): how many events match, asked beside everything else a connection does.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nips::nip45::{AuthorSketch, SketchOffset};
use nips::{Filter, PublicKey};
use tokio::task::JoinSet;

use super::filter_limits::expected_time;
use super::manners::Payer;
use super::query_gate::Overloaded;
use super::reply::Reply;
use super::server::Inner;
use super::stored::{SLACK, Unanswered};
use crate::store::StoreError;
use crate::store::events::Scope;
use crate::store::sets::SetBounds;

/// Counts of one connection that are worked out at the same time.
const MAX_COUNTS: usize = 2;

/// Counts of one connection that wait for their turn; clients ask for a screenful at once.
const MAX_WAITING: usize = 256;

/// A number, and what else can be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) events: u64,
    /// There may be more: counting was cut at a bound.
    pub(super) is_approximate: bool,
    /// A sketch of the authors, where one is defined and complete.
    pub(super) authors: Option<AuthorSketch>,
}

/// A COUNT that has not been begun.
struct Question {
    payer: Payer,
    id: String,
    filters: Vec<Filter>,
    readers: Vec<PublicKey>,
}

/// The counts of one connection.
pub(super) struct Counting {
    relay: Arc<Inner>,
    waiting: VecDeque<Question>,
    running: JoinSet<Reply>,
}

impl Counting {
    pub(super) fn new(relay: Arc<Inner>) -> Self {
        Self {
            relay,
            waiting: VecDeque::new(),
            running: JoinSet::new(),
        }
    }

    /// Whether one more may wait.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < MAX_WAITING
    }

    pub(super) fn push(
        &mut self,
        payer: Payer,
        id: String,
        filters: Vec<Filter>,
        readers: Vec<PublicKey>,
    ) {
        let question = Question {
            payer,
            id,
            filters,
            readers,
        };
        self.waiting.push_back(question);
        self.start();
    }

    /// The next answer; `None` when nothing is asked. Cancel-safe.
    pub(super) async fn finished(&mut self) -> Option<Vec<Reply>> {
        let reply = self.running.join_next().await?;
        self.start();
        // Only a panic in the store leaves a count without an answer; the client will ask again.
        Some(reply.into_iter().collect())
    }

    fn start(&mut self) {
        while self.running.len() < MAX_COUNTS {
            let Some(question) = self.waiting.pop_front() else {
                return;
            };
            let relay = Arc::clone(&self.relay);
            self.running
                .spawn(async move { answer(&relay, question).await });
        }
    }
}

async fn answer(relay: &Inner, question: Question) -> Reply {
    let Question {
        payer,
        id,
        filters,
        readers,
    } = question;
    match relay.count(payer, filters, readers).await {
        Ok(counted) => Reply::Count { id, counted },
        Err(why) => {
            if let Unanswered::Store(error) = &why {
                tracing::warn!(reason = error.reason(), %error, "a client's events could not be counted");
            }
            Reply::closed(id, why.message())
        }
    }
}

impl Inner {
    /// Counts what a REQ without limits would be answered with.
    async fn count(
        &self,
        payer: Payer,
        filters: Vec<Filter>,
        readers: Vec<PublicKey>,
    ) -> Result<Counted, Unanswered> {
        let expected = expected_time(&filters);
        let give_back = |_: &Overloaded| self.crowd.settle(payer, expected, Duration::ZERO);
        let bounds = SetBounds {
            max_scanned: self.settings.limits.max_scanned,
            deadline: Some(Instant::now() + self.settings.limits.max_query_time),
            ..SetBounds::default()
        };
        let place = self.queries.enter(&filters).await.inspect_err(give_back)?;
        let began_at = Instant::now();
        let counted = self.count_all(filters, self.scope(readers), bounds);
        let patience = self.settings.limits.max_query_time + SLACK;
        let counted = tokio::time::timeout(patience, counted).await;
        self.crowd.settle(payer, expected, began_at.elapsed());
        drop(place);
        counted
            .map_err(|_| Unanswered::TooSlow)?
            .map_err(Unanswered::from)
    }

    async fn count_all(
        &self,
        filters: Vec<Filter>,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<Counted, StoreError> {
        if let [filter] = filters.as_slice() {
            return self.count_one(filter, scope, bounds).await;
        }
        let count = self.store.count(filters, scope, bounds).await;
        count.map(Counted::plain)
    }

    async fn count_one(
        &self,
        filter: &Filter,
        scope: Scope,
        bounds: SetBounds,
    ) -> Result<Counted, StoreError> {
        let filter = filter.clone();
        let Some(offset) = SketchOffset::of(&filter) else {
            let count = self.store.count(vec![filter], scope, bounds).await;
            return count.map(Counted::plain);
        };
        let counted = self
            .store
            .count_authors(filter, scope, offset, bounds)
            .await?;
        Ok(Counted {
            events: counted.events,
            is_approximate: counted.is_cut,
            // A sketch of a part would pass for one of the whole where clients add them up.
            authors: (!counted.is_cut).then_some(counted.authors),
        })
    }
}

impl Counted {
    fn plain((events, is_approximate): (u64, bool)) -> Self {
        Self {
            events,
            is_approximate,
            authors: None,
        }
    }
}
