//! Which open subscriptions an event concerns, without asking each of them.
//!
//! Every filter stands under one of its own lists: the shortest of ids, authors and the tag lists,
//! else its kinds, else among those that could match anything. An event looks up its id, author,
//! tags and kind, and only the filters found there are matched in full.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use nips::{EventId, Filter, Kind, PublicKey};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::archive::LiveEvent;
use crate::store::events::BatchNumber;

/// Names one subscription among all connections; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SubscriptionKey(pub(super) u64);

/// What one announcement means for one connection.
#[derive(Debug)]
pub(super) struct Delivery {
    /// The batch the events arrived in; `None` for ephemeral ones.
    pub(super) batch: Option<BatchNumber>,
    /// Each event with a subscription it matches.
    pub(super) events: Vec<(SubscriptionKey, Arc<LiveEvent>)>,
    /// What this counts for in the listener's backlog.
    pub(super) bytes: usize,
}

impl Delivery {
    pub(super) fn of(batch: Option<BatchNumber>) -> Self {
        Self {
            batch,
            events: Vec::new(),
            bytes: 0,
        }
    }

    pub(super) fn push(&mut self, key: SubscriptionKey, live: &Arc<LiveEvent>) {
        self.bytes += live.json().len();
        self.events.push((key, Arc::clone(live)));
    }
}

/// The end of a connection that live events are handed to.
#[derive(Debug)]
pub(super) struct Listener {
    deliveries: mpsc::Sender<Delivery>,
    backlog_bytes: AtomicUsize,
    overrun: CancellationToken,
    /// Keys that the client has proved to hold.
    readers: RwLock<Vec<PublicKey>>,
}

/// Deliveries that may wait in one connection.
const MAX_DELIVERIES: usize = 1_024;

/// Bytes of live events that may wait in one connection. A reader this far behind is closed, and
/// can read what it missed from the archive.
const MAX_BACKLOG_BYTES: usize = 16 << 20;

impl Listener {
    pub(super) fn new(overrun: CancellationToken) -> (Arc<Self>, mpsc::Receiver<Delivery>) {
        let (deliveries, receiver) = mpsc::channel(MAX_DELIVERIES);
        let listener = Self {
            deliveries,
            backlog_bytes: AtomicUsize::new(0),
            overrun,
            readers: RwLock::default(),
        };
        (Arc::new(listener), receiver)
    }

    /// Shows the client what is for these keys from now on.
    pub(super) fn show_to(&self, readers: &[PublicKey]) {
        *self.readers.write().expect("no panic under the lock") = readers.to_vec();
    }

    /// The keys that the client has proved to hold.
    pub(super) fn readers(&self) -> Vec<PublicKey> {
        self.readers
            .read()
            .expect("no panic under the lock")
            .clone()
    }

    /// Notes that a delivery has been dealt with.
    pub(super) fn relieve(&self, bytes: usize) {
        self.backlog_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn deliver(&self, delivery: Delivery) {
        let bytes = delivery.bytes;
        let backlog = self.backlog_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let is_full = self.deliveries.try_send(delivery).is_err();
        if is_full || backlog > MAX_BACKLOG_BYTES {
            self.overrun.cancel();
        }
    }
}

/// One filter of one open subscription.
#[derive(Debug)]
struct Watch {
    key: WatchKey,
    filter: Filter,
    listener: Arc<Listener>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct WatchKey {
    subscription: SubscriptionKey,
    filter: usize,
}

type Bucket = HashMap<WatchKey, Arc<Watch>>;

/// All open subscriptions.
#[derive(Debug, Default)]
pub(super) struct LiveIndex {
    next_key: u64,
    watches: HashMap<SubscriptionKey, Vec<Arc<Watch>>>,
    by_id: HashMap<EventId, Bucket>,
    by_author: HashMap<PublicKey, Bucket>,
    by_tag: HashMap<u8, HashMap<String, Bucket>>,
    by_kind: HashMap<Kind, Bucket>,
    others: Bucket,
}

impl LiveIndex {
    /// Opens a subscription: from now on matching events are delivered.
    pub(super) fn open(
        &mut self,
        filters: Vec<Filter>,
        listener: &Arc<Listener>,
    ) -> SubscriptionKey {
        self.next_key += 1;
        let subscription = SubscriptionKey(self.next_key);
        let can_match = filters.into_iter().filter(|filter| !filter.is_empty());
        let watches: Vec<Arc<Watch>> = can_match
            .enumerate()
            .map(|(index, filter)| {
                let filter_key = WatchKey {
                    subscription,
                    filter: index,
                };
                Arc::new(Watch {
                    key: filter_key,
                    filter,
                    listener: Arc::clone(listener),
                })
            })
            .collect();
        for watch in &watches {
            self.for_each_bucket(watch, |bucket| {
                bucket.insert(watch.key, Arc::clone(watch));
            });
        }
        self.watches.insert(subscription, watches);
        subscription
    }

