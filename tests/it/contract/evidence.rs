//! Who named a URL.

use bigbrotr::model::Evidence;
use bigbrotr::store::RelationalStore;
use nips::RelayUrl;

use crate::contract::given::{NOW, candidate, one_candidate, one_relay, url};

fn evidence(number: u32, source: &str, namings: u64, from: u64, until: u64) -> Evidence {
    Evidence {
        url: url(number),
        source: source.to_owned(),
        namings,
        first_named_at: from,
        last_named_at: until,
    }
}

pub(super) async fn namings_add_up(store: &dyn RelationalStore) {
    one_candidate(store, &url(1), NOW).await;
    one_relay(store, 2).await;
    let first = [
        evidence(1, "relay-list", 2, NOW, NOW + 10),
        evidence(1, "hint", 1, NOW, NOW),
        evidence(2, "hint", 1, NOW, NOW),
        evidence(1, "relay-list", 1, NOW + 20, NOW + 20),
    ];
    store.add_evidence(&first).await.unwrap();
    let later = [evidence(1, "relay-list", 5, NOW - 7, NOW + 5)];
    store.add_evidence(&later).await.unwrap();
    store.add_evidence(&[]).await.unwrap();
    let expected = [
        evidence(1, "hint", 1, NOW, NOW),
        evidence(1, "relay-list", 8, NOW - 7, NOW + 20),
    ];
    assert_eq!(store.evidence(&url(1)).await.unwrap(), expected);
    assert_eq!(store.evidence(&url(2)).await.unwrap(), first[2..3]);
}

pub(super) async fn nothing_is_kept_of_strangers(store: &dyn RelationalStore) {
    let strangers: Vec<Evidence> = (0..1_500)
        .map(|number| evidence(number, "hint", 1, NOW, NOW))
        .collect();
    one_candidate(store, &url(1_400), NOW).await;
    store.add_evidence(&strangers).await.unwrap();
    assert_eq!(store.evidence(&url(1)).await.unwrap(), []);
    assert_eq!(store.evidence(&url(1_400)).await.unwrap().len(), 1);
}

pub(super) async fn evidence_outlives_a_promotion_and_goes_with_a_candidate(
    store: &dyn RelationalStore,
) {
    for number in [1, 2] {
        one_candidate(store, &url(number), NOW).await;
        let named = [evidence(number, "seed", 1, NOW, NOW)];
        store.add_evidence(&named).await.unwrap();
    }
    store.promote(&url(1), NOW).await.unwrap();
    store.postpone(&url(2), "refused", NOW).await.unwrap();
    assert_eq!(store.give_up_candidates(1, NOW + 60).await.unwrap(), 1);
    assert_eq!(store.evidence(&url(1)).await.unwrap().len(), 1);
    assert_eq!(store.evidence(&url(2)).await.unwrap(), []);
}

pub(super) async fn walking_meets_every_known_url_once(store: &dyn RelationalStore) {
    one_relay(store, 5).await;
    for number in [4, 3] {
        one_candidate(store, &url(number), NOW).await;
        store.postpone(&url(number), "refused", NOW).await.unwrap();
    }
    store.give_up_candidates(1, NOW + 60).await.unwrap();
    let named = [2, 1, 5].map(|number| candidate(&url(number)));
    store.add_candidates(&named, NOW).await.unwrap();
    let walk = async |now: u64, limit| {
        let mut met: Vec<RelayUrl> = Vec::new();
        loop {
            let page = store.known_urls(met.last(), now, limit).await.unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                return met;
            }
            met.extend(page);
        }
    };
    for limit in [1, 2, 10] {
        assert_eq!(walk(NOW, limit).await, [1, 2, 3, 4, 5].map(url));
        assert_eq!(walk(NOW + 60, limit).await, [1, 2, 5].map(url));
    }
}
