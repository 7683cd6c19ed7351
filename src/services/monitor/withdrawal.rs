//! Taking back what was published about a relay that turned out to be another one (kind 5, NIP-09): an alias is
//! visited no more, and whoever reads of it as a relay of its own counts it twice.

use nips::address::Address;
use nips::nip66::discovery_identifier;
use nips::{Event, Filter, Kind};
use serde_json::json;
use tracing::info;

use super::Inner;
use crate::model::{Alias, Relay};
use crate::store::StoreError;
use crate::store::events::{QueryBounds, Scope};

/// Aliases read from the store at once.
const PAGE: usize = 100;

impl Inner {
    /// Withdraws what our relay serves about relays that are aliases by now, each once. A relay that is a relay
    /// again later is published again, and withdrawn again should it become an alias again.
    ///
    /// # Errors
    /// [`StoreError`]; what was not recorded is done again.
    pub(super) async fn withdraw_aliases(&self) -> Result<(), StoreError> {
        if !self.config.discovery.enabled {
            return Ok(());
        }
        loop {
            let aliases = self.context.store.aliases_to_withdraw(PAGE).await?;
            if aliases.is_empty() {
                return Ok(());
            }
            for alias in aliases {
                self.withdraw(&alias).await?;
            }
        }
    }

    async fn withdraw(&self, alias: &Alias) -> Result<(), StoreError> {
        let store = &self.context.store;
        let relays = store.relays_by_id(&[alias.relay, alias.canonical]).await?;
        let find = |id| relays.iter().find(|relay| relay.id == id);
        let now = self.context.clock.now();
        if let (Some(relay), Some(canonical)) = (find(alias.relay), find(alias.canonical))
            && let Some(published) = self.published(relay).await?
        {
            let because = format!("{} is {}", relay.url, canonical.url);
            // A deletion reaches versions up to its own moment.
            let moment = now.max(published.created_at());
            self.admit(moment, Kind::DELETION, deletion(&published), because)
                .await?;
            info!(relay.url = %relay.url, canonical = %canonical.url, "discovery_withdrawn");
        }
        store.record_withdrawal(alias.relay, now).await
    }

    /// What our relay serves of ours about a relay.
    async fn published(&self, relay: &Relay) -> Result<Option<Event>, StoreError> {
        let filter = json!({
            "kinds": [Kind::RELAY_DISCOVERY],
            "authors": [self.signer.public_key().to_hex()],
            "#d": [discovery_identifier(&relay.url)],
        });
        let filter = Filter::from_value(&filter).expect("the filter is well-formed");
        let scope = Scope::public(self.context.clock.now());
        let store = &self.context.store;
        let found = store.query(vec![filter], scope, QueryBounds::default());
        Ok(found.await?.events.into_iter().next())
    }
}

/// The tags of an event that deletes every version of another one so far.
fn deletion(of: &Event) -> Vec<Vec<String>> {
    let tag = |name: &str, value: String| vec![name.to_owned(), value];
    let mut tags = vec![tag("e", of.id().to_hex())];
    tags.extend(Address::of(&of.as_ref()).map(|address| tag("a", address.to_string())));
    tags.push(tag("k", of.kind().0.to_string()));
    tags
}
