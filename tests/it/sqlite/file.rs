//! The file's life: reopened, too new, too old, damaged, closed.

use std::error::Error;
use std::path::{Path, PathBuf};

use bigbrotr::model::{Metadata, MetadataType, NewCandidate, NewRelay, RelayMetadata};
use bigbrotr::store::sqlite::{SqliteOptions, SqliteStore};
use bigbrotr::store::{CandidateStore, MetadataStore, RelayStore, StoreError};
use nips::{Network, RelayUrl};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};
use tempfile::TempDir;

const NOW: u64 = 1_700_000_000;

#[tokio::test]
async fn what_was_acknowledged_is_there_again() {
    let (_directory, path) = place();
    let store = open(&path).await;
    let id = store.promote(&url(1), NOW).await.unwrap();
    // No orderly close: as after a crash, the write-ahead log is all there is.
    drop(store);
    let store = open(&path).await;
    assert_eq!(store.promote(&url(1), NOW).await.unwrap(), id);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (_directory, path) = place();
    open(&path).await.close().await;
    change(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'from the future', 1, x'00', 0)",
    )
    .await;
    let message = refusal(&path, SqliteOptions::default()).await;
    assert!(message.contains("version 99"), "{message}");
    assert!(message.contains("newer program"), "{message}");
}

#[tokio::test]
async fn an_older_schema_is_refused_when_not_migrating() {
    let (_directory, path) = place();
    let options = SqliteOptions {
        is_migrating: false,
        ..SqliteOptions::default()
    };
    let message = refusal(&path, options).await;
    assert!(message.contains("bigbrotr migrate"), "{message}");
    open(&path).await.close().await;
    let opened = SqliteStore::open(&path, options).await;
    opened.unwrap().close().await;
}

#[tokio::test]
async fn an_edited_migration_is_refused() {
    let (_directory, path) = place();
    open(&path).await.close().await;
    change(
        &path,
        "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1",
    )
    .await;
    refusal(&path, SqliteOptions::default()).await;
}

#[tokio::test]
async fn a_file_of_something_else_is_refused() {
    let (_directory, path) = place();
    std::fs::write(&path, "not a database, ".repeat(1_000)).unwrap();
    let opened = SqliteStore::open(&path, SqliteOptions::default()).await;
    assert!(matches!(opened, Err(StoreError::Open { .. })));
}

#[tokio::test]
async fn a_changed_document_is_damaged() {
    let (_directory, path) = place();
    let store = open(&path).await;
    let relay = store.promote(&url(1), NOW).await.unwrap();
    let row = RelayMetadata {
        relay,
        generated_at: NOW,
        metadata: Metadata::new(MetadataType::Nip11Info, r#"{"name":"a"}"#.to_owned()),
    };
    store.add_relay_metadata(&[row]).await.unwrap();
    change(&path, r#"UPDATE metadata SET data = '{"name":"b"}'"#).await;
    let read = store.latest_metadata(relay, MetadataType::Nip11Info).await;
    assert!(matches!(read, Err(StoreError::Damaged { .. })), "{read:?}");
}

#[tokio::test]
async fn an_unreadable_candidate_does_not_hide_the_others() {
    let (_directory, path) = place();
    let store = open(&path).await;
    let named = [1, 2].map(|number| NewCandidate {
        url: url(number),
        source: "seed".to_owned(),
        discovered_at: NOW,
    });
    store.add_candidates(&named, NOW).await.unwrap();
    change(
        &path,
        "UPDATE candidate SET url = 'nonsense' WHERE url LIKE '%r1.%'",
    )
    .await;
    let due = store.due_candidates(&Network::ALL, NOW, 10).await.unwrap();
    assert_eq!(due.len(), 1);
    let counts = store.candidate_counts().await.unwrap();
    assert_eq!(
        counts,
        [(Network::Clearnet, 1)],
        "the other one is gone for good"
    );
}

#[tokio::test]
async fn an_unreadable_relay_is_damaged_by_name_and_left_out_of_lists() {
    let (_directory, path) = place();
    let store = open(&path).await;
    let named = [1, 2].map(|number| NewRelay {
        url: url(number),
        discovered_at: NOW,
    });
    store.add_relays(&named, NOW).await.unwrap();
    change(
        &path,
        "UPDATE relay SET state = 'sleeping' WHERE url LIKE '%r1.%'",
    )
    .await;
    let read = store.relay_by_url(&url(1)).await;
    assert!(matches!(read, Err(StoreError::Damaged { .. })), "{read:?}");
    let due = store.due_for_check(&Network::ALL, NOW, 10).await.unwrap();
    assert_eq!(due.len(), 1);
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let (_directory, path) = place();
    let store = open(&path).await;
    store.close().await;
    let read = store.relay_by_url(&url(1)).await;
    assert!(matches!(read, Err(StoreError::Closed)), "{read:?}");
    let write = store.promote(&url(1), NOW).await;
    assert!(matches!(write, Err(StoreError::Closed)), "{write:?}");
}

#[tokio::test]
async fn errors_name_the_operation_and_keep_the_sql_to_themselves() {
    let (_directory, path) = place();
    let store = open(&path).await;
    change(&path, "DROP TABLE relay_rtt").await;
    let id = store.promote(&url(1), NOW).await.unwrap();
    let failed = store.rtt_samples(id, 1).await.unwrap_err();
    assert_eq!(failed.to_string(), "store operation rtt_samples failed");
    assert_eq!(failed.reason(), "failed");
    assert!(failed.source().is_some());
}

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.sqlite");
    (directory, path)
}

fn url(number: u32) -> RelayUrl {
    RelayUrl::parse(&format!("wss://r{number}.nostr.net")).unwrap()
}

async fn open(path: &Path) -> SqliteStore {
    let opened = SqliteStore::open(path, SqliteOptions::default()).await;
    opened.unwrap()
}

/// Why opening fails, all causes in one line.
async fn refusal(path: &Path, options: SqliteOptions) -> String {
    let refused = SqliteStore::open(path, options).await.unwrap_err();
    assert!(matches!(refused, StoreError::Open { .. }), "{refused:?}");
    let mut message = refused.to_string();
    let mut cause = refused.source();
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    message
}

/// Does to the file what only another program would do.
async fn change(path: &Path, statement: &str) {
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = options.foreign_keys(false).connect().await.unwrap();
    let statement = AssertSqlSafe(statement.to_owned());
    sqlx::query(statement)
        .execute(&mut connection)
        .await
        .unwrap();
}
