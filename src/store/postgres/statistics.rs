//! Cycles and totals in PostgreSQL.

use async_trait::async_trait;

use super::PostgresStore;
use super::connection::{direct_usage, statement};
use crate::model::ServiceName;
use crate::store::rows::{self, StoredRow, integer, limit};
use crate::store::statistics::{CycleRecord, KEPT_CYCLES, PoolUsage, Totals};
use crate::store::{StatisticsStore, StoreError};

const ADD_CYCLE: &str = include_str!("../../../sql/postgres/queries/add_cycle.sql");
const TRIM_CYCLES: &str = include_str!("../../../sql/postgres/queries/trim_cycles.sql");
const LATEST_CYCLES: &str = include_str!("../../../sql/postgres/queries/latest_cycles.sql");
const CYCLES: &str = include_str!("../../../sql/postgres/queries/cycles.sql");
const TOTALS: &str = include_str!("../../../sql/postgres/queries/totals.sql");

#[async_trait]
impl StatisticsStore for PostgresStore {
    async fn add_cycle(&self, cycle: &CycleRecord) -> Result<(), StoreError> {
        let add = statement(ADD_CYCLE)
            .bind(cycle.service.as_str())
            .bind(integer(cycle.started_at))
            .bind(integer(cycle.duration_ms))
            .bind(cycle.is_success)
            .bind(&cycle.summary);
        let trim = statement(TRIM_CYCLES)
            .bind(cycle.service.as_str())
            .bind(i64::from(KEPT_CYCLES));
        let call = self.call("add_cycle");
        let mut tx = call.begin().await?;
        tx.execute(add).await?;
        tx.execute(trim).await?;
        tx.commit().await
    }

    async fn latest_cycles(&self) -> Result<Vec<CycleRecord>, StoreError> {
        let call = self.call("latest_cycles");
        let services = ServiceName::ALL.map(ServiceName::as_str);
        let asked = statement(LATEST_CYCLES).bind(services);
        let found = call.fetch_all(asked).await?;
        Ok(rows::readable(&found, |row| {
            let service = row.text("service_name").and_then(ServiceName::from_name);
            let service = service.ok_or_else(|| rows::damaged("cycle", row, "started_at"))?;
            rows::cycle(row, service)
        }))
    }

    async fn cycles(
        &self,
        service: ServiceName,
        at_most: usize,
    ) -> Result<Vec<CycleRecord>, StoreError> {
        let asked = statement(CYCLES)
            .bind(service.as_str())
            .bind(limit(at_most));
        let found = self.call("cycles").fetch_all(asked).await?;
        Ok(rows::readable(&found, |row| rows::cycle(row, service)))
    }

    async fn totals(&self) -> Result<Totals, StoreError> {
        let call = self.call("totals");
        let mut tx = call.begin().await?;
        let row = tx.fetch_one(statement(TOTALS)).await?;
        tx.commit().await?;
        rows::totals(&row)
    }

    fn pools(&self) -> Vec<PoolUsage> {
        vec![self.pool.usage(), direct_usage(&self.direct)]
    }
}
