//! The yardstick: verification as a library offers it, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bigbrotr::archive::ArchiveSettings;
use nips::Event;
use tokio::task::JoinSet;

/// Signatures that one thread checks before it takes the next ones.
const CHUNK: usize = 64;

/// Checks the signatures, on as many threads as the archive uses.
pub(crate) async fn check_signatures(events: Vec<Event>) {
    let threads = ArchiveSettings::default().verify_threads;
    let (events, next) = (Arc::new(events), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..threads {
        let (events, next) = (Arc::clone(&events), Arc::clone(&next));
        tasks.spawn_blocking(move || {
            let chunks: Vec<&[Event]> = events.chunks(CHUNK).collect();
            let take = || next.fetch_add(1, Ordering::Relaxed);
            while let Some(chunk) = chunks.get(take()) {
                assert!(chunk.iter().all(fleet::events::verify));
            }
        });
    }
    tasks.join_all().await;
}
