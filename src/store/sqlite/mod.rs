//! The relational side of the embedded store: one SQLite file.
//!
//! One connection writes, in immediate transactions with `synchronous=FULL`, so that what a call
//! acknowledged survives a crash; a few others read beside it (WAL). Every statement is a file of
//! `sql/sqlite/queries`, and `sql/README.md` names the index behind each. A trait is implemented in
//! the file of its name.

mod aliases;
mod backup;
mod batch;
mod candidates;
mod coverage;
mod error;
mod evidence;
mod figures;
mod history;
mod leases;
mod metadata;
mod migrations;
mod publications;
mod quarantine;
mod relays;
mod row;
mod state;
mod statistics;
mod traffic;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nips::RelayUrl;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Sqlite, SqlitePool, Transaction};

use crate::model::RelayId;
use crate::store::StoreError;
use crate::store::leases::Work;
use crate::store::sqlite::error::{during, opening};
use crate::store::sqlite::leases::Leases;

/// How long a call waits for its turn on the writing connection. Batches take milliseconds, so one
/// that waited this long meets a disk that hangs.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long SQLite waits for a lock that something else holds: a backup, or an operator's shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Page cache of a connection in KiB, as the pragma's negative number: the whole hot set of 100,000
/// candidates' index is smaller, and five connections stay under 25 MiB.
const CACHE_SIZE_KIB: &str = "-4096";

/// The write-ahead log is cut back to this after a checkpoint; without it, it keeps its highest size.
const JOURNAL_SIZE_LIMIT_BYTES: &str = "67108864";

/// What can be chosen about the SQLite file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Connections that read, at least one.
    pub readers: u32,
    /// Whether opening brings the schema up to date; otherwise an older schema is refused.
    pub is_migrating: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            readers: 4,
            is_migrating: true,
        }
    }
}

/// Something that keeps everything relational in a [`SqliteStore`], and so implements the relational
/// traits: the assembly of several engines, without forwarding forty methods.
pub trait SqliteBacked: Send + Sync {
    /// The SQLite file.
    fn sqlite(&self) -> &SqliteStore;
}

/// Candidates, relays, documents, coverage, state and statistics in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    leases: Arc<Leases<(RelayId, Work)>>,
    sending: Arc<Leases<(RelayUrl, String)>>,
}

impl SqliteBacked for SqliteStore {
    fn sqlite(&self) -> &SqliteStore {
        self
    }
}

impl SqliteStore {
    /// Opens the file, creating it when it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Open`] when the file cannot be opened, when a newer version has written it, or
    /// when it is out of date and [`SqliteOptions::is_migrating`] is off.
    pub async fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        let connect = connect_options(path);
        let writer = pool_options(1)
            .connect_with(connect.clone())
            .await
            .map_err(|error| opening(path, error))?;
        migrations::prepare(&writer, options.is_migrating)
            .await
            .map_err(|error| opening(path, error))?;
        let readers = pool_options(options.readers.max(1))
            .connect_with(connect.pragma("query_only", "on"))
            .await
            .map_err(|error| opening(path, error))?;
        Ok(Self {
            writer,
            readers,
            leases: Arc::default(),
            sending: Arc::default(),
        })
    }

    /// Waits for running calls, folds the write-ahead log into the file and closes it. Later calls
    /// fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a transaction that holds the write lock from its first moment, so that it never has to
    /// be given up half-way; dropped without commit, it changes nothing.
    async fn begin(
        &self,
        operation: &'static str,
    ) -> Result<Transaction<'static, Sqlite>, StoreError> {
        let begun = self.writer.begin_with("BEGIN IMMEDIATE").await;
        begun.map_err(during(operation))
    }
}

fn connect_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("cache_size", CACHE_SIZE_KIB)
        .pragma("journal_size_limit", JOURNAL_SIZE_LIMIT_BYTES)
        .pragma("temp_store", "memory")
        .disable_statement_logging()
}

fn pool_options(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}
