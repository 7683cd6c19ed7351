//! Functions, views and grants: applied again, in this order, whenever the text of one changes.

use sha2::{Digest, Sha256};
use sqlx::{Connection, Executor, PgConnection};

use super::connection::statement;

/// What replaces itself: its name and its text.
const OBJECTS: [(&str, &str); 0] = [];

/// One process at a time; any number will do as long as it is always the same.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7261940115)";

const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_object (
    name TEXT PRIMARY KEY, sha256 BYTEA NOT NULL)";

const KNOWN: &str = "SELECT count(*) FROM schema_object WHERE name = $1 AND sha256 = $2";

const REMEMBER: &str = "INSERT INTO schema_object (name, sha256) VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256";

/// Applies everything from the first object on whose text is not the one that was applied: a later one may
/// depend on it. All of it or nothing.
pub(super) async fn apply(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut tx = connection.begin().await?;
    tx.execute("SET LOCAL client_min_messages = warning")
        .await?;
    tx.execute(LOCK).await?;
    tx.execute(CREATE_TABLE).await?;
    let mut is_changed = false;
    for (name, text) in OBJECTS {
        let sha256: [u8; 32] = Sha256::digest(text).into();
        is_changed = is_changed || !is_applied(&mut tx, name, &sha256).await?;
        if is_changed {
            tx.execute(sqlx::raw_sql(text)).await?;
            statement(REMEMBER)
                .bind(name)
                .bind(sha256.as_slice())
                .execute(&mut *tx)
                .await?;
        }
    }
    tx.commit().await
}

async fn is_applied(
    connection: &mut PgConnection,
    name: &str,
    sha256: &[u8],
) -> Result<bool, sqlx::Error> {
    use sqlx::Row;
    let row = statement(KNOWN)
        .bind(name)
        .bind(sha256)
        .fetch_one(connection)
        .await?;
    Ok(row.try_get::<i64, _>(0)? > 0)
}
