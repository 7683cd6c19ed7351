//! Cycles and totals in SQLite.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};

use crate::model::ServiceName;
use crate::store::sqlite::batch::{integer, limit};
use crate::store::sqlite::error::during;
use crate::store::sqlite::{SqliteBacked, rows};
use crate::store::statistics::{CycleRecord, KEPT_CYCLES, Totals};
use crate::store::{StatisticsStore, StoreError};

const ADD_CYCLE: &str = include_str!("../../../sql/sqlite/queries/add_cycle.sql");
const TRIM_CYCLES: &str = include_str!("../../../sql/sqlite/queries/trim_cycles.sql");
const CYCLES: &str = include_str!("../../../sql/sqlite/queries/cycles.sql");
const TOTALS: &str = include_str!("../../../sql/sqlite/queries/totals.sql");

#[async_trait]
impl<T: SqliteBacked> StatisticsStore for T {
    async fn add_cycle(&self, cycle: &CycleRecord) -> Result<(), StoreError> {
        let failed = during("add_cycle");
        let mut tx = self.sqlite().begin("add_cycle").await?;
        sqlx::query(ADD_CYCLE)
            .bind(cycle.service.as_str())
            .bind(integer(cycle.started_at))
            .bind(integer(cycle.duration_ms))
            .bind(cycle.is_success)
            .bind(&cycle.summary)
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        sqlx::query(TRIM_CYCLES)
            .bind(cycle.service.as_str())
            .bind(KEPT_CYCLES)
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        tx.commit().await.map_err(&failed)
    }

    async fn latest_cycles(&self) -> Result<Vec<CycleRecord>, StoreError> {
        let mut latest = Vec::with_capacity(ServiceName::ALL.len());
        for service in ServiceName::ALL {
            let newest = cycles(&self.sqlite().readers, service, 1).await;
            latest.extend(newest.map_err(during("latest_cycles"))?);
        }
        Ok(latest)
    }

    async fn cycles(
        &self,
        service: ServiceName,
        at_most: usize,
    ) -> Result<Vec<CycleRecord>, StoreError> {
        let newest = cycles(&self.sqlite().readers, service, at_most).await;
        newest.map_err(during("cycles"))
    }

    async fn totals(&self) -> Result<Totals, StoreError> {
        let row = sqlx::query(TOTALS)
            .fetch_one(&self.sqlite().readers)
            .await
            .map_err(during("totals"))?;
        let count = |column| rows::count(&row, column);
        Ok(Totals {
            candidates: count("candidates")?,
            tombstones: count("tombstones")?,
            relays: count("relays")?,
            metadata: count("metadata")?,
            relay_metadata: count("relay_metadata")?,
            rtt_samples: count("rtt_samples")?,
            covered_relays: count("covered_relays")?,
            intervals: count("intervals")?,
            gaps: count("gaps")?,
            gap_relays: count("gap_relays")?,
            size_bytes: count("size_bytes")?,
        })
    }
}

async fn cycles(
    readers: &SqlitePool,
    service: ServiceName,
    at_most: usize,
) -> Result<Vec<CycleRecord>, sqlx::Error> {
    let found = sqlx::query(CYCLES)
        .bind(service.as_str())
        .bind(limit(at_most))
        .fetch_all(readers)
        .await?;
    Ok(rows::readable(&found, |row| cycle(row, service)))
}

fn cycle(row: &SqliteRow, service: ServiceName) -> Result<CycleRecord, StoreError> {
    let read = || {
        Some(CycleRecord {
            service,
            started_at: rows::number(row, "started_at")?,
            duration_ms: rows::number(row, "duration_ms")?,
            is_success: row.try_get("is_success").ok()?,
            summary: rows::text(row, "summary")?.to_owned(),
        })
    };
    read().ok_or_else(|| rows::damaged("cycle", row, "started_at"))
}
