//! Who works on which relay.

use std::time::Duration;

use bigbrotr::model::{Relay, RelayId};
use bigbrotr::store::RelationalStore;
use bigbrotr::store::leases::{Lease, Work, WorkerId};
use nips::Network;

use crate::contract::given::{NOW, one_relay};

const STRANGER: RelayId = RelayId(4_000_000);

fn lease(worker: u64) -> Lease {
    Lease {
        work: Work::Sync,
        // As large as they come: a database has signed numbers.
        worker: WorkerId(u64::MAX - worker),
        length: Duration::from_secs(60),
    }
}

async fn take(store: &dyn RelationalStore, limit: usize, lease: Lease) -> Vec<RelayId> {
    let taken = store
        .lease_due(&Network::ALL, NOW + 100, limit, lease)
        .await;
    ids(&taken.unwrap())
}

fn ids(relays: &[Relay]) -> Vec<RelayId> {
    relays.iter().map(|relay| relay.id).collect()
}

async fn three(store: &dyn RelationalStore) -> [RelayId; 3] {
    let relays = [
        one_relay(store, 1).await,
        one_relay(store, 2).await,
        one_relay(store, 3).await,
    ];
    for (relay, waited) in relays.iter().zip([10, 30, 20]) {
        store
            .record_sync(*relay, 0, NOW + 50 - waited)
            .await
            .unwrap();
    }
    relays
}

pub(super) async fn each_relay_is_leased_once(store: &dyn RelationalStore) {
    let [a, b, c] = three(store).await;
    assert_eq!(take(store, 2, lease(1)).await, [b, c]);
    let due = store.due_for_sync(&Network::ALL, NOW + 100, 10).await;
    assert_eq!(ids(&due.unwrap()), [a]);
    assert_eq!(take(store, 10, lease(2)).await, [a]);
    assert_eq!(take(store, 10, lease(1)).await, []);
    assert_eq!(take(store, 10, lease(3)).await, []);
}

pub(super) async fn only_what_is_due_on_these_networks_is_leased(store: &dyn RelationalStore) {
    let [a, b, _] = three(store).await;
    store.record_sync(b, 0, NOW + 101).await.unwrap();
    let elsewhere = store.lease_due(&[Network::Tor], NOW + 100, 10, lease(1));
    assert_eq!(ids(&elsewhere.await.unwrap()), []);
    assert_eq!(take(store, 10, lease(1)).await.last(), Some(&a));
    // Whoever asks for it by key gets it, due or not.
    assert_eq!(store.lease(&[b], lease(2)).await.unwrap(), [b]);
}

pub(super) async fn a_lease_is_renewed_by_its_holder_alone(store: &dyn RelationalStore) {
    let [a, b, c] = three(store).await;
    let held = store.lease(&[c, a, STRANGER], lease(1)).await.unwrap();
    assert_eq!(held, [a, c]);
    assert_eq!(store.lease(&[a, b, c], lease(2)).await.unwrap(), [b]);
    assert_eq!(store.lease(&[a, b, c], lease(1)).await.unwrap(), [a, c]);
    assert_eq!(store.lease(&[], lease(1)).await.unwrap(), []);
}

pub(super) async fn a_released_relay_is_free(store: &dyn RelationalStore) {
    let [a, b, c] = three(store).await;
    take(store, 10, lease(1)).await;
    // Of somebody else's it is none of our business.
    store.release(&[a, b, c], lease(2)).await.unwrap();
    assert_eq!(take(store, 10, lease(2)).await, []);
    store.release(&[c, STRANGER], lease(1)).await.unwrap();
    assert_eq!(take(store, 10, lease(2)).await, [c]);
}

pub(super) async fn a_relay_is_leased_for_each_work_apart(store: &dyn RelationalStore) {
    let relays = three(store).await;
    let mut all = relays.to_vec();
    all.sort_unstable();
    let check = |worker| Lease {
        work: Work::Check,
        ..lease(worker)
    };
    assert_eq!(take(store, 10, lease(1)).await.len(), 3);
    let due = async || store.due_for_check(&Network::ALL, NOW + 100, 10).await;
    assert_eq!(due().await.unwrap().len(), 3);
    let mut checked = take(store, 10, check(2)).await;
    checked.sort_unstable();
    assert_eq!(checked, all);
    assert_eq!(due().await.unwrap(), []);
    assert_eq!(take(store, 10, check(1)).await, []);
    assert_eq!(store.lease(&all, check(1)).await.unwrap(), []);
    store.release(&all, check(2)).await.unwrap();
    assert_eq!(take(store, 10, lease(2)).await, []);
    assert_eq!(due().await.unwrap().len(), 3);
}

pub(super) async fn a_lease_that_is_not_renewed_ends(store: &dyn RelationalStore) {
    let [a, b, c] = three(store).await;
    let short = Lease {
        length: Duration::ZERO,
        ..lease(1)
    };
    assert_eq!(take(store, 1, short).await, [b]);
    assert_eq!(take(store, 10, lease(2)).await, [b, c, a]);
    assert_eq!(store.lease(&[b], short).await.unwrap(), []);
}

pub(super) async fn workers_at_the_same_time_share_without_waiting(store: &dyn RelationalStore) {
    let mut all = Vec::new();
    for number in 0..60 {
        all.push(one_relay(store, number).await);
    }
    let worker = async |number| {
        let mut mine = Vec::new();
        // One that finds everything in other hands may have come a moment too early.
        for _ in 0..40 {
            mine.extend(take(store, 4, lease(number)).await);
        }
        mine
    };
    let (a, b, c) = tokio::join!(worker(1), worker(2), worker(3));
    let mut taken = [a, b, c].concat();
    taken.sort_unstable();
    assert_eq!(taken, all);
}
