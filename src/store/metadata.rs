//! Content-addressed documents and round-trip times.

use async_trait::async_trait;

use crate::model::{MetadataType, RelayId, RelayMetadata, RttSample};
use crate::store::StoreError;

/// Documents about relays, and when each was current.
#[async_trait]
pub trait MetadataStore: Send + Sync {
    /// Stores documents and when each was current for its relay, in one transaction. A document that
    /// exists is shared, and one that is still current extends its junction row instead of adding one,
    /// so that a relay that never changes costs a row a document, not a row a check. Returns the
    /// number of new junction rows.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for an unknown relay; nothing is stored then.
    async fn add_relay_metadata(&self, rows: &[RelayMetadata]) -> Result<u64, StoreError>;

    /// The newest document of a type about a relay, with the moment it was last seen current.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the document no longer hashes to its id.
    async fn latest_metadata(
        &self,
        relay: RelayId,
        metadata_type: MetadataType,
    ) -> Result<Option<RelayMetadata>, StoreError>;

    /// The newest round-trip times of a relay, newest first.
    async fn rtt_samples(&self, relay: RelayId, limit: usize)
    -> Result<Vec<RttSample>, StoreError>;

    /// Deletes at most `limit` junction rows and samples last observed before `before` unix seconds,
    /// always keeping the newest of each relay and type. Returns how many went.
    async fn delete_expired_metadata(&self, before: u64, limit: u32) -> Result<u64, StoreError>;

    /// Deletes at most `limit` documents that no junction row names. Returns how many went.
    async fn delete_orphan_metadata(&self, limit: u32) -> Result<u64, StoreError>;
}
