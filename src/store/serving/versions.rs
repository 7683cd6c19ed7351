//! Which batch of the archive each state of the index reaches up to.
//!
//! The index counts its own commits; what it reads in one transaction is a commit of its own and thereby
//! an exact prefix of the archive's batches.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;

use crate::store::events::BatchNumber;

/// Commits that are remembered: far more than are made while one answer is worked out.
const REMEMBERED: usize = 1_024;

/// How long an answer waits for the follower to say what the commit that it saw was. That takes it no
/// time, unless it was stopped in between.
const PATIENCE: Duration = Duration::from_secs(2);

/// The newest commits of the index and what each reaches up to, rising in both.
pub(super) struct Versions(watch::Sender<VecDeque<(BatchNumber, BatchNumber)>>);

impl Versions {
    pub(super) fn new(index: BatchNumber, archive: BatchNumber) -> Self {
        Self(watch::Sender::new(VecDeque::from([(index, archive)])))
    }

    /// Notes that the index, as of its commit `index`, has everything up to `archive`.
    pub(super) fn record(&self, index: Option<BatchNumber>, archive: BatchNumber) {
        self.0.send_modify(|versions| {
            let newest = versions.back_mut().expect("one stays");
            match index {
                Some(index) if index > newest.0 => versions.push_back((index, archive)),
                // Nothing in it was new to the index.
                _ => newest.1 = archive,
            }
            if versions.len() > REMEMBERED {
                versions.pop_front();
            }
        });
    }

    /// What the index reaches up to now.
    pub(super) fn newest(&self) -> BatchNumber {
        newest(&self.0.borrow()).1
    }

    /// What the index reached up to as of its commit `index`; `None` when that was too long ago. Cancel-safe.
    pub(super) async fn archive_batch(&self, index: BatchNumber) -> Option<BatchNumber> {
        let mut versions = self.0.subscribe();
        let recorded = versions.wait_for(|versions| newest(versions).0 >= index);
        // Saying less than the truth repeats an event to a reader, and loses none.
        let _ = tokio::time::timeout(PATIENCE, recorded).await;
        let versions = self.0.borrow();
        let until = versions.partition_point(|(commit, _)| *commit <= index);
        let found = versions.get(until.checked_sub(1)?)?;
        Some(found.1)
    }
}

fn newest(versions: &VecDeque<(BatchNumber, BatchNumber)>) -> (BatchNumber, BatchNumber) {
    *versions.back().expect("one stays")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_commit_reaches_up_to_the_batches_it_was_made_of() {
        let versions = Versions::new(BatchNumber(0), BatchNumber(40));
        versions.record(Some(BatchNumber(1)), BatchNumber(42));
        versions.record(None, BatchNumber(43));
        versions.record(Some(BatchNumber(2)), BatchNumber(50));
        for (commit, batch) in [(0, 40), (1, 43), (2, 50)] {
            let found = versions.archive_batch(BatchNumber(commit)).await;
            assert_eq!(found, Some(BatchNumber(batch)), "{commit}");
        }
        assert_eq!(versions.newest(), BatchNumber(50));
    }

    #[tokio::test]
    async fn an_answer_that_saw_a_commit_first_waits_for_its_record() {
        let versions = Versions::new(BatchNumber(0), BatchNumber(0));
        let recording = async { versions.record(Some(BatchNumber(1)), BatchNumber(7)) };
        let asking = versions.archive_batch(BatchNumber(1));
        let (found, ()) = tokio::join!(biased; asking, recording);
        assert_eq!(found, Some(BatchNumber(7)));
    }

    #[tokio::test]
    async fn what_was_long_ago_is_not_known() {
        let versions = Versions::new(BatchNumber(0), BatchNumber(0));
        for commit in 1..=REMEMBERED as u64 {
            versions.record(Some(BatchNumber(commit)), BatchNumber(commit));
        }
        assert_eq!(versions.archive_batch(BatchNumber(0)).await, None);
        let oldest = versions.archive_batch(BatchNumber(1)).await;
        assert_eq!(oldest, Some(BatchNumber(1)));
    }
}
