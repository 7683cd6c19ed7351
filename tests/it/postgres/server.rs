//! The servers that the test command started, and a database of its own for each test.

use std::path::PathBuf;

use bigbrotr::metrics::Metrics;
use bigbrotr::store::postgres::{ACQUIRE_TIMEOUT, PostgresOptions, PostgresStore};
use sqlx::{Connection, Executor, PgConnection};

/// Of the servers that `tests/servers.sh` starts, and no others.
const PASSWORD: &str = "test-only";

/// A database that exists as long as this.
pub(crate) struct Database {
    name: String,
    direct: String,
    pooler: String,
}

impl Database {
    /// A new, empty database.
    pub(crate) async fn create() -> Self {
        let name = format!("test_{:032x}", rand::random::<u128>());
        let database = Self {
            direct: address("url", &name),
            pooler: address("pooler_url", &name),
            name,
        };
        let create = format!("CREATE DATABASE {}", database.name);
        administrate(&create).await;
        database
    }

    /// How the program reaches it as its owner, through PgBouncer.
    pub(crate) fn options(&self) -> PostgresOptions {
        PostgresOptions {
            url: self.pooler.clone(),
            direct_url: Some(self.direct.clone()),
            password: Some(PASSWORD.to_owned()),
            max_connections: 4,
            acquire_timeout: ACQUIRE_TIMEOUT,
            is_migrating: true,
            whole_kinds: None,
            own_relay_urls: Vec::new(),
            metrics: Metrics::new().store,
        }
    }

    /// The store in it, with the schema of today.
    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::open(self.options()).await.unwrap()
    }

    /// A connection of its owner, without a pooler.
    pub(crate) async fn connect(&self) -> PgConnection {
        let url = self
            .direct
            .replacen("admin@", &format!("admin:{PASSWORD}@"), 1);
        PgConnection::connect(&url).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A runtime may be running on this thread, and it cannot wait here.
        let dropping = std::thread::Builder::new().spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(administrate(&drop));
        });
        let _ = dropping.unwrap().join();
    }
}

async fn administrate(statement: &str) {
    let url = address("url", "postgres").replacen("admin@", &format!("admin:{PASSWORD}@"), 1);
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection
        .execute(sqlx::AssertSqlSafe(statement.to_owned()))
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// The URL of a database on one of the servers, without the password.
fn address(server: &str, database: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/test-servers");
    let file = folder.join(server);
    let url = std::fs::read_to_string(&file).unwrap_or_else(|error| {
        panic!(
            "these tests need PostgreSQL and PgBouncer: start them with `make test-servers`, or run \
             everything with `make test` ({}: {error})",
            file.display()
        )
    });
    let url = url.trim().replacen(&format!(":{PASSWORD}@"), "@", 1);
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{database}")
}
