//! What outside relays are still to be sent.

use bigbrotr::model::Publication;
use bigbrotr::store::RelationalStore;
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
