//! Waking up when events arrive, whichever process stored them.
//!
//! The server announces each batch (`NOTIFY`), which wakes within milliseconds; asking it now and then
//! makes up for announcements that were lost with a connection. Where no URL without a pooler is known,
//! asking is all there is: a pooler would give the session that listens to other clients, whose drivers
//! do not expect announcements in their answers and fail. What arrived is read from the log
//! ([`EventStore::arrivals_after`]), so nothing depends on a wake-up that comes once too often.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::time::{Instant, sleep_until, timeout};

use super::PostgresStore;
use crate::store::events::BatchNumber;
use crate::store::{EventStore, StoreError};

/// What `event_write` notifies.
const CHANNEL: &str = "arrival";

/// How often the server is asked when it announces nothing, and how often when it cannot.
const INTERVAL: Duration = Duration::from_secs(5);
const INTERVAL_UNANNOUNCED: Duration = Duration::from_secs(1);

/// How long one attempt to listen or to ask may take, so that one does not keep the other waiting.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long after a failed attempt to listen the next one begins.
const RETRY: Duration = Duration::from_secs(1);

/// One follower's wake-ups.
pub struct Feed {
    store: PostgresStore,
    /// What the follower knows of.
    known: BatchNumber,
    interval: Duration,
    listening: Listening,
}

/// The connection that announcements come through.
enum Listening {
    On(Box<PgListener>),
    /// There is none, and not before this moment shall there be one.
    OffUntil(Instant),
    /// There shall be none.
    Never,
}

/// What ended a wait.
enum Wake {
    Announced(Option<BatchNumber>),
    Lost,
    /// It is time to listen, or to ask.
    Due,
}

impl PostgresStore {
    /// Wakes a follower that has read the log up to a batch.
    pub fn feed(&self, after: BatchNumber) -> Feed {
        let (interval, listening) = if self.is_direct_known {
            (INTERVAL, Listening::OffUntil(Instant::now()))
        } else {
            (INTERVAL_UNANNOUNCED, Listening::Never)
        };
        Feed {
            store: self.clone(),
            known: after,
            interval,
            listening,
        }
    }
}

impl Feed {
    /// The same, asking the server more or less often.
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Waits until there are batches after the last one that it told of, and tells the newest.
    /// While the server is away it goes on trying. Cancel-safe: a wake-up that is lost is made up
    /// for by the next call.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the store was closed.
    pub async fn arrived(&mut self) -> Result<BatchNumber, StoreError> {
        let mut ask_at = Instant::now();
        loop {
            if self.is_time_to_listen() {
                // What came before was announced to nobody.
                ask_at = Instant::now();
                self.listen().await;
            }
            if Instant::now() >= ask_at {
                if let Some(newest) = self.ask().await? {
                    return Ok(self.told(newest));
                }
                ask_at = Instant::now() + self.interval;
            }
            match self.wake(ask_at).await {
                Wake::Announced(Some(newest)) if newest > self.known => {
                    return Ok(self.told(newest));
                }
                Wake::Announced(Some(_)) | Wake::Due => {}
                Wake::Announced(None) => ask_at = Instant::now(),
                Wake::Lost => self.listening = Listening::OffUntil(Instant::now()),
            }
        }
    }

    fn told(&mut self, newest: BatchNumber) -> BatchNumber {
        self.known = newest;
        newest
    }

    fn is_time_to_listen(&self) -> bool {
        matches!(self.listening, Listening::OffUntil(at) if at <= Instant::now())
    }

    async fn listen(&mut self) {
        self.listening = match timeout(PATIENCE, self.connect()).await {
            Ok(Ok(listener)) => Listening::On(Box::new(listener)),
            failed => {
                let reason = match &failed {
                    Ok(Err(error)) => error as &dyn std::fmt::Display,
                    _ => &"it took too long",
                };
                tracing::debug!(%reason, "arrivals are not announced to us");
                Listening::OffUntil(Instant::now() + RETRY)
            }
        };
    }

    async fn connect(&self) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.store.direct).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }

    /// The newest batch, if the follower does not know of it.
    async fn ask(&self) -> Result<Option<BatchNumber>, StoreError> {
        match timeout(PATIENCE, self.store.arrival_bounds()).await {
            Ok(Ok((newest, _))) => Ok((newest > self.known).then_some(newest)),
            Ok(Err(StoreError::Closed)) => Err(StoreError::Closed),
            Ok(Err(_)) | Err(_) => Ok(None),
        }
    }

    async fn wake(&mut self, ask_at: Instant) -> Wake {
        match &mut self.listening {
            Listening::OffUntil(at) => {
                sleep_until(ask_at.min(*at)).await;
                Wake::Due
            }
            Listening::Never => {
                sleep_until(ask_at).await;
                Wake::Due
            }
            Listening::On(listener) => tokio::select! {
                announced = listener.try_recv() => match announced {
                    Ok(Some(announced)) => Wake::Announced(number(announced.payload())),
                    Ok(None) | Err(_) => Wake::Lost,
                },
                () = sleep_until(ask_at) => Wake::Due,
            },
        }
    }
}

/// The batch that an announcement names; somebody else's announcement may name none.
fn number(payload: &str) -> Option<BatchNumber> {
    payload.parse().ok().map(BatchNumber)
}
