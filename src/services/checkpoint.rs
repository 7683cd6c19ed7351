//! When something was last done, across restarts.

use serde_json::json;

use crate::model::{ServiceName, ServiceState, StateType};
use crate::store::{Store, StoreError};

/// When it was last done, unix seconds; `None` when it never was.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub(super) async fn load(
    store: &dyn Store,
    service: ServiceName,
    key: &str,
) -> Result<Option<u64>, StoreError> {
    let row = store.state(service, StateType::Checkpoint, key).await?;
    Ok(row.and_then(|row| row.value.get("timestamp")?.as_u64()))
}

/// Writes down that it was done at `now` unix seconds.
///
/// # Errors
/// [`StoreError`] when it cannot be written.
pub(super) async fn save(
    store: &dyn Store,
    service: ServiceName,
    key: &str,
    now: u64,
) -> Result<(), StoreError> {
    let row = ServiceState {
        service,
        state_type: StateType::Checkpoint,
        key: key.to_owned(),
        value: json!({ "timestamp": now }),
        updated_at: now,
    };
    store.put_states(&[row]).await?;
    Ok(())
}
