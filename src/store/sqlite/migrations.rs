//! The schema's history, applied in order and never edited once released.

use sqlx::SqlitePool;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqliteConnection};

/// Every migration: its number, its name and its text.
const MIGRATIONS: [(i64, &str, &str); 12] = [
    (
        1,
        "relay",
        include_str!("../../../sql/sqlite/migrations/0001_relay.sql"),
    ),
    (
        2,
        "metadata",
        include_str!("../../../sql/sqlite/migrations/0002_metadata.sql"),
    ),
    (
        3,
        "coverage",
        include_str!("../../../sql/sqlite/migrations/0003_coverage.sql"),
    ),
    (
        4,
        "service",
        include_str!("../../../sql/sqlite/migrations/0004_service.sql"),
    ),
    (
        5,
        "quarantine",
        include_str!("../../../sql/sqlite/migrations/0005_quarantine.sql"),
    ),
    (
        6,
        "statement",
        include_str!("../../../sql/sqlite/migrations/0006_statement.sql"),
    ),
    (
        7,
        "evidence",
        include_str!("../../../sql/sqlite/migrations/0007_evidence.sql"),
    ),
    (
        8,
        "history",
        include_str!("../../../sql/sqlite/migrations/0008_history.sql"),
    ),
    (
        9,
        "alias",
        include_str!("../../../sql/sqlite/migrations/0009_alias.sql"),
    ),
    (
        10,
        "traffic",
        include_str!("../../../sql/sqlite/migrations/0010_traffic.sql"),
    ),
    (
        11,
        "publication",
        include_str!("../../../sql/sqlite/migrations/0011_publication.sql"),
    ),
    (
        12,
        "alias_look",
        include_str!("../../../sql/sqlite/migrations/0012_alias_look.sql"),
    ),
];

/// Where the applied migrations are listed; sqlx's own name for it.
const TABLE: &str = "_sqlx_migrations";

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    /// A newer program has been here.
    #[error(
        "its schema is at version {found} and this program knows versions up to {known}: use the newer program"
    )]
    Newer { found: i64, known: i64 },
    /// Migrations are switched off and some are missing.
    #[error(
        "its schema is at version {found} and this program needs version {known}: run `bigbrotr migrate`"
    )]
    Outdated { found: i64, known: i64 },
    /// A migration failed, or differs from the one that was applied.
    #[error("its schema cannot be brought up to date")]
    Migration(#[from] MigrateError),
}

/// Checks the schema's version, and applies what is missing when `is_migrating`.
pub(super) async fn prepare(writer: &SqlitePool, is_migrating: bool) -> Result<(), SchemaError> {
    let mut connection = writer.acquire().await.map_err(MigrateError::Execute)?;
    let found = applied_version(&mut connection).await?;
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(SchemaError::Newer { found, known });
    }
    if found < known && !is_migrating {
        return Err(SchemaError::Outdated { found, known });
    }
    let migrations = MIGRATIONS.map(|(version, name, text)| {
        let sql = text.into_sql_str();
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    });
    let migrator = Migrator::with_migrations(migrations.into());
    Ok(migrator.run(&mut *connection).await?)
}

/// The newest applied migration, 0 for a new file.
async fn applied_version(connection: &mut SqliteConnection) -> Result<i64, MigrateError> {
    connection.ensure_migrations_table(TABLE).await?;
    let applied = connection.list_applied_migrations(TABLE).await?;
    Ok(applied
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_holes() {
        for (index, (version, ..)) in MIGRATIONS.iter().enumerate() {
            assert_eq!(*version, index as i64 + 1);
        }
    }
}
