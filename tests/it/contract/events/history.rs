//! Random histories against the model: what is stored, what each reader sees, in which order.

use std::cmp::Reverse;
use std::sync::Arc;

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{
    EventBatch, EventKey, IfDeleted, IfProtected, NewEvent, QueryBounds, ScanOrder, Scope,
};
use bigbrotr::store::sets::{AuthorCount, SetBounds};
use nips::nip45::{AuthorSketch, SketchOffset};
use nips::{Event, Filter};

use super::model::{Model, matches, picked};
use super::random::Dice;

/// Events of a history.
const LENGTH: usize = 160;
/// Readers, or pairs of them, that look at it.
const READERS: usize = 5;
/// Queries each of them asks.
const QUERIES_PER_READER: usize = 12;

/// Writes a random history into a fresh store, in a random order and random batches, and compares
/// everything readers can see with the model.
pub(crate) async fn random_history_is_seen_as_defined(store: &dyn EventStore, seed: u64) {
    let mut dice = Dice::new(seed);
    let history = dice.history(LENGTH);
    let now = dice.now();
    let brought = dice.brought(&history);
    let (early, late) = brought.split_at(brought.len() / 2);
    store.write(brought_at(early, now)).await.unwrap();
    for events in dice.batches(history.clone()) {
        store.write(batch(events, now)).await.unwrap();
    }
    store.write(brought_at(late, now)).await.unwrap();
    let model = Model::new(&history, &brought.iter().map(Event::id).collect());
    let stored = &model.stored;
    assert_same(&everything(store, &Scope::Stored).await, stored, seed);
    for _ in 0..READERS {
        let readers = dice.readers();
        let banned = dice.banned(&history);
        let mut servable = model.servable(&readers, now);
        servable.retain(|event| {
            !banned.events.contains(&event.id()) && !banned.authors.contains(&event.pubkey())
        });
        let scope = Scope::Servable {
            readers,
            now,
            banned: Arc::new(banned),
        };
        assert_same(&everything(store, &scope).await, &servable, seed);
        for _ in 0..QUERIES_PER_READER {
            let filters = dice.filters();
            compare(store, &filters, scope.clone(), &servable).await;
            compare(store, &filters, Scope::Stored, stored).await;
        }
    }
    store.sweep_expired(now, usize::MAX).await.unwrap();
    let public = model.servable(&[], now);
    assert_same(&everything(store, &Scope::public(now)).await, &public, seed);
}

/// Writes the same history into two fresh stores in two orders: what is seen is the same.
pub(crate) async fn order_of_arrival_does_not_matter(
    one: &dyn EventStore,
    other: &dyn EventStore,
    seed: u64,
) {
    let mut dice = Dice::new(seed);
    let history = dice.history(LENGTH);
    let now = dice.now();
    let brought = dice.brought(&history);
    one.write(brought_at(&brought, now)).await.unwrap();
    for (store, order) in [(one, history), (other, dice.shuffled())] {
        for events in dice.batches(order) {
            store.write(batch(events, now)).await.unwrap();
        }
    }
    other.write(brought_at(&brought, now)).await.unwrap();
    let scopes =
        [dice.readers(), dice.readers(), Vec::new()].map(|readers| Scope::servable(readers, now));
    for scope in scopes.into_iter().chain([Scope::Stored]) {
        let seen = everything(one, &scope).await;
        assert_eq!(everything(other, &scope).await, seen, "seed {seed}");
    }
    let (mut one, mut other) = (
        one.event_statistics().await.unwrap(),
        other.event_statistics().await.unwrap(),
    );
    (one.size_bytes, other.size_bytes) = (0, 0);
    assert_eq!(one, other, "seed {seed}");
}

/// Events as their authors bring them.
pub(crate) fn brought_at(events: &[Event], now: u64) -> EventBatch {
    let mut batch = batch(events.to_vec(), now);
    for new in &mut batch.events {
        new.if_protected = IfProtected::Show;
    }
    batch
}

