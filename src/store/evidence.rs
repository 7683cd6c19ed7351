//! Evidence: who named a URL, how often and since when.

use async_trait::async_trait;
use nips::RelayUrl;

use crate::model::Evidence;
use crate::store::StoreError;

/// What is known of the namings of candidates and relays.
#[async_trait]
pub trait EvidenceStore: Send + Sync {
    /// Adds namings to what is there. URLs that are neither candidates nor relays are passed over, so that
    /// nothing is kept of what was not taken in. Repeats in the input add up.
    async fn add_evidence(&self, evidence: &[Evidence]) -> Result<(), StoreError>;

    /// All evidence of a URL, by source. It stays when a candidate becomes a relay and goes when it is
    /// given up.
    async fn evidence(&self, url: &RelayUrl) -> Result<Vec<Evidence>, StoreError>;

    /// URLs that are relays, candidates, or given up beyond `now` unix seconds, in the order of their
    /// text, `after` exclusive: a page for walking over them.
    async fn known_urls(
        &self,
        after: Option<&RelayUrl>,
        now: u64,
        limit: usize,
    ) -> Result<Vec<RelayUrl>, StoreError>;
}
