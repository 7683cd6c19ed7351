//! The history of cycles, and totals.

use bigbrotr::model::ServiceName;
use bigbrotr::store::RelationalStore;
use bigbrotr::store::statistics::{CycleRecord, KEPT_CYCLES, Totals};

use crate::contract::given::{NOW, document, one_candidate, one_relay, url};

pub(super) async fn the_newest_cycle_of_each_service_is_told(store: &dyn RelationalStore) {
    assert!(store.latest_cycles().await.unwrap().is_empty());
    for (service, later) in [
        (ServiceName::Monitor, 5),
        (ServiceName::Finder, 1),
        (ServiceName::Finder, 9),
        (ServiceName::Finder, 3),
    ] {
        store.add_cycle(&cycle(service, NOW + later)).await.unwrap();
    }
    let expected = [
        cycle(ServiceName::Finder, NOW + 9),
        cycle(ServiceName::Monitor, NOW + 5),
    ];
    assert_eq!(store.latest_cycles().await.unwrap(), expected);
}

pub(super) async fn only_the_newest_cycles_are_kept(store: &dyn RelationalStore) {
    let kept = u64::from(KEPT_CYCLES);
    for later in 0..kept + 3 {
        let cycle = cycle(ServiceName::Finder, NOW + later);
        store.add_cycle(&cycle).await.unwrap();
    }
    let other = cycle(ServiceName::Seeder, NOW - 1_000);
    store.add_cycle(&other).await.unwrap();
    let cycles = store.cycles(ServiceName::Finder, 1_000).await.unwrap();
    assert_eq!(cycles.len() as u64, kept);
    assert_eq!(cycles[0].started_at, NOW + kept + 2);
    assert_eq!(cycles[cycles.len() - 1].started_at, NOW + 3);
    let two = store.cycles(ServiceName::Finder, 2).await.unwrap();
    assert_eq!(two, cycles[..2]);
    assert_eq!(store.cycles(ServiceName::Seeder, 9).await.unwrap(), [other]);
}

pub(super) async fn a_cycle_recorded_twice_is_one(store: &dyn RelationalStore) {
    let first = cycle(ServiceName::Finder, NOW);
    let second = CycleRecord {
        is_success: false,
        summary: "gave up".to_owned(),
        ..first.clone()
    };
    store.add_cycle(&first).await.unwrap();
    store.add_cycle(&second).await.unwrap();
    let cycles = store.cycles(ServiceName::Finder, 9).await.unwrap();
    assert_eq!(cycles, [second]);
}

pub(super) async fn totals_count_every_noun(store: &dyn RelationalStore) {
    let empty = store.totals().await.unwrap();
    assert!(empty.size_bytes > 0);
    let nothing = Totals {
        size_bytes: empty.size_bytes,
        ..Totals::default()
    };
    assert_eq!(empty, nothing);

    let relay = one_relay(store, 1).await;
    one_candidate(store, &url(2), NOW).await;
    let row = document(relay, NOW, "name");
    store.add_relay_metadata(&[row]).await.unwrap();
    let totals = store.totals().await.unwrap();
    let expected = Totals {
        candidates: 1,
        relays: 1,
        metadata: 1,
        relay_metadata: 1,
        size_bytes: totals.size_bytes,
        ..Totals::default()
    };
    assert_eq!(totals, expected);
}

fn cycle(service: ServiceName, started_at: u64) -> CycleRecord {
    CycleRecord {
        service,
        started_at,
        duration_ms: 1_250,
        is_success: true,
        summary: "12 promoted, 3 refused".to_owned(),
    }
}
