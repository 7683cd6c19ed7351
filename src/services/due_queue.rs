//! Working off what is due: a bounded number of items at once, and no item waits for a slow one.
//!
//! The store is the queue. Every item that was worked on gets a row that says when it is due again, so
//! asking the store again with the moment of the cycle's beginning yields what is left. An item whose
//! row could not be written would come again at once; it is passed over until the next cycle, so that
//! a failing store never makes a service spin.

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::hash::Hash;

use tokio::task::{JoinError, JoinSet};
use tracing::{Instrument, Span, error};

use crate::lifecycle::Tokens;
use crate::services::ServiceError;
use crate::store::StoreError;

/// Rows that could not be written before the queue stops trying, unless most can: one poisoned row
/// must not stop a service, and a broken store must.
const MAX_UNRECORDED: usize = 20;

/// How much at once, and how much at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueBounds {
    /// Items worked on at once.
    pub width: usize,
    /// Items read from the store at once.
    pub page: usize,
    /// Items begun in one cycle.
    pub max_items: usize,
}

/// Works off all that `fetch` yields, at most `bounds.width` at once. `fetch` is told how many items to
/// yield; `work` returns an error when the item's row could not be written.
///
/// After the soft token nothing new is begun; after the hard token what runs is dropped.
///
/// # Errors
/// [`StoreError`] when `fetch` failed, or when most rows could not be written.
pub(super) async fn work_off<T, K, Fetch, Fetched, Work, Worked>(
    bounds: QueueBounds,
    tokens: &Tokens,
    fetch: Fetch,
    key_of: fn(&T) -> K,
    work: Work,
) -> Result<(), ServiceError>
where
    K: Hash + Eq + Clone + Send + 'static,
    Fetch: Fn(usize) -> Fetched,
    Fetched: Future<Output = Result<Vec<T>, StoreError>>,
    Work: Fn(T) -> Worked,
    Worked: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    let mut queue = Queue::default();
    let mut waiting = VecDeque::new();
    let mut running = JoinSet::new();
    let mut begun = 0;
    loop {
        while running.len() < bounds.width && begun < bounds.max_items && !tokens.is_stopping() {
            if waiting.is_empty() && !queue.is_drained {
                let page = fetch(queue.taken.len() + bounds.page).await;
                waiting = queue.take_fresh(page, key_of);
            }
            let Some(item) = waiting.pop_front() else {
                break;
            };
            begun += 1;
            let key = key_of(&item);
            let done = work(item);
            let task = async move { (key, done.await) };
            running.spawn(task.instrument(Span::current()));
        }
        let done = tokio::select! {
            done = running.join_next() => done,
            () = tokens.hard_stop() => return Ok(()),
        };
        match done {
            Some(done) => queue.settle(done),
            None => return queue.into_result(),
        }
    }
}

/// What has been taken out of the store's queue, and how it went.
struct Queue<K> {
    /// Items in flight, and items whose row could not be written.
    taken: HashSet<K>,
    recorded: usize,
    unrecorded: usize,
    failure: Option<StoreError>,
    is_drained: bool,
    is_broken: bool,
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        Self {
            taken: HashSet::new(),
            recorded: 0,
            unrecorded: 0,
            failure: None,
            is_drained: false,
            is_broken: false,
        }
    }
}

impl<K: Hash + Eq> Queue<K> {
    fn take_fresh<T>(
        &mut self,
        page: Result<Vec<T>, StoreError>,
        key_of: fn(&T) -> K,
    ) -> VecDeque<T> {
        let items = page.unwrap_or_else(|failure| {
            self.fail(failure);
            Vec::new()
        });
        let mut fresh = VecDeque::from(items);
        fresh.retain(|item| self.taken.insert(key_of(item)));
        self.is_drained |= fresh.is_empty();
        fresh
    }

    fn settle(&mut self, done: Result<(K, Result<(), StoreError>), JoinError>) {
        match done {
            Ok((key, Ok(()))) => {
                self.recorded += 1;
                self.taken.remove(&key);
            }
            Ok((_, Err(failure))) => self.count_unrecorded(failure),
            Err(failure) if failure.is_panic() => {
                error!(reason = "panic", "service_item_failed");
            }
            Err(_) => {}
        }
    }

    fn count_unrecorded(&mut self, failure: StoreError) {
        self.unrecorded += 1;
        if self.unrecorded >= MAX_UNRECORDED && self.unrecorded > self.recorded {
            self.fail(failure);
        }
    }

    fn fail(&mut self, failure: StoreError) {
        self.is_drained = true;
        self.is_broken = true;
        self.failure.get_or_insert(failure);
    }

    fn into_result(self) -> Result<(), ServiceError> {
        match self.failure {
            Some(failure) if self.is_broken => Err(failure.into()),
            _ => Ok(()),
        }
    }
}
