//! The schema's history, applied in order and never edited once released, and what is applied again
//! whenever its text changes ([`super::objects`]).

use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, PgPool, SqlSafeStr};

use super::objects;

/// Every migration: its number, its name and its text.
const MIGRATIONS: [(i64, &str, &str); 17] = [
    (
        1,
        "relay",
        include_str!("../../../sql/postgres/migrations/0001_relay.sql"),
    ),
    (
        2,
        "metadata",
        include_str!("../../../sql/postgres/migrations/0002_metadata.sql"),
    ),
    (
        3,
        "coverage",
        include_str!("../../../sql/postgres/migrations/0003_coverage.sql"),
    ),
    (
        4,
        "service",
        include_str!("../../../sql/postgres/migrations/0004_service.sql"),
    ),
    (
        5,
        "event",
        include_str!("../../../sql/postgres/migrations/0005_event.sql"),
    ),
    (
        6,
        "statistics",
        include_str!("../../../sql/postgres/migrations/0006_statistics.sql"),
    ),
    (
        7,
        "quarantine",
        include_str!("../../../sql/postgres/migrations/0007_quarantine.sql"),
    ),
    (
        8,
        "author_relay",
        include_str!("../../../sql/postgres/migrations/0008_author_relay.sql"),
    ),
    (
        9,
        "sync_lease",
        include_str!("../../../sql/postgres/migrations/0009_sync_lease.sql"),
    ),
    (
        10,
        "evidence",
        include_str!("../../../sql/postgres/migrations/0010_evidence.sql"),
    ),
    (
        11,
        "history",
        include_str!("../../../sql/postgres/migrations/0011_history.sql"),
    ),
    (
        12,
        "alias",
        include_str!("../../../sql/postgres/migrations/0012_alias.sql"),
    ),
    (
        13,
        "traffic",
        include_str!("../../../sql/postgres/migrations/0013_traffic.sql"),
    ),
    (
        14,
        "publication",
        include_str!("../../../sql/postgres/migrations/0014_publication.sql"),
    ),
    (
        15,
        "alias_look",
        include_str!("../../../sql/postgres/migrations/0015_alias_look.sql"),
    ),
    (
        16,
        "relay_lease",
        include_str!("../../../sql/postgres/migrations/0016_relay_lease.sql"),
    ),
    (
        17,
        "publication_lease",
        include_str!("../../../sql/postgres/migrations/0017_publication_lease.sql"),
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
    /// A function or a view could not be brought up to date.
    #[error("its functions and views cannot be brought up to date")]
    Objects(#[source] sqlx::Error),
}

/// Checks the schema's version, and applies what is missing when `is_migrating`. Several processes may
/// do this at the same time; one works and the others wait.
pub(super) async fn prepare(direct: &PgPool, is_migrating: bool) -> Result<(), SchemaError> {
    let mut connection = direct.acquire().await.map_err(MigrateError::Execute)?;
    let migrations = MIGRATIONS.map(|(version, name, text)| {
        let sql = text.into_sql_str();
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    });
    // With nothing to do, nothing is tried that only an owner may do.
    if is_up_to_date(&mut connection, &migrations, is_migrating).await? {
        return Ok(());
    }
    let migrator = Migrator::with_migrations(migrations.to_vec());
    migrator.run(&mut *connection).await?;
    objects::apply(&mut connection)
        .await
        .map_err(SchemaError::Objects)
}

/// Whether everything is applied, or nothing is to be. In a transaction: without a direct URL there may
/// be a pooler in between.
async fn is_up_to_date(
    connection: &mut PgConnection,
    migrations: &[Migration],
    is_migrating: bool,
) -> Result<bool, SchemaError> {
    let mut tx = connection.begin().await.map_err(MigrateError::Execute)?;
    let applied = applied(&mut tx).await?;
    let found = applied.last().map_or(0, |migration| migration.version);
    let known = migrations.len() as i64;
    if found > known {
        return Err(SchemaError::Newer { found, known });
    }
    if !is_migrating && found < known {
        return Err(SchemaError::Outdated { found, known });
    }
    if !is_migrating {
        return Ok(true);
    }
    let ours = migrations.iter().map(|ours| (ours.version, &ours.checksum));
    let theirs = applied.iter().map(|there| (there.version, &there.checksum));
    let are_objects_applied = objects::are_applied(&mut tx).await;
    Ok(ours.eq(theirs) && are_objects_applied.map_err(SchemaError::Objects)?)
}

/// The migrations that were applied, oldest first; none for a new database.
async fn applied(connection: &mut PgConnection) -> Result<Vec<AppliedMigration>, MigrateError> {
    let exists: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .persistent(false)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(Vec::new());
    }
    connection.list_applied_migrations(TABLE).await
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
