//! Candidates and their promotion.

use bigbrotr::model::{NewCandidate, RelayState};
use bigbrotr::store::RelationalStore;
use nips::{Network, RelayUrl};

use crate::contract::given::{NOW, ONION, any_url, candidate, one_candidate, one_relay, url};

pub(super) async fn adding_counts_what_is_new(store: &dyn RelationalStore) {
    let named = [candidate(&url(1)), candidate(&url(2)), candidate(&url(1))];
    assert_eq!(store.add_candidates(&named, NOW).await.unwrap(), 2);
    assert_eq!(store.add_candidates(&named, NOW).await.unwrap(), 0);
    assert_eq!(store.add_candidates(&[], NOW).await.unwrap(), 0);
    assert_eq!(due(store, NOW).await, [url(1), url(2)]);
}

pub(super) async fn adding_passes_over_what_is_known(store: &dyn RelationalStore) {
    one_relay(store, 1).await;
    one_candidate(store, &url(2), NOW).await;
    one_candidate(store, &url(3), NOW).await;
    store.postpone(&url(3), "timed-out", NOW).await.unwrap();
    assert_eq!(store.give_up_candidates(1, NOW + 100).await.unwrap(), 1);
    let named = [1, 2, 3, 4].map(|number| candidate(&url(number)));
    assert_eq!(store.add_candidates(&named, NOW + 1).await.unwrap(), 1);
    assert_eq!(due(store, NOW + 1).await, [url(2), url(4)]);
}

pub(super) async fn adding_a_large_batch_counts_truly(store: &dyn RelationalStore) {
    let named: Vec<NewCandidate> = (0..2_500).map(|number| candidate(&url(number))).collect();
    assert_eq!(store.add_candidates(&named[..7], NOW).await.unwrap(), 7);
    assert_eq!(store.add_candidates(&named, NOW).await.unwrap(), 2_493);
    let counts = store.candidate_counts().await.unwrap();
    assert_eq!(counts, [(Network::Clearnet, 2_500)]);
}

pub(super) async fn a_known_candidate_keeps_its_history(store: &dyn RelationalStore) {
    one_candidate(store, &url(1), NOW).await;
    store.postpone(&url(1), "refused", NOW + 60).await.unwrap();
    let renamed = NewCandidate {
        url: url(1),
        source: "kind-10002".to_owned(),
        discovered_at: NOW,
    };
    store.add_candidates(&[renamed], NOW + 60).await.unwrap();
    let due = store
        .due_candidates(&Network::ALL, NOW + 60, 10)
        .await
        .unwrap();
    let [known] = due.try_into().unwrap();
    assert_eq!(known.source, "seed");
    assert_eq!(known.discovered_at, NOW - 3_600);
    assert_eq!(known.failures, 1);
    assert_eq!(known.next_attempt_at, NOW + 60);
    assert_eq!(known.last_reason.as_deref(), Some("refused"));
}

pub(super) async fn due_are_the_least_failed_then_the_longest_waiting(store: &dyn RelationalStore) {
    one_candidate(store, &any_url(ONION), NOW + 1).await;
    for (number, at) in [(1, NOW + 2), (2, NOW), (3, NOW), (4, NOW), (5, NOW)] {
        one_candidate(store, &url(number), at).await;
    }
    store.postpone(&url(3), "refused", NOW + 2).await.unwrap();
    store.postpone(&url(4), "refused", NOW + 1).await.unwrap();
    for _ in 0..7 {
        store.postpone(&url(5), "refused", NOW).await.unwrap();
    }
    let expected = [url(2), any_url(ONION), url(1), url(4), url(3), url(5)];
    assert_eq!(due(store, NOW + 9).await, expected);
    for limit in 1..expected.len() {
        let some = store.due_candidates(&Network::ALL, NOW + 9, limit).await;
        let some: Vec<RelayUrl> = some.unwrap().into_iter().map(|due| due.url).collect();
        assert_eq!(some, expected[..limit]);
    }
}

pub(super) async fn due_stays_within_its_networks_time_and_limit(store: &dyn RelationalStore) {
    one_candidate(store, &url(1), NOW).await;
    one_candidate(store, &url(2), NOW).await;
    one_candidate(store, &any_url(ONION), NOW).await;
    store.postpone(&url(2), "refused", NOW + 10).await.unwrap();
    let count = async |networks: &[Network], now, limit| {
        let due = store.due_candidates(networks, now, limit).await.unwrap();
        due.len()
    };
    assert_eq!(count(&[Network::Clearnet], NOW, 10).await, 1);
    assert_eq!(count(&[Network::Clearnet], NOW + 9, 10).await, 1);
    assert_eq!(count(&[Network::Clearnet], NOW + 10, 10).await, 2);
    assert_eq!(count(&[Network::Tor, Network::I2p], NOW, 10).await, 1);
    assert_eq!(count(&Network::ALL, NOW + 10, 2).await, 2);
    assert_eq!(count(&Network::ALL, NOW + 10, 0).await, 0);
    assert_eq!(count(&Network::ALL, NOW - 1, 10).await, 0);
    assert_eq!(count(&[], NOW + 10, 10).await, 0);
}

