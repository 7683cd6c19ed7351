//! Wake-ups: announced, asked for, and after the connection or the server went away.

use std::time::{Duration, Instant};

use bigbrotr::store::EventStore;
use bigbrotr::store::StoreError;
use bigbrotr::store::events::BatchNumber;
use bigbrotr::store::postgres::{Feed, PostgresOptions, PostgresStore};
use sqlx::Row;

use super::{Database, eventually, one_row};
use crate::contract::events::{NOW, batch, event, write};
use crate::postgres::servers::{Server, Servers};

/// Longer than any test: nobody asks in time.
const NEVER: Duration = Duration::from_secs(600);
const DEADLINE: Duration = Duration::from_secs(20);

const LISTENERS: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'LISTEN%'";

async fn arrived(feed: &mut Feed) -> BatchNumber {
    let arrived = tokio::time::timeout(DEADLINE, feed.arrived()).await;
    arrived.expect("it wakes in time").unwrap()
}

/// Waits until the feed has a connection to be woken by, while it is waiting for something to arrive.
async fn let_it_listen(database: &Database, feed: &mut Feed) {
    let listening = eventually("the feed listens", async || {
        one_row(database, LISTENERS).await.get::<i64, _>(0) > 0
    });
    tokio::select! {
        arrived = feed.arrived() => panic!("{arrived:?} although nothing did"),
        () = listening => {}
    }
}

#[tokio::test]
async fn followers_are_woken_by_what_others_store() {
    let database = Database::create().await;
    let (reader, writer) = (database.store().await, database.store().await);
    let (mut one, mut other) = (reader.feed(BatchNumber(0)), reader.feed(BatchNumber(0)));
    (one, other) = (one.with_interval(NEVER), other.with_interval(NEVER));
    let_it_listen(&database, &mut one).await;
    for number in 1..=3 {
        write(&writer, &[event(1, 1, number, &[])]).await;
        assert_eq!(arrived(&mut one).await, BatchNumber(number));
    }
    // What came before a follower listens is no news to be announced, but to be told.
    assert_eq!(arrived(&mut other).await, BatchNumber(3));
    let known = writer.write(batch(vec![event(1, 1, 1, &[])], NOW)).await;
    assert_eq!(known.unwrap().batch, None);
    write(&writer, &[event(1, 1, 4, &[])]).await;
    assert_eq!(arrived(&mut other).await, BatchNumber(4));
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    let database = Database::create().await;
    let store = database.store().await;
    let mut feed = store.feed(BatchNumber(0)).with_interval(NEVER);
    let_it_listen(&database, &mut feed).await;
    let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    for number in 1..=2 {
        one_row(&database, terminate).await;
        eventually("the connection is gone", async || {
            one_row(&database, LISTENERS).await.get::<i64, _>(0) == 0
        })
        .await;
        write(&store, &[event(1, 1, number, &[])]).await;
        assert_eq!(arrived(&mut feed).await, BatchNumber(number));
        let_it_listen(&database, &mut feed).await;
    }
}

#[tokio::test]
async fn where_nothing_is_announced_it_is_asked_for() {
    let database = Database::create().await;
    database.store().await.close().await;
    // Nothing says that there is no pooler in the way, and one must not be listened through.
    let options = PostgresOptions {
        direct_url: None,
        is_migrating: false,
        ..database.options()
    };
    let store = PostgresStore::open(options).await.unwrap();
    let mut feed = store
        .feed(BatchNumber(0))
        .with_interval(Duration::from_millis(50));
    for number in 1..=3 {
        write(&store, &[event(1, 1, number, &[])]).await;
        assert_eq!(arrived(&mut feed).await, BatchNumber(number));
    }
    assert_eq!(one_row(&database, LISTENERS).await.get::<i64, _>(0), 0);
}

#[tokio::test]
async fn a_server_that_restarts_is_found_again() {
    let servers = Servers::start();
    let database = servers.database().await;
    let store = database.store().await;
    let mut feed = store.feed(BatchNumber(0)).with_interval(NEVER);
    let_it_listen(&database, &mut feed).await;
    servers.crash(Server::Postgres);
    let waiting = tokio::time::timeout(Duration::from_millis(300), feed.arrived()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    servers.revive(Server::Postgres);
    let started = Instant::now();
    while let Err(error) = store.write(batch(vec![event(1, 1, 1, &[])], NOW)).await {
        assert!(error.is_transient(), "{error:?}");
        assert!(started.elapsed() < DEADLINE);
    }
    assert_eq!(arrived(&mut feed).await, BatchNumber(1));
    let_it_listen(&database, &mut feed).await;
    write(&store, &[event(1, 1, 2, &[])]).await;
    assert_eq!(arrived(&mut feed).await, BatchNumber(2));
}

#[tokio::test]
async fn a_closed_store_ends_the_feed() {
    let database = Database::create().await;
    let store = database.store().await;
    let mut feed = store.feed(BatchNumber(0));
    store.close().await;
    let ended = tokio::time::timeout(DEADLINE, feed.arrived())
        .await
        .unwrap();
    assert!(matches!(ended, Err(StoreError::Closed)), "{ended:?}");
}
