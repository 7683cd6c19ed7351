//! Relays, their state and their schedule.

use bigbrotr::model::{NewRelay, Relay, RelayId, RelayState, RttSample};
use bigbrotr::store::relays::{CheckRecord, RelayCount};
use bigbrotr::store::{RelationalStore, StoreError};
use nips::{Network, RelayUrl};

use crate::contract::given::{NOW, ONION, any_url, one_candidate, one_relay, url};

const STRANGER: RelayId = RelayId(4_000_000);

pub(super) async fn adding_leaves_known_relays_alone(store: &dyn RelationalStore) {
    let id = one_relay(store, 1).await;
    let relays = [new(&url(1), 5), new(&url(2), 6), new(&url(2), 7)];
    assert_eq!(store.add_relays(&relays, NOW + 9).await.unwrap(), 1);
    let first = relay(store, 1).await;
    assert_eq!(first.id, id);
    assert_eq!(
        (first.discovered_at, first.validated_at),
        (NOW - 3_600, NOW)
    );
    let second = relay(store, 2).await;
    assert_ne!(second.id, id);
    assert_eq!((second.discovered_at, second.validated_at), (6, NOW + 9));
    assert_eq!(second.state, RelayState::New);
}

pub(super) async fn adding_takes_the_place_of_a_candidate(store: &dyn RelationalStore) {
    one_candidate(store, &url(1), NOW).await;
    store.add_relays(&[new(&url(1), NOW)], NOW).await.unwrap();
    assert_eq!(relay(store, 1).await.discovered_at, NOW - 3_600);
    assert!(store.candidate_counts().await.unwrap().is_empty());
}

pub(super) async fn an_unknown_url_is_no_relay(store: &dyn RelationalStore) {
    assert_eq!(store.relay_by_url(&url(1)).await.unwrap(), None);
}

pub(super) async fn keys_are_answered_in_order(store: &dyn RelationalStore) {
    let (a, b) = (one_relay(store, 1).await, one_relay(store, 2).await);
    let found = store.relays_by_id(&[b, STRANGER, a, b]).await.unwrap();
    assert_eq!(ids(&found), [a, b]);
    assert!(store.relays_by_id(&[]).await.unwrap().is_empty());
}

pub(super) async fn many_keys_are_answered_once_each(store: &dyn RelationalStore) {
    let relays: Vec<NewRelay> = (0..1_500).map(|number| new(&url(number), NOW)).collect();
    assert_eq!(store.add_relays(&relays, NOW).await.unwrap(), 1_500);
    let all = ids(&store.relays_after(None, 10_000).await.unwrap());
    let asked: Vec<RelayId> = all.iter().rev().chain(&all).copied().collect();
    assert_eq!(ids(&store.relays_by_id(&asked).await.unwrap()), all);
}

pub(super) async fn due_for_check_is_longest_waiting_first(store: &dyn RelationalStore) {
    let (a, b) = (one_relay(store, 1).await, one_relay(store, 2).await);
    let onion = [new(&any_url(ONION), NOW)];
    store.add_relays(&onion, NOW).await.unwrap();
    check(store, a, NOW + 20).await;
    check(store, b, NOW + 10).await;
    let due = async |networks: &[Network], now, limit| {
        ids(&store.due_for_check(networks, now, limit).await.unwrap())
    };
    assert_eq!(due(&[Network::Clearnet], NOW + 20, 10).await, [b, a]);
    assert_eq!(due(&[Network::Clearnet], NOW + 19, 10).await, [b]);
    assert_eq!(due(&[Network::Clearnet], NOW + 20, 1).await, [b]);
    assert_eq!(due(&[Network::Tor], NOW, 10).await.len(), 1);
    assert_eq!(due(&Network::ALL, NOW + 20, 2).await[1], b);
    assert!(due(&[Network::Loki], NOW + 20, 10).await.is_empty());
}

pub(super) async fn due_for_sync_is_longest_waiting_first(store: &dyn RelationalStore) {
    let (a, b) = (one_relay(store, 1).await, one_relay(store, 2).await);
    store.record_sync(a, 1, NOW + 20).await.unwrap();
    store.record_sync(b, 0, NOW + 10).await.unwrap();
    let due = async |now, limit| ids(&store.due_for_sync(&Network::ALL, now, limit).await.unwrap());
    assert_eq!(due(NOW + 20, 10).await, [b, a]);
    assert_eq!(due(NOW + 20, 1).await, [b]);
    assert_eq!(due(NOW + 10, 10).await, [b]);
    assert!(due(NOW + 9, 10).await.is_empty());
}

