//! The servers that the test command started, and a database of its own for each test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use bigbrotr::metrics::Metrics;
use bigbrotr::store::postgres::{ACQUIRE_TIMEOUT, PostgresOptions, PostgresStore, ROLES};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, ValueRef};

use crate::sql_files::{Engine, files, root};

/// Of the servers that `tests/servers.sh` starts, and no others. Every role has it.
pub(crate) const PASSWORD: &str = "test-only";

/// How long the end of a database is waited for: many times what it takes when nothing is in its way.
const DROP_PATIENCE: Duration = Duration::from_secs(1);

/// Of the lock that is held while the template is looked for and made.
const TEMPLATE_LOCK: &str = "SELECT pg_advisory_lock(7261940118)";

/// A database that exists as long as this.
pub(crate) struct Database {
    name: String,
    direct: String,
    pooler: String,
    /// Where its servers say how to reach them.
    folder: PathBuf,
}

impl Database {
    /// A new database with the schema of today: a copy of one that is migrated once for each state of
    /// the SQL.
    pub(crate) async fn create() -> Self {
        Self::create_in(&shared_servers()).await
    }

    /// The same on the servers that a folder tells of.
    pub(crate) async fn create_in(folder: &Path) -> Self {
        let template = template(folder).await;
        Self::create_from(folder, &format!("TEMPLATE {template}")).await
    }

    /// A new, empty database.
    pub(crate) async fn empty() -> Self {
        Self::create_from(&shared_servers(), "").await
    }

    async fn create_from(folder: &Path, source: &str) -> Self {
        let name = format!("test_{:032x}", rand::random::<u128>());
        administrate_in(folder, &format!("CREATE DATABASE {name} {source}")).await;
        Self {
            direct: address(folder, "url", &name),
            pooler: address(folder, "pooler_url", &name),
            folder: folder.to_owned(),
            name,
        }
    }

    /// How the program reaches it as its owner, through PgBouncer.
    pub(crate) fn options(&self) -> PostgresOptions {
        options(&self.pooler, &self.direct)
    }

    /// How the program reaches it as a role, through PgBouncer.
    pub(crate) fn options_as(&self, role: &str) -> PostgresOptions {
        let of_role = |url: &str| url.replacen("admin@", &format!("{role}@"), 1);
        options(&of_role(&self.pooler), &of_role(&self.direct))
    }

    /// How the program reaches the replica of it.
    pub(crate) fn replica_options(&self) -> PostgresOptions {
        let replica = self.replica_url();
        options(&replica, &replica)
    }

    /// The URL of the replica of it, as its owner.
    pub(crate) fn replica_url(&self) -> String {
        address(&self.folder, "replica_url", &self.name)
    }

    /// A connection of its owner to the replica.
    pub(crate) async fn connect_to_replica(&self) -> PgConnection {
        let options: PgConnectOptions = self.replica_url().parse().unwrap();
        let connected = PgConnection::connect_with(&options.password(PASSWORD)).await;
        connected.unwrap()
    }

    /// Its name on the server.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The store in it, with the schema of today.
    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::open(self.options()).await.unwrap()
    }

    /// A connection of its owner, without a pooler.
    pub(crate) async fn connect(&self) -> PgConnection {
        self.connect_as("admin", PASSWORD).await.unwrap()
    }

    /// A connection of a role, without a pooler.
    pub(crate) async fn connect_as(
        &self,
        role: &str,
        password: &str,
    ) -> Result<PgConnection, sqlx::Error> {
        let options: PgConnectOptions = self.direct.parse()?;
        PgConnection::connect_with(&options.username(role).password(password)).await
    }
}

impl Drop for Database {
    /// Sends the statement and waits for its end only so long. `DROP DATABASE` waits for every backend of
    /// the server, one that is just being let in hears of it only when its client has answered, and that
    /// client may be a task of the very runtime whose thread waits here. The server carries out what it was
    /// sent, also when nobody waits any more.
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let folder = self.folder.clone();
        let (ended, end) = mpsc::channel();
        // A runtime may be running on this thread, and it cannot wait here.
        let dropping = std::thread::Builder::new().spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(administrate_in(&folder, &drop));
            let _ = ended.send(());
        });
        dropping.unwrap();
        let _ = end.recv_timeout(DROP_PATIENCE);
    }
}

/// Runs a statement as the server's administrator.
pub(crate) async fn administrate(statement: &str) {
    administrate_in(&shared_servers(), statement).await;
}