pub(super) async fn promoting_keeps_the_discovery(store: &dyn RelationalStore) {
    one_candidate(store, &url(1), NOW).await;
    let id = store.promote(&url(1), NOW + 5).await.unwrap();
    assert_ne!(id.0, 0);
    let relay = store.relay_by_url(&url(1)).await.unwrap().unwrap();
    assert_eq!(relay.id, id);
    assert_eq!(relay.discovered_at, NOW - 3_600);
    assert_eq!(relay.validated_at, NOW + 5);
    assert_eq!(relay.state, RelayState::New);
    assert_eq!((relay.check_failures, relay.sync_failures), (0, 0));
    assert_eq!(
        (relay.next_check_at, relay.next_sync_at),
        (NOW + 5, NOW + 5)
    );
    assert!(due(store, NOW + 5).await.is_empty());
}

pub(super) async fn promoting_again_changes_nothing(store: &dyn RelationalStore) {
    one_candidate(store, &url(1), NOW).await;
    let id = store.promote(&url(1), NOW + 5).await.unwrap();
    let relay = store.relay_by_url(&url(1)).await.unwrap();
    assert_eq!(store.promote(&url(1), NOW + 50).await.unwrap(), id);
    assert_eq!(store.relay_by_url(&url(1)).await.unwrap(), relay);
}

pub(super) async fn promoting_a_stranger_discovers_it_now(store: &dyn RelationalStore) {
    store.promote(&url(1), NOW).await.unwrap();
    let relay = store.relay_by_url(&url(1)).await.unwrap().unwrap();
    assert_eq!((relay.discovered_at, relay.validated_at), (NOW, NOW));
}

pub(super) async fn promoting_at_the_same_time_makes_one_relay(store: &dyn RelationalStore) {
    one_candidate(store, &url(1), NOW).await;
    let url = url(1);
    let (a, b, c) = tokio::join!(
        store.promote(&url, NOW),
        store.promote(&url, NOW),
        store.promote(&url, NOW)
    );
    let id = a.unwrap();
    assert_eq!((b.unwrap(), c.unwrap()), (id, id));
    assert_eq!(store.relays_after(None, 10).await.unwrap().len(), 1);
}

pub(super) async fn postponing_counts(store: &dyn RelationalStore) {
    one_candidate(store, &url(1), NOW).await;
    for failure in 1..=3 {
        let later = NOW + u64::from(failure);
        store.postpone(&url(1), "timed-out", later).await.unwrap();
        let due = store.due_candidates(&Network::ALL, later, 1).await.unwrap();
        assert_eq!(due[0].failures, failure);
        assert_eq!(due[0].next_attempt_at, later);
        assert_eq!(due[0].last_reason.as_deref(), Some("timed-out"));
    }
}

pub(super) async fn postponing_a_stranger_does_nothing(store: &dyn RelationalStore) {
    store.postpone(&url(1), "timed-out", NOW).await.unwrap();
    assert!(due(store, NOW).await.is_empty());
}

pub(super) async fn giving_up_leaves_a_tombstone_that_expires(store: &dyn RelationalStore) {
    for number in 1..=3 {
        one_candidate(store, &url(number), NOW).await;
        for _ in 0..number {
            store.postpone(&url(number), "refused", NOW).await.unwrap();
        }
    }
    assert_eq!(store.give_up_candidates(2, NOW + 100).await.unwrap(), 2);
    assert_eq!(store.give_up_candidates(2, NOW + 100).await.unwrap(), 0);
    assert_eq!(due(store, NOW).await, [url(1)]);

    let again = [candidate(&url(2)), candidate(&url(3))];
    assert_eq!(store.add_candidates(&again, NOW + 99).await.unwrap(), 0);
    assert_eq!(store.add_candidates(&again, NOW + 100).await.unwrap(), 2);
    let due = store
        .due_candidates(&Network::ALL, NOW + 100, 10)
        .await
        .unwrap();
    assert!(due.iter().all(|due| due.url == url(1) || due.failures == 0));
    assert_eq!(store.totals().await.unwrap().tombstones, 0);
}

pub(super) async fn expired_tombstones_are_deleted_in_portions(store: &dyn RelationalStore) {
    for number in 1..=5 {
        one_candidate(store, &url(number), NOW).await;
        store.postpone(&url(number), "refused", NOW).await.unwrap();
        let until = NOW + u64::from(number);
        assert_eq!(store.give_up_candidates(1, until).await.unwrap(), 1);
    }
    let delete = async |now, limit| {
        let deleted = store.delete_expired_tombstones(now, limit).await;
        deleted.unwrap()
    };
    assert_eq!(delete(NOW + 4, 3).await, 3);
    assert_eq!(delete(NOW + 4, 3).await, 1);
    assert_eq!(delete(NOW + 4, 3).await, 0);
    assert_eq!(store.totals().await.unwrap().tombstones, 1);
}

pub(super) async fn candidates_are_counted_by_network(store: &dyn RelationalStore) {
    assert!(store.candidate_counts().await.unwrap().is_empty());
    for url in [
        url(1),
        url(2),
        any_url(ONION),
        any_url("ws://127.0.0.1:7000"),
    ] {
        one_candidate(store, &url, NOW).await;
    }
    let mut counts = store.candidate_counts().await.unwrap();
    counts.sort_unstable();
    let expected = [
        (Network::Clearnet, 2),
        (Network::Tor, 1),
        (Network::Local, 1),
    ];
    assert_eq!(counts, expected);
}

async fn due(store: &dyn RelationalStore, now: u64) -> Vec<RelayUrl> {
    let due = store.due_candidates(&Network::ALL, now, 100).await.unwrap();
    due.into_iter().map(|candidate| candidate.url).collect()
}
