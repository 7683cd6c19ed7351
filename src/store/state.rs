//! Service state: cursors and checkpoints.

use async_trait::async_trait;

use crate::model::{ServiceName, ServiceState, StateType};
use crate::store::StoreError;

/// Small durable facts of services.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// One row.
    async fn state(
        &self,
        service: ServiceName,
        state_type: StateType,
        key: &str,
    ) -> Result<Option<ServiceState>, StoreError>;

    /// All rows of a service and type, ordered by key.
    async fn states(
        &self,
        service: ServiceName,
        state_type: StateType,
    ) -> Result<Vec<ServiceState>, StoreError>;

    /// Writes rows in one transaction, replacing those with the same key; of repeats in the input the
    /// last wins. Returns how many rows were written, repeats not counted.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for an empty key; nothing is written then.
    async fn put_states(&self, states: &[ServiceState]) -> Result<u64, StoreError>;

    /// Deletes rows. Returns how many existed.
    async fn delete_states(
        &self,
        service: ServiceName,
        state_type: StateType,
        keys: &[String],
    ) -> Result<u64, StoreError>;
}
