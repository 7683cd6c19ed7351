//! One call of a trait method: its name in errors and metrics, how long it takes, its transactions.

use std::sync::OnceLock;
use std::time::Instant;

use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;

use super::PostgresStore;
use super::error::classify;
use crate::store::StoreError;

/// A statement with its values.
pub(super) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// A call that is under way. Its duration is recorded when it is dropped.
pub(super) struct Call<'a> {
    store: &'a PostgresStore,
    operation: &'static str,
    started: Instant,
    failure: OnceLock<&'static str>,
}

impl PostgresStore {
    /// Begins a call of a trait method.
    pub(super) fn call(&self, operation: &'static str) -> Call<'_> {
        Call {
            store: self,
            operation,
            started: Instant::now(),
            failure: OnceLock::new(),
        }
    }
}

impl Call<'_> {
    /// Begins a transaction; dropped without commit, it changes nothing.
    pub(super) async fn begin(&self) -> Result<Transaction<'_>, StoreError> {
        let begun = self.store.pool.begin().await;
        Ok(Transaction {
            call: self,
            transaction: begun.map_err(self.failed())?,
        })
    }

    /// Runs one statement in a transaction of its own. Returns how many rows it affected.
    pub(super) async fn execute(&self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let affected = transaction.execute(statement).await?;
        transaction.commit().await?;
        Ok(affected)
    }

    /// Runs one statement by key in a transaction of its own; one that meets no row is a mistake of the
    /// caller.
    pub(super) async fn execute_by_key(&self, statement: Statement<'_>) -> Result<(), StoreError> {
        match self.execute(statement).await? {
            0 => Err(self.failed()(sqlx::Error::RowNotFound)),
            _ => Ok(()),
        }
    }

    /// All rows of one statement in a transaction of its own.
    pub(super) async fn fetch_all(
        &self,
        statement: Statement<'_>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let mut transaction = self.begin().await?;
        let rows = transaction.fetch_all(statement).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    /// The row of one statement in a transaction of its own, if there is one.
    pub(super) async fn fetch_optional(
        &self,
        statement: Statement<'_>,
    ) -> Result<Option<PgRow>, StoreError> {
        Ok(self.fetch_all(statement).await?.into_iter().next())
    }

    /// Classifies a failure, for `map_err`.
    pub(super) fn failed(&self) -> impl Fn(sqlx::Error) -> StoreError + Copy {
        |error| {
            let error = classify(self.operation, error);
            // Of several failures the first is the reason for the others.
            let _ = self.failure.set(error.reason());
            error
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let failure = self.failure.get().copied();
        let metrics = &self.store.metrics;
        metrics.record(self.operation, self.started.elapsed(), failure);
    }
}

/// A transaction of a call.
pub(super) struct Transaction<'a> {
    call: &'a Call<'a>,
    transaction: sqlx::Transaction<'static, Postgres>,
}

impl Transaction<'_> {
    /// Runs a statement. Returns how many rows it affected.
    pub(super) async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let result = statement.execute(&mut *self.transaction).await;
        Ok(result.map_err(self.call.failed())?.rows_affected())
    }

    /// All rows of a statement.
    pub(super) async fn fetch_all(
        &mut self,
        statement: Statement<'_>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let rows = statement.fetch_all(&mut *self.transaction).await;
        rows.map_err(self.call.failed())
    }

    /// The row of a statement that cannot be without one.
    pub(super) async fn fetch_one(
        &mut self,
        statement: Statement<'_>,
    ) -> Result<PgRow, StoreError> {
        let row = statement.fetch_one(&mut *self.transaction).await;
        row.map_err(self.call.failed())
    }

    /// Makes it last.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let committed = self.transaction.commit().await;
        committed.map_err(self.call.failed())
    }

    /// The failure of a call about a row that is not there.
    pub(super) fn no_row(&self) -> StoreError {
        self.call.failed()(sqlx::Error::RowNotFound)
    }
}
