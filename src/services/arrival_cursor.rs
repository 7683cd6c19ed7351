//! How far the log of arrivals has been read: the finder moves it, the janitor keeps what is beyond.

use serde_json::json;

use crate::model::{ServiceName, ServiceState, StateType};
use crate::store::events::BatchNumber;
use crate::store::{Store, StoreError};

/// Key of the row.
const KEY: &str = "arrivals";

/// The last batch that was read; `None` before the first.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub(super) async fn load(store: &dyn Store) -> Result<Option<BatchNumber>, StoreError> {
    let row = store
        .state(ServiceName::Finder, StateType::Cursor, KEY)
        .await?;
    let number = row.and_then(|row| row.value.get("batch")?.as_u64());
    Ok(number.map(BatchNumber))
}

/// Writes down that everything up to and including `batch` was read, at `now` unix seconds.
///
/// # Errors
/// [`StoreError`] when it cannot be written.
pub(super) async fn save(
    store: &dyn Store,
    batch: BatchNumber,
    now: u64,
) -> Result<(), StoreError> {
    let row = ServiceState {
        service: ServiceName::Finder,
        state_type: StateType::Cursor,
        key: KEY.to_owned(),
        value: json!({ "batch": batch.0 }),
        updated_at: now,
    };
    store.put_states(&[row]).await?;
    Ok(())
}
