//! What is remembered of audits: when a relay was audited last, and what that said.

use nips::nip66::ClaimAudit;

use super::{Depth, Inner};
use crate::model::{
    Metadata, MetadataType, Relay, RelayMetadata, RelayState, ServiceName, StateType,
};
use crate::store::StoreError;

impl Inner {
    /// Whether claims are audited at all.
    pub(super) fn audits(&self) -> bool {
        let check = MetadataType::ClaimAudit;
        self.examiner.makes(check) && self.config.processing.store.includes(check)
    }

    /// The latest audit of a relay, with the moment it was made.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read. One that is damaged is as good as none.
    pub(super) async fn last_audit(
        &self,
        relay: &Relay,
    ) -> Result<Option<RelayMetadata>, StoreError> {
        if !self.audits() {
            return Ok(None);
        }
        let store = &self.context.store;
        match store
            .latest_metadata(relay.id, MetadataType::ClaimAudit)
            .await
        {
            Err(StoreError::Damaged { .. }) => Ok(None),
            found => found,
        }
    }

    /// Whether its operator has asked not to be archived, by an event that a synchronizer found.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not say.
    pub(super) async fn is_left_alone(&self, relay: &Relay) -> Result<bool, StoreError> {
        let (service, kind) = (ServiceName::Synchronizer, StateType::Decision);
        let wish = self.context.store.state(service, kind, relay.url.as_str());
        Ok(wish.await?.is_some())
    }

    /// How much a relay is asked at `now`. One that has just been found is left in peace.
    pub(super) fn depth(&self, relay: &Relay, last: Option<&RelayMetadata>, now: u64) -> Depth {
        let interval = self.config.processing.audit.interval.as_secs();
        let is_due = last.is_none_or(|last| last.generated_at + interval <= now);
        if self.audits() && is_due && relay.state == RelayState::Online {
            Depth::Claims
        } else {
            Depth::Checks
        }
    }
}

/// What a document says; nothing if it cannot be read.
pub(super) fn read(document: &Metadata) -> Option<ClaimAudit> {
    serde_json::from_str(document.data()).ok()
}

/// Whether two documents come to the same verdicts. Then the older one stays, with the transcript of the day
/// on which they were first observed: no two transcripts are the same.
pub(super) fn agree(one: &Metadata, other: &Metadata) -> bool {
    match (read(one), read(other)) {
        (Some(one), Some(other)) => one.agrees_with(&other),
        _ => false,
    }
}
