//! Rows that cannot be read back, and a store that is closed.

use std::error::Error;

use bigbrotr::model::{Metadata, MetadataType, NewCandidate, NewRelay, RelayMetadata};
use bigbrotr::store::postgres::PostgresStore;
use bigbrotr::store::{CandidateStore, MetadataStore, RelayStore, StoreError};
use nips::{Network, RelayUrl};
use sqlx::PgConnection;

use super::server::{Database, execute};

const NOW: u64 = 1_700_000_000;

#[tokio::test]
async fn a_changed_document_is_damaged() {
    let (_database, store, mut connection) = given().await;
    let relay = store.promote(&url(1), NOW).await.unwrap();
    let row = RelayMetadata {
        relay,
        generated_at: NOW,
        metadata: Metadata::new(MetadataType::Nip11Info, r#"{"name":"a"}"#.to_owned()),
    };
    store.add_relay_metadata(&[row]).await.unwrap();
    execute(
        &mut connection,
        r#"UPDATE metadata SET data = '{"name":"b"}'"#,
    )
    .await;
    let read = store.latest_metadata(relay, MetadataType::Nip11Info).await;
    assert!(matches!(read, Err(StoreError::Damaged { .. })), "{read:?}");
}

#[tokio::test]
async fn an_unreadable_candidate_does_not_hide_the_others() {
    let (_database, store, mut connection) = given().await;
    let named = [1, 2].map(|number| NewCandidate {
        url: url(number),
        source: "seed".to_owned(),
        discovered_at: NOW,
    });
    store.add_candidates(&named, NOW).await.unwrap();
    let change = "UPDATE candidate SET url = 'nonsense' WHERE url LIKE '%r1.%'";
    execute(&mut connection, change).await;
    let due = store.due_candidates(&Network::ALL, NOW, 10).await.unwrap();
    assert_eq!(due.len(), 1);
    let counts = store.candidate_counts().await.unwrap();
    assert_eq!(
        counts,
        [(Network::Clearnet, 1)],
        "the other is gone for good"
    );
}

#[tokio::test]
async fn an_unreadable_relay_is_damaged_by_name_and_left_out_of_lists() {
    let (_database, store, mut connection) = given().await;
    let named = [1, 2].map(|number| NewRelay {
        url: url(number),
        discovered_at: NOW,
    });
    store.add_relays(&named, NOW).await.unwrap();
    let change = "UPDATE relay SET state = 'sleeping' WHERE url LIKE '%r1.%'";
    execute(&mut connection, change).await;
    let read = store.relay_by_url(&url(1)).await;
    assert!(matches!(read, Err(StoreError::Damaged { .. })), "{read:?}");
    let due = store.due_for_check(&Network::ALL, NOW, 10).await.unwrap();
    assert_eq!(due.len(), 1);
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let (_database, store, _connection) = given().await;
    store.close().await;
    let read = store.relay_by_url(&url(1)).await;
    assert!(matches!(read, Err(StoreError::Closed)), "{read:?}");
    let write = store.promote(&url(1), NOW).await;
    assert!(matches!(write, Err(StoreError::Closed)), "{write:?}");
}

#[tokio::test]
async fn errors_name_the_operation_and_keep_the_sql_to_themselves() {
    let (_database, store, mut connection) = given().await;
    execute(&mut connection, "DROP TABLE relay_rtt CASCADE").await;
    let id = store.promote(&url(1), NOW).await.unwrap();
    let failed = store.rtt_samples(id, 1).await.unwrap_err();
    assert_eq!(failed.to_string(), "store operation rtt_samples failed");
    assert_eq!(failed.reason(), "failed");
    assert!(failed.source().is_some());
}

#[tokio::test]
async fn a_session_that_the_server_ended_is_worth_another_try() {
    let (database, store, mut connection) = given().await;
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = '{}' AND pid <> pg_backend_pid()",
        database.name()
    );
    execute(&mut connection, &end).await;
    // What is in the way of the next call is either gone by then, or said to pass.
    let first = store.promote(&url(1), NOW).await;
    assert!(first.is_ok() || first.is_err_and(|error| error.is_transient()));
    let mut tries = 0;
    while let Err(error) = store.promote(&url(1), NOW).await {
        assert!(error.is_transient(), "{error:?}");
        tries += 1;
        assert!(tries < 10);
    }
}

async fn given() -> (Database, PostgresStore, PgConnection) {
    let database = Database::create().await;
    let (store, connection) = (database.store().await, database.connect().await);
    (database, store, connection)
}

fn url(number: u32) -> RelayUrl {
    RelayUrl::parse(&format!("wss://r{number}.nostr.net")).unwrap()
}
