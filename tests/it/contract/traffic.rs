//! What was received of relays.

use bigbrotr::model::{NetworkTraffic, News, RelayId, RelayNews, RelayTraffic, Traffic};
use bigbrotr::store::{RelationalStore, StoreError};
use nips::Network;

use crate::contract::given::{NOW, ONION, any_url, one_relay};

const SOME: Traffic = Traffic {
    received_bytes: 7_000_000_000,
    new_events: 20,
    known_events: 3,
    refused_events: 1,
};

fn news(fresh_until: u64, is_caught_up: bool) -> News {
    News {
        fresh_until,
        is_caught_up,
    }
}

async fn relay(store: &dyn RelationalStore, url: &str) -> RelayId {
    store.promote(&any_url(url), NOW).await.unwrap()
}

pub(super) async fn traffic_adds_up_and_news_replace_each_other(store: &dyn RelationalStore) {
    let id = one_relay(store, 1).await;
    assert_eq!(store.traffic(id).await.unwrap(), RelayTraffic::default());
    for until in [NOW + 50, NOW + 10] {
        let news = news(until, until == NOW + 10);
        store.add_traffic(id, SOME, news).await.unwrap();
    }
    let total = Traffic {
        received_bytes: 14_000_000_000,
        new_events: 40,
        known_events: 6,
        refused_events: 2,
    };
    let expected = RelayTraffic {
        total,
        news: news(NOW + 10, true),
    };
    assert_eq!(store.traffic(id).await.unwrap(), expected);
}

pub(super) async fn traffic_of_an_unknown_relay_fails(store: &dyn RelationalStore) {
    let stranger = RelayId(4_242);
    let added = store.add_traffic(stranger, SOME, News::default()).await;
    assert!(matches!(added, Err(StoreError::Failed { .. })), "{added:?}");
}

pub(super) async fn the_freshest_come_first_and_the_stale_not_at_all(store: &dyn RelationalStore) {
    let mut relays = Vec::new();
    for (name, until) in [("a", NOW + 5), ("b", NOW + 9), ("c", NOW), ("d", NOW + 7)] {
        let id = relay(store, &format!("wss://{name}.example.com")).await;
        let news = news(until, name == "b");
        store
            .add_traffic(id, Traffic::default(), news)
            .await
            .unwrap();
        relays.push(RelayNews { relay: id, news });
    }
    let expected = [relays[1], relays[3], relays[0]];
    assert_eq!(store.freshest(NOW, 10).await.unwrap(), expected);
    assert_eq!(store.freshest(NOW, 2).await.unwrap(), expected[..2]);
    assert_eq!(store.freshest(NOW + 9, 2).await.unwrap(), []);
}

pub(super) async fn traffic_is_told_by_network(store: &dyn RelationalStore) {
    assert_eq!(store.network_traffic().await.unwrap(), []);
    for url in ["wss://a.example.com", "wss://b.example.com", ONION] {
        let id = relay(store, url).await;
        store.add_traffic(id, SOME, News::default()).await.unwrap();
    }
    let twice = Traffic {
        received_bytes: 14_000_000_000,
        new_events: 40,
        known_events: 6,
        refused_events: 2,
    };
    let expected = [(Network::Clearnet, twice), (Network::Tor, SOME)];
    let expected = expected.map(|(network, total)| NetworkTraffic { network, total });
    assert_eq!(store.network_traffic().await.unwrap(), expected);
}
