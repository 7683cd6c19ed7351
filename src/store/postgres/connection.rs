//! Connections: a pool that may lead to a pooler, and a few that lead to the server itself.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions};
use sqlx::query::Query;
use sqlx::{ConnectOptions, PgPool, Postgres};

use super::PostgresOptions;

/// How long a call waits for a connection. Batches take milliseconds, so one that waited this long
/// meets a server that is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// Direct connections: migrations, a refresh, a listener, a long scan.
const DIRECT_CONNECTIONS: u32 = 4;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    /// The URL is none.
    #[error("its URL cannot be read")]
    Url(#[source] sqlx::Error),
    /// Nobody answered, or the answer was no.
    #[error("the database does not let us in")]
    Connect(#[source] sqlx::Error),
}

/// A statement that leaves nothing behind in a session: PgBouncer below 1.21 gives the next statement to
/// another session, which would not know its name.
pub(super) fn statement(sql: &'static str) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(sql).persistent(false)
}

/// The pool for ordinary calls.
pub(super) async fn pooled(options: &PostgresOptions) -> Result<PgPool, ConnectError> {
    open(options, &options.url, options.max_connections.max(1)).await
}

/// The pool that bypasses a pooler.
pub(super) async fn direct(options: &PostgresOptions) -> Result<PgPool, ConnectError> {
    let url = options.direct_url.as_ref().unwrap_or(&options.url);
    open(options, url, DIRECT_CONNECTIONS).await
}

async fn open(
    options: &PostgresOptions,
    url: &str,
    connections: u32,
) -> Result<PgPool, ConnectError> {
    let mut connect = PgConnectOptions::from_str(url)
        .map_err(ConnectError::Url)?
        .application_name("bigbrotr")
        // A start-up parameter that poolers refuse.
        .extra_float_digits(None)
        .statement_cache_capacity(0)
        .disable_statement_logging();
    if let Some(password) = &options.password {
        connect = connect.password(password);
    }
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(connect)
        .await
        .map_err(ConnectError::Connect)
}
