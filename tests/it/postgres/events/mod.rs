//! The event side by itself: random histories, lightweight mode, several writers, hostile rows, outages.

mod conflicts;
mod feed;
mod functions;
mod hostile;
mod outages;
mod partitions;
mod plans;
mod retries;
mod views;
mod writers;

use std::time::{Duration, Instant};

use bigbrotr::store::postgres::{PostgresOptions, PostgresStore};

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Executor, Row};

use super::server::Database;
use crate::contract::events as contract;

/// Random histories to try; each has its seed in the message when it fails.
const HISTORIES: u64 = 2;

#[tokio::test]
async fn random_histories_are_seen_as_defined() {
    for seed in 0..HISTORIES {
        let database = Database::create().await;
        let store = database.store().await;
        contract::random_history_is_seen_as_defined(&store, seed).await;
    }
}

#[tokio::test]
async fn order_of_arrival_does_not_matter() {
    for seed in 0..HISTORIES {
        let (one, other) = (Database::create().await, Database::create().await);
        let (one, other) = (one.store().await, other.store().await);
        contract::order_of_arrival_does_not_matter(&one, &other, seed).await;
    }
}

#[tokio::test]
async fn known_filters_have_known_answers() {
    let database = Database::create().await;
    let store = database.store().await;
    crate::events::vectors::known_filters_are_answered(&store).await;
}

/// A fresh archive in lightweight mode.
async fn lightweight(database: &Database) -> PostgresStore {
    let options = PostgresOptions {
        whole_kinds: Some(contract::WHOLE_KINDS.to_vec()),
        ..database.options()
    };
    PostgresStore::open(options).await.unwrap()
}

#[tokio::test]
async fn other_kinds_are_known_and_never_returned() {
    let database = Database::create().await;
    let store = lightweight(&database).await;
    contract::other_kinds_are_known_and_never_returned(&store).await;
}

#[tokio::test]
async fn requests_work_on_what_is_not_whole() {
    let database = Database::create().await;
    let store = lightweight(&database).await;
    contract::requests_work_on_what_is_not_whole(&store).await;
}

/// The row of a statement, asked as the owner of the database.
async fn one_row(database: &Database, sql: &str) -> PgRow {
    let mut connection = database.connect().await;
    let row = connection.fetch_one(AssertSqlSafe(sql.to_owned())).await;
    row.unwrap()
}

/// Waits until a condition holds.
async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the program has no session left; by then the server has counted what they did.
async fn sessions_end(database: &Database) {
    let sessions = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'bigbrotr'";
    eventually("the sessions end", async || {
        one_row(database, sessions).await.get::<i64, _>(0) == 0
    })
    .await;
}
