//! Transactions. Every statement is part of one, because a pooler may give the next statement to another
//! session.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Executor, Postgres, SqlSafeStr};

use super::super::PostgresStore;
use super::super::connection::statement;
use super::super::error::{classify_rows, is_cancelled};
use crate::metrics::StoreMetrics;
use crate::store::StoreError;

/// What a writer begins with. A process that stands still in the middle, as one does whose machine sleeps, holds locks that
/// others wait for: then this session ends.
const BEGIN_WRITING: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '20s'";

/// What a reader of one snapshot begins with. Its joins are look-ups by key, whatever the statistics of a
/// young table make of them. The time-out is a belt: what a query may look at is bounded otherwise.
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL statement_timeout = '20s';
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_hashjoin = off;
    SET LOCAL enable_mergejoin = off;
    SET LOCAL jit = off";

/// Until the end of the transaction.
const SET_TIME_OUT: &str = "SELECT set_config('statement_timeout', $1, true)";

/// What a walk in the order of keys does without, so that it never sorts what it could read in order.
const WALKING: &str = "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off";

/// A transaction that belongs to one operation. How long it took is recorded when it ends.
pub(super) struct Session {
    transaction: sqlx::Transaction<'static, Postgres>,
    timer: Timer,
}

struct Timer {
    metrics: StoreMetrics,
    operation: &'static str,
    started: Instant,
    /// When the caller wants no answer any more.
    deadline: Option<Instant>,
    failure: OnceLock<&'static str>,
}

impl PostgresStore {
    /// A transaction whose statements see what is committed when they begin.
    pub(super) async fn writing(&self, operation: &'static str) -> Result<Session, StoreError> {
        let timer = Timer::begin(self.metrics.clone(), operation);
        let begun = self.pool.begin_with(BEGIN_WRITING.into_sql_str()).await;
        Ok(Session {
            transaction: begun.map_err(timer.failed())?,
            timer,
        })
    }

    /// A transaction whose statements see the same moment.
    pub(super) async fn reading(&self, operation: &'static str) -> Result<Session, StoreError> {
        let timer = Timer::begin(self.metrics.clone(), operation);
        let begun = self.pool.begin_with(BEGIN_READING.into_sql_str()).await;
        Ok(Session {
            transaction: begun.map_err(timer.failed())?,
            timer,
        })
    }
}

impl Session {
    /// The same for a walk in the order of keys.
    pub(super) async fn walking(mut self) -> Result<Self, StoreError> {
        let set = self.transaction.execute(WALKING).await;
        set.map_err(self.timer.failed())?;
        Ok(self)
    }

    /// Has the server give up a statement that is not done by then.
    pub(super) async fn end_by(&mut self, deadline: Option<Instant>) -> Result<(), StoreError> {
        let Some(deadline) = deadline else {
            return Ok(());
        };
        self.timer.deadline = Some(deadline);
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let operation = self.timer.operation;
            return Err(StoreError::TooSlow { operation });
        }
        // Zero would be no time-out at all.
        let left_ms = left.max(Duration::from_millis(1)).as_millis();
        let set = statement(SET_TIME_OUT).bind(left_ms.to_string());
        let set = set.execute(&mut *self.transaction).await;
        set.map(drop).map_err(self.timer.failed())
    }

    pub(super) async fn rows(
        &mut self,
        statement: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let rows = statement.fetch_all(&mut *self.transaction).await;
        rows.map_err(self.timer.failed())
    }

    /// Hands each row over as it comes, so that a long answer is never held as rows.
    pub(super) async fn each(
        &mut self,
        statement: Query<'_, Postgres, PgArguments>,
        mut take: impl FnMut(PgRow) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut rows = statement.fetch(&mut *self.transaction);
        while let Some(row) = rows.next().await {
            take(row.map_err(self.timer.failed())?)?;
        }
        Ok(())
    }

    pub(super) async fn row(
        &mut self,
        statement: Query<'_, Postgres, PgArguments>,
    ) -> Result<PgRow, StoreError> {
        let row = statement.fetch_one(&mut *self.transaction).await;
        row.map_err(self.timer.failed())
    }

    /// Ends it and returns what it was for.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let committed = self.transaction.commit().await;
        committed.map_err(self.timer.failed())
    }
}

impl Timer {
    fn begin(metrics: StoreMetrics, operation: &'static str) -> Self {
        Self {
            metrics,
            operation,
            started: Instant::now(),
            deadline: None,
            failure: OnceLock::new(),
        }
    }

    /// Classifies a failure, for `map_err`.
    fn failed(&self) -> impl Fn(sqlx::Error) -> StoreError {
        |error| {
            let is_late = self.deadline.is_some() && is_cancelled(&error);
            let error = match is_late {
                true => StoreError::TooSlow {
                    operation: self.operation,
                },
                false => classify_rows(self.operation, error),
            };
            // Of several failures the first is the reason for the others.
            let _ = self.failure.set(error.reason());
            error
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let failure = self.failure.get().copied();
        self.metrics
            .record(self.operation, self.started.elapsed(), failure);
    }
}
