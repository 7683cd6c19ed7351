//! The contract of [`EventStore`]. Each function takes a fresh store.

mod draft;
mod history;
mod lifetime;
mod lightweight;
mod log;
mod model;
mod privacy;
mod provenance;
mod queries;
mod random;
mod versions;

use bigbrotr::model::{RelayId, Sighting};
use bigbrotr::store::EventStore;
use bigbrotr::store::events::{
    EventBatch, IfDeleted, IfProtected, NewEvent, Outcome, Page, QueryBounds, Scope, WriteReport,
};
use nips::{Event, EventId, Filter};

pub(crate) use self::draft::{author, event, event_with};
pub(crate) use self::history::{
    batch, brought_at, order_of_arrival_does_not_matter, random_history_is_seen_as_defined,
    walk_stored,
};
pub(crate) use self::lifetime::*;
pub(crate) use self::lightweight::*;
pub(crate) use self::log::*;
pub(crate) use self::model::{Model, matches};
pub(crate) use self::privacy::*;
pub(crate) use self::provenance::*;
pub(crate) use self::queries::*;
pub(crate) use self::random::{Dice, SECONDS, TIME};
pub(crate) use self::versions::*;

/// The wall clock of most tests.
pub(crate) const NOW: u64 = 1_800_000_000;

/// Writes events without sightings.
pub(crate) async fn write(store: &dyn EventStore, events: &[Event]) -> WriteReport {
    store.write(batch(events.to_vec(), NOW)).await.unwrap()
}

/// Writes events as their authors bring them.
pub(crate) async fn bring(store: &dyn EventStore, events: &[Event]) -> WriteReport {
    store.write(brought_at(events, NOW)).await.unwrap()
}

/// Writes events as a client would who must not bring back what was deleted.
async fn submit(store: &dyn EventStore, event: &Event) -> Outcome {
    let new = NewEvent {
        event: event.clone(),
        sighting: None,
        if_deleted: IfDeleted::Refuse,
        if_protected: IfProtected::Show,
    };
    let batch = EventBatch {
        events: vec![new],
        sightings: Vec::new(),
        now: NOW,
        rows_to_come: 0,
    };
    store.write(batch).await.unwrap().outcomes[0]
}

/// The ids that everybody sees now.
async fn public(store: &dyn EventStore, filter: &str) -> Vec<EventId> {
    ids(&ask(store, &[filter], Scope::public(NOW)).await)
}

/// An answer to filters in JSON.
pub(crate) async fn ask(store: &dyn EventStore, filters: &[&str], scope: Scope) -> Page {
    let filters = filters.iter().map(|json| Filter::from_json(json).unwrap());
    let bounds = QueryBounds::default();
    store.query(filters.collect(), scope, bounds).await.unwrap()
}

/// The ids of a page, in its order.
fn ids(page: &Page) -> Vec<EventId> {
    page.events.iter().map(Event::id).collect()
}

pub(crate) fn sighting(relay: u32, seen_at: u64) -> Sighting {
    Sighting {
        relay: RelayId(relay),
        seen_at,
    }
}
