//! Counters and views: always what plain SQL over the tables says, however they came about.

mod counters;
mod history;
mod hostile;
mod plain;
mod values;

use bigbrotr::model::VIEWS;
use bigbrotr::store::FigureStore;
use bigbrotr::store::postgres::PostgresStore;
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// The rows of a query as text, sorted.
async fn rows(connection: &mut PgConnection, query: &str) -> Vec<String> {
    let query = format!("SELECT row::text FROM ({query}) AS row ORDER BY 1");
    let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(connection);
    rows.await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Refreshes every view, none of which may fail.
async fn refresh(store: &PostgresStore) {
    let refreshed = store.refresh_statistics(&VIEWS).await.unwrap();
    assert_eq!(refreshed.len(), VIEWS.len());
    for view in refreshed {
        assert!(view.failure.is_none(), "{view:?}");
    }
}
