//! What relays state about themselves and how fast they answer, in SQLite: what the embedded assembly needs of the
//! relational side for its figures.

use serde_json::json;

use super::SqliteStore;
use super::error::during;
use crate::model::{MetadataType, RelayId, RelayMetadata};
use crate::store::StoreError;
use crate::store::figures::{RelayFigures, SoftwareFigures};
use crate::store::rows::{self, StoredRow, limit};
use crate::store::statement::Statement;

const UNREAD: &str = include_str!("../../../sql/sqlite/queries/unread_documents.sql");
const PUT: &str = include_str!("../../../sql/sqlite/queries/put_statement.sql");
const PUT_NIPS: &str = include_str!("../../../sql/sqlite/queries/put_statement_nips.sql");
const SOFTWARE: &str = include_str!("../../../sql/sqlite/queries/software_figures.sql");
const NIPS: &str = include_str!("../../../sql/sqlite/queries/nip_figures.sql");
const LATEST: &str = include_str!("../../../sql/sqlite/queries/latest_documents.sql");
const RELAYS: &str = include_str!("../../../sql/sqlite/queries/relay_figures.sql");

/// Documents read in one transaction: a few megabytes at most.
const PORTION: usize = 200;

impl SqliteStore {
    /// Reads what relays state in documents that are new, portion by portion.
    pub(in crate::store) async fn read_statements(&self) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let failed = during("refresh_statistics");
            let mut tx = self.begin("refresh_statistics").await?;
            let unread = sqlx::query(UNREAD)
                .bind(after)
                .bind(limit(PORTION))
                .fetch_all(&mut *tx)
                .await
                .map_err(&failed)?;
            for row in &unread {
                after = row.integer("relay_id").unwrap_or(i64::MAX);
                let statement = Statement::read(row.text("data").unwrap_or_default());
                sqlx::query(PUT)
                    .bind(after)
                    .bind(row.integer("metadata_id"))
                    .bind(&statement.name)
                    .bind(&statement.software)
                    .bind(&statement.version)
                    .execute(&mut *tx)
                    .await
                    .map_err(&failed)?;
                sqlx::query(PUT_NIPS)
                    .bind(after)
                    .bind(json!(statement.nips).to_string())
                    .execute(&mut *tx)
                    .await
                    .map_err(&failed)?;
            }
            tx.commit().await.map_err(&failed)?;
            if unread.len() < PORTION {
                return Ok(());
            }
        }
    }

    pub(in crate::store) async fn software_figures(
        &self,
        at_most: usize,
    ) -> Result<Vec<SoftwareFigures>, StoreError> {
        let found = sqlx::query(SOFTWARE)
            .bind(limit(at_most))
            .fetch_all(&self.readers)
            .await
            .map_err(during("software_figures"))?;
        Ok(rows::readable(&found, rows::software_figures))
    }

    pub(in crate::store) async fn nip_figures(
        &self,
        at_most: usize,
    ) -> Result<Vec<(u32, u64)>, StoreError> {
        let found = sqlx::query(NIPS)
            .bind(limit(at_most))
            .fetch_all(&self.readers)
            .await
            .map_err(during("nip_figures"))?;
        Ok(rows::readable(&found, rows::nip_figures))
    }

    pub(in crate::store) async fn latest_documents(
        &self,
        after: Option<RelayId>,
        at_most: usize,
    ) -> Result<Vec<RelayMetadata>, StoreError> {
        let found = sqlx::query(LATEST)
            .bind(after.map_or(0, |relay| relay.0))
            .bind(limit(at_most))
            .fetch_all(&self.readers)
            .await
            .map_err(during("latest_documents"))?;
        Ok(rows::readable(&found, |row| {
            let relay = RelayId(rows::number(row, "relay_id").unwrap_or_default());
            rows::relay_metadata(row, relay, MetadataType::Nip11Info)
        }))
    }

    /// Relays with everything but what was seen there.
    pub(in crate::store) async fn relay_figures(
        &self,
        after: Option<RelayId>,
        at_most: usize,
    ) -> Result<Vec<RelayFigures>, StoreError> {
        let found = sqlx::query(RELAYS)
            .bind(after.map_or(0, |relay| relay.0))
            .bind(limit(at_most))
            .fetch_all(&self.readers)
            .await
            .map_err(during("relay_figures"))?;
        Ok(rows::readable(&found, rows::relay_figures))
    }
}
