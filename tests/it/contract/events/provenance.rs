//! Known events, sightings and counters.

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{
    EventBatch, EventKey, IfDeleted, IfProtected, MAX_CREATED_AT, NewEvent, Outcome, Refusal,
    Visibility,
};
use nips::{Event, EventId, Kind};

use super::{NOW, event, event_with, sighting, write};

fn seen(event: &Event, relay: u32, seen_at: u64) -> NewEvent {
    NewEvent {
        event: event.clone(),
        sighting: Some(sighting(relay, seen_at)),
        if_deleted: IfDeleted::Keep,
        if_protected: IfProtected::Hide,
    }
}

/// Each event gets its outcome, repeats in one batch included.
pub(crate) async fn outcomes_are_in_order(store: &dyn EventStore) {
    let note = event(1, 1, 20, &[]);
    let older = event(1, 1, 10, &[]);
    let ephemeral = event(1, 20_001, 30, &[]);
    let far_future = event(1, 1, MAX_CREATED_AT + 1, &[]);
    let last_second = event(1, 1, MAX_CREATED_AT, &[]);
    let batch = EventBatch {
        events: vec![
            seen(&note, 1, NOW),
            seen(&ephemeral, 1, NOW),
            seen(&older, 1, NOW),
            seen(&far_future, 1, NOW),
            seen(&last_second, 1, NOW),
        ],
        sightings: Vec::new(),
        now: NOW,
        rows_to_come: 0,
    };
    let report = store.write(batch.clone()).await.unwrap();
    let stored = Outcome::Stored(Visibility::Public);
    let refused = Outcome::Refused;
    assert_eq!(
        report.outcomes,
        [
            stored,
            refused(Refusal::Ephemeral),
            stored,
            refused(Refusal::CreatedAtRange),
            stored,
        ]
    );
    let again = store.write(batch).await.unwrap();
    assert_eq!(again.outcomes[0], Outcome::Known(false));
    assert_eq!(again.batch, None);
    let keys = [&ephemeral, &older, &far_future, &note].map(EventKey::of);
    assert_eq!(
        store.known(keys.to_vec()).await.unwrap(),
        [false, true, false, true]
    );
}

/// One event twice in one batch is stored once, and seen twice.
pub(crate) async fn repeats_in_a_batch_are_known(store: &dyn EventStore) {
    let note = event(1, 1, 20, &[]);
    let batch = EventBatch {
        events: vec![
            seen(&note, 1, NOW),
            seen(&note, 2, NOW),
            seen(&note, 1, NOW),
        ],
        sightings: Vec::new(),
        now: NOW,
        rows_to_come: 0,
    };
    let report = store.write(batch).await.unwrap();
    let stored = |outcome: &&Outcome| matches!(outcome, Outcome::Stored(_));
    assert_eq!(report.outcomes.iter().filter(stored).count(), 1);
    let expected = [sighting(1, NOW), sighting(2, NOW)];
    assert_eq!(store.sightings(note.id()).await.unwrap(), expected);
    assert_eq!(store.event_statistics().await.unwrap().sightings, 2);
}

/// Events of one second, near each other in the key, are all found.
pub(crate) async fn neighbours_in_a_second_are_told_apart(store: &dyn EventStore) {
    let contents: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    let notes = contents
        .iter()
        .map(|content| event_with(1, 1, 20, &[], content));
    let notes: Vec<Event> = notes.collect();
    write(store, &notes[..150]).await;
    let keys: Vec<EventKey> = notes.iter().map(EventKey::of).collect();
    let known = store.known(keys).await.unwrap();
    assert!(known[..150].iter().all(|known| *known));
    assert!(!known[150..].iter().any(|known| *known));
}

/// The oldest sighting of a relay stays; sightings of unknown events are passed over.
pub(crate) async fn oldest_sighting_per_relay_stays(store: &dyn EventStore) {
    let note = event(1, 1, 20, &[]);
    let unknown = event(1, 1, 21, &[]);
    let write = |events: Vec<NewEvent>, sightings| EventBatch {
        events,
        sightings,
        now: NOW,
        rows_to_come: 0,
    };
    store
        .write(write(vec![seen(&note, 7, NOW)], Vec::new()))
        .await
        .unwrap();
    let key = EventKey::of(&note);
    let sightings = vec![
        (key, sighting(7, NOW - 5)),
        (key, sighting(3, NOW)),
        (key, sighting(3, NOW + 1)),
        (EventKey::of(&unknown), sighting(3, NOW)),
    ];
    let report = store.write(write(Vec::new(), sightings)).await.unwrap();
    assert_eq!((report.new_sightings, report.batch), (1, None));
    let again = store
        .write(write(vec![seen(&note, 9, NOW)], Vec::new()))
        .await
        .unwrap();
    assert_eq!(again.outcomes, [Outcome::Known(true)]);
    let expected = [sighting(3, NOW), sighting(7, NOW - 5), sighting(9, NOW)];
    assert_eq!(store.sightings(note.id()).await.unwrap(), expected);
    assert!(store.sightings(EventId([5; 32])).await.unwrap().is_empty());
    let statistics = store.event_statistics().await.unwrap();
    assert_eq!((statistics.events, statistics.sightings), (1, 3));
}

/// Counters tell what is stored, hidden events included.
pub(crate) async fn statistics_count_what_is_stored(store: &dyn EventStore) {
    let empty = store.event_statistics().await.unwrap();
    assert_eq!((empty.events, empty.oldest_created_at), (0, None));
    write(
        store,
        &[
            event(1, 0, 10, &[]),
            event(1, 0, 20, &[]),
            event(2, 1, 30, &[]),
        ],
    )
    .await;
    let statistics = store.event_statistics().await.unwrap();
    assert_eq!(statistics.events, 3);
    assert_eq!(statistics.by_kind, [(Kind(0), 2), (Kind(1), 1)]);
    assert_eq!(statistics.oldest_created_at, Some(10));
    assert_eq!(statistics.newest_created_at, Some(30));
    assert!(statistics.size_bytes > 0);
}
