//! Traffic: what the synchronizer received of each relay.

use async_trait::async_trait;

use crate::model::{NetworkTraffic, News, RelayId, RelayNews, RelayTraffic, Traffic};
use crate::store::StoreError;

/// What was received, by relay and by network.
#[async_trait]
pub trait TrafficStore: Send + Sync {
    /// Adds to a relay's traffic, and says how much news it brings by now.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for an unknown relay.
    async fn add_traffic(
        &self,
        relay: RelayId,
        received: Traffic,
        news: News,
    ) -> Result<(), StoreError>;

    /// A relay's traffic; nothing of a relay that nothing was received of.
    async fn traffic(&self, relay: RelayId) -> Result<RelayTraffic, StoreError>;

    /// Relays whose news are fresh beyond `now` unix seconds, those that bring most first.
    async fn freshest(&self, now: u64, limit: usize) -> Result<Vec<RelayNews>, StoreError>;

    /// The traffic of each network that has some.
    async fn network_traffic(&self) -> Result<Vec<NetworkTraffic>, StoreError>;
}
