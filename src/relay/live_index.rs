//! Which open subscriptions an event concerns, without asking each of them.
//!
//! Every filter stands under one of its own lists: the shortest of ids, authors and the tag lists,
//! else its kinds, else among those that could match anything. An event looks up its id, author,
//! tags and kind, and only the filters found there are matched in full.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nips::{EventId, Filter, Kind, PublicKey};

use super::listener::Listener;
use crate::archive::LiveEvent;

/// Names one subscription among all connections; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SubscriptionKey(pub(super) u64);

/// Filters of one open subscription that stand under the same values, at least one: clients often ask for several things of
/// the same authors.
#[derive(Debug)]
struct Watch {
    key: WatchKey,
    filters: Vec<Filter>,
    listener: Arc<Listener>,
}

impl Watch {
    fn place(&self) -> Place<'_> {
        Place::of(&self.filters[0])
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct WatchKey {
    subscription: SubscriptionKey,
    number: usize,
}

/// The filters of one subscription, as they stand in the index.
#[derive(Debug, Default)]
pub(super) struct Watches(Vec<Arc<Watch>>);

/// Part of the values that a filter stands under: so many are put in or taken out while everybody else waits.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    watch: Arc<Watch>,
    values: Range<usize>,
}

/// Values in a [`Piece`]: less than a tenth of a millisecond.
const PIECE_VALUES: usize = 256;

impl Watches {
    /// What has to be put into the index; it will name the subscription like this.
    pub(super) fn new(
        subscription: SubscriptionKey,
        filters: Vec<Filter>,
        listener: &Arc<Listener>,
    ) -> Self {
        let mut watches: Vec<Watch> = Vec::new();
        for filter in filters.into_iter().filter(|filter| !filter.is_empty()) {
            let number = watches.len();
            match watches.last_mut() {
                Some(last) if last.place() == Place::of(&filter) => last.filters.push(filter),
                _ => watches.push(Watch {
                    key: WatchKey {
                        subscription,
                        number,
                    },
                    filters: vec![filter],
                    listener: Arc::clone(listener),
                }),
            }
        }
        Self(watches.into_iter().map(Arc::new).collect())
    }

    /// The same in pieces.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece> {
        self.0.iter().flat_map(|watch| {
            let values = watch.place().len();
            let pieces = (0..values).step_by(PIECE_VALUES);
            pieces.map(move |from| Piece {
                watch: Arc::clone(watch),
                values: from..(from + PIECE_VALUES).min(values),
            })
        })
    }

    /// Whether it is one piece, or none.
    pub(super) fn is_short(&self) -> bool {
        self.pieces().nth(1).is_none()
    }
}

/// Those that stand under one value, in the order of their keys. These lie side by side: under an author whom everybody follows,
/// a search through the filters themselves would wait for memory at each step.
#[derive(Debug, Default)]
struct Bucket(Vec<(WatchKey, Arc<Watch>)>);

impl Bucket {
    fn insert(&mut self, watch: &Arc<Watch>) {
        if let Err(at) = self.find(watch.key) {
            self.0.insert(at, (watch.key, Arc::clone(watch)));
        }
    }

    fn remove(&mut self, watch: &Watch) {
        if let Ok(at) = self.find(watch.key) {
            self.0.remove(at);
        }
    }

    fn watches(&self) -> impl Iterator<Item = &Arc<Watch>> {
        self.0.iter().map(|(_, watch)| watch)
    }

    fn find(&self, key: WatchKey) -> Result<usize, usize> {
        // Who comes last mostly stands last.
        match self.0.last() {
            Some((last, _)) if *last >= key => self.0.binary_search_by_key(&key, |(key, _)| *key),
            _ => Err(self.0.len()),
        }
    }
}

/// All open subscriptions.
#[derive(Debug, Default)]
pub(super) struct LiveIndex {
    last_key: AtomicU64,
    by_id: HashMap<EventId, Bucket>,
    by_author: HashMap<PublicKey, Bucket>,
    by_tag: HashMap<u8, HashMap<String, Bucket>>,
    by_kind: HashMap<Kind, Bucket>,
    others: Bucket,
}

