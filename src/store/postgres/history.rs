//! Histories in PostgreSQL.

use async_trait::async_trait;

use super::PostgresStore;
use super::batch::key;
use super::call::Transaction;
use super::connection::statement;
use crate::model::{CheckOutcome, FailureCount, RelayId, Transition, WindowFigures};
use crate::store::history::{KEPT_TRANSITIONS, WINDOWS};
use crate::store::rows::{self, integer, limit};
use crate::store::series::{self, Addition, DAY, FAILURES_KEPT, LatestCheck, Resolution};
use crate::store::{HistoryStore, StoreError};

const LATEST: &str = include_str!("../../../sql/postgres/queries/latest_check.sql");
const PUT_LATEST: &str = include_str!("../../../sql/postgres/queries/put_latest_check.sql");
const ADD_SERIES: &str = include_str!("../../../sql/postgres/queries/add_series.sql");
const TRIM_SERIES: &str = include_str!("../../../sql/postgres/queries/trim_series.sql");
const ADD_TRANSITION: &str = include_str!("../../../sql/postgres/queries/add_transition.sql");
const TRIM_TRANSITIONS: &str = include_str!("../../../sql/postgres/queries/trim_transitions.sql");
const ADD_FAILURE: &str = include_str!("../../../sql/postgres/queries/add_failure.sql");
const TRIM_FAILURES: &str = include_str!("../../../sql/postgres/queries/trim_failures.sql");
const SERIES: &str = include_str!("../../../sql/postgres/queries/series.sql");
const TRANSITIONS: &str = include_str!("../../../sql/postgres/queries/transitions.sql");
const FAILURES: &str = include_str!("../../../sql/postgres/queries/failures.sql");

#[async_trait]
impl HistoryStore for PostgresStore {
    async fn add_outcome(&self, outcome: &CheckOutcome) -> Result<(), StoreError> {
        let call = self.call("add_outcome");
        let mut tx = call.begin().await?;
        tx.lock_relays([outcome.relay]).await?;
        let latest = statement(LATEST).bind(key(outcome.relay));
        let before = rows::latest_check(&tx.fetch_one(latest).await?)?;
        if before.is_none_or(|before| before.checked_at < outcome.checked_at) {
            add(&mut tx, outcome, before).await?;
        }
        tx.commit().await
    }

    async fn uptime(
        &self,
        relay: RelayId,
        now: u64,
    ) -> Result<[WindowFigures; WINDOWS.len()], StoreError> {
        let asked = statement(SERIES).bind(key(relay));
        let found = self.call("uptime").fetch_all(asked).await?;
        let rows = rows::readable(&found, rows::series_row);
        Ok(series::windows(&rows, now))
    }

    async fn transitions(
        &self,
        relay: RelayId,
        at_most: usize,
    ) -> Result<Vec<Transition>, StoreError> {
        let asked = statement(TRANSITIONS).bind(key(relay)).bind(limit(at_most));
        let found = self.call("transitions").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::transition))
    }

    async fn failures(&self, relay: RelayId, since: u64) -> Result<Vec<FailureCount>, StoreError> {
        let asked = statement(FAILURES)
            .bind(key(relay))
            .bind(integer(since - since % DAY));
        let found = self.call("failures").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::failure_count))
    }
}

/// The relay's row is locked.
async fn add(
    tx: &mut Transaction<'_>,
    outcome: &CheckOutcome,
    before: Option<LatestCheck>,
) -> Result<(), StoreError> {
    let (relay, at) = (key(outcome.relay), outcome.checked_at);
    let put = statement(PUT_LATEST)
        .bind(relay)
        .bind(integer(at))
        .bind(outcome.state.as_str())
        .bind(outcome.failure.is_none())
        .bind(integer(outcome.next_check_at));
    tx.execute(put).await?;
    add_series(tx, outcome, &Addition::of(outcome, before.as_ref())).await?;
    if let Some(transition) = series::transition(outcome, before.as_ref()) {
        add_transition(tx, relay, &transition).await?;
    }
    if let Some(reason) = &outcome.failure {
        let add = statement(ADD_FAILURE)
            .bind(relay)
            .bind(integer(at - at % DAY))
            .bind(reason.as_str());
        tx.execute(add).await?;
        let oldest = integer(at.saturating_sub(FAILURES_KEPT));
        tx.execute(statement(TRIM_FAILURES).bind(relay).bind(oldest))
            .await?;
    }
    Ok(())
}

async fn add_series(
    tx: &mut Transaction<'_>,
    outcome: &CheckOutcome,
    addition: &Addition,
) -> Result<(), StoreError> {
    let (relay, at) = (key(outcome.relay), outcome.checked_at);
    let lengths = Resolution::ALL.map(Resolution::seconds);
    let starts = lengths.map(|length| integer(at - at % length));
    let oldest = Resolution::ALL.map(|it| integer(at.saturating_sub(it.kept())));
    let lengths = lengths.map(integer);
    let add = statement(ADD_SERIES)
        .bind(relay)
        .bind(lengths.to_vec())
        .bind(starts.to_vec())
        .bind(integer(addition.answered))
        .bind(integer(addition.up_s))
        .bind(integer(addition.down_s))
        .bind(addition.open_times.as_str());
    tx.execute(add).await?;
    let trim = statement(TRIM_SERIES)
        .bind(relay)
        .bind(lengths.to_vec())
        .bind(oldest.to_vec());
    tx.execute(trim).await?;
    Ok(())
}

async fn add_transition(
    tx: &mut Transaction<'_>,
    relay: i64,
    transition: &Transition,
) -> Result<(), StoreError> {
    let add = statement(ADD_TRANSITION)
        .bind(relay)
        .bind(integer(transition.changed_at))
        .bind(transition.from.as_str())
        .bind(transition.to.as_str())
        .bind(transition.reason.as_str());
    tx.execute(add).await?;
    let trim = statement(TRIM_TRANSITIONS)
        .bind(relay)
        .bind(i64::from(KEPT_TRANSITIONS));
    tx.execute(trim).await?;
    Ok(())
}