async fn administrate_in(folder: &Path, statement: &str) {
    let mut connection = administrator(folder).await;
    execute(&mut connection, statement).await;
    connection.close().await.unwrap();
}

/// Runs statements that nobody else wrote.
pub(crate) async fn execute(connection: &mut PgConnection, statements: &str) {
    let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
    connection.execute(statements).await.unwrap();
}

/// The number that a query answers.
pub(crate) async fn count(connection: &mut PgConnection, query: &str) -> i64 {
    let number = text(connection, query).await;
    number.unwrap().parse().unwrap()
}

/// The text of what a query answers.
pub(crate) async fn text(connection: &mut PgConnection, query: &str) -> Option<String> {
    let query = sqlx::raw_sql(AssertSqlSafe(query.to_owned()));
    let row = connection.fetch_one(query).await.unwrap();
    let value = row.try_get_raw(0).unwrap();
    (!value.is_null()).then(|| value.as_str().unwrap().to_owned())
}

/// The SQLSTATE with which a statement is refused.
pub(crate) async fn refusal(connection: &mut PgConnection, statement: &str) -> String {
    let query = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    match connection.execute(query).await {
        Ok(_) => panic!("not refused: {statement}"),
        Err(error) => error
            .as_database_error()
            .unwrap()
            .code()
            .unwrap()
            .into_owned(),
    }
}

async fn administrator(folder: &Path) -> PgConnection {
    let options: PgConnectOptions = address(folder, "url", "postgres").parse().unwrap();
    let connected = PgConnection::connect_with(&options.password(PASSWORD)).await;
    connected.unwrap()
}

fn options(pooler: &str, direct: &str) -> PostgresOptions {
    PostgresOptions {
        url: pooler.to_owned(),
        direct_url: Some(direct.to_owned()),
        password: Some(PASSWORD.to_owned()),
        max_connections: 4,
        acquire_timeout: ACQUIRE_TIMEOUT,
        is_migrating: true,
        whole_kinds: None,
        own_relay_urls: Vec::new(),
        metrics: Metrics::new().store,
    }
}

/// The name of a database with the schema of today, made by whichever test comes first.
async fn template(folder: &Path) -> String {
    let name = format!("template_{}", &state_of_the_sql()[..32]);
    let mut connection = administrator(folder).await;
    execute(&mut connection, TEMPLATE_LOCK).await;
    if !is_template(&mut connection, &name).await {
        execute(&mut connection, &format!("DROP DATABASE IF EXISTS {name}")).await;
        execute(&mut connection, &format!("CREATE DATABASE {name}")).await;
        migrate(folder, &name).await;
        let finish = format!("ALTER DATABASE {name} IS_TEMPLATE true");
        execute(&mut connection, &finish).await;
    }
    connection.close().await.unwrap();
    name
}

async fn is_template(connection: &mut PgConnection, name: &str) -> bool {
    sqlx::query_scalar("SELECT count(*) = 1 FROM pg_database WHERE datname = $1 AND datistemplate")
        .bind(name)
        .fetch_one(connection)
        .await
        .unwrap()
}

/// Over direct connections only: nobody may be connected to what is copied, and a pooler lingers.
async fn migrate(folder: &Path, name: &str) {
    let url = address(folder, "url", name);
    let store = PostgresStore::open(options(&url, &url)).await.unwrap();
    for role in ROLES {
        store.set_password(role, PASSWORD).await.unwrap();
    }
    store.close().await;
}

/// A hash of everything that the schema is made of.
fn state_of_the_sql() -> String {
    let mut made_of = Vec::new();
    for folder in ["migrations", "functions", "views", "grants"] {
        made_of.extend(files(&Engine::Postgres.folder().join(folder)));
    }
    for list in ["migrations.rs", "objects.rs"] {
        made_of.push(root().join("src/store/postgres").join(list));
    }
    let mut hash = Sha256::new();
    for file in made_of {
        hash.update(fs::read(file).unwrap());
    }
    data_encoding::HEXLOWER.encode(&hash.finalize())
}

/// Where the servers that the test command started say how to reach them.
fn shared_servers() -> PathBuf {
    root().join("target/test-servers")
}

/// The URL of a database on one of the servers, without the password.
fn address(folder: &Path, server: &str, database: &str) -> String {
    let file = folder.join(server);
    let url = fs::read_to_string(&file).unwrap_or_else(|error| {
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
