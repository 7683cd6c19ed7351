//! Documents, how long each was current, and round-trip times.

use bigbrotr::model::{Metadata, MetadataType, RelayId, RelayMetadata, RelayState, RttSample};
use bigbrotr::store::relays::CheckRecord;
use bigbrotr::store::{RelationalStore, StoreError};

use crate::contract::given::{NOW, document, one_relay};

pub(super) async fn a_document_is_read_back(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    assert_eq!(latest(store, relay).await, None);
    let info = document(relay, NOW, "käse \u{1f9c0} \\u0000");
    let rtt = RelayMetadata {
        metadata: Metadata::new(MetadataType::Nip66Rtt, "{}".to_owned()),
        ..info.clone()
    };
    let rows = [info.clone(), rtt.clone()];
    assert_eq!(store.add_relay_metadata(&rows).await.unwrap(), 2);
    assert_eq!(latest(store, relay).await, Some(info));
    let found = store.latest_metadata(relay, MetadataType::Nip66Rtt).await;
    assert_eq!(found.unwrap(), Some(rtt));
    let none = store.latest_metadata(relay, MetadataType::Nip66Dns).await;
    assert_eq!(none.unwrap(), None);
}

pub(super) async fn a_document_is_shared(store: &dyn RelationalStore) {
    let (a, b) = (one_relay(store, 1).await, one_relay(store, 2).await);
    let rows = [document(a, NOW, "same"), document(b, NOW, "same")];
    assert_eq!(store.add_relay_metadata(&rows).await.unwrap(), 2);
    let totals = store.totals().await.unwrap();
    assert_eq!((totals.metadata, totals.relay_metadata), (1, 2));
}

pub(super) async fn a_document_that_stays_current_costs_no_row(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    assert_eq!(add(store, document(relay, NOW, "a")).await, 1);
    for later in [0, 60, 120] {
        assert_eq!(add(store, document(relay, NOW + later, "a")).await, 0);
    }
    let found = latest(store, relay).await.unwrap();
    assert_eq!(found.generated_at, NOW + 120);
    assert_eq!(store.totals().await.unwrap().relay_metadata, 1);
}

pub(super) async fn a_document_that_returns_is_a_new_row(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    for (later, name) in [(0, "a"), (60, "b"), (120, "a")] {
        let row = document(relay, NOW + later, name);
        assert_eq!(add(store, row.clone()).await, 1);
        assert_eq!(latest(store, relay).await, Some(row));
    }
    let totals = store.totals().await.unwrap();
    assert_eq!((totals.metadata, totals.relay_metadata), (2, 3));
}

pub(super) async fn an_old_observation_changes_nothing_newer(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    add(store, document(relay, NOW, "a")).await;
    add(store, document(relay, NOW + 60, "a")).await;
    // Something else while "a" was current: the moment is taken.
    assert_eq!(add(store, document(relay, NOW + 30, "b")).await, 0);
    assert_eq!(add(store, document(relay, NOW + 60, "b")).await, 0);
    // Before anything was known, there is room.
    assert_eq!(add(store, document(relay, NOW - 30, "b")).await, 1);
    let found = latest(store, relay).await;
    assert_eq!(found, Some(document(relay, NOW + 60, "a")));
}

pub(super) async fn an_unknown_relay_stores_nothing(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    let rows = [
        document(relay, NOW, "a"),
        document(RelayId(4_000_000), NOW, "b"),
    ];
    let failed = store.add_relay_metadata(&rows).await;
    assert!(
        matches!(failed, Err(StoreError::Failed { .. })),
        "{failed:?}"
    );
    let totals = store.totals().await.unwrap();
    assert_eq!((totals.metadata, totals.relay_metadata), (0, 0));
}

