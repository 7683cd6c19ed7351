//! How many long answers are written at a time, over all connections.
//!
//! Writing is done by the threads that serve clients. While all of them are busy with long answers nobody notices that
//! somebody else has a question, so one of them always keeps out of it.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use futures_util::poll;
use tokio::sync::Semaphore;

/// The turns of those who write long answers; one after the other where there are two cores.
#[derive(Debug)]
pub(super) struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::at_a_time(cores.saturating_sub(1).max(1))
    }
}

impl Turns {
    fn at_a_time(count: usize) -> Self {
        Self(Semaphore::new(count))
    }

    /// Does the work when it is its turn. What has to wait, because its client does not read, keeps nobody else from
    /// theirs. Cancel-safe when the work is.
    pub(super) async fn one<T>(&self, work: impl Future<Output = T>) -> T {
        let turn = self.0.acquire().await;
        let mut work = pin!(work);
        let begun = poll!(work.as_mut());
        drop(turn);
        match begun {
            Poll::Ready(done) => done,
            Poll::Pending => work.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn who_waits_for_its_client_keeps_nobody_waiting() {
        let turns = Turns::at_a_time(1);
        let mut stuck = pin!(turns.one(pending::<()>()));
        assert!(poll!(stuck.as_mut()).is_pending());
        assert_eq!(turns.one(async { 7 }).await, 7);
    }

    #[tokio::test]
    async fn only_so_many_work_at_a_time() {
        let turns = Turns::at_a_time(1);
        let nested = turns.one(async { poll!(pin!(turns.one(async {}))).is_pending() });
        assert!(nested.await);
    }
}
