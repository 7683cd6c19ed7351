//! Counting, and reading what was counted: what the embedded assembly needs of the event engine for its figures.

use std::collections::{BTreeSet, HashMap};

use nips::{Kind, Network, PublicKey};

use super::LmdbEvents;
use super::counters::{self, Figures, Folded, SeenOnRelay};
use super::engine::Engine;
use super::view::View;
use super::writer::Job;
use crate::model::RelayId;
use crate::store::StoreError;
use crate::store::figures::{
    ArchiveFigures, AuthorFigures, AuthorRelayFigures, CurrentReplaceable, DayFigures, KindFigures,
    Reconciliation, RelayKindFigures,
};

impl LmdbEvents {
    /// Counts what at most `max_commits` commits changed. `Err` inside names relays whose network it has to know
    /// first.
    pub(in crate::store) async fn fold(
        &self,
        max_commits: u32,
        networks: HashMap<u32, u8>,
    ) -> Result<Result<u64, BTreeSet<u32>>, StoreError> {
        let job = |answer| Job::Fold(max_commits, networks, answer);
        Ok(match self.writer.ask(job).await? {
            Folded::Counted(folded) => Ok(folded),
            Folded::Strangers(relays) => Err(relays),
        })
    }

    /// Compares counters with what is stored; when one is wrong, folding begins anew.
    pub(in crate::store) async fn reconcile(
        &self,
        after: Option<PublicKey>,
        max_events: u32,
    ) -> Result<Reconciliation, StoreError> {
        let check =
            move |engine: &Engine, view: View<'_>| counters::check(engine, view, after, max_events);
        let found = self.read("reconcile_statistics", check).await?;
        if found.wrong > 0 {
            self.writer.ask(Job::RestartCounters).await?;
        }
        Ok(found)
    }

    pub(in crate::store) async fn archive_figures(
        &self,
        now: u64,
    ) -> Result<ArchiveFigures, StoreError> {
        let read = move |figures: &Figures<'_>| figures.archive(now);
        self.figures("archive_figures", read).await
    }

    pub(in crate::store) async fn kind_figures(&self) -> Result<Vec<KindFigures>, StoreError> {
        self.figures("kind_figures", |figures| figures.kinds())
            .await
    }

    pub(in crate::store) async fn day_figures(
        &self,
        after: Option<u32>,
        limit: usize,
    ) -> Result<Vec<DayFigures>, StoreError> {
        let read = move |figures: &Figures<'_>| figures.days(after, limit);
        self.figures("day_figures", read).await
    }

    pub(in crate::store) async fn author_figures(
        &self,
        pubkey: PublicKey,
    ) -> Result<Option<AuthorFigures>, StoreError> {
        let read = move |figures: &Figures<'_>| figures.author(&pubkey);
        self.figures("author_figures", read).await
    }

    pub(in crate::store) async fn authors_after(
        &self,
        after: Option<PublicKey>,
        limit: usize,
    ) -> Result<Vec<AuthorFigures>, StoreError> {
        let read = move |figures: &Figures<'_>| figures.authors_after(after, limit);
        self.figures("authors_after", read).await
    }

    pub(in crate::store) async fn top_authors(
        &self,
        limit: usize,
    ) -> Result<Vec<AuthorFigures>, StoreError> {
        let read = move |figures: &Figures<'_>| figures.top_authors(limit);
        self.figures("top_authors", read).await
    }

    /// What was seen on each of these relays, those without anything left out.
    pub(in crate::store) async fn seen_on_relays(
        &self,
        relays: Vec<RelayId>,
    ) -> Result<HashMap<RelayId, SeenOnRelay>, StoreError> {
        let read = move |figures: &Figures<'_>| {
            let mut found = HashMap::new();
            for relay in relays {
                found.extend(figures.relay(relay)?.map(|seen| (relay, seen)));
            }
            Ok(found)
        };
        self.figures("relay_figures", read).await
    }

    pub(in crate::store) async fn relay_kind_figures(
        &self,
        after: Option<(RelayId, Kind)>,
        limit: usize,
    ) -> Result<Vec<RelayKindFigures>, StoreError> {
        let read = move |figures: &Figures<'_>| figures.relay_kinds(after, limit);
        self.figures("relay_kind_figures", read).await
    }

    pub(in crate::store) async fn author_relay_figures(
        &self,
        pubkey: PublicKey,
        after: Option<RelayId>,
        limit: usize,
    ) -> Result<Vec<AuthorRelayFigures>, StoreError> {
        let read = move |figures: &Figures<'_>| figures.author_relays(&pubkey, after, limit);
        self.figures("author_relay_figures", read).await
    }

    pub(in crate::store) async fn authors_seen_on(
        &self,
        relay: RelayId,
        limit: usize,
    ) -> Result<Vec<PublicKey>, StoreError> {
        let read = move |figures: &Figures<'_>| figures.authors_seen_on(relay, limit);
        self.figures("authors_seen_on", read).await
    }

    /// Different events, authors and kinds of each of these networks.
    pub(in crate::store) async fn seen_on_networks(
        &self,
        networks: Vec<Network>,
    ) -> Result<Vec<[u64; 3]>, StoreError> {
        let read = move |figures: &Figures<'_>| {
            let networks = networks.iter();
            networks.map(|network| figures.network(*network)).collect()
        };
        self.figures("network_figures", read).await
    }

    pub(in crate::store) async fn current_replaceables(
        &self,
        after: Option<(PublicKey, Kind)>,
        limit: usize,
    ) -> Result<Vec<CurrentReplaceable>, StoreError> {
        let read = move |figures: &Figures<'_>| figures.current_replaceables(after, limit);
        self.figures("current_replaceables", read).await
    }

    async fn figures<T: Send + 'static>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&Figures<'_>) -> Result<T, super::fault::Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reader = move |_: &Engine, view: View<'_>| read(&Figures::new(view));
        self.read(operation, reader).await
    }
}
