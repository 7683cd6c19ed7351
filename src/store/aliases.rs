//! Aliases: relays that are another relay under another URL. They stay listed and are visited no more.

use async_trait::async_trait;
use nips::RelayUrl;

use crate::model::{Alias, Relay, RelayId};
use crate::store::StoreError;

/// What is known of URLs that lead to one relay.
#[async_trait]
pub trait AliasStore: Send + Sync {
    /// Relays with the scheme, host and port of a URL, whatever their paths, in the order of their URLs.
    async fn relays_beside(&self, url: &RelayUrl, limit: usize) -> Result<Vec<Relay>, StoreError>;

    /// Writes down aliases in one transaction: each is due for nothing from now on, and what was an alias of
    /// one is an alias of its canonical relay. That one is visited again at `now` unix seconds if it was
    /// an alias itself. An alias of itself is passed over.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for an unknown relay; nothing is stored then.
    async fn add_aliases(&self, aliases: &[Alias], now: u64) -> Result<(), StoreError>;

    /// Every alias row that names a relay on either side, by key.
    async fn aliases(&self, relay: RelayId) -> Result<Vec<Alias>, StoreError>;

    /// Aliases of which it was not published yet that they are no relays of their own, by key.
    async fn aliases_to_withdraw(&self, limit: usize) -> Result<Vec<Alias>, StoreError>;

    /// Writes down that it was published at `now` unix seconds. It stays so as long as the relay is an alias.
    async fn record_withdrawal(&self, relay: RelayId, now: u64) -> Result<(), StoreError>;

    /// Aliases that were neither found nor looked at since a moment, longest waiting first.
    async fn aliases_looked_at_before(
        &self,
        moment: u64,
        limit: usize,
    ) -> Result<Vec<Alias>, StoreError>;

    /// Writes down that an alias was looked at, at `now` unix seconds.
    async fn record_alias_look(&self, relay: RelayId, now: u64) -> Result<(), StoreError>;

    /// Forgets that a relay is an alias: it is visited again from `now` unix seconds on. Nothing happens to one
    /// that is none.
    async fn release_alias(&self, relay: RelayId, now: u64) -> Result<(), StoreError>;
}
