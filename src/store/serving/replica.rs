//! Sparing the archive: what an index lacks is read from a replica of it, as far as that has come.
//!
//! A replica holds what the archive held a moment ago, and the numbers of batches say how long ago that was. So
//! a load from a replica goes on in the log from the newest batch that the replica held when the load began, and what
//! the replica does not hold is read from the archive. One that is of no use is left alone for a while, and nothing
//! waits for it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;
use tracing::warn;

use crate::store::StoreError;
use crate::store::events::{ArrivalBatch, BatchNumber, ScanCursor, ScanPage};

/// How long a replica that failed is left alone: it may be starting, or have given up a question that kept it from
/// following its archive.
const REST: Duration = Duration::from_secs(60);

/// A copy of an archive that follows it with a delay.
#[async_trait]
pub trait Replica: Send + Sync {
    /// The newest batch that it holds.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be asked, and when it is no copy of the archive.
    async fn newest_batch(&self) -> Result<BatchNumber, StoreError>;

    /// A step over everything stored, oldest first, as [`EventStore::scan`](crate::store::EventStore::scan) has it.
    async fn scan(
        &self,
        after: Option<ScanCursor>,
        max_visited: usize,
    ) -> Result<ScanPage, StoreError>;

    /// The log after a batch, as [`EventStore::arrivals_after`](crate::store::EventStore::arrivals_after) has it.
    async fn arrivals_after(
        &self,
        batch: BatchNumber,
        max_events: usize,
    ) -> Result<Vec<ArrivalBatch>, StoreError>;
}

/// A replica that is asked while it is of use. Its answers are `None` when the archive has to be asked.
pub(super) struct ReplicaReader {
    replica: Arc<dyn Replica>,
    rests_until: Option<Instant>,
}

impl ReplicaReader {
    pub(super) fn new(replica: Arc<dyn Replica>) -> Self {
        Self {
            replica,
            rests_until: None,
        }
    }

    /// The newest batch that the replica holds.
    pub(super) async fn newest_batch(&mut self) -> Option<BatchNumber> {
        if self.rests_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let newest = self.replica.newest_batch().await;
        self.heard(newest)
    }

    /// A step over everything stored, of a state that has everything up to `at_least`.
    pub(super) async fn scan(
        &mut self,
        at_least: BatchNumber,
        after: Option<ScanCursor>,
        max_visited: usize,
    ) -> Option<ScanPage> {
        let newest = self.newest_batch().await?;
        if newest < at_least {
            warn!(
                service = "relay",
                batch = newest.0,
                wanted = at_least.0,
                "serving_index_replica_behind"
            );
            self.rest();
            return None;
        }
        let page = self.replica.scan(after, max_visited).await;
        self.heard(page)
    }

    /// The next batches of the log, while the replica holds some.
    pub(super) async fn arrivals_after(
        &mut self,
        batch: BatchNumber,
        max_events: usize,
    ) -> Option<Vec<ArrivalBatch>> {
        let newest = self.newest_batch().await?;
        if newest <= batch {
            return None;
        }
        let batches = self.replica.arrivals_after(batch, max_events).await;
        self.heard(batches).filter(|batches| !batches.is_empty())
    }

    fn heard<T>(&mut self, answer: Result<T, StoreError>) -> Option<T> {
        let failure = match answer {
            Ok(answer) => return Some(answer),
            Err(failure) => failure,
        };
        let error = failure
            .source()
            .map_or(failure.to_string(), <dyn Error>::to_string);
        warn!(
            service = "relay",
            reason = failure.reason(),
            error,
            "serving_index_replica_failed"
        );
        self.rest();
        None
    }

    fn rest(&mut self) {
        self.rests_until = Some(Instant::now() + REST);
    }
}
