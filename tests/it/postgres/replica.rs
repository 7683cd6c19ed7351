//! A relay's index reads what it lacks from a streaming replica, and loses nothing that the replica lacks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bigbrotr::clock::MockClock;
use bigbrotr::metrics::Metrics;
use bigbrotr::store::events::{BatchNumber, Scope};
use bigbrotr::store::postgres::{PostgresOptions, PostgresReplica, PostgresStore};
use bigbrotr::store::serving::{Replica, ServingIndex, ServingOptions};
use bigbrotr::store::{EventStore, StoreError};
use sqlx::PgConnection;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::server::{Database, PASSWORD, count, execute, text};
use super::servers::Servers;
use crate::cli::operator::Operator;
use crate::contract::events::{NOW, ask, event, write};
use crate::program::Program;

const DEADLINE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A database, and who counts what is asked of it.
struct Primary {
    store: Arc<PostgresStore>,
    metrics: Metrics,
    id: String,
}

impl Primary {
    async fn open(database: &Database) -> Self {
        let metrics = Metrics::new();
        let options = PostgresOptions {
            metrics: metrics.store.clone(),
            ..database.options()
        };
        let store = PostgresStore::open(options).await.unwrap();
        Self {
            id: store.archive_id().await.unwrap(),
            store: Arc::new(store),
            metrics,
        }
    }

    /// Stores an event that was made in a second.
    async fn write(&self, second: u64) {
        write(&*self.store, &[event(1, 1, second, &[])]).await;
    }

    /// Feeds an index, until it has everything.
    async fn feed(&self, directory: &Path, replica: Arc<dyn Replica>) -> ServingIndex {
        let options = ServingOptions {
            path: directory.to_owned(),
            archive_id: self.id.clone(),
            own_relay_urls: Vec::new(),
            replica: Some(replica),
        };
        let clock = Arc::new(MockClock::at(NOW));
        let index = ServingIndex::open(self.store.clone(), clock, options).await;
        let index = index.unwrap();
        let (newest, _) = self.store.arrival_bounds().await.unwrap();
        let (arrived, applied, soft) = (Notify::new(), Notify::new(), CancellationToken::new());
        let watching = async {
            while !index.progress().is_serving || index.progress().batch < newest {
                applied.notified().await;
            }
            soft.cancel();
        };
        let fed = async { tokio::join!(index.follow(&arrived, &applied, &soft), watching) };
        timeout(DEADLINE, fed).await.expect("it catches up");
        index
    }

    async fn assert_same(&self, index: &ServingIndex) {
        let expected = ask(&*self.store, &["{}"], Scope::public(NOW)).await;
        let found = ask(index, &["{}"], Scope::public(NOW)).await;
        assert_eq!(found.events, expected.events);
    }
}

/// How often something was asked of a database.
fn asked(metrics: &Metrics, operation: &str) -> u64 {
    let line = format!("bigbrotr_query_duration_seconds_count{{operation=\"{operation}\"}} ");
    let text = metrics.exposition();
    let count = text.lines().find_map(|text| text.strip_prefix(&line));
    count.map_or(0, |count| count.parse().unwrap())
}

/// A replica, and who counts what is asked of it.
fn replica_of(primary: &Primary, options: PostgresOptions) -> (Arc<PostgresReplica>, Metrics) {
    let metrics = Metrics::new();
    let options = PostgresOptions {
        metrics: metrics.store.clone(),
        ..options
    };
    let replica = PostgresReplica::of(primary.id.clone(), options).unwrap();
    (Arc::new(replica), metrics)
}

