//! The subscriptions of one connection, from REQ over the stored answer to live.

use std::collections::HashMap;
use std::sync::{Arc, RwLockWriteGuard};
use std::time::Duration;

use nips::Filter;
use tokio::runtime::Handle;

use super::filter_limits::{MAX_FILTER_VALUES, is_unasked, values};
use super::listener::Listener;
use super::live::SharedIndex;
use super::live_index::{LiveIndex, SubscriptionKey, Watches};
use super::reply::event_frame_start;
use crate::archive::LiveEvent;
use crate::background::Background;
use crate::store::events::BatchNumber;

/// Live events that may wait for the end of a stored answer; more than the longest answer.
const MAX_PENDING: usize = 10_000;

/// The same in bytes, over all subscriptions of a connection.
const MAX_PENDING_BYTES: usize = 16 << 20;

/// Pieces of a subscription that are put into the index without a pause: the longest filter there may be, as shipped.
const PIECES_AT_ONCE: usize = 8;

/// Pause after each further piece. A thread that goes on for milliseconds keeps others waiting for its core, even when
/// it lets their tasks have their turn.
const PIECE_PAUSE: Duration = Duration::from_millis(1);

/// Values of filters that are copied at once. A megabyte of them is new memory, which takes longer.
const FEW_VALUES: usize = 2_000;

/// Filters of a subscription that is about to be opened.
pub(super) struct Watched {
    key: SubscriptionKey,
    values: usize,
    watches: Watches,
    is_partial: bool,
}

impl Watched {
    fn new(key: SubscriptionKey, filters: &[Filter], listener: &Arc<Listener>) -> Self {
        Self {
            key,
            values: count_values(filters),
            watches: Watches::new(key, filters.to_vec(), listener),
            is_partial: filters.iter().any(is_unasked),
        }
    }
}

/// One open subscription.
pub(super) struct Subscription {
    pub(super) id: String,
    /// `["EVENT","<id>",`
    pub(super) frame_start: Arc<str>,
    values: usize,
    watches: Watches,
    /// Some filter asks for nothing stored, so that nobody knows whether everything was sent.
    is_partial: bool,
    phase: Phase,
}

enum Phase {
    /// The stored part is being worked out or sent; live events wait.
    Stored(Waiting),
    /// The stored part was sent; it knew of batches up to this one. Live delivery may be behind it.
    Live(BatchNumber),
}

/// Live events that wait for the end of a stored answer.
#[derive(Default)]
struct Waiting {
    events: Vec<(Option<BatchNumber>, Arc<LiveEvent>)>,
    bytes: usize,
}

impl Waiting {
    fn push(&mut self, batch: Option<BatchNumber>, live: &Arc<LiveEvent>) {
        self.bytes += live.json().len();
        self.events.push((batch, Arc::clone(live)));
    }
}

/// What a live event comes to.
pub(super) enum Next {
    /// Send it.
    Send(String),
    /// Nothing now: it waits, or the subscription is closed already.
    Nothing,
    /// Too much waits; the subscription has to be closed.
    Overflow,
}

impl Subscription {
    /// The frame of an event for this subscription.
    pub(super) fn frame(&self, json: &str) -> String {
        let mut frame = String::with_capacity(self.frame_start.len() + json.len() + 1);
        frame.push_str(&self.frame_start);
        frame.push_str(json);
        frame.push(']');
        frame
    }

    /// What to say at the end of the stored part (NIP-67).
    pub(super) fn hint(&self, has_more: bool) -> Option<&'static str> {
        match (has_more, self.is_partial) {
            (true, _) => Some("more"),
            (false, true) => None,
            (false, false) => Some("finish"),
        }
    }

    /// Bytes of the live events that wait.
    fn pending_bytes(&self) -> usize {
        match &self.phase {
            Phase::Stored(waiting) => waiting.bytes,
            Phase::Live(_) => 0,
        }
    }

    /// Ends the stored part, which knew of batches up to `as_of`; gives what happened since.
    pub(super) fn go_live(&mut self, as_of: BatchNumber) -> Vec<Arc<LiveEvent>> {
        let Phase::Stored(waiting) = std::mem::replace(&mut self.phase, Phase::Live(as_of)) else {
            return Vec::new();
        };
        let events = waiting.events.into_iter();
        let newer = events.filter(|(batch, _)| is_newer(*batch, as_of));
        newer.map(|(_, live)| live).collect()
    }
}