pub(super) async fn a_check_is_recorded_whole(store: &dyn RelationalStore) {
    let id = one_relay(store, 1).await;
    let record = CheckRecord {
        rtt: RttSample {
            relay: id,
            checked_at: NOW,
            open_ms: Some(120),
            read_ms: Some(80),
            write_ms: None,
        },
        state: RelayState::Flaky,
        check_failures: 2,
        next_check_at: NOW + 600,
    };
    for _ in 0..2 {
        store.record_check(&record).await.unwrap();
    }
    let relay = relay(store, 1).await;
    assert_eq!(relay.state, RelayState::Flaky);
    assert_eq!((relay.check_failures, relay.next_check_at), (2, NOW + 600));
    assert_eq!(store.rtt_samples(id, 10).await.unwrap(), [record.rtt]);
}

pub(super) async fn a_check_of_an_unknown_relay_fails(store: &dyn RelationalStore) {
    let failed = store.record_check(&record(STRANGER, NOW)).await;
    assert!(
        matches!(failed, Err(StoreError::Failed { .. })),
        "{failed:?}"
    );
    assert!(store.rtt_samples(STRANGER, 1).await.unwrap().is_empty());
}

pub(super) async fn a_visit_is_recorded(store: &dyn RelationalStore) {
    let id = one_relay(store, 1).await;
    store.record_sync(id, 3, NOW + 50).await.unwrap();
    let relay = relay(store, 1).await;
    assert_eq!((relay.sync_failures, relay.next_sync_at), (3, NOW + 50));
    assert_eq!(relay.next_check_at, NOW);
}

pub(super) async fn a_visit_to_an_unknown_relay_fails(store: &dyn RelationalStore) {
    let failed = store.record_sync(STRANGER, 0, NOW).await;
    assert!(
        matches!(failed, Err(StoreError::Failed { .. })),
        "{failed:?}"
    );
}

pub(super) async fn relays_are_counted_by_network_and_state(store: &dyn RelationalStore) {
    assert!(store.relay_counts().await.unwrap().is_empty());
    let a = one_relay(store, 1).await;
    one_relay(store, 2).await;
    one_relay(store, 3).await;
    let onion = [new(&any_url(ONION), NOW)];
    store.add_relays(&onion, NOW).await.unwrap();
    check(store, a, NOW).await;
    let mut counts = store.relay_counts().await.unwrap();
    counts.sort_unstable_by_key(|count| (count.network, count.state));
    let count = |network, state, relays| RelayCount {
        network,
        state,
        relays,
    };
    let expected = [
        count(Network::Clearnet, RelayState::New, 2),
        count(Network::Clearnet, RelayState::Online, 1),
        count(Network::Tor, RelayState::New, 1),
    ];
    assert_eq!(counts, expected);
}

pub(super) async fn walking_meets_every_relay_once(store: &dyn RelationalStore) {
    let mut all = Vec::new();
    for number in 0..7 {
        all.push(one_relay(store, number).await);
    }
    let (mut met, mut after) = (Vec::new(), None);
    loop {
        let page = ids(&store.relays_after(after, 3).await.unwrap());
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = Some(*last);
        met.extend(page);
    }
    assert_eq!(met, all);
}

fn new(url: &RelayUrl, discovered_at: u64) -> NewRelay {
    NewRelay {
        url: url.clone(),
        discovered_at,
    }
}

fn ids(relays: &[Relay]) -> Vec<RelayId> {
    relays.iter().map(|relay| relay.id).collect()
}

async fn relay(store: &dyn RelationalStore, number: u32) -> Relay {
    let found = store.relay_by_url(&url(number)).await.unwrap();
    found.unwrap()
}

fn record(relay: RelayId, next_check_at: u64) -> CheckRecord {
    CheckRecord {
        rtt: RttSample {
            relay,
            checked_at: NOW,
            open_ms: None,
            read_ms: None,
            write_ms: None,
        },
        state: RelayState::Online,
        check_failures: 0,
        next_check_at,
    }
}

async fn check(store: &dyn RelationalStore, relay: RelayId, next_check_at: u64) {
    let record = record(relay, next_check_at);
    store.record_check(&record).await.unwrap();
}