    /// Closes a subscription.
    pub(super) fn close(&mut self, subscription: SubscriptionKey) {
        for watch in self.watches.remove(&subscription).unwrap_or_default() {
            self.for_each_bucket(&watch, |bucket| {
                bucket.remove(&watch.key);
            });
            self.forget_empty_buckets(&watch.filter);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// The subscriptions that an event matches, each once, with their listeners.
    pub(super) fn matches(&self, event: &LiveEvent) -> Vec<(SubscriptionKey, Arc<Listener>)> {
        let fields = event.event.as_ref();
        let tags: Vec<(u8, Cow<'_, str>)> = event
            .indexed_tags()
            .iter()
            .map(|(letter, value)| (*letter, Cow::Borrowed(value.as_str())))
            .collect();
        let under_tags = tags
            .iter()
            .filter_map(|(letter, value)| self.by_tag.get(letter)?.get(value.as_ref()));
        let buckets = [
            self.by_id.get(&fields.id),
            self.by_author.get(&fields.pubkey),
            self.by_kind.get(&fields.kind),
            Some(&self.others),
        ];
        let mut found: Vec<&Arc<Watch>> = buckets
            .into_iter()
            .flatten()
            .chain(under_tags)
            .flat_map(HashMap::values)
            .filter(|watch| watch.filter.matches(&fields, &tags))
            .collect();
        found.sort_unstable_by_key(|watch| watch.key);
        found.dedup_by_key(|watch| watch.key.subscription);
        found
            .into_iter()
            .map(|watch| (watch.key.subscription, Arc::clone(&watch.listener)))
            .collect()
    }

    /// Calls `change` for every bucket that a filter belongs in, making them as needed.
    fn for_each_bucket(&mut self, watch: &Watch, mut change: impl FnMut(&mut Bucket)) {
        let filter = &watch.filter;
        match Place::of(filter) {
            Place::Ids(ids) => each(&mut self.by_id, ids, change),
            Place::Authors(authors) => each(&mut self.by_author, authors, change),
            Place::Tag(letter, values) => {
                each(self.by_tag.entry(letter).or_default(), values, change);
            }
            Place::Kinds(kinds) => each(&mut self.by_kind, kinds, change),
            Place::Others => change(&mut self.others),
        }
    }

    fn forget_empty_buckets(&mut self, filter: &Filter) {
        match Place::of(filter) {
            Place::Ids(ids) => forget_empty(&mut self.by_id, ids),
            Place::Authors(authors) => forget_empty(&mut self.by_author, authors),
            Place::Tag(letter, values) => {
                forget_empty(self.by_tag.entry(letter).or_default(), values);
            }
            Place::Kinds(kinds) => forget_empty(&mut self.by_kind, kinds),
            Place::Others => {}
        }
    }
}

/// The list that a filter stands under.
enum Place<'f> {
    Ids(&'f [EventId]),
    Authors(&'f [PublicKey]),
    Tag(u8, &'f [String]),
    Kinds(&'f [Kind]),
    Others,
}

impl<'f> Place<'f> {
    fn of(filter: &'f Filter) -> Self {
        let ids = filter.ids.iter().map(|ids| (ids.len(), Self::Ids(ids)));
        let authors = filter.authors.iter();
        let authors = authors.map(|keys| (keys.len(), Self::Authors(keys)));
        let tags = filter.tags.iter();
        let tags = tags.map(|(letter, values)| (values.len(), Self::Tag(*letter, values)));
        let shortest = ids.chain(authors).chain(tags).min_by_key(|(len, _)| *len);
        match (shortest, &filter.kinds) {
            (Some((_, place)), _) => place,
            (None, Some(kinds)) => Self::Kinds(kinds),
            (None, None) => Self::Others,
        }
    }
}

fn each<K: Hash + Eq + Clone>(
    buckets: &mut HashMap<K, Bucket>,
    keys: &[K],
    mut change: impl FnMut(&mut Bucket),
) {
    for key in keys {
        change(buckets.entry(key.clone()).or_default());
    }
}

fn forget_empty<K: Hash + Eq>(buckets: &mut HashMap<K, Bucket>, keys: &[K]) {
    for key in keys {
        if buckets.get(key).is_some_and(HashMap::is_empty) {
            buckets.remove(key);
        }
    }
}
