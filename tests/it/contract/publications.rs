//! What outside relays are still to be sent.

use std::time::Duration;

use bigbrotr::model::Publication;
use bigbrotr::store::RelationalStore;
use bigbrotr::store::leases::WorkerId;
use bigbrotr::store::publications::SendLease;
use nips::EventId;

use crate::contract::given::{NOW, any_url};

/// Event `number` about `subject`, for one of two relays.
fn publication(relay: &str, subject: &str, number: u8) -> Publication {
    Publication {
        relay: any_url(&format!("wss://{relay}.example.com")),
        subject: subject.to_owned(),
        event: EventId([number; 32]),
        queued_at: NOW + u64::from(number),
    }
}

fn lease(worker: u64) -> SendLease {
    SendLease {
        // As large as they come: a database has signed numbers.
        worker: WorkerId(u64::MAX - worker),
        length: Duration::from_secs(60),
    }
}

/// What a worker is given of what relay `a` is to be sent, by subject.
async fn take(store: &dyn RelationalStore, limit: usize, lease: SendLease) -> Vec<String> {
    let relay = publication("a", "", 0).relay;
    let taken = store.lease_publications(&relay, limit, lease).await;
    taken.unwrap().into_iter().map(|it| it.subject).collect()
}

/// Three that wait for relay `a` in the order of their names, and one for another.
async fn three(store: &dyn RelationalStore) {
    let queued = [
        publication("a", "z", 3),
        publication("a", "x", 1),
        publication("a", "y", 2),
        publication("b", "x", 1),
    ];
    store.queue_publications(&queued).await.unwrap();
}

async fn waiting(store: &dyn RelationalStore) -> Vec<String> {
    let relay = publication("a", "", 0).relay;
    let waiting = store.waiting_publications(&relay, 10).await.unwrap();
    waiting.into_iter().map(|it| it.subject).collect()
}

pub(super) async fn each_publication_is_leased_once(store: &dyn RelationalStore) {
    three(store).await;
    assert_eq!(take(store, 2, lease(1)).await, ["x", "y"]);
    assert_eq!(waiting(store).await, ["z"]);
    let (left, other) = (publication("a", "z", 3), publication("b", "x", 1));
    let first = store.waiting_publications(&left.relay, 1).await.unwrap();
    assert_eq!(first, std::slice::from_ref(&left));
    assert_eq!(take(store, 1, lease(2)).await, ["z"]);
    assert_eq!(take(store, 10, lease(3)).await, [""; 0]);
    // Who asks how much waits is told all of it.
    assert_eq!(store.publication_counts().await.unwrap()[0].1, 3);
    // Another relay's are others.
    let taken = store.lease_publications(&other.relay, 10, lease(3)).await;
    assert_eq!(taken.unwrap(), [other]);
}

pub(super) async fn a_sender_renews_and_releases_what_it_has(store: &dyn RelationalStore) {
    three(store).await;
    assert_eq!(take(store, 2, lease(1)).await, ["x", "y"]);
    assert_eq!(take(store, 10, lease(2)).await, ["z"]);
    let settled = publication("a", "x", 1);
    store.settle_publication(&settled).await.unwrap();
    assert_eq!(take(store, 10, lease(1)).await, ["y"]);
    let other = publication("b", "x", 1).relay;
    for (relay, worker) in [(&settled.relay, 3), (&other, 1)] {
        let released = store.release_publications(relay, lease(worker).worker);
        released.await.unwrap();
        assert_eq!(take(store, 10, lease(4)).await, [""; 0]);
    }
    let released = store.release_publications(&settled.relay, lease(1).worker);
    released.await.unwrap();
    assert_eq!(waiting(store).await, ["y"]);
    assert_eq!(take(store, 10, lease(4)).await, ["y"]);
}

