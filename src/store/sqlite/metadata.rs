//! Documents and round-trip times in SQLite.

use async_trait::async_trait;
use sqlx::SqliteConnection;

use crate::model::{MetadataType, RelayId, RelayMetadata, RttSample};
use crate::store::rows::{self, integer, limit};
use crate::store::sqlite::SqliteBacked;
use crate::store::sqlite::batch::texts;
use crate::store::sqlite::error::during;
use crate::store::{MetadataStore, StoreError};

const EXTEND: &str = include_str!("../../../sql/sqlite/queries/extend_relay_metadata.sql");
const ADD_DOCUMENT: &str = include_str!("../../../sql/sqlite/queries/add_metadata.sql");
const ADD_JUNCTION: &str = include_str!("../../../sql/sqlite/queries/add_relay_metadata.sql");
const LATEST: &str = include_str!("../../../sql/sqlite/queries/latest_metadata.sql");
const RTT_SAMPLES: &str = include_str!("../../../sql/sqlite/queries/rtt_samples.sql");
const DELETE_JUNCTIONS: &str =
    include_str!("../../../sql/sqlite/queries/delete_expired_relay_metadata.sql");
const DELETE_RTT: &str = include_str!("../../../sql/sqlite/queries/delete_expired_rtt.sql");
const DELETE_ORPHANS: &str = include_str!("../../../sql/sqlite/queries/delete_orphan_metadata.sql");

#[async_trait]
impl<T: SqliteBacked> MetadataStore for T {
    async fn add_relay_metadata(&self, rows: &[RelayMetadata]) -> Result<u64, StoreError> {
        let failed = during("add_relay_metadata");
        let mut tx = self.sqlite().begin("add_relay_metadata").await?;
        let mut added = 0;
        for row in rows {
            added += add(&mut tx, row).await.map_err(&failed)?;
        }
        tx.commit().await.map_err(&failed)?;
        Ok(added)
    }

    async fn latest_metadata(
        &self,
        relay: RelayId,
        metadata_type: MetadataType,
    ) -> Result<Option<RelayMetadata>, StoreError> {
        let found = sqlx::query(LATEST)
            .bind(relay.0)
            .bind(metadata_type.as_str())
            .fetch_optional(&self.sqlite().readers)
            .await
            .map_err(during("latest_metadata"))?;
        let read = |row| rows::relay_metadata(row, relay, metadata_type);
        found.as_ref().map(read).transpose()
    }

    async fn rtt_samples(
        &self,
        relay: RelayId,
        at_most: usize,
    ) -> Result<Vec<RttSample>, StoreError> {
        let found = sqlx::query(RTT_SAMPLES)
            .bind(relay.0)
            .bind(limit(at_most))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("rtt_samples"))?;
        Ok(rows::readable(&found, |row| rows::rtt_sample(row, relay)))
    }

    async fn delete_expired_metadata(&self, before: u64, at_most: u32) -> Result<u64, StoreError> {
        let failed = during("delete_expired_metadata");
        let junctions = sqlx::query(DELETE_JUNCTIONS)
            .bind(integer(before))
            .bind(at_most)
            .bind(texts(MetadataType::ALL.map(MetadataType::as_str)))
            .execute(&self.sqlite().writer)
            .await
            .map_err(&failed)?
            .rows_affected();
        let samples = sqlx::query(DELETE_RTT)
            .bind(integer(before))
            .bind(integer(u64::from(at_most).saturating_sub(junctions)))
            .execute(&self.sqlite().writer)
            .await
            .map_err(&failed)?
            .rows_affected();
        Ok(junctions + samples)
    }

    async fn delete_orphan_metadata(&self, at_most: u32) -> Result<u64, StoreError> {
        let deleted = sqlx::query(DELETE_ORPHANS)
            .bind(at_most)
            .execute(&self.sqlite().writer)
            .await
            .map_err(during("delete_orphan_metadata"))?;
        Ok(deleted.rows_affected())
    }
}

/// Extends the row of a document that still is current, else adds one. Returns how many were added.
async fn add(connection: &mut SqliteConnection, row: &RelayMetadata) -> Result<u64, sqlx::Error> {
    let (id, metadata_type) = (row.metadata.id(), row.metadata.metadata_type().as_str());
    let extended = sqlx::query(EXTEND)
        .bind(row.relay.0)
        .bind(metadata_type)
        .bind(id.as_slice())
        .bind(integer(row.generated_at))
        .execute(&mut *connection)
        .await?;
    if extended.rows_affected() > 0 {
        return Ok(0);
    }
    sqlx::query(ADD_DOCUMENT)
        .bind(id.as_slice())
        .bind(metadata_type)
        .bind(row.metadata.data())
        .execute(&mut *connection)
        .await?;
    let added = sqlx::query(ADD_JUNCTION)
        .bind(row.relay.0)
        .bind(metadata_type)
        .bind(id.as_slice())
        .bind(integer(row.generated_at))
        .execute(&mut *connection)
        .await?;
    Ok(added.rows_affected())
}
