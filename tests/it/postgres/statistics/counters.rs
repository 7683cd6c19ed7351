//! Folding: in whatever pieces, by however many at once, it comes to the same as counting anew.

use bigbrotr::store::postgres::PostgresStore;
use bigbrotr::store::{EventStore, FigureStore};
use sqlx::{Connection, Executor, PgConnection, Row};

use super::history::{archive, history, write};
use super::plain::{assert_views_are_right, counted};
use super::refresh;
use crate::postgres::server::Database;

/// Folds a number of commits at a time until nothing is left.
async fn fold(store: &PostgresStore, pieces: u32) {
    while store.fold_statistics(pieces).await.unwrap() > 0 {}
}

async fn reconcile(connection: &mut PgConnection) {
    let mut transaction = connection
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .await
        .unwrap();
    transaction
        .execute("SELECT statistics_reconcile()")
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn however_folded_it_is_the_same_as_counted_anew() {
    let folded = async |pieces| {
        let database = Database::create().await;
        let (store, mut connection) = archive(&database).await;
        write(&store, history(1)).await;
        fold(&store, pieces).await;
        let folded = counted(&mut connection).await;
        reconcile(&mut connection).await;
        [folded, counted(&mut connection).await]
    };
    let (one, seven, all) = tokio::join!(folded(1), folded(7), folded(u32::MAX));
    for result in one.iter().chain(&seven).chain(&all) {
        assert_eq!(result, &one[0]);
    }
}

#[tokio::test]
async fn folding_keeps_up_with_writing() {
    let keeps_up = async |seed| {
        let database = Database::create().await;
        let (store, mut connection) = archive(&database).await;
        for batch in history(seed) {
            store.write(batch).await.unwrap();
            store.fold_statistics(1).await.unwrap();
        }
        fold(&store, 1).await;
        let folded = counted(&mut connection).await;
        reconcile(&mut connection).await;
        assert_eq!(folded, counted(&mut connection).await, "seed {seed}");
    };
    tokio::join!(keeps_up(10), keeps_up(11));
}

#[tokio::test]
async fn a_second_folder_does_not_wait() {
    let database = Database::create().await;
    let (store, mut connection) = archive(&database).await;
    write(&store, history(1)).await;
    let mut first = connection.begin().await.unwrap();
    let folded = first
        .fetch_one("SELECT statistics_fold(2)")
        .await
        .unwrap()
        .get::<i64, _>(0);
    assert_eq!(folded, 2);
    assert_eq!(store.fold_statistics(2).await.unwrap(), 0);
    first.commit().await.unwrap();
    assert_eq!(store.fold_statistics(2).await.unwrap(), 2);
}

#[tokio::test]
async fn several_folders_and_refreshes_beside_writers() {
    let database = Database::create().await;
    let (store, mut connection) = archive(&database).await;
    let (first, second) = (history(2), history(3));
    let folding = async {
        for _ in 0..20 {
            store.fold_statistics(2).await.unwrap();
        }
    };
    let refreshing = async {
        refresh(&store).await;
        refresh(&store).await;
    };
    tokio::join!(
        write(&store, first),
        write(&store, second),
        folding,
        refreshing
    );
    refresh(&store).await;
    assert_views_are_right(&mut connection, "afterwards").await;
}

#[tokio::test]
async fn nothing_folds_twice() {
    let database = Database::create().await;
    let (store, mut connection) = archive(&database).await;
    assert_eq!(store.fold_statistics(1).await.unwrap(), 0);
    write(&store, history(4)).await;
    fold(&store, u32::MAX).await;
    let once = counted(&mut connection).await;
    write(&store, history(4)).await;
    fold(&store, u32::MAX).await;
    assert_eq!(counted(&mut connection).await, once);
}
