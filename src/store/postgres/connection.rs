//! Connections: a pool that may lead to a pooler, and a few that lead to the server itself.
//!
//! A pooler in transaction mode gives a session to one client until its transaction ends. sqlx sends a
//! statement in two steps, text first and values second, and below 1.21 PgBouncer does not remember the
//! text: outside of a transaction the values may meet another session, and there the text of another
//! client, whose answer is then ours. So a [`Pool`] hands out transactions and nothing else.

use std::str::FromStr;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions};
use sqlx::query::Query;
use sqlx::{ConnectOptions, PgPool, Postgres, SqlSafeStr, Transaction};

use super::PostgresOptions;
use crate::metrics::StoreMetrics;
use crate::store::statistics::PoolUsage;

/// Direct connections: migrations, a refresh, a listener, a long scan.
const DIRECT_CONNECTIONS: u32 = 4;

/// The names of the pools in metrics.
const POOLED: &str = "pooled";
const DIRECT: &str = "direct";

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

/// A statement that leaves nothing behind in a session, which belongs to others afterwards.
pub(super) fn statement<'q>(sql: &'static str) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(sql).persistent(false)
}

/// Connections of which one is to be had for the time of a transaction.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    connections: PgPool,
    metrics: StoreMetrics,
}

impl Pool {
    /// The pool for ordinary calls.
    pub(super) async fn open(options: &PostgresOptions) -> Result<Self, ConnectError> {
        let max_connections = options.max_connections.max(1);
        Ok(Self {
            connections: open(options, &options.url, max_connections).await?,
            metrics: options.metrics.clone(),
        })
    }

    /// One that connects when it is first asked for a connection.
    pub(super) fn lazy(options: &PostgresOptions) -> Result<Self, ConnectError> {
        let (pool, connect) = settings(options, &options.url, options.max_connections)?;
        Ok(Self {
            connections: pool.connect_lazy_with(connect),
            metrics: options.metrics.clone(),
        })
    }

    /// Its connections themselves, for what needs no transaction.
    pub(super) fn connections(&self) -> PgPool {
        self.connections.clone()
    }

    /// Begins a transaction once a connection is free; dropped without commit, it changes nothing.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        self.begin_with("BEGIN").await
    }

    /// Begins a transaction in a way of its own.
    pub(super) async fn begin_with(
        &self,
        statement: impl SqlSafeStr,
    ) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let waiting = self.metrics.wait(POOLED);
        let acquired = self.connections.acquire().await;
        drop(waiting);
        Transaction::begin(acquired?, Some(statement.into_sql_str())).await
    }

    /// How busy it is.
    pub(super) fn usage(&self) -> PoolUsage {
        usage(POOLED, &self.connections)
    }

    /// Closes it once its connections are idle.
    pub(super) async fn close(&self) {
        self.connections.close().await;
    }
}

/// The pool that bypasses a pooler.
pub(super) async fn direct(options: &PostgresOptions) -> Result<PgPool, ConnectError> {
    let url = options.direct_url.as_ref().unwrap_or(&options.url);
    open(options, url, DIRECT_CONNECTIONS).await
}

/// How busy the direct connections are.
pub(super) fn direct_usage(direct: &PgPool) -> PoolUsage {
    usage(DIRECT, direct)
}

fn usage(pool: &'static str, connections: &PgPool) -> PoolUsage {
    let idle = u32::try_from(connections.num_idle()).unwrap_or(u32::MAX);
    PoolUsage {
        pool,
        in_use: connections.size().saturating_sub(idle),
        idle,
        max: connections.options().get_max_connections(),
    }
}

async fn open(
    options: &PostgresOptions,
    url: &str,
    connections: u32,
) -> Result<PgPool, ConnectError> {
    let (pool, connect) = settings(options, url, connections)?;
    match pool.connect_with(connect.clone()).await {
        Ok(pool) => Ok(pool),
        Err(error) => Err(ConnectError::Connect(reason(error, &connect).await)),
    }
}

fn settings(
    options: &PostgresOptions,
    url: &str,
    connections: u32,
) -> Result<(PgPoolOptions, PgConnectOptions), ConnectError> {
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
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false);
    Ok((pool, connect))
}

/// Why there is no connection: a pool that was refused until its patience ended does not say.
async fn reason(error: sqlx::Error, connect: &PgConnectOptions) -> sqlx::Error {
    match error {
        sqlx::Error::PoolTimedOut => connect.connect().await.err().unwrap_or(error),
        _ => error,
    }
}