/// The subscriptions of one connection. Dropping it closes them.
pub(super) struct Subscriptions<'r> {
    index: &'r Arc<SharedIndex>,
    listener: Arc<Listener>,
    open: HashMap<SubscriptionKey, Subscription>,
}

impl<'r> Subscriptions<'r> {
    pub(super) fn new(index: &'r Arc<SharedIndex>, listener: Arc<Listener>) -> Self {
        Self {
            index,
            listener,
            open: HashMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn get_mut(&mut self, key: SubscriptionKey) -> Option<&mut Subscription> {
        self.open.get_mut(&key)
    }

    /// Whether filters fit into what one connection may hold.
    pub(super) fn has_room_for(&self, filters: &[Filter]) -> bool {
        let held: usize = self.open.values().map(|open| open.values).sum();
        held + count_values(filters) <= MAX_FILTER_VALUES
    }

    /// Makes filters ready to be watched, and gives them back; `None` when the process ends.
    pub(super) async fn watch(
        &self,
        filters: Vec<Filter>,
        threads: &Background,
    ) -> Option<(Vec<Filter>, Watched)> {
        let (key, listener) = (self.next_key(), Arc::clone(&self.listener));
        if count_values(&filters) <= FEW_VALUES {
            let watched = Watched::new(key, &filters, &listener);
            return Some((filters, watched));
        }
        let watch = move || {
            let watched = Watched::new(key, &filters, &listener);
            (filters, watched)
        };
        threads.run(watch).await
    }

    fn next_key(&self) -> SubscriptionKey {
        let index = self.index.read().expect("no panic under the lock");
        index.next_key()
    }

    /// Opens a subscription; live events wait for its stored part from the moment that this is done.
    pub(super) async fn open(&mut self, id: String, filters: Watched) -> SubscriptionKey {
        let key = filters.key;
        let watches = filters.watches;
        let is_short = watches.is_short();
        let subscription = Subscription {
            frame_start: event_frame_start(&id).into(),
            id,
            values: filters.values,
            watches,
            is_partial: filters.is_partial,
            phase: Phase::Stored(Waiting::default()),
        };
        // Before anything of it is in the index, so that it is taken out again whatever happens.
        let subscription = self.open.entry(key).or_insert(subscription);
        for (number, piece) in subscription.watches.pieces().enumerate() {
            write(self.index).insert(&piece);
            if number >= PIECES_AT_ONCE {
                tokio::time::sleep(PIECE_PAUSE).await;
            } else if !is_short {
                tokio::task::yield_now().await;
            }
        }
        key
    }

    /// Closes the subscription of that id, if it is open.
    pub(super) fn close_id(&mut self, id: &str) -> Option<SubscriptionKey> {
        let found = self.open.iter().find(|(_, open)| open.id == id);
        let key = *found?.0;
        self.close(key);
        Some(key)
    }

    /// Closes a subscription and gives its id.
    pub(super) fn close(&mut self, key: SubscriptionKey) -> Option<String> {
        let Subscription { id, watches, .. } = self.open.remove(&key)?;
        self.forget(watches);
        Some(id)
    }

    /// Takes filters out of the index: short ones at once, long ones in pieces. On a thread of its own they would come one
    /// after the other: one that gives way keeps others waiting for the lock that it holds, and one that does not for
    /// the core.
    fn forget(&self, watches: Watches) {
        let runtime = Handle::try_current();
        match runtime {
            Ok(runtime) if !watches.is_short() => {
                runtime.spawn(remove_in_pieces(Arc::clone(self.index), watches));
            }
            _ => remove(self.index, &watches),
        }
    }

    /// Takes a live event that matches a subscription.
    pub(super) fn take_live(
        &mut self,
        key: SubscriptionKey,
        batch: Option<BatchNumber>,
        live: &Arc<LiveEvent>,
    ) -> Next {
        let waiting: usize = self.open.values().map(Subscription::pending_bytes).sum();
        let has_room = waiting + live.json().len() <= MAX_PENDING_BYTES;
        let Some(subscription) = self.open.get_mut(&key) else {
            return Next::Nothing;
        };
        match &mut subscription.phase {
            Phase::Live(as_of) if is_newer(batch, *as_of) => {
                Next::Send(subscription.frame(live.json()))
            }
            Phase::Live(_) => Next::Nothing,
            Phase::Stored(waiting) if has_room && waiting.events.len() < MAX_PENDING => {
                waiting.push(batch, live);
                Next::Nothing
            }
            Phase::Stored(_) => Next::Overflow,
        }
    }

    /// The ids of all open subscriptions.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.open.values().map(|open| open.id.as_str())
    }
}

impl Drop for Subscriptions<'_> {
    fn drop(&mut self) {
        for (_, subscription) in std::mem::take(&mut self.open) {
            self.forget(subscription.watches);
        }
    }
}

