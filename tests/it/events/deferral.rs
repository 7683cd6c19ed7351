//! Bulk that is indexed later than it is stored: nobody can tell.

use std::time::Duration;

use bigbrotr::store::EventStore;
use bigbrotr::store::events::Scope;
use bigbrotr::store::lmdb::{Deferral, LmdbEvents, LmdbOptions};
use bigbrotr::store::sets::SetBounds;
use nips::{Event, Filter};
use tempfile::TempDir;

use super::{HISTORIES, fresh};
use crate::contract::events::{self as contract, NOW, ask, event, write};

/// Never, unless something else asks for it.
const NEVER: Duration = Duration::from_secs(3_600);

/// When a test's archive merges what waits, and when it indexes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Commits of a merge.
    pub(crate) run_commits: usize,
    /// Merges that may wait.
    pub(crate) max_runs: usize,
}

/// Nothing happens before the store closes.
const AT_THE_END: Bounds = Bounds {
    run_commits: usize::MAX,
    max_runs: usize::MAX,
};

/// Nothing is indexed before the store closes, and most of it waits in files.
pub(crate) const IN_RUNS: Bounds = Bounds {
    run_commits: 2,
    max_runs: usize::MAX,
};

/// Each merge is of two commits, and four of them are indexed.
pub(crate) const FEW: Bounds = Bounds {
    run_commits: 2,
    max_runs: 2,
};

/// A fresh archive that leaves every event to be indexed later.
pub(crate) fn deferring(bounds: Bounds) -> (TempDir, LmdbEvents) {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory, bounds);
    (directory, store)
}

fn open(directory: &TempDir, bounds: Bounds) -> LmdbEvents {
    let options = LmdbOptions {
        deferral: Deferral {
            from_events: 1,
            run_commits: bounds.run_commits,
            run_events: usize::MAX,
            max_runs: bounds.max_runs,
            max_events: usize::MAX,
            step_pages: 2,
            idle: NEVER,
        },
        ..LmdbOptions::at(directory.path())
    };
    LmdbEvents::open(options).unwrap()
}

#[tokio::test]
async fn random_histories_are_seen_as_defined() {
    let bounds = [(1, 1), (2, 3), (1, usize::MAX), (5, 1)].map(|(run_commits, max_runs)| Bounds {
        run_commits,
        max_runs,
    });
    let bounds = bounds.into_iter().chain([AT_THE_END]).cycle();
    for (seed, bounds) in (0..HISTORIES).zip(bounds) {
        let (_directory, store) = deferring(bounds);
        contract::random_history_is_seen_as_defined(&store, seed).await;
    }
}

#[tokio::test]
async fn when_events_are_indexed_does_not_matter() {
    for seed in 0..HISTORIES {
        let ((_one, one), (_other, other)) = (fresh(), deferring(FEW));
        contract::order_of_arrival_does_not_matter(&one, &other, seed).await;
    }
}

#[tokio::test]
async fn events_are_indexed_when_the_writer_is_idle() {
    let directory = tempfile::tempdir().unwrap();
    let options = LmdbOptions {
        deferral: Deferral {
            from_events: 1,
            idle: Duration::from_millis(1),
            ..Deferral::default()
        },
        ..LmdbOptions::at(directory.path())
    };
    let store = LmdbEvents::open(options).unwrap();
    for second in 0..50 {
        write(&store, &[event(1, 1, second, &[&["t", "x"]])]).await;
        let seen = ask(&store, &[r##"{"#t":["x"]}"##], Scope::public(NOW)).await;
        assert_eq!(seen.events.len() as u64, second + 1);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_waits_is_indexed_before_the_store_closes() {
    let (directory, store) = deferring(AT_THE_END);
    let notes: Vec<Event> = (0..200)
        .map(|second| event(1, 1, second, &[&["t", "x"]]))
        .collect();
    write(&store, &notes).await;
    drop(store);
    let store = open(&directory, AT_THE_END);
    let seen = ask(&store, &[r##"{"#t":["x"]}"##], Scope::public(NOW)).await;
    assert_eq!(seen.events.len(), notes.len());
}

/// Readers that meet the move from memory to the tables see every event exactly once.
#[tokio::test(flavor = "multi_thread")]
async fn readers_do_not_notice_the_move() {
    const BATCHES: u64 = 50;
    const EVENTS: u64 = 20;
    let (_directory, store) = deferring(FEW);
    let count = async || {
        let filters = vec![Filter::from_json(r##"{"#t":["x"]}"##).unwrap()];
        let counted = store
            .count(filters, Scope::public(NOW), SetBounds::default())
            .await;
        counted.unwrap().0
    };
    let written = std::sync::atomic::AtomicU64::new(0);
    let read = async || {
        loop {
            let before = written.load(std::sync::atomic::Ordering::SeqCst);
            let seen = count().await;
            assert!(seen >= before, "{seen} of {before}");
            assert_eq!(seen % EVENTS, 0);
            if before == BATCHES * EVENTS {
                return;
            }
        }
    };
    let write = async || {
        for batch in 0..BATCHES {
            let note = |index| event(1, 1, batch * EVENTS + index, &[&["t", "x"]]);
            write(&store, &(0..EVENTS).map(note).collect::<Vec<_>>()).await;
            written.fetch_add(EVENTS, std::sync::atomic::Ordering::SeqCst);
        }
    };
    tokio::join!(write(), read(), read(), read());
}