async fn has_replayed(replica: &PostgresReplica, batch: u64) {
    let replayed = async {
        while replica.newest_batch().await.unwrap() < BatchNumber(batch) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    timeout(DEADLINE, replayed).await.expect("it replays");
}

/// From now on the replica holds what it holds.
async fn pause(connection: &mut PgConnection) {
    execute(connection, "SELECT pg_wal_replay_pause()").await;
    let state = "SELECT pg_get_wal_replay_pause_state()";
    while text(connection, state).await.as_deref() != Some("paused") {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn what_a_replica_has_is_read_there_and_the_rest_on_the_primary() {
    let servers = Servers::start();
    let database = servers.database().await;
    let primary = Primary::open(&database).await;
    for second in [10, 20, 30] {
        primary.write(second).await;
    }
    servers.replicate();
    let (replica, of_replica) = replica_of(&primary, database.replica_options());
    has_replayed(&replica, 3).await;
    let mut administrator = database.connect_to_replica().await;
    pause(&mut administrator).await;
    // Older and younger than what a load from the replica passes.
    for second in [5, 25, 40] {
        primary.write(second).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let index = primary.feed(directory.path(), replica.clone()).await;
    primary.assert_same(&index).await;
    assert_eq!(index.progress().loaded, 3);
    drop(index);
    assert_eq!(asked(&of_replica, "scan"), 1);
    assert_eq!(asked(&primary.metrics, "scan"), 0);
    assert_eq!(asked(&of_replica, "arrivals_after"), 0);
    assert!(asked(&primary.metrics, "arrivals_after") > 0);

    // An index that goes on where it was reads the log from there on.
    for second in [6, 26, 41] {
        primary.write(second).await;
    }
    execute(&mut administrator, "SELECT pg_wal_replay_resume()").await;
    has_replayed(&replica, 9).await;
    let index = primary.feed(directory.path(), replica).await;
    primary.assert_same(&index).await;
    assert_eq!(asked(&of_replica, "scan"), 1);
    assert_eq!(asked(&of_replica, "arrivals_after"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_reads_the_replica_that_its_settings_name() {
    let servers = Servers::start();
    let database = servers.database().await;
    Primary::open(&database).await.write(10).await;
    servers.replicate();
    let operator = Operator::offline();
    let writer = database.options_as("writer");
    operator.write_brotr(&format!(
        "store: {{url: '{}', listen_url: '{}', replica_url: '{}', migrate: false}}\n",
        writer.url,
        writer.direct_url.unwrap(),
        database.replica_url()
    ));
    let mut command = operator.command(&["relay"]);
    command.env("DB_WRITER_PASSWORD", PASSWORD);
    let mut relay = Program::spawn(command);
    relay.wait_for("the serving index", |said| {
        said.contains("serving_index_ready").then_some(())
    });
    // As the user of `store.url`, whomever the other URL names.
    let connected = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'bigbrotr' AND usename = 'writer'";
    let mut administrator = database.connect_to_replica().await;
    assert_eq!(count(&mut administrator, connected).await, 1);
    assert!(relay.stop().success());
}

#[tokio::test]
async fn a_replica_of_no_use_costs_nothing_but_a_warning() {
    let servers = Servers::start();
    let (database, other) = (servers.database().await, servers.database().await);
    let primary = Primary::open(&database).await;
    primary.write(10).await;
    servers.replicate();
    let nobody = PostgresOptions {
        url: "postgres://admin@127.0.0.1:1/nowhere".to_owned(),
        ..database.options()
    };
    let itself = PostgresOptions {
        url: database.options().direct_url.unwrap(),
        ..database.options()
    };
    for (options, is_away) in [
        (nobody, true),
        (itself, false),
        (other.replica_options(), false),
    ] {
        let url = options.url.clone();
        let (replica, of_replica) = replica_of(&primary, options);
        let failure = replica.newest_batch().await.unwrap_err();
        let is_expected = match failure {
            StoreError::Unavailable { .. } => is_away,
            StoreError::Failed { .. } => !is_away,
            _ => false,
        };
        assert!(is_expected, "{url}: {failure:?}");
        let directory = tempfile::tempdir().unwrap();
        let index = primary.feed(directory.path(), replica).await;
        primary.assert_same(&index).await;
        assert_eq!(asked(&of_replica, "scan"), 0, "{url}");
        // Once by itself, and once by the index.
        assert_eq!(asked(&of_replica, "replica_standing"), 2, "{url}");
    }
}
