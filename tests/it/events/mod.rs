//! The LMDB event engine by itself: random histories, files and processes. The contract runs over the
//! embedded assembly.

mod kill;
mod lightweight;
mod persistence;
mod vectors;

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
