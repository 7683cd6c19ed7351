//! The decisions in force, and where they are kept.

use std::sync::{Arc, OnceLock};

use serde_json::Value;
use tokio::sync::{Mutex, watch};

use super::decisions::{Decision, Decisions, Subject};
use crate::model::{ServiceName, ServiceState, StateType};
use crate::store::{StateStore, StoreError};

/// The decisions that everybody in the relay looks at.
pub(super) struct Decided {
    current: watch::Sender<Arc<Decisions>>,
    kept_in: OnceLock<Arc<dyn StateStore>>,
    /// Held while one is made, so that none is lost between store and memory.
    deciding: Mutex<()>,
}

impl Default for Decided {
    fn default() -> Self {
        Self {
            current: watch::Sender::new(Arc::default()),
            kept_in: OnceLock::new(),
            deciding: Mutex::default(),
        }
    }
}

impl Decided {
    /// Takes up the decisions that are kept there, and keeps further ones there. Gives all rows.
    pub(super) async fn keep_in(
        &self,
        store: Arc<dyn StateStore>,
    ) -> Result<Vec<ServiceState>, StoreError> {
        let kept = store
            .states(ServiceName::Relay, StateType::Decision)
            .await?;
        let rows = kept.iter().map(|row| (row.key.as_str(), &row.value));
        self.current
            .send_replace(Arc::new(Decisions::from_rows(rows)));
        // Whoever keeps them already goes on.
        let _ = self.kept_in.set(store);
        Ok(kept)
    }

    /// Writes a row.
    pub(super) async fn keep(&self, key: String, value: Value, now: u64) -> Result<(), StoreError> {
        let Some(store) = self.kept_in.get() else {
            return Ok(());
        };
        let row = ServiceState {
            service: ServiceName::Relay,
            state_type: StateType::Decision,
            key,
            value,
            updated_at: now,
        };
        store.put_states(&[row]).await.map(drop)
    }

    async fn forget(&self, key: String) -> Result<(), StoreError> {
        let Some(store) = self.kept_in.get() else {
            return Ok(());
        };
        let (service, state_type, keys) = (ServiceName::Relay, StateType::Decision, [key]);
        let deleted = store.delete_states(service, state_type, &keys);
        deleted.await.map(drop)
    }

    /// The decisions of this moment.
    pub(super) fn now(&self) -> Arc<Decisions> {
        Arc::clone(&self.current.borrow())
    }

    /// Tells of every change from now on.
    pub(super) fn changes(&self) -> watch::Receiver<Arc<Decisions>> {
        self.current.subscribe()
    }

    /// Decides, or takes a decision back, at `now` unix seconds. It is durable before anybody sees it.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is decided then.
    pub(super) async fn decide(
        &self,
        subject: Subject,
        decision: Option<Decision>,
        now: u64,
    ) -> Result<(), StoreError> {
        let _alone = self.deciding.lock().await;
        match &decision {
            Some(decision) => self.keep(subject.key(), decision.to_value(), now).await?,
            None => self.forget(subject.key()).await?,
        }
        let changed = self.now().with(subject, decision);
        self.current.send_replace(Arc::new(changed));
        Ok(())
    }
}
