//! Batches of events and of sightings.

use bigbrotr::model::{RelayId, Sighting};
use bigbrotr::store::events::{EventBatch, EventKey, IfDeleted, IfProtected, NewEvent};
use nips::Event;

const NOW: u64 = 1_900_000_000;

/// Events that come from a relay.
pub(crate) fn arriving(events: &[Event], relay: u32) -> EventBatch {
    let new = |event: &Event| NewEvent {
        event: event.clone(),
        sighting: Some(sighting(relay)),
        if_deleted: IfDeleted::Keep,
        if_protected: IfProtected::Hide,
    };
    EventBatch {
        events: events.iter().map(new).collect(),
        now: NOW,
        rows_to_come: 0,
        ..EventBatch::default()
    }
}

/// Stored events that are seen on a relay.
pub(crate) fn sighted(events: &[Event], relay: u32) -> EventBatch {
    let seen = |event: &Event| (EventKey::of(event), sighting(relay));
    EventBatch {
        sightings: events.iter().map(seen).collect(),
        now: NOW,
        rows_to_come: 0,
        ..EventBatch::default()
    }
}

fn sighting(relay: u32) -> Sighting {
    Sighting {
        relay: RelayId(relay),
        seen_at: NOW,
    }
}
