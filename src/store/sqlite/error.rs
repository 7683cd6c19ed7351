//! What SQLite's failures mean to a caller.

use std::path::Path;

use crate::store::StoreError;

// Primary result codes of SQLite: the low byte of the extended code that sqlx reports.
const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_NOTADB: i32 = 26;

/// Extended code of growing the shared-memory index of the write-ahead log; only a full disk does it.
const SQLITE_IOERR_SHMSIZE: i32 = 4874;

/// Classifies a failure of one operation, for `map_err`.
pub(super) fn during(operation: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| classify(operation, error)
}

/// A failure to open.
pub(super) fn opening(
    path: &Path,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Open {
        path: path.to_owned(),
        source: source.into(),
    }
}

fn classify(operation: &'static str, error: sqlx::Error) -> StoreError {
    let source = |error: sqlx::Error| Box::new(error);
    let code = result_code(&error);
    match (&error, code.map(|code| code & 0xff)) {
        (sqlx::Error::PoolClosed, _) => StoreError::Closed,
        (sqlx::Error::PoolTimedOut, _) | (_, Some(SQLITE_BUSY | SQLITE_LOCKED)) => {
            StoreError::Unavailable {
                operation,
                source: source(error),
            }
        }
        (_, Some(SQLITE_CORRUPT | SQLITE_NOTADB)) => StoreError::Damaged {
            what: format!("database file met by {operation}"),
        },
        (_, Some(SQLITE_FULL)) => StoreError::Full {
            operation,
            source: source(error),
        },
        _ if code == Some(SQLITE_IOERR_SHMSIZE) => StoreError::Full {
            operation,
            source: source(error),
        },
        _ => StoreError::Failed {
            operation,
            source: source(error),
        },
    }
}

fn result_code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    code.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Executor, SqliteConnection};

    use super::*;

    async fn connect(path: &Path) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(path);
        let options = options.create_if_missing(true).busy_timeout(Duration::ZERO);
        options.connect().await.unwrap()
    }

    #[tokio::test]
    async fn a_full_disk_is_full() {
        let directory = tempfile::tempdir().unwrap();
        let mut connection = connect(&directory.path().join("db")).await;
        connection
            .execute("PRAGMA max_page_count = 1")
            .await
            .unwrap();
        let error = connection.execute("CREATE TABLE t (a)").await.unwrap_err();
        let error = classify("promote", error);
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_lock_is_worth_another_try() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let (mut a, mut b) = (connect(&path).await, connect(&path).await);
        a.execute("BEGIN IMMEDIATE").await.unwrap();
        let error = b.execute("BEGIN IMMEDIATE").await.unwrap_err();
        let error = classify("promote", error);
        assert!(error.is_transient(), "{error:?}");
    }

    #[test]
    fn a_pool_that_is_busy_or_closed_is_told_apart() {
        let busy = classify("promote", sqlx::Error::PoolTimedOut);
        assert!(busy.is_transient());
        let closed = classify("promote", sqlx::Error::PoolClosed);
        assert!(matches!(closed, StoreError::Closed));
    }
}
