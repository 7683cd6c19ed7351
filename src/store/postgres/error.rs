//! What PostgreSQL's failures mean to a caller.

use crate::store::StoreError;

/// Classes of SQLSTATE: the first two characters.
const CONNECTION_EXCEPTION: &str = "08";
const INSUFFICIENT_RESOURCES: &str = "53";
const OPERATOR_INTERVENTION: &str = "57";
const TRANSACTION_ROLLBACK: &str = "40";
const LOCK_NOT_AVAILABLE: &str = "55P03";
const IDLE_IN_TRANSACTION: &str = "25P03";
const DISK_FULL: &str = "53100";
const QUERY_CANCELED: &str = "57014";

/// What a row does to a statement that is right: data, constraints, and limits such as that of an index entry.
const FAULTS_OF_ROWS: [&str; 3] = ["22", "23", "54"];

/// PgBouncer's own refusals, e.g. that the server is away.
const PGBOUNCER: &str = "08P01";

/// Classifies a failure of one operation, for `map_err`.
pub(super) fn during(operation: &'static str) -> impl Fn(sqlx::Error) -> StoreError + Copy {
    move |error| classify(operation, error)
}

/// Whether the transaction lost against another one, so that the same again may well succeed at once.
pub(super) fn is_conflict(error: &StoreError) -> bool {
    let StoreError::Unavailable { source, .. } = error else {
        return false;
    };
    let error = source.downcast_ref::<sqlx::Error>();
    let code = error
        .and_then(|error| error.as_database_error())
        .and_then(|error| error.code());
    code.is_some_and(|code| code.starts_with(TRANSACTION_ROLLBACK))
}

/// Whether a statement was given up, as by its time-out.
pub(super) fn is_cancelled(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == QUERY_CANCELED)
}

/// Classifies a failure of writing rows that come from outside, where a row may be at fault.
pub(super) fn classify_rows(operation: &'static str, error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|error| error.code());
    let is_fault_of = |class: &str| code.as_deref().is_some_and(|code| code.starts_with(class));
    if FAULTS_OF_ROWS.into_iter().any(is_fault_of) {
        let source = Box::new(error);
        return StoreError::Refused { operation, source };
    }
    classify(operation, error)
}

/// A failure to open.
pub(super) fn opening(
    url: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Open {
        path: url.into(),
        source: source.into(),
    }
}

/// Classifies a failure of one operation.
pub(super) fn classify(operation: &'static str, error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|error| error.code());
    let code = code.as_deref().unwrap_or_default();
    let is_away = matches!(
        error,
        sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed
    );
    let is_passing = [
        CONNECTION_EXCEPTION,
        INSUFFICIENT_RESOURCES,
        OPERATOR_INTERVENTION,
        TRANSACTION_ROLLBACK,
    ]
    .iter()
    .any(|class| code.starts_with(class));
    if matches!(error, sqlx::Error::PoolClosed) {
        return StoreError::Closed;
    }
    let is_full = code == DISK_FULL;
    let is_passing =
        is_passing || [LOCK_NOT_AVAILABLE, IDLE_IN_TRANSACTION, PGBOUNCER].contains(&code);
    let source = Box::new(error);
    if is_full {
        StoreError::Full { operation, source }
    } else if is_away || is_passing {
        StoreError::Unavailable { operation, source }
    } else {
        StoreError::Failed { operation, source }
    }
}