impl LiveIndex {
    /// A name for a new subscription.
    pub(super) fn next_key(&self) -> SubscriptionKey {
        SubscriptionKey(self.last_key.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// From now on events that match under these values are delivered.
    pub(super) fn insert(&mut self, piece: &Piece) {
        let Piece { watch, values } = piece;
        let insert = |bucket: &mut Bucket| bucket.insert(watch);
        match watch.place() {
            Place::Ids(ids) => each(&mut self.by_id, &ids[values.clone()], insert),
            Place::Authors(authors) => {
                each(&mut self.by_author, &authors[values.clone()], insert);
            }
            Place::Tag(letter, texts) => {
                let by_text = self.by_tag.entry(letter).or_default();
                each(by_text, &texts[values.clone()], insert);
            }
            Place::Kinds(kinds) => each(&mut self.by_kind, &kinds[values.clone()], insert),
            Place::Others => self.others.insert(watch),
        }
    }

    /// From now on they are not any more.
    pub(super) fn remove(&mut self, piece: &Piece) {
        let Piece { watch, values } = piece;
        match watch.place() {
            Place::Ids(ids) => forget(&mut self.by_id, &ids[values.clone()], watch),
            Place::Authors(authors) => {
                forget(&mut self.by_author, &authors[values.clone()], watch);
            }
            Place::Tag(letter, texts) => {
                let by_text = self.by_tag.entry(letter).or_default();
                forget(by_text, &texts[values.clone()], watch);
            }
            Place::Kinds(kinds) => forget(&mut self.by_kind, &kinds[values.clone()], watch),
            Place::Others => self.others.remove(watch),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
            && self.by_author.is_empty()
            && self.by_tag.values().all(HashMap::is_empty)
            && self.by_kind.is_empty()
            && self.others.0.is_empty()
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
        let is_asked_for = |watch: &&Arc<Watch>| {
            let mut filters = watch.filters.iter();
            filters.any(|filter| filter.matches(&fields, &tags))
        };
        let mut found: Vec<&Arc<Watch>> = buckets
            .into_iter()
            .flatten()
            .chain(under_tags)
            .flat_map(Bucket::watches)
            .filter(is_asked_for)
            .collect();
        found.sort_unstable_by_key(|watch| watch.key);
        found.dedup_by_key(|watch| watch.key.subscription);
        found
            .into_iter()
            .map(|watch| (watch.key.subscription, Arc::clone(&watch.listener)))
            .collect()
    }
}

/// The list that a filter stands under.
#[derive(PartialEq)]
enum Place<'f> {
    Ids(&'f [EventId]),
    Authors(&'f [PublicKey]),
    Tag(u8, &'f [String]),
    Kinds(&'f [Kind]),
    Others,
}

impl<'f> Place<'f> {
    /// How many values it has.
    fn len(&self) -> usize {
        match self {
            Self::Ids(ids) => ids.len(),
            Self::Authors(authors) => authors.len(),
            Self::Tag(_, values) => values.len(),
            Self::Kinds(kinds) => kinds.len(),
            Self::Others => 1,
        }
    }

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
    change: impl Fn(&mut Bucket),
) {
    for key in keys {
        match buckets.get_mut(key) {
            Some(bucket) => change(bucket),
            None => change(buckets.entry(key.clone()).or_default()),
        }
    }
}

fn forget<K: Hash + Eq>(buckets: &mut HashMap<K, Bucket>, keys: &[K], watch: &Watch) {
    for key in keys {
        let Some(bucket) = buckets.get_mut(key) else {
            continue;
        };
        bucket.remove(watch);
        if bucket.0.is_empty() {
            buckets.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use fleet::events::Generator;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::store::events::Visibility;

    fn open(index: &mut LiveIndex, key: u64, filters: Vec<Filter>) -> Watches {
        let (listener, _deliveries) = Listener::new(CancellationToken::new());
        let watches = Watches::new(SubscriptionKey(key), filters, &listener);
        watches.pieces().for_each(|piece| index.insert(&piece));
        watches
    }

    #[test]
    fn a_long_filter_comes_and_goes_in_pieces() {
        let event = Generator::new(1).note_at(1_700_000_000);
        let strangers = (0..3 * PIECE_VALUES).map(|number| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            PublicKey(key)
        });
        let mut authors: Vec<PublicKey> = strangers.chain([event.pubkey()]).collect();
        authors.sort_unstable();
        let filter = Filter {
            authors: Some(authors),
            ..Filter::default()
        };
        let live = LiveEvent::new(event, Visibility::Public);
        let mut index = LiveIndex::default();
        // Opened in another order than numbered, as by two connections at the same time.
        let shorter = Filter {
            authors: filter.authors.as_ref().map(|all| all[1..].to_vec()),
            ..filter.clone()
        };
        let later = open(&mut index, 2, vec![filter.clone(), shorter]);
        let earlier = open(&mut index, 1, vec![filter]);
        assert_eq!((later.pieces().count(), later.is_short()), (7, false));
        let found = |index: &LiveIndex| -> Vec<u64> {
            let found = index.matches(&live).into_iter();
            found.map(|(key, _)| key.0).collect()
        };
        assert_eq!(found(&index), [1, 2]);
        later.pieces().for_each(|piece| index.remove(&piece));
        assert_eq!(found(&index), [1]);
        // Whose opening was cut short closes more than it opened.
        later.pieces().for_each(|piece| index.remove(&piece));
        earlier.pieces().for_each(|piece| index.remove(&piece));
        assert!(found(&index).is_empty() && index.is_empty());
    }

    #[test]
    fn filters_of_the_same_authors_stand_in_the_index_once() {
        let event = Generator::new(1).note_at(1_700_000_000);
        let authors = Some(vec![event.pubkey()]);
        let of_kind = |kind| Filter {
            authors: authors.clone(),
            kinds: Some(vec![Kind(kind)]),
            ..Filter::default()
        };
        let live = LiveEvent::new(event, Visibility::Public);
        let mut index = LiveIndex::default();
        let first = open(&mut index, 1, vec![of_kind(7), of_kind(1), of_kind(6)]);
        let second = open(&mut index, 2, vec![of_kind(7), of_kind(6)]);
        assert_eq!((first.pieces().count(), second.pieces().count()), (1, 1));
        let found = index.matches(&live);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, SubscriptionKey(1));
    }

    #[test]
    fn a_filter_without_lists_is_a_piece_too() {
        let mut index = LiveIndex::default();
        let watches = open(&mut index, 1, vec![Filter::default()]);
        assert!(watches.is_short() && !index.is_empty());
        watches.pieces().for_each(|piece| index.remove(&piece));
        assert!(index.is_empty());
    }
}
