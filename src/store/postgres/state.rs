//! Service state in PostgreSQL.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::PostgresStore;
use super::batch::CHUNK;
use super::connection::statement;
use crate::model::{ServiceName, ServiceState, StateType};
use crate::store::rows::{self, integer};
use crate::store::{StateStore, StoreError};

const STATE: &str = include_str!("../../../sql/postgres/queries/state.sql");
const STATES: &str = include_str!("../../../sql/postgres/queries/states.sql");
const PUT: &str = include_str!("../../../sql/postgres/queries/put_states.sql");
const DELETE: &str = include_str!("../../../sql/postgres/queries/delete_states.sql");

#[async_trait]
impl StateStore for PostgresStore {
    async fn state(
        &self,
        service: ServiceName,
        state_type: StateType,
        key: &str,
    ) -> Result<Option<ServiceState>, StoreError> {
        let asked = statement(STATE)
            .bind(service.as_str())
            .bind(state_type.as_str())
            .bind(key);
        let found = self.call("state").fetch_optional(asked).await?;
        let read = |row| rows::service_state(row, service, state_type);
        found.as_ref().map(read).transpose()
    }

    async fn states(
        &self,
        service: ServiceName,
        state_type: StateType,
    ) -> Result<Vec<ServiceState>, StoreError> {
        let asked = statement(STATES)
            .bind(service.as_str())
            .bind(state_type.as_str());
        let found = self.call("states").fetch_all(asked).await?;
        let read = |row: &_| rows::service_state(row, service, state_type);
        Ok(rows::readable(&found, read))
    }

    async fn put_states(&self, states: &[ServiceState]) -> Result<u64, StoreError> {
        let last = last_of_each_key(states);
        let texts = |text: fn(&ServiceState) -> String| -> Vec<String> {
            last.iter().map(|state| text(state)).collect()
        };
        let moments: Vec<i64> = last.iter().map(|state| integer(state.updated_at)).collect();
        let put = statement(PUT)
            .bind(texts(|state| state.service.as_str().to_owned()))
            .bind(texts(|state| state.state_type.as_str().to_owned()))
            .bind(texts(|state| state.key.clone()))
            .bind(texts(|state| state.value.to_string()))
            .bind(moments);
        self.call("put_states").execute(put).await
    }

    async fn delete_states(
        &self,
        service: ServiceName,
        state_type: StateType,
        keys: &[String],
    ) -> Result<u64, StoreError> {
        let call = self.call("delete_states");
        let mut deleted = 0;
        for chunk in keys.chunks(CHUNK) {
            let delete = statement(DELETE)
                .bind(service.as_str())
                .bind(state_type.as_str())
                .bind(chunk);
            deleted += call.execute(delete).await?;
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
