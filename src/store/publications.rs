//! Publications: events of ours on their way to outside relays.

use std::time::Duration;

use async_trait::async_trait;
use nips::RelayUrl;

use crate::model::Publication;
use crate::store::StoreError;
use crate::store::leases::WorkerId;

/// Who sends, and how long what it is about to send is its own unless it renews that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendLease {
    /// The sender.
    pub worker: WorkerId,
    /// Time until the lease ends by itself.
    pub length: Duration,
}

/// What outside relays are still to be sent. A later event about the same subject takes the place of one that
/// waits, so that there are never more rows than subjects, however long a relay is away.
#[async_trait]
pub trait PublicationStore: Send + Sync {
    /// Queues events in one transaction.
    async fn queue_publications(&self, publications: &[Publication]) -> Result<(), StoreError>;

    /// What a relay is to be sent next and nobody is sending, what waits longest first.
    async fn waiting_publications(
        &self,
        relay: &RelayUrl,
        limit: usize,
    ) -> Result<Vec<Publication>, StoreError>;

    /// Leases what a relay is to be sent next, what waits longest first, and renews what the worker has of that. What
    /// another worker has is passed over until its lease ends, and so is what another worker is just taking. What takes
    /// the place of a leased publication is leased like that.
    async fn lease_publications(
        &self,
        relay: &RelayUrl,
        limit: usize,
        lease: SendLease,
    ) -> Result<Vec<Publication>, StoreError>;

    /// Ends a worker's leases of what a relay is to be sent.
    async fn release_publications(
        &self,
        relay: &RelayUrl,
        worker: WorkerId,
    ) -> Result<(), StoreError>;

    /// Forgets a publication that the relay has answered for. One that took its place meanwhile stays.
    async fn settle_publication(&self, publication: &Publication) -> Result<(), StoreError>;

    /// How much waits for each relay, by URL.
    async fn publication_counts(&self) -> Result<Vec<(RelayUrl, u64)>, StoreError>;

    /// Forgets everything that waits for a relay. Returns how much that was.
    async fn drop_publications(&self, relay: &RelayUrl) -> Result<u64, StoreError>;
}