pub(super) async fn samples_are_newest_first(store: &dyn RelationalStore) {
    let (a, b) = (one_relay(store, 1).await, one_relay(store, 2).await);
    for later in [20, 0, 10] {
        sample(store, a, NOW + later).await;
    }
    sample(store, b, NOW).await;
    assert_eq!(moments(store, a, 10).await, [NOW + 20, NOW + 10, NOW]);
    assert_eq!(moments(store, a, 2).await, [NOW + 20, NOW + 10]);
}

pub(super) async fn expiry_keeps_the_newest(store: &dyn RelationalStore) {
    let (a, b) = (one_relay(store, 1).await, one_relay(store, 2).await);
    for (later, name) in [(0, "a"), (10, "b"), (20, "c")] {
        add(store, document(a, NOW + later, name)).await;
        sample(store, a, NOW + later).await;
    }
    // Current until long after it was first seen.
    add(store, document(b, NOW, "old")).await;
    add(store, document(b, NOW + 500, "old")).await;
    add(store, document(b, NOW + 501, "new")).await;

    assert_eq!(
        store.delete_expired_metadata(NOW + 10, 100).await.unwrap(),
        2
    );
    assert_eq!(moments(store, a, 10).await, [NOW + 20, NOW + 10]);
    assert_eq!(
        store.delete_expired_metadata(NOW + 400, 100).await.unwrap(),
        2
    );
    assert_eq!(moments(store, a, 10).await, [NOW + 20]);
    assert_eq!(latest(store, a).await, Some(document(a, NOW + 20, "c")));
    assert_eq!(store.totals().await.unwrap().relay_metadata, 3);
    assert_eq!(
        store.delete_expired_metadata(NOW + 501, 100).await.unwrap(),
        1
    );
    assert_eq!(latest(store, b).await, Some(document(b, NOW + 501, "new")));
}

pub(super) async fn expiry_goes_in_portions(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    for later in 0..5 {
        add(store, document(relay, NOW + later, &later.to_string())).await;
        sample(store, relay, NOW + later).await;
    }
    let mut portions = Vec::new();
    loop {
        let deleted = store.delete_expired_metadata(NOW + 100, 3).await.unwrap();
        if deleted == 0 {
            break;
        }
        portions.push(deleted);
    }
    assert_eq!(portions, [3, 3, 2]);
}

pub(super) async fn orphans_go_and_current_documents_stay(store: &dyn RelationalStore) {
    let relay = one_relay(store, 1).await;
    for later in 0..4 {
        add(store, document(relay, NOW + later, &later.to_string())).await;
    }
    assert_eq!(store.delete_orphan_metadata(10).await.unwrap(), 0);
    store.delete_expired_metadata(NOW + 100, 100).await.unwrap();
    assert_eq!(store.delete_orphan_metadata(2).await.unwrap(), 2);
    assert_eq!(store.delete_orphan_metadata(2).await.unwrap(), 1);
    assert_eq!(store.delete_orphan_metadata(2).await.unwrap(), 0);
    assert!(latest(store, relay).await.is_some());
}

async fn add(store: &dyn RelationalStore, row: RelayMetadata) -> u64 {
    store.add_relay_metadata(&[row]).await.unwrap()
}

async fn latest(store: &dyn RelationalStore, relay: RelayId) -> Option<RelayMetadata> {
    let found = store.latest_metadata(relay, MetadataType::Nip11Info).await;
    found.unwrap()
}

async fn sample(store: &dyn RelationalStore, relay: RelayId, checked_at: u64) {
    let record = CheckRecord {
        rtt: RttSample {
            relay,
            checked_at,
            open_ms: Some(1),
            read_ms: None,
            write_ms: Some(u32::MAX),
        },
        state: RelayState::Online,
        check_failures: 0,
        next_check_at: NOW,
    };
    store.record_check(&record).await.unwrap();
}

async fn moments(store: &dyn RelationalStore, relay: RelayId, limit: usize) -> Vec<u64> {
    let samples = store.rtt_samples(relay, limit).await.unwrap();
    samples.iter().map(|sample| sample.checked_at).collect()
}
