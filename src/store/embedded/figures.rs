//! Figures of the embedded assembly: events are counted in LMDB, relays and their documents in SQLite.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use async_trait::async_trait;
use nips::{Kind, Network, PublicKey};

use super::Embedded;
use crate::model::{RelayId, RelayMetadata};
use crate::store::figures::{
    ArchiveFigures, AuthorFigures, AuthorRelayFigures, CurrentReplaceable, DayFigures, FigureStore,
    KindFigures, NetworkFigures, Reconciliation, Refreshed, RelayFigures, RelayKindFigures,
    SoftwareFigures,
};
use crate::store::lmdb::{UNKNOWN_NETWORK, network_code};
use crate::store::{RelayStore, StoreError};

#[async_trait]
impl FigureStore for Embedded {
    async fn fold_statistics(&self, max_commits: u32) -> Result<u64, StoreError> {
        let mut networks = HashMap::new();
        loop {
            match self.events.fold(max_commits, networks.clone()).await? {
                Ok(folded) => return Ok(folded),
                Err(strangers) => {
                    let unknown = strangers.iter().map(|relay| (*relay, UNKNOWN_NETWORK));
                    networks.extend(unknown);
                    let strangers: Vec<RelayId> = strangers.into_iter().map(RelayId).collect();
                    let relays = self.relays_by_id(&strangers).await?.into_iter();
                    let network = |relay: crate::model::Relay| network_code(relay.url.network());
                    networks.extend(relays.map(|relay| (relay.id.0, network(relay))));
                }
            }
        }
    }

    async fn refresh_statistics(
        &self,
        _views: &[&'static str],
    ) -> Result<Vec<Refreshed>, StoreError> {
        let started = Instant::now();
        let read = self.relational.read_statements().await;
        Ok(vec![Refreshed {
            name: "relay_statement",
            elapsed: started.elapsed(),
            failure: read.err(),
        }])
    }

    async fn reconcile_statistics(
        &self,
        after: Option<PublicKey>,
        max_events: u32,
    ) -> Result<Reconciliation, StoreError> {
        self.events.reconcile(after, max_events).await
    }

    async fn archive_figures(&self, now: u64) -> Result<ArchiveFigures, StoreError> {
        self.events.archive_figures(now).await
    }

    async fn kind_figures(&self) -> Result<Vec<KindFigures>, StoreError> {
        self.events.kind_figures().await
    }

    async fn day_figures(
        &self,
        after: Option<u32>,
        limit: usize,
    ) -> Result<Vec<DayFigures>, StoreError> {
        self.events.day_figures(after, limit).await
    }

    async fn author_figures(&self, pubkey: PublicKey) -> Result<Option<AuthorFigures>, StoreError> {
        self.events.author_figures(pubkey).await
    }

    async fn authors_after(
        &self,
        after: Option<PublicKey>,
        limit: usize,
    ) -> Result<Vec<AuthorFigures>, StoreError> {
        self.events.authors_after(after, limit).await
    }

    async fn top_authors(&self, limit: usize) -> Result<Vec<AuthorFigures>, StoreError> {
        self.events.top_authors(limit).await
    }

    async fn relay_figures(
        &self,
        after: Option<RelayId>,
        limit: usize,
    ) -> Result<Vec<RelayFigures>, StoreError> {
        let mut relays = self.relational.relay_figures(after, limit).await?;
        let ids = relays.iter().map(|one| one.relay).collect();
        let seen = self.events.seen_on_relays(ids).await?;
        for one in &mut relays {
            if let Some(seen) = seen.get(&one.relay) {
                one.events = seen.events;
                one.authors = seen.authors;
                one.kinds = seen.kinds;
                one.first_created_at = Some(seen.first_created_at);
                one.last_created_at = Some(seen.last_created_at);
            }
        }
        Ok(relays)
    }

    async fn relay_kind_figures(
        &self,
        after: Option<(RelayId, Kind)>,
        limit: usize,
    ) -> Result<Vec<RelayKindFigures>, StoreError> {
        self.events.relay_kind_figures(after, limit).await
    }

    async fn author_relay_figures(
        &self,
        pubkey: PublicKey,
        after: Option<RelayId>,
        limit: usize,
    ) -> Result<Vec<AuthorRelayFigures>, StoreError> {
        let events = &self.events;
        events.author_relay_figures(pubkey, after, limit).await
    }

    async fn authors_seen_on(
        &self,
        relay: RelayId,
        limit: usize,
    ) -> Result<Vec<PublicKey>, StoreError> {
        self.events.authors_seen_on(relay, limit).await
    }

    async fn network_figures(&self) -> Result<Vec<NetworkFigures>, StoreError> {
        let mut relays: BTreeMap<&'static str, (Network, u64)> = BTreeMap::new();
        for count in self.relay_counts().await? {
            let name = count.network.as_str();
            relays.entry(name).or_insert((count.network, 0)).1 += count.relays;
        }
        let networks = relays.values().map(|(network, _)| *network).collect();
        let seen = self.events.seen_on_networks(networks).await?;
        let figures = relays.into_values().zip(seen);
        let figures = figures.map(
            |((network, relays), [events, authors, kinds])| NetworkFigures {
                network,
                relays,
                events,
                authors,
                kinds,
            },
        );
        Ok(figures.collect())
    }

    async fn software_figures(&self, limit: usize) -> Result<Vec<SoftwareFigures>, StoreError> {
        self.relational.software_figures(limit).await
    }

    async fn nip_figures(&self, limit: usize) -> Result<Vec<(u32, u64)>, StoreError> {
        self.relational.nip_figures(limit).await
    }

    async fn latest_documents(
        &self,
        after: Option<RelayId>,
        limit: usize,
    ) -> Result<Vec<RelayMetadata>, StoreError> {
        self.relational.latest_documents(after, limit).await
    }

    async fn current_replaceables(
        &self,
        after: Option<(PublicKey, Kind)>,
        limit: usize,
    ) -> Result<Vec<CurrentReplaceable>, StoreError> {
        self.events.current_replaceables(after, limit).await
    }
}
