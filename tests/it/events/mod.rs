//! The LMDB event engine by itself: random histories, files and processes. The contract runs over the
//! embedded assembly.

pub(crate) mod deferral;
mod kill;
mod persistence;
pub(crate) mod vectors;

use bigbrotr::store::lmdb::{LmdbEvents, LmdbOptions};
use tempfile::TempDir;

use crate::contract::events as contract;

/// Random histories to try; each has its seed in the message when it fails.
const HISTORIES: u64 = 16;

/// A fresh archive, and the directory that lives as long as the test.
fn fresh() -> (TempDir, LmdbEvents) {
    let directory = tempfile::tempdir().unwrap();
    let store = LmdbEvents::open(LmdbOptions::at(directory.path())).unwrap();
    (directory, store)
}

#[tokio::test]
async fn random_histories_are_seen_as_defined() {
    for seed in 0..HISTORIES {
        let (_directory, store) = fresh();
        contract::random_history_is_seen_as_defined(&store, seed).await;
    }
}

#[tokio::test]
async fn order_of_arrival_does_not_matter() {
    for seed in 0..HISTORIES {
        let ((_one, one), (_other, other)) = (fresh(), fresh());
        contract::order_of_arrival_does_not_matter(&one, &other, seed).await;
    }
}

/// A fresh archive in lightweight mode.
fn lightweight() -> (TempDir, LmdbEvents) {
    let directory = tempfile::tempdir().unwrap();
    let options = LmdbOptions {
        whole_kinds: Some(contract::WHOLE_KINDS.to_vec()),
        ..LmdbOptions::at(directory.path())
    };
    (directory, LmdbEvents::open(options).unwrap())
}

#[tokio::test]
async fn other_kinds_are_known_and_never_returned() {
    let (_directory, store) = lightweight();
    contract::other_kinds_are_known_and_never_returned(&store).await;
}

#[tokio::test]
async fn requests_work_on_what_is_not_whole() {
    let (_directory, store) = lightweight();
    contract::requests_work_on_what_is_not_whole(&store).await;
}
