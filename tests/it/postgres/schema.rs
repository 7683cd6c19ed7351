//! The schema: made once, found again, refused when it is not the right one.

use super::server::Database;

#[tokio::test]
async fn several_processes_may_open_a_new_database_at_once() {
    let database = Database::create().await;
    let (a, b, c) = tokio::join!(database.store(), database.store(), database.store());
    for store in [a, b, c] {
        store.close().await;
    }
}
