//! URLs that lead to one relay.

use bigbrotr::model::{Alias, NewRelay, RelayId};
use bigbrotr::store::RelationalStore;
use nips::Network;

use crate::contract::given::{NOW, any_url, one_relay};

async fn relay(store: &dyn RelationalStore, url: &str) -> RelayId {
    let url = any_url(url);
    let relay = NewRelay {
        url: url.clone(),
        discovered_at: NOW,
    };
    store.add_relays(&[relay], NOW).await.unwrap();
    store.relay_by_url(&url).await.unwrap().unwrap().id
}

fn alias(relay: RelayId, canonical: RelayId) -> Alias {
    Alias {
        relay,
        canonical,
        evidence: r#"{"same_document":true}"#.to_owned(),
        found_at: NOW,
    }
}

/// The relays that somebody has to visit, by each of the two schedules.
async fn due(store: &dyn RelationalStore) -> (Vec<RelayId>, Vec<RelayId>) {
    let check = store.due_for_check(&Network::ALL, NOW + 60, 100).await;
    let sync = store.due_for_sync(&Network::ALL, NOW + 60, 100).await;
    let ids = |relays: Vec<bigbrotr::model::Relay>| relays.into_iter().map(|it| it.id).collect();
    (ids(check.unwrap()), ids(sync.unwrap()))
}

pub(super) async fn relays_beside_share_scheme_host_and_port(store: &dyn RelationalStore) {
    let expected = [
        "wss://a.example.com",
        "wss://a.example.com/x",
        "wss://a.example.com/y",
    ];
    let others = [
        "wss://a.example.com:444",
        "wss://a.example.community",
        "wss://b.example.com/x",
        "wss://a.example.co",
    ];
    for url in expected.iter().rev().chain(&others) {
        relay(store, url).await;
    }
    for url in expected {
        let beside = store.relays_beside(&any_url(url), 10).await.unwrap();
        let urls: Vec<&str> = beside.iter().map(|it| it.url.as_str()).collect();
        assert_eq!(urls, expected, "beside {url}");
    }
    let some = store.relays_beside(&any_url(expected[2]), 2).await.unwrap();
    assert_eq!(some.len(), 2);
}

pub(super) async fn an_alias_is_listed_and_visited_no_more(store: &dyn RelationalStore) {
    let (one, two) = (one_relay(store, 1).await, one_relay(store, 2).await);
    for _ in 0..2 {
        store.add_aliases(&[alias(two, one)], NOW).await.unwrap();
    }
    assert_eq!(due(store).await, (vec![one], vec![one]));
    for side in [one, two] {
        assert_eq!(store.aliases(side).await.unwrap(), [alias(two, one)]);
    }
    assert_eq!(store.relays_after(None, 10).await.unwrap().len(), 2);
    // What was under way when it was found sets a schedule, which is not followed.
    store.record_sync(two, 0, NOW).await.unwrap();
    assert_eq!(due(store).await, (vec![one], vec![one]));
    assert!(
        store
            .add_aliases(&[alias(RelayId(99), one)], NOW)
            .await
            .is_err()
    );
}

pub(super) async fn aliases_of_an_alias_follow_it(store: &dyn RelationalStore) {
    let [one, two, three] = [1, 2, 3].map(async |number| one_relay(store, number).await);
    let (one, two, three) = (one.await, two.await, three.await);
    store.add_aliases(&[alias(three, two)], NOW).await.unwrap();
    store.add_aliases(&[alias(two, one)], NOW).await.unwrap();
    let expected = [alias(two, one), alias(three, one)];
    assert_eq!(store.aliases(one).await.unwrap(), expected);
    assert_eq!(due(store).await.0, [one]);
}

pub(super) async fn a_canonical_relay_is_visited_again(store: &dyn RelationalStore) {
    let (one, two) = (one_relay(store, 1).await, one_relay(store, 2).await);
    store.add_aliases(&[alias(two, one)], NOW).await.unwrap();
    store
        .add_aliases(&[alias(one, two)], NOW + 9)
        .await
        .unwrap();
    assert_eq!(store.aliases(two).await.unwrap(), [alias(one, two)]);
    assert_eq!(due(store).await, (vec![two], vec![two]));
}

pub(super) async fn an_alias_of_itself_is_none(store: &dyn RelationalStore) {
    let one = one_relay(store, 1).await;
    store.add_aliases(&[alias(one, one)], NOW).await.unwrap();
    assert_eq!(store.aliases(one).await.unwrap(), []);
    assert_eq!(due(store).await.0, [one]);
}

pub(super) async fn a_withdrawal_is_on_record_for_as_long_as_the_alias(
    store: &dyn RelationalStore,
) {
    let [one, two, three] = [1, 2, 3].map(async |number| one_relay(store, number).await);
    let (one, two, three) = (one.await, two.await, three.await);
    let found = [alias(two, one), alias(three, one)];
    store.add_aliases(&found, NOW).await.unwrap();
    assert_eq!(store.aliases_to_withdraw(10).await.unwrap(), found);
    assert_eq!(store.aliases_to_withdraw(1).await.unwrap(), found[..1]);
    store.record_withdrawal(two, NOW + 1).await.unwrap();
    // Found once more, it is still withdrawn.
    store.add_aliases(&found, NOW + 2).await.unwrap();
    assert_eq!(store.aliases_to_withdraw(10).await.unwrap(), found[1..]);
    store.release_alias(two, NOW + 3).await.unwrap();
    store.add_aliases(&found[..1], NOW + 4).await.unwrap();
    assert_eq!(store.aliases_to_withdraw(10).await.unwrap(), found);
}

pub(super) async fn aliases_are_looked_at_in_turn(store: &dyn RelationalStore) {
    let [one, two, three] = [1, 2, 3].map(async |number| one_relay(store, number).await);
    let (one, two, three) = (one.await, two.await, three.await);
    let later = Alias {
        found_at: NOW + 5,
        ..alias(two, one)
    };
    let found = [later, alias(three, one)];
    store.add_aliases(&found, NOW).await.unwrap();
    let before = async |moment| {
        let aliases = store.aliases_looked_at_before(moment, 10).await.unwrap();
        aliases.iter().map(|it| it.relay).collect::<Vec<_>>()
    };
    assert_eq!(before(NOW).await, []);
    assert_eq!(before(NOW + 5).await, [three]);
    assert_eq!(before(NOW + 6).await, [three, two]);
    store.record_alias_look(three, NOW + 9).await.unwrap();
    assert_eq!(before(NOW + 9).await, [two]);
    assert_eq!(before(NOW + 10).await, [two, three]);
}

pub(super) async fn a_released_alias_is_a_relay_again(store: &dyn RelationalStore) {
    let [one, two, three] = [1, 2, 3].map(async |number| one_relay(store, number).await);
    let (one, two, three) = (one.await, two.await, three.await);
    let found = [alias(two, one), alias(three, one)];
    store.add_aliases(&found, NOW).await.unwrap();
    store.release_alias(two, NOW + 9).await.unwrap();
    assert_eq!(store.aliases(one).await.unwrap(), found[1..]);
    assert_eq!(due(store).await, (vec![one, two], vec![one, two]));
    // One that is no alias keeps its schedule.
    store.record_sync(one, 0, NOW + 1_000).await.unwrap();
    store.release_alias(one, NOW).await.unwrap();
    assert_eq!(due(store).await.1, [two]);
}