fn remove(index: &SharedIndex, watches: &Watches) {
    for piece in watches.pieces() {
        write(index).remove(&piece);
    }
}

async fn remove_in_pieces(index: Arc<SharedIndex>, watches: Watches) {
    for piece in watches.pieces() {
        write(&index).remove(&piece);
        tokio::time::sleep(PIECE_PAUSE).await;
    }
}

fn write(index: &SharedIndex) -> RwLockWriteGuard<'_, LiveIndex> {
    index.write().expect("no panic under the lock")
}

/// Whether an event came after a stored answer was worked out; ephemeral ones are in none.
fn is_newer(batch: Option<BatchNumber>, as_of: BatchNumber) -> bool {
    batch.is_none_or(|batch| batch > as_of)
}

fn count_values(filters: &[Filter]) -> usize {
    filters.iter().map(values).sum()
}

#[cfg(test)]
mod tests {
    use fleet::events::Generator;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::store::events::Visibility;

    async fn open(subscriptions: &mut Subscriptions<'_>, id: &str) -> SubscriptionKey {
        let threads = Background::new("watch", 1).unwrap();
        let watched = subscriptions.watch(vec![Filter::default()], &threads).await;
        subscriptions.open(id.to_owned(), watched.unwrap().1).await
    }

    #[tokio::test]
    async fn what_waits_is_bounded_in_bytes_over_all_subscriptions() {
        let index = Arc::default();
        let (listener, _deliveries) = Listener::new(CancellationToken::new());
        let mut subscriptions = Subscriptions::new(&index, listener);
        let keys = [
            open(&mut subscriptions, "a").await,
            open(&mut subscriptions, "b").await,
        ];
        let event = Generator::new(1).note_at(1_700_000_000);
        let live = Arc::new(LiveEvent::new(event, Visibility::Public));
        let fitting = MAX_PENDING_BYTES / live.json().len();
        let mut taken = 0;
        for key in keys.into_iter().cycle() {
            match subscriptions.take_live(key, None, &live) {
                Next::Nothing => taken += 1,
                Next::Overflow => break,
                Next::Send(_) => panic!("nothing is sent before the stored part"),
            }
        }
        assert_eq!(taken, fitting.min(2 * MAX_PENDING));
    }

    #[tokio::test]
    async fn what_the_stored_answer_held_is_not_sent_again_however_late_it_comes() {
        let index = Arc::default();
        let (listener, _deliveries) = Listener::new(CancellationToken::new());
        let mut subscriptions = Subscriptions::new(&index, listener);
        let key = open(&mut subscriptions, "s").await;
        let event = Generator::new(1).note_at(1_700_000_000);
        let live = Arc::new(LiveEvent::new(event, Visibility::Public));
        for batch in [4, 5, 6] {
            subscriptions.take_live(key, Some(BatchNumber(batch)), &live);
        }
        let subscription = subscriptions.get_mut(key).unwrap();
        assert_eq!(subscription.go_live(BatchNumber(5)).len(), 1);
        for (batch, is_sent) in [(Some(5), false), (Some(7), true), (None, true)] {
            let next = subscriptions.take_live(key, batch.map(BatchNumber), &live);
            assert_eq!(matches!(next, Next::Send(_)), is_sent, "{batch:?}");
        }
    }
}
