//! A wake-up for those who follow the log of arrivals: `NOTIFY` on a direct connection, and a clock
//! underneath, so that a notification that is lost only costs time.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tracing::debug;

use super::PostgresStore;

/// What a write notifies when it has logged a batch.
const CHANNEL: &str = "arrival";

/// How long a follower sleeps at most; also the pause before a lost connection is opened again.
const POLL: Duration = Duration::from_secs(2);

/// Wakes a follower of [`crate::store::EventStore::arrivals_after`] up.
pub struct Feed {
    direct: PgPool,
    listener: Option<PgListener>,
}

impl PostgresStore {
    /// A feed of its own for each follower.
    pub fn feed(&self) -> Feed {
        Feed {
            direct: self.direct.clone(),
            listener: None,
        }
    }
}

impl Feed {
    /// Returns when something may have arrived: after a notification, and after two seconds without one.
    /// It may return when nothing has. Cancel-safe.
    pub async fn arrived(&mut self) {
        // Whatever fails here is tried again, after the pause that passes anyway.
        let _ = tokio::time::timeout(POLL, self.notified()).await;
    }

    async fn notified(&mut self) {
        let Err(error) = self.listen().await else {
            return;
        };
        debug!(%error, "arrivals_not_heard");
        self.listener = None;
        tokio::time::sleep(POLL).await;
    }

    async fn listen(&mut self) -> Result<(), sqlx::Error> {
        if self.listener.is_none() {
            let mut listener = PgListener::connect_with(&self.direct).await?;
            listener.listen(CHANNEL).await?;
            self.listener = Some(listener);
            // What came before we listened was not heard.
            return Ok(());
        }
        let Some(listener) = &mut self.listener else {
            return Ok(());
        };
        listener.recv().await?;
        // One look at the log sees all that came so far.
        while listener.next_buffered().is_some() {}
        Ok(())
    }
}
