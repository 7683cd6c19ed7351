//! Service state in SQLite.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::model::{ServiceName, ServiceState, StateType};
use crate::store::rows::{self, integer};
use crate::store::sqlite::SqliteBacked;
use crate::store::sqlite::batch::{CHUNK, texts};
use crate::store::sqlite::error::during;
use crate::store::{StateStore, StoreError};

const STATE: &str = include_str!("../../../sql/sqlite/queries/state.sql");
const STATES: &str = include_str!("../../../sql/sqlite/queries/states.sql");
const PUT: &str = include_str!("../../../sql/sqlite/queries/put_state.sql");
const DELETE: &str = include_str!("../../../sql/sqlite/queries/delete_states.sql");

#[async_trait]
impl<T: SqliteBacked> StateStore for T {
    async fn state(
        &self,
        service: ServiceName,
        state_type: StateType,
        key: &str,
    ) -> Result<Option<ServiceState>, StoreError> {
        let found = sqlx::query(STATE)
            .bind(service.as_str())
            .bind(state_type.as_str())
            .bind(key)
            .fetch_optional(&self.sqlite().readers)
            .await
            .map_err(during("state"))?;
        let read = |row| rows::service_state(row, service, state_type);
        found.as_ref().map(read).transpose()
    }

    async fn states(
        &self,
        service: ServiceName,
        state_type: StateType,
    ) -> Result<Vec<ServiceState>, StoreError> {
        let found = sqlx::query(STATES)
            .bind(service.as_str())
            .bind(state_type.as_str())
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("states"))?;
        let read = |row: &_| rows::service_state(row, service, state_type);
        Ok(rows::readable(&found, read))
    }

    async fn put_states(&self, states: &[ServiceState]) -> Result<u64, StoreError> {
        let failed = during("put_states");
        let mut tx = self.sqlite().begin("put_states").await?;
        let last = last_of_each_key(states);
        for state in &last {
            sqlx::query(PUT)
                .bind(state.service.as_str())
                .bind(state.state_type.as_str())
                .bind(&state.key)
                .bind(state.value.to_string())
                .bind(integer(state.updated_at))
                .execute(&mut *tx)
                .await
                .map_err(&failed)?;
        }
        tx.commit().await.map_err(&failed)?;
        Ok(last.len() as u64)
    }

    async fn delete_states(
        &self,
        service: ServiceName,
        state_type: StateType,
        keys: &[String],
    ) -> Result<u64, StoreError> {
        let failed = during("delete_states");
        let mut deleted = 0;
        for chunk in keys.chunks(CHUNK) {
            let result = sqlx::query(DELETE)
                .bind(service.as_str())
                .bind(state_type.as_str())
                .bind(texts(chunk.iter().map(String::as_str)))
                .execute(&self.sqlite().writer)
                .await
                .map_err(&failed)?;
            deleted += result.rows_affected();
        }
        Ok(deleted)
    }
}

/// Rows in the order of the table's key, each key with its last value.
fn last_of_each_key(states: &[ServiceState]) -> Vec<&ServiceState> {
    let by_key: BTreeMap<_, _> = states
        .iter()
        .map(|state| ((state.service, state.state_type, &state.key), state))
        .collect();
    by_key.into_values().collect()
}
