//! The PostgreSQL assembly: everything in one database, for analysts and for several machines.
//!
//! Calls go through a pool that may lead to PgBouncer in transaction mode, so every statement is part of
//! a transaction, and nothing here relies on a session: no named prepared statement, no session lock, no
//! `LISTEN`. What needs a session (migrations, long refreshes, wake-ups) goes over the direct
//! connections of `store.listen_url`.
//! Every statement is a file of `sql/postgres`; a trait is implemented in the file of its name.

mod aliases;
mod batch;
mod call;
mod candidates;
mod connection;
mod coverage;
mod error;
mod events;
mod evidence;
mod feed;
mod figures;
mod history;
mod leases;
mod locks;
mod metadata;
mod migrations;
mod objects;
mod publications;
mod quarantine;
mod relays;
mod replica;
mod roles;
mod row;
mod state;
mod statistics;
mod traffic;
mod views;

use std::fmt;
use std::time::Duration;

use nips::{Kind, RelayUrl};
use sqlx::{PgPool, Row};

use self::connection::{Pool, statement};
use self::error::{during, opening};
use self::events::{PostgresKeys, PostgresRules};
pub use self::feed::Feed;
pub use self::replica::PostgresReplica;
pub use self::roles::ROLES;
use crate::metrics::StoreMetrics;
use crate::store::StoreError;

const ARCHIVE_ID: &str = include_str!("../../../sql/postgres/queries/archive_id.sql");

/// How long a call waits for a connection unless told otherwise. Batches take milliseconds, so one that
/// waited this long meets a server that is away.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// How to reach the database, and how events are kept in it.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user@host:port/database`, perhaps of a pooler; without the password.
    pub url: String,
    /// The same database without a pooler in between; [`PostgresOptions::url`] when there is none.
    pub direct_url: Option<String>,
    /// The password of both, if the server asks for one.
    pub password: Option<String>,
    /// Connections of this process through [`PostgresOptions::url`].
    pub max_connections: u32,
    /// How long a call waits for a connection, and opening for a server that is just starting.
    pub acquire_timeout: Duration,
    /// Whether opening brings the schema up to date; otherwise an older schema is refused.
    pub is_migrating: bool,
    /// Kinds kept whole in lightweight mode; `None` keeps every kind whole.
    pub whole_kinds: Option<Vec<Kind>>,
    /// URLs of our own relay, for requests to vanish from it (NIP-62).
    pub own_relay_urls: Vec<RelayUrl>,
    /// What calls are counted with.
    pub metrics: StoreMetrics,
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("url", &self.url)
            .field("direct_url", &self.direct_url)
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

/// The archive in a PostgreSQL database. Clones share the connections.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: Pool,
    direct: PgPool,
    /// Whether [`PostgresStore::direct`] surely leads to the server itself.
    is_direct_known: bool,
    metrics: StoreMetrics,
    rules: PostgresRules,
}

impl PostgresStore {
    /// Connects, and brings the schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the database cannot be reached, when a newer version has written it,
    /// or when it is out of date and [`PostgresOptions::is_migrating`] is off.
    pub async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        let url = options.url.clone();
        let failed = |error: connection::ConnectError| opening(&url, error);
        let direct = connection::direct(&options).await.map_err(failed)?;
        migrations::prepare(&direct, options.is_migrating)
            .await
            .map_err(|error| opening(&url, error))?;
        let pool = Pool::open(&options).await.map_err(failed)?;
        let is_direct_known = options.direct_url.is_some();
        let rules = PostgresRules::new(PostgresKeys, options.whole_kinds, options.own_relay_urls);
        let store = Self {
            pool,
            direct,
            is_direct_known,
            metrics: options.metrics,
            rules,
        };
        store.prepare_events().await?;
        Ok(store)
    }

    /// What tells this database from every other, e.g. `7498152034412386817-16391`.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    pub async fn archive_id(&self) -> Result<String, StoreError> {
        // In a transaction: without a URL past the pooler, direct connections lead to the pooler, too.
        let call = self.call("archive_id");
        let mut tx = call.begin().await?;
        let row = tx.fetch_one(statement(ARCHIVE_ID)).await?;
        tx.commit().await?;
        row.try_get(0).map_err(during("archive_id"))
    }

    /// Closes all connections once they are idle. Later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        self.pool.close().await;
        self.direct.close().await;
    }
}
