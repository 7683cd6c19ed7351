//! The log of arrivals, and what the janitor does about events.

use sqlx::postgres::PgRow;

use super::batch::seconds;
use super::row::{StoredEvent, number};
use crate::store::StoreError;
use crate::store::events::{Arrival, ArrivalBatch, BatchNumber};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::statement;

const ARRIVALS_AFTER: &str = include_str!("../../../../sql/postgres/queries/arrivals_after.sql");
const ARRIVED_EVENTS: &str = include_str!("../../../../sql/postgres/queries/arrived_events.sql");
const ARRIVAL_BOUNDS: &str = include_str!("../../../../sql/postgres/queries/arrival_bounds.sql");
const TRIM_ARRIVALS: &str = include_str!("../../../../sql/postgres/queries/trim_arrivals.sql");
const SWEEP_EXPIRED: &str = include_str!("../../../../sql/postgres/queries/sweep_expired.sql");

impl PostgresStore {
    /// The batches after one, with the events that are still there.
    pub(super) async fn logged_arrivals(
        &self,
        batch: BatchNumber,
        max_events: usize,
    ) -> Result<Vec<ArrivalBatch>, StoreError> {
        let mut session = self.reading("arrivals_after").await?;
        let log = statement(ARRIVALS_AFTER)
            .bind(seconds(batch.0))
            .bind(i64::from(u32::try_from(max_events).unwrap_or(u32::MAX)));
        let log = session.rows(log).await?;
        let mut batches: Vec<ArrivalBatch> = log.iter().map(batch_of).collect::<Result<_, _>>()?;
        let numbers: Vec<i64> = batches
            .iter()
            .map(|batch| seconds(batch.number.0))
            .collect();
        let events = session
            .rows(statement(ARRIVED_EVENTS).bind(numbers))
            .await?;
        session.commit().await?;
        for row in &events {
            let stored = StoredEvent::read(row)?;
            let number = number(row, "batch")?;
            let position = batches.binary_search_by_key(&number, |batch| batch.number.0);
            let Ok(position) = position else { continue };
            batches[position].events.push(Arrival {
                event: stored.event.to_owned(),
                visibility: stored.visibility,
            });
        }
        Ok(batches)
    }

    /// The newest batch there ever was and the oldest that is still in the log.
    pub(super) async fn logged_bounds(&self) -> Result<(BatchNumber, BatchNumber), StoreError> {
        let mut session = self.reading("arrival_bounds").await?;
        let row = session.row(statement(ARRIVAL_BOUNDS)).await?;
        session.commit().await?;
        let bound = |column| number(&row, column).map(BatchNumber);
        Ok((bound("newest")?, bound("oldest")?))
    }

    /// Takes batches up to one out of the log that arrived before a second. Whoever does so regularly keeps the
    /// partitions ahead of time, too.
    pub(super) async fn trim_logged(
        &self,
        batch: BatchNumber,
        before: u64,
    ) -> Result<u64, StoreError> {
        self.extend_partitions().await?;
        let trim = statement(TRIM_ARRIVALS)
            .bind(seconds(batch.0))
            .bind(seconds(before));
        let mut session = self.writing("trim_arrivals").await?;
        let row = session.row(trim).await?;
        session.commit().await?;
        number(&row, "trimmed")
    }

    /// Hides what has expired.
    pub(super) async fn sweep(&self, now: u64, limit: usize) -> Result<u64, StoreError> {
        let sweep = statement(SWEEP_EXPIRED)
            .bind(seconds(now))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut session = self.writing("sweep_expired").await?;
        let row = session.row(sweep).await?;
        session.commit().await?;
        number(&row, "swept")
    }
}

fn batch_of(row: &PgRow) -> Result<ArrivalBatch, StoreError> {
    Ok(ArrivalBatch {
        number: BatchNumber(number(row, "batch")?),
        arrived_at: number(row, "arrived_at")?,
        events: Vec::new(),
    })
}