pub(super) async fn what_takes_the_place_of_a_leased_publication_is_leased(
    store: &dyn RelationalStore,
) {
    three(store).await;
    assert_eq!(take(store, 1, lease(1)).await, ["x"]);
    let new = publication("a", "x", 9);
    store
        .queue_publications(std::slice::from_ref(&new))
        .await
        .unwrap();
    assert_eq!(take(store, 10, lease(2)).await, ["y", "z"]);
    // The old one was sent meanwhile.
    store
        .settle_publication(&publication("a", "x", 1))
        .await
        .unwrap();
    let held = store
        .lease_publications(&new.relay, 10, lease(1))
        .await
        .unwrap();
    assert_eq!(
        held.iter().map(|it| it.event).collect::<Vec<_>>(),
        [new.event]
    );
}

pub(super) async fn a_lease_of_a_publication_that_ran_out_is_taken_over(
    store: &dyn RelationalStore,
) {
    three(store).await;
    let short = SendLease {
        length: Duration::ZERO,
        ..lease(1)
    };
    assert_eq!(take(store, 2, short).await, ["x", "y"]);
    assert_eq!(waiting(store).await, ["x", "y", "z"]);
    assert_eq!(take(store, 10, lease(2)).await, ["x", "y", "z"]);
    assert_eq!(take(store, 10, short).await, [""; 0]);
}

pub(super) async fn senders_at_the_same_time_share_without_waiting(store: &dyn RelationalStore) {
    let mut all: Vec<String> = (0..60).map(|number| format!("{number:02}")).collect();
    for subject in &all {
        let queued = [publication("a", subject, 1)];
        store.queue_publications(&queued).await.unwrap();
    }
    let sender = async |number| {
        let mut mine = Vec::new();
        // One that finds everything in other hands may have come a moment too early.
        for _ in 0..40 {
            for subject in take(store, 4, lease(number)).await {
                let sent = publication("a", &subject, 1);
                store.settle_publication(&sent).await.unwrap();
                mine.push(subject);
            }
        }
        mine
    };
    let (a, b, c) = tokio::join!(sender(1), sender(2), sender(3));
    let mut taken = [a, b, c].concat();
    taken.sort();
    all.sort();
    assert_eq!(taken, all);
}

pub(super) async fn each_relay_has_a_queue_of_its_own(store: &dyn RelationalStore) {
    assert_eq!(store.publication_counts().await.unwrap(), []);
    store.queue_publications(&[]).await.unwrap();
    let (first, second) = (publication("a", "x", 1), publication("a", "y", 2));
    let other = publication("b", "x", 1);
    let queued = [second.clone(), other.clone(), first.clone()];
    store.queue_publications(&queued).await.unwrap();
    let waiting = store.waiting_publications(&first.relay, 10).await.unwrap();
    assert_eq!(waiting, [first.clone(), second.clone()]);
    let one = store.waiting_publications(&first.relay, 1).await.unwrap();
    assert_eq!(one, std::slice::from_ref(&first));
    let counts = [(first.relay.clone(), 2), (other.relay.clone(), 1)];
    assert_eq!(store.publication_counts().await.unwrap(), counts);
    store.settle_publication(&first).await.unwrap();
    let waiting = store.waiting_publications(&first.relay, 10).await.unwrap();
    assert_eq!(waiting, [second]);
    assert_eq!(store.drop_publications(&first.relay).await.unwrap(), 1);
    assert_eq!(store.drop_publications(&first.relay).await.unwrap(), 0);
    let waiting = store.waiting_publications(&other.relay, 10).await.unwrap();
    assert_eq!(waiting, [other]);
}

pub(super) async fn what_is_said_anew_takes_the_place_of_what_waits(store: &dyn RelationalStore) {
    let (old, other) = (publication("a", "x", 1), publication("a", "y", 2));
    let new = publication("a", "x", 3);
    let queued = [old.clone(), other.clone(), new.clone()];
    store.queue_publications(&queued).await.unwrap();
    let in_place_of_the_old = Publication {
        queued_at: old.queued_at,
        ..new
    };
    let expected = [in_place_of_the_old, other];
    // The answer to an event that has been replaced meanwhile says nothing about the new one.
    store.settle_publication(&old).await.unwrap();
    let waiting = store.waiting_publications(&old.relay, 10).await.unwrap();
    assert_eq!(waiting, expected);
}
