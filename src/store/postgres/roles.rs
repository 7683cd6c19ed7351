//! The roles that people and programs log in as, and their passwords.

use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use super::PostgresStore;
use super::connection::statement;
use super::error::during;
use crate::store::StoreError;

/// The roles, which a migration makes when it may: `grants/roles.sql` says what each is for.
pub const ROLES: [&str; 4] = ["admin", "writer", "refresher", "reader"];

/// The server writes the statement, so that it quotes by its own rules; `ALTER ROLE` takes no parameters.
const ALTER_ROLE: &str = "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1, $2)";

impl PostgresStore {
    /// Lets a role log in with a password, which may hold any character but U+0000. Only a role that may
    /// make roles can do this.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when there is no such role, or we may not change it.
    pub async fn set_password(&self, role: &str, password: &str) -> Result<(), StoreError> {
        let failed = during("set_password");
        let mut connection = self.direct.acquire().await.map_err(failed)?;
        let mut tx = connection.begin().await.map_err(failed)?;
        let row = statement(ALTER_ROLE)
            .bind(role)
            .bind(password)
            .fetch_one(&mut *tx)
            .await
            .map_err(failed)?;
        let alter: String = row.try_get(0).map_err(failed)?;
        let alter = sqlx::raw_sql(AssertSqlSafe(alter));
        tx.execute(alter).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }
}
