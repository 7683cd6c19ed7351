//! Histories in SQLite.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use crate::model::{CheckOutcome, FailureCount, RelayId, Transition, WindowFigures};
use crate::store::history::{KEPT_TRANSITIONS, WINDOWS};
use crate::store::rows::{self, integer, limit};
use crate::store::series::{self, Addition, DAY, FAILURES_KEPT, LatestCheck, Resolution};
use crate::store::sqlite::SqliteBacked;
use crate::store::sqlite::error::during;
use crate::store::{HistoryStore, StoreError};

const LATEST: &str = include_str!("../../../sql/sqlite/queries/latest_check.sql");
const PUT_LATEST: &str = include_str!("../../../sql/sqlite/queries/put_latest_check.sql");
const ADD_SERIES: &str = include_str!("../../../sql/sqlite/queries/add_series.sql");
const TRIM_SERIES: &str = include_str!("../../../sql/sqlite/queries/trim_series.sql");
const ADD_TRANSITION: &str = include_str!("../../../sql/sqlite/queries/add_transition.sql");
const TRIM_TRANSITIONS: &str = include_str!("../../../sql/sqlite/queries/trim_transitions.sql");
const ADD_FAILURE: &str = include_str!("../../../sql/sqlite/queries/add_failure.sql");
const TRIM_FAILURES: &str = include_str!("../../../sql/sqlite/queries/trim_failures.sql");
const SERIES: &str = include_str!("../../../sql/sqlite/queries/series.sql");
const TRANSITIONS: &str = include_str!("../../../sql/sqlite/queries/transitions.sql");
const FAILURES: &str = include_str!("../../../sql/sqlite/queries/failures.sql");

#[async_trait]
impl<T: SqliteBacked> HistoryStore for T {
    async fn add_outcome(&self, outcome: &CheckOutcome) -> Result<(), StoreError> {
        let failed = during("add_outcome");
        let mut tx = self.sqlite().begin("add_outcome").await?;
        let found = sqlx::query(LATEST)
            .bind(outcome.relay.0)
            .fetch_one(&mut *tx)
            .await
            .map_err(&failed)?;
        let before = rows::latest_check(&found)?;
        if before.is_some_and(|before| before.checked_at >= outcome.checked_at) {
            return Ok(());
        }
        add(&mut tx, outcome, before).await.map_err(&failed)?;
        tx.commit().await.map_err(&failed)
    }

    async fn uptime(
        &self,
        relay: RelayId,
        now: u64,
    ) -> Result<[WindowFigures; WINDOWS.len()], StoreError> {
        let found = sqlx::query(SERIES)
            .bind(relay.0)
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("uptime"))?;
        let rows = rows::readable(&found, rows::series_row);
        Ok(series::windows(&rows, now))
    }

    async fn transitions(
        &self,
        relay: RelayId,
        at_most: usize,
    ) -> Result<Vec<Transition>, StoreError> {
        let found = sqlx::query(TRANSITIONS)
            .bind(relay.0)
            .bind(limit(at_most))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("transitions"))?;
        Ok(rows::readable(&found, rows::transition))
    }

    async fn failures(&self, relay: RelayId, since: u64) -> Result<Vec<FailureCount>, StoreError> {
        let found = sqlx::query(FAILURES)
            .bind(relay.0)
            .bind(integer(since - since % DAY))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("failures"))?;
        Ok(rows::readable(&found, rows::failure_count))
    }
}

async fn add(
    connection: &mut SqliteConnection,
    outcome: &CheckOutcome,
    before: Option<LatestCheck>,
) -> Result<(), sqlx::Error> {
    let (relay, at) = (outcome.relay.0, outcome.checked_at);
    sqlx::query(PUT_LATEST)
        .bind(relay)
        .bind(integer(at))
        .bind(outcome.state.as_str())
        .bind(outcome.failure.is_none())
        .bind(integer(outcome.next_check_at))
        .execute(&mut *connection)
        .await?;
    let addition = Addition::of(outcome, before.as_ref());
    for resolution in Resolution::ALL {
        add_series(connection, outcome, resolution, &addition).await?;
    }
    if let Some(transition) = series::transition(outcome, before.as_ref()) {
        add_transition(connection, relay, &transition).await?;
    }
    if let Some(reason) = &outcome.failure {
        sqlx::query(ADD_FAILURE)
            .bind(relay)
            .bind(integer(at - at % DAY))
            .bind(reason)
            .execute(&mut *connection)
            .await?;
        sqlx::query(TRIM_FAILURES)
            .bind(relay)
            .bind(integer(at.saturating_sub(FAILURES_KEPT)))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn add_series(
    connection: &mut SqliteConnection,
    outcome: &CheckOutcome,
    resolution: Resolution,
    addition: &Addition,
) -> Result<(), sqlx::Error> {
    let (relay, at) = (outcome.relay.0, outcome.checked_at);
    let length = resolution.seconds();
    sqlx::query(ADD_SERIES)
        .bind(relay)
        .bind(integer(length))
        .bind(integer(at - at % length))
        .bind(integer(addition.answered))
        .bind(integer(addition.up_s))
        .bind(integer(addition.down_s))
        .bind(&addition.open_times)
        .execute(&mut *connection)
        .await?;
    sqlx::query(TRIM_SERIES)
        .bind(relay)
        .bind(integer(length))
        .bind(integer(at.saturating_sub(resolution.kept())))
        .execute(&mut *connection)
        .await?;
    Ok(())
}

async fn add_transition(
    connection: &mut SqliteConnection,
    relay: u32,
    transition: &Transition,
) -> Result<(), sqlx::Error> {
    sqlx::query(ADD_TRANSITION)
        .bind(relay)
        .bind(integer(transition.changed_at))
        .bind(transition.from.as_str())
        .bind(transition.to.as_str())
        .bind(&transition.reason)
        .execute(&mut *connection)
        .await?;
    sqlx::query(TRIM_TRANSITIONS)
        .bind(relay)
        .bind(KEPT_TRANSITIONS)
        .execute(&mut *connection)
        .await?;
    Ok(())
}
