//! The throw-away server of `make test-servers`, and a database of its own for the bench.

use std::fs;
use std::path::Path;

use bigbrotr::metrics::Metrics;
use bigbrotr::store::postgres::{ACQUIRE_TIMEOUT, PostgresOptions, PostgresStore};
use nips::Kind;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

/// Of the servers that `tests/servers.sh` starts, and no others.
const PASSWORD: &str = "test-only";
const DATABASE: &str = "bench";

/// In which Linux counts the time of processes that ended.
const TICK_US: f64 = 10_000.0;

/// The server, and its first process.
pub(crate) struct Server {
    direct: String,
    pooler: String,
    postmaster: u32,
}

impl Server {
    /// Finds it.
    pub(crate) fn find() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-servers");
        let read = |name: &str| {
            let text = fs::read_to_string(folder.join(name));
            text.expect("`make test-servers` was run").trim().to_owned()
        };
        let run = read("run");
        let pid = fs::read_to_string(format!("{run}/data/postmaster.pid")).expect("it runs");
        let pid = pid.lines().next().and_then(|line| line.parse().ok());
        Self {
            direct: read("url"),
            pooler: read("pooler_url"),
            postmaster: pid.expect("the first line is a number"),
        }
    }

    /// A new database in place of the last one.
    pub(crate) async fn make_database(&self) {
        self.drop_database().await;
        let create = format!("CREATE DATABASE {DATABASE}");
        self.administrate(&self.direct, &create).await;
    }

    /// E.g. `PostgreSQL 15.20`.
    pub(crate) async fn version(&self) -> String {
        let mut connection = connect(&self.direct).await;
        let row = connection.fetch_one("SHOW server_version").await;
        let version: String = row.expect("it is SQL").get(0);
        let number = version.split(' ').next().unwrap_or_default();
        format!("PostgreSQL {number}")
    }

    /// A connection to the database, without a pooler.
    pub(crate) async fn connect_to_database(&self) -> PgConnection {
        connect(&database(&self.direct)).await
    }

    /// The store in the database, behind the pooler; which kinds it keeps whole, or all.
    pub(crate) async fn store(&self, whole_kinds: Option<Vec<Kind>>) -> PostgresStore {
        let url = |url: &str| database(url).replacen(&format!(":{PASSWORD}@"), "@", 1);
        let options = PostgresOptions {
            url: url(&self.pooler),
            direct_url: Some(url(&self.direct)),
            password: Some(PASSWORD.to_owned()),
            max_connections: 4,
            acquire_timeout: ACQUIRE_TIMEOUT,
            is_migrating: true,
            whole_kinds,
            own_relay_urls: Vec::new(),
            metrics: Metrics::new().store,
        };
        let store = PostgresStore::open(options).await;
        store.expect("the server takes us in")
    }

    pub(crate) async fn drop_database(&self) {
        let drop = format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)");
        self.administrate(&self.direct, &drop).await;
    }

    /// CPU time of all processes of the server, those that ended included, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        let stat = |path: &Path| fs::read_to_string(path.join("stat")).ok();
        let field = |stat: &str, number: usize| -> Option<f64> {
            let (_, fields) = stat.rsplit_once(") ")?;
            fields.split(' ').nth(number - 3)?.parse().ok()
        };
        let postmaster = stat(&Path::new("/proc").join(self.postmaster.to_string()));
        let postmaster = postmaster.expect("the server runs");
        let ticks_of_ended = field(&postmaster, 16).zip(field(&postmaster, 17));
        let ended = ticks_of_ended.map_or(0.0, |(user, system)| (user + system) * TICK_US);
        let processes = fs::read_dir("/proc").expect("this is Linux").flatten();
        let running = processes.filter_map(|process| {
            let parent = field(&stat(&process.path())?, 4)?;
            let time = fs::read_to_string(process.path().join("schedstat")).ok()?;
            let nanoseconds: f64 = time.split(' ').next()?.parse().ok()?;
            (parent == f64::from(self.postmaster)).then_some(nanoseconds / 1_000.0)
        });
        ended + running.sum::<f64>()
    }

    /// Does what autovacuum does.
    pub(crate) async fn tidy(&self) {
        self.administrate(&database(&self.direct), "VACUUM ANALYZE")
            .await;
    }

    /// Writes tables and indexes anew, without gaps.
    pub(crate) async fn repack(&self) {
        self.administrate(&database(&self.direct), "VACUUM FULL")
            .await;
    }

    /// Bytes a row of everything that is kept for each event, for each sighting and for a while.
    pub(crate) async fn report_sizes(&self, title: &str) {
        println!(
            "{:<44} {:>12} {:>10}",
            format!("bytes a row, {title}"),
            "rows",
            "bytes"
        );
        let mut connection = self.connect_to_database().await;
        let sizes = include_str!("sizes.sql");
        let rows = connection.fetch_all(sizes).await.expect("it is SQL");
        for row in rows {
            let (name, rows, bytes): (String, i64, i64) = (row.get(0), row.get(1), row.get(2));
            println!(
                "{name:<44} {rows:>12} {:>10.1}",
                bytes as f64 / rows.max(1) as f64
            );
        }
    }

    async fn administrate(&self, url: &str, statement: &str) {
        let mut connection = connect(url).await;
        let statement = AssertSqlSafe(statement.to_owned());
        connection.execute(statement).await.expect("it is SQL");
    }
}

async fn connect(url: &str) -> PgConnection {
    let connected = PgConnection::connect(url).await;
    connected.expect("the server takes us in")
}

/// The URL of the bench's database.
fn database(url: &str) -> String {
    let (server, _) = url.rsplit_once('/').expect("it names a database");
    format!("{server}/{DATABASE}")
}
