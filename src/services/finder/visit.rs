//! When a directory was read last, and what it said of that version of itself, across restarts.

use serde_json::json;

use crate::config::ApiSource;
use crate::model::{ServiceName, ServiceState, StateType};
use crate::net::Validators;
use crate::store::{Store, StoreError};

/// The last time that a directory was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visit {
    /// Unix seconds.
    pub visited_at: u64,
    /// Of the document as it was then.
    pub validators: Validators,
}

impl Visit {
    /// The last visit; `None` before the first. Validators of a document that was read with another expression
    /// are left out: it has to be read again.
    pub(super) async fn load(
        store: &dyn Store,
        source: &ApiSource,
    ) -> Result<Option<Self>, StoreError> {
        let row = store
            .state(ServiceName::Finder, StateType::Checkpoint, &source.url)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let text = |name: &str| row.value.get(name)?.as_str().map(str::to_owned);
        let is_same = text("expression") == source.expression;
        let validator = |name| text(name).filter(|_| is_same);
        let visited_at = row.value.get("timestamp").and_then(|at| at.as_u64());
        Ok(visited_at.map(|visited_at| Self {
            visited_at,
            validators: Validators {
                etag: validator("etag"),
                last_modified: validator("last_modified"),
            },
        }))
    }

    /// Writes it down.
    pub(super) async fn save(
        &self,
        store: &dyn Store,
        source: &ApiSource,
    ) -> Result<(), StoreError> {
        let row = ServiceState {
            service: ServiceName::Finder,
            state_type: StateType::Checkpoint,
            key: source.url.clone(),
            value: json!({
                "timestamp": self.visited_at,
                "etag": self.validators.etag,
                "last_modified": self.validators.last_modified,
                "expression": source.expression,
            }),
            updated_at: self.visited_at,
        };
        store.put_states(&[row]).await?;
        Ok(())
    }
}
