//! Cycles and totals in SQLite.

use async_trait::async_trait;
use sqlx::SqlitePool;

use crate::model::ServiceName;
use crate::store::rows::{self, integer, limit};
use crate::store::sqlite::SqliteBacked;
use crate::store::sqlite::error::during;
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
        rows::totals(&row)
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
    Ok(rows::readable(&found, |row| rows::cycle(row, service)))
}
