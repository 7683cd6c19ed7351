//! Quarantine in SQLite.

use async_trait::async_trait;

use crate::store::quarantine::{KEPT_QUARANTINED, QuarantinedEvent};
use crate::store::rows::{self, integer, limit};
use crate::store::sqlite::SqliteBacked;
use crate::store::sqlite::error::during;
use crate::store::{QuarantineStore, StoreError};

const QUARANTINE: &str = include_str!("../../../sql/sqlite/queries/quarantine.sql");
const TRIM: &str = include_str!("../../../sql/sqlite/queries/trim_quarantine.sql");
const QUARANTINED: &str = include_str!("../../../sql/sqlite/queries/quarantined.sql");
const COUNT: &str = include_str!("../../../sql/sqlite/queries/quarantined_count.sql");

#[async_trait]
impl<T: SqliteBacked> QuarantineStore for T {
    async fn quarantine(&self, events: &[QuarantinedEvent]) -> Result<u64, StoreError> {
        let failed = during("quarantine");
        let mut tx = self.sqlite().begin("quarantine").await?;
        let mut added = 0;
        for event in events {
            let result = sqlx::query(QUARANTINE)
                .bind(event.id.0.as_slice())
                .bind(event.event.as_deref().map(str::as_bytes))
                .bind(event.relay.map(|relay| relay.0))
                .bind(&event.reason)
                .bind(integer(event.quarantined_at))
                .execute(&mut *tx)
                .await
                .map_err(&failed)?;
            added += result.rows_affected();
        }
        sqlx::query(TRIM)
            .bind(KEPT_QUARANTINED)
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        tx.commit().await.map_err(&failed)?;
        Ok(added)
    }

    async fn quarantined(&self, at_most: usize) -> Result<Vec<QuarantinedEvent>, StoreError> {
        let found = sqlx::query(QUARANTINED)
            .bind(limit(at_most))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("quarantined"))?;
        Ok(rows::readable(&found, rows::quarantined_event))
    }

    async fn quarantined_count(&self) -> Result<u64, StoreError> {
        let row = sqlx::query(COUNT)
            .fetch_one(&self.sqlite().readers)
            .await
            .map_err(during("quarantined_count"))?;
        rows::count(&row, "events")
    }
}
