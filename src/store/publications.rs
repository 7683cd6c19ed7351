//! Publications: events of ours on their way to outside relays.

use async_trait::async_trait;
use nips::RelayUrl;

use crate::model::Publication;
use crate::store::StoreError;

/// What outside relays are still to be sent. A later event about the same subject takes the place of one that
/// waits, so that there are never more rows than subjects, however long a relay is away.
#[async_trait]
pub trait PublicationStore: Send + Sync {
    /// Queues events in one transaction.
    async fn queue_publications(&self, publications: &[Publication]) -> Result<(), StoreError>;

    /// What a relay is to be sent next, what waits longest first.
    async fn waiting_publications(
        &self,
        relay: &RelayUrl,
        limit: usize,
    ) -> Result<Vec<Publication>, StoreError>;

    /// Forgets a publication that the relay has answered for. One that took its place meanwhile stays.
    async fn settle_publication(&self, publication: &Publication) -> Result<(), StoreError>;

    /// How much waits for each relay, by URL.
    async fn publication_counts(&self) -> Result<Vec<(RelayUrl, u64)>, StoreError>;

    /// Forgets everything that waits for a relay. Returns how much that was.
    async fn drop_publications(&self, relay: &RelayUrl) -> Result<u64, StoreError>;
}
