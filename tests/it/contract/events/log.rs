//! The log of arrivals.

use bigbrotr::store::EventStore;
use bigbrotr::store::events::{BatchNumber, Scope, Visibility};
use nips::Event;

use super::{NOW, ask, event, write};

/// Batches are numbered without holes, and a query says up to which it knows.
pub(crate) async fn arrivals_are_logged_in_order(store: &dyn EventStore) {
    let empty = store.arrival_bounds().await.unwrap();
    assert_eq!(empty, (BatchNumber(0), BatchNumber(1)));
    let notes: Vec<Event> = (0..6).map(|second| event(1, 0, 10 + second, &[])).collect();
    for pair in notes.chunks(2) {
        assert!(write(store, pair).await.batch.is_some());
        assert_eq!(write(store, pair).await.batch, None);
    }
    let page = ask(store, &["{}"], Scope::public(NOW)).await;
    assert_eq!(page.as_of, BatchNumber(3));
    let log = store.arrivals_after(BatchNumber(0), 1000).await.unwrap();
    let numbers: Vec<u64> = log.iter().map(|batch| batch.number.0).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert!(log.iter().all(|batch| batch.arrived_at == NOW));
    let visibilities = |index: usize| -> Vec<Visibility> {
        log[index]
            .events
            .iter()
            .map(|arrival| arrival.visibility)
            .collect()
    };
    assert_eq!(visibilities(0), [Visibility::Superseded; 2]);
    assert_eq!(
        visibilities(2),
        [Visibility::Public, Visibility::Superseded]
    );
    let one = store.arrivals_after(BatchNumber(1), 1).await.unwrap();
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].events[0].event, notes[3]);
}

/// Trimming forgets old batches, never events, and numbers go on.
pub(crate) async fn trimming_keeps_events_and_numbers(store: &dyn EventStore) {
    for second in 0..4 {
        write(store, &[event(1, 1, second, &[])]).await;
    }
    assert_eq!(store.trim_arrivals(BatchNumber(2), NOW).await.unwrap(), 0);
    assert_eq!(
        store.trim_arrivals(BatchNumber(2), NOW + 1).await.unwrap(),
        2
    );
    let bounds = store.arrival_bounds().await.unwrap();
    assert_eq!(bounds, (BatchNumber(4), BatchNumber(3)));
    assert_eq!(
        store.trim_arrivals(BatchNumber(9), NOW + 1).await.unwrap(),
        2
    );
    let bounds = store.arrival_bounds().await.unwrap();
    assert_eq!(bounds, (BatchNumber(4), BatchNumber(5)));
    let report = write(store, &[event(1, 1, 9, &[])]).await;
    assert_eq!(report.batch, Some(BatchNumber(5)));
    assert_eq!(store.event_statistics().await.unwrap().events, 5);
}
