//! The honest in-memory core of scripted members: what they hold, and who wants to hear of more.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use nips::{Event, EventId, Filter};
use tokio::sync::broadcast;

use crate::events::Share;
use crate::relay::script::Order;

/// How many live events a slow connection may lag behind before it loses some.
const LIVE_BACKLOG: usize = 4_096;

/// Every event that a scripted member holds, newest first.
///
/// Nothing is superseded or deleted here: a relay that keeps everything is within NIP-01, and a crawler
/// has to store every version.
pub(crate) struct Shelf {
    events: RwLock<Vec<Arc<Event>>>,
    series: Option<Share>,
    live: broadcast::Sender<Arc<Event>>,
}

impl Shelf {
    pub(crate) fn new(mut events: Vec<Arc<Event>>) -> Self {
        events.sort_by(|a, b| newest_first(a, b));
        events.dedup_by_key(|event| event.id());
        Self {
            events: RwLock::new(events),
            series: None,
            live: broadcast::channel(LIVE_BACKLOG).0,
        }
    }

    /// The same with events that are made as they are asked for.
    pub(crate) fn with_series(mut self, series: Option<Share>) -> Self {
        self.series = series;
        self
    }

    /// Whether there are such events.
    pub(crate) fn has_series(&self) -> bool {
        self.series.is_some()
    }

    /// At most so many matching events of the series, from the one end or the other.
    pub(crate) fn made(&self, filter: &Filter, order: Order, most: usize) -> Vec<Arc<Event>> {
        let Some(series) = &self.series else {
            return Vec::new();
        };
        let is_of_another_kind = |kinds: &Vec<nips::Kind>| !kinds.contains(&nips::Kind::TEXT_NOTE);
        if filter.kinds.as_ref().is_some_and(is_of_another_kind) {
            return Vec::new();
        }
        let (since, until) = (filter.since.unwrap_or(0), filter.until.unwrap_or(u64::MAX));
        let is_match = |event: &Event| matches(filter, event);
        let events: Vec<Event> = match order {
            Order::OldestFirst => series
                .oldest(since, until)
                .filter(is_match)
                .take(most)
                .collect(),
            Order::NewestFirst | Order::Random => series
                .newest(since, until)
                .filter(is_match)
                .take(most)
                .collect(),
        };
        events.into_iter().map(Arc::new).collect()
    }

    /// All matching events, newest first, without regard to the filter's limit.
    pub(crate) fn matching(&self, filter: &Filter) -> Vec<Arc<Event>> {
        self.newest(filter, usize::MAX)
    }

    /// At most so many of them, the newest.
    pub(crate) fn newest(&self, filter: &Filter, most: usize) -> Vec<Arc<Event>> {
        let events = self.events.read().unwrap_or_else(PoisonError::into_inner);
        let from = match filter.until {
            Some(until) => events.partition_point(|event| event.created_at() > until),
            None => 0,
        };
        let matching = events[from..].iter().filter(|event| matches(filter, event));
        matching.take(most).cloned().collect()
    }

    /// Stores an event. Returns whether it is new.
    pub(crate) fn insert(&self, event: Arc<Event>) -> bool {
        let mut events = self.events.write().unwrap_or_else(PoisonError::into_inner);
        match events.binary_search_by(|held| newest_first(held, &event)) {
            Ok(_) => false,
            Err(place) => {
                events.insert(place, event);
                true
            }
        }
    }

    /// Hands an event to every open connection.
    pub(crate) fn announce(&self, event: Arc<Event>) {
        // Fails only when nobody listens.
        let _ = self.live.send(event);
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<Arc<Event>> {
        self.live.subscribe()
    }

    pub(crate) fn ids(&self) -> BTreeSet<EventId> {
        let events = self.events.read().unwrap_or_else(PoisonError::into_inner);
        events.iter().map(|event| event.id()).collect()
    }
}

/// Whether the filter matches, whatever its limit.
pub(crate) fn matches(filter: &Filter, event: &Event) -> bool {
    let event = event.as_ref();
    // Tags are decoded only for filters that ask for them.
    filter.matches_fields(&event)
        && (filter.tags.is_empty() || filter.matches_tags(&event.indexed_tags()))
}

/// NIP-01's order: newest first, the lower id first in the same second.
pub(crate) fn newest_first(a: &Event, b: &Event) -> Ordering {
    b.created_at()
        .cmp(&a.created_at())
        .then_with(|| a.id().cmp(&b.id()))
}
