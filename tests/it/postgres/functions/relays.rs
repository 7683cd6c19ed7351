//! Relays.

use bigbrotr::model::NewCandidate;
use bigbrotr::store::{CandidateStore, RelayStore};
use nips::Network;

use super::{NOW, given, url};
use crate::postgres::server::{count, refusal};

#[tokio::test]
async fn relay_insert_counts_what_is_new() {
    let (_database, store, mut connection) = given().await;
    let insert = "SELECT relay_insert(ARRAY['wss://b.net', 'wss://a.net', 'wss://b.net'],
        ARRAY['clearnet', 'clearnet', 'clearnet'], ARRAY[5, 6, 7])";
    assert_eq!(count(&mut connection, insert).await, 2);
    assert_eq!(count(&mut connection, insert).await, 0);
    let relay = store.relay_by_url(&url("wss://b.net")).await.unwrap();
    assert_eq!(relay.unwrap().discovered_at, 5);
    // The services owe them everything.
    let due = store.due_for_check(&Network::ALL, u64::MAX, 9).await;
    assert_eq!(due.unwrap().len(), 2);
    assert_eq!(
        count(&mut connection, "SELECT relay_insert('{}', '{}', '{}')").await,
        0
    );
}

#[tokio::test]
async fn relay_insert_takes_the_place_of_a_candidate() {
    let (_database, store, mut connection) = given().await;
    let candidate = NewCandidate {
        url: url("wss://a.net"),
        source: "seed".to_owned(),
        discovered_at: NOW - 100,
    };
    store.add_candidates(&[candidate], NOW).await.unwrap();
    let insert = format!("SELECT relay_insert('{{wss://a.net}}', '{{clearnet}}', '{{{NOW}}}')");
    assert_eq!(count(&mut connection, &insert).await, 1);
    let relay = store.relay_by_url(&url("wss://a.net")).await.unwrap();
    assert_eq!(relay.unwrap().discovered_at, NOW - 100);
    assert!(store.candidate_counts().await.unwrap().is_empty());
}

#[tokio::test]
async fn ragged_arrays_insert_nothing() {
    let (_database, _store, mut connection) = given().await;
    let insert =
        "SELECT relay_insert(ARRAY['wss://a.net', 'wss://b.net'], ARRAY['clearnet'], ARRAY[1])";
    assert_eq!(refusal(&mut connection, insert).await, "23502");
    assert_eq!(
        count(&mut connection, "SELECT count(*) FROM relay").await,
        0
    );
}