fn assert_same(seen: &[Event], expected: &[&Event], seed: u64) {
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected, "seed {seed}");
}

async fn compare(store: &dyn EventStore, filters: &[Filter], scope: Scope, visible: &[&Event]) {
    let bounds = QueryBounds::default();
    let asked = || filters.iter().map(Filter::to_json).collect::<Vec<_>>();
    let expected = picked(visible, filters, bounds.default_limit);
    let page = store
        .query(filters.to_vec(), scope.clone(), bounds)
        .await
        .unwrap();
    assert_eq!(
        page.events.iter().collect::<Vec<_>>(),
        expected,
        "{:?} {scope:?}",
        asked()
    );
    let is_cut = |filter: &Filter| {
        let matching = visible
            .iter()
            .filter(|event| matches(filter, event))
            .count();
        filter
            .limit
            .is_some_and(|limit| limit > 0 && matching > limit)
    };
    assert_eq!(page.has_more, filters.iter().any(is_cut), "{:?}", asked());
    let union = picked(visible, &unlimited(filters), usize::MAX);
    let count = store
        .count(filters.to_vec(), scope.clone(), SetBounds::default())
        .await
        .unwrap();
    assert_eq!(count, (union.len() as u64, false), "{:?}", asked());
    for filter in filters {
        compare_sets(store, filter, &scope, visible).await;
    }
}

/// What can be asked about one filter's events without reading them.
async fn compare_sets(store: &dyn EventStore, filter: &Filter, scope: &Scope, visible: &[&Event]) {
    let asked = filter.to_json();
    let expected = picked(visible, std::slice::from_ref(filter), usize::MAX);
    let set = store.keys(filter.clone(), scope.clone(), SetBounds::default());
    let mut set = set.await.unwrap();
    set.keys
        .sort_by_key(|key| (Reverse(key.created_at), key.id));
    let keys: Vec<EventKey> = expected.iter().map(|event| EventKey::of(event)).collect();
    assert_eq!((set.keys, set.is_cut), (keys, false), "{asked} {scope:?}");
    let Some(offset) = SketchOffset::of(filter) else {
        return;
    };
    let counted = store.count_authors(filter.clone(), scope.clone(), offset, SetBounds::default());
    let mut authors = AuthorSketch::new(offset);
    let union = picked(
        visible,
        &unlimited(std::slice::from_ref(filter)),
        usize::MAX,
    );
    union.iter().for_each(|event| authors.add(&event.pubkey()));
    let expected = AuthorCount {
        events: union.len() as u64,
        authors,
        is_cut: false,
    };
    assert_eq!(counted.await.unwrap(), expected, "{asked} {scope:?}");
}

fn unlimited(filters: &[Filter]) -> Vec<Filter> {
    let mut filters = filters.to_vec();
    filters.iter_mut().for_each(|filter| filter.limit = None);
    filters
}

/// A walk in small steps.
async fn everything(store: &dyn EventStore, scope: &Scope) -> Vec<Event> {
    let mut events = Vec::new();
    let mut after = None;
    loop {
        let step = store.scan(
            Filter::default(),
            scope.clone(),
            ScanOrder::NewestFirst,
            after,
            30,
        );
        let page = step.await.unwrap();
        events.extend(page.events);
        after = page.next;
        if after.is_none() {
            return events;
        }
    }
}

/// Everything stored, newest first.
pub(crate) async fn walk_stored(store: &dyn EventStore) -> Vec<Event> {
    everything(store, &Scope::Stored).await
}

/// A write of events without sightings.
pub(crate) fn batch(events: Vec<Event>, now: u64) -> EventBatch {
    let new = |event| NewEvent {
        event,
        sighting: None,
        if_deleted: IfDeleted::Keep,
        if_protected: IfProtected::Hide,
    };
    EventBatch {
        events: events.into_iter().map(new).collect(),
        sightings: Vec::new(),
        now,
        rows_to_come: 0,
    }
}
