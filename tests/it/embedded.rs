//! The embedded assembly's directory: one process at a time, and the same data when opened again.

use std::path::Path;

use bigbrotr::store::{Embedded, EmbeddedOptions, RelayStore, StoreError};
use nips::RelayUrl;

#[tokio::test]
async fn a_second_process_is_told_who_has_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).await.unwrap();
    let second = open(directory.path()).await.unwrap_err();
    let StoreError::InUse { path, process } = &second else {
        panic!("{second:?}");
    };
    assert_eq!(path, directory.path());
    assert_eq!(*process, Some(std::process::id()));
    assert!(second.to_string().contains("in use by another bigbrotr"));
    drop(first);
    open(directory.path()).await.unwrap();
}

#[tokio::test]
async fn a_missing_directory_is_made() {
    let directory = tempfile::tempdir().unwrap();
    open(&directory.path().join("a/b")).await.unwrap();
}

#[tokio::test]
async fn a_directory_that_is_a_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, "").unwrap();
    let refused = open(&path).await;
    assert!(
        matches!(refused, Err(StoreError::Open { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_was_stored_is_there_when_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let url = RelayUrl::parse("wss://relay.nostr.net").unwrap();
    let store = open(directory.path()).await.unwrap();
    let relay = bigbrotr::model::NewRelay {
        url: url.clone(),
        discovered_at: 1,
    };
    store.add_relays(&[relay], 2).await.unwrap();
    store.close().await;
    drop(store);
    let store = open(directory.path()).await.unwrap();
    assert!(store.relay_by_url(&url).await.unwrap().is_some());
}

async fn open(path: &Path) -> Result<Embedded, StoreError> {
    Embedded::open(path, EmbeddedOptions::default()).await
}
