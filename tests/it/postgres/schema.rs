//! The schema: made once, found again, refused when it is not the right one, mended where it may be.

use std::error::Error;
use std::time::Duration;

use bigbrotr::store::StoreError;
use bigbrotr::store::postgres::{PostgresOptions, PostgresStore};

use super::server::{Database, count, execute, text};

#[tokio::test]
async fn several_processes_may_open_a_new_database_at_once() {
    let database = Database::empty().await;
    let (a, b, c) = tokio::join!(database.store(), database.store(), database.store());
    for store in [a, b, c] {
        store.close().await;
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let database = Database::create().await;
    let mut connection = database.connect().await;
    execute(
        &mut connection,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            VALUES (99, 'from the future', true, '\\x00', 0)",
    )
    .await;
    let message = refused(database.options()).await;
    assert!(message.contains("version 99"), "{message}");
    assert!(message.contains("newer program"), "{message}");
}

#[tokio::test]
async fn an_older_schema_is_refused_when_not_migrating() {
    let database = Database::empty().await;
    let options = PostgresOptions {
        is_migrating: false,
        ..database.options()
    };
    let message = refused(options.clone()).await;
    assert!(message.contains("bigbrotr migrate"), "{message}");
    database.store().await.close().await;
    PostgresStore::open(options).await.unwrap().close().await;
}

#[tokio::test]
async fn an_edited_migration_is_refused() {
    let database = Database::create().await;
    let mut connection = database.connect().await;
    let edit = "UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1";
    execute(&mut connection, edit).await;
    refused(database.options()).await;
}

#[tokio::test]
async fn a_role_without_rights_may_open_what_is_up_to_date_and_nothing_else() {
    let database = Database::create().await;
    let store = PostgresStore::open(database.options_as("reader")).await;
    store.unwrap().close().await;
    let empty = Database::empty().await;
    refused(empty.options_as("reader")).await;
}

#[tokio::test]
async fn objects_are_applied_again_from_the_first_one_that_changed() {
    let database = Database::create().await;
    let mut connection = database.connect().await;
    // As if an older version had left this function, and with it a view of which others read.
    execute(
        &mut connection,
        "CREATE OR REPLACE FUNCTION readable_json(document TEXT) RETURNS JSONB
            LANGUAGE sql IMMUTABLE AS 'SELECT NULL::jsonb';
        UPDATE schema_object SET sha256 = '\\x00' WHERE name = 'functions/readable_json.sql'",
    )
    .await;
    database.store().await.close().await;
    let read = "SELECT readable_json('{}')::text";
    assert_eq!(text(&mut connection, read).await.as_deref(), Some("{}"));
    let owner = "SELECT count(*) FROM pg_matviews WHERE matviewowner = 'refresher' AND ispopulated";
    assert!(count(&mut connection, owner).await > 0);
    let stale = "SELECT count(*) FROM schema_object WHERE sha256 = '\\x00'";
    assert_eq!(count(&mut connection, stale).await, 0);
}

#[tokio::test]
async fn a_server_that_is_away_or_says_no_is_told_apart_from_a_schema() {
    let database = Database::create().await;
    let away = PostgresOptions {
        direct_url: Some("postgres://admin@127.0.0.1:1/nowhere".to_owned()),
        acquire_timeout: Duration::from_millis(300),
        ..database.options()
    };
    let message = refused(away).await;
    assert!(message.contains("refused"), "{message}");
    let wrong = PostgresOptions {
        password: Some("wrong".to_owned()),
        ..database.options()
    };
    let message = refused(wrong).await;
    assert!(message.contains("does not let us in"), "{message}");
    assert!(!message.contains("wrong"), "{message}");
}

/// Why opening fails, all causes in one line.
async fn refused(options: PostgresOptions) -> String {
    let refused = PostgresStore::open(options).await.unwrap_err();
    assert!(matches!(refused, StoreError::Open { .. }), "{refused:?}");
    let mut message = refused.to_string();
    let mut cause = refused.source();
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    message
}
