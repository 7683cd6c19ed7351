//! Figures about the archive, from the counters in PostgreSQL.

use async_trait::async_trait;
use nips::{EventId, Kind, PublicKey};

use super::PostgresStore;
use super::batch::key;
use super::call::Statement;
use super::connection::statement;
use crate::model::{MetadataType, RelayId, RelayMetadata};
use crate::store::StoreError;
use crate::store::figures::{
    ArchiveFigures, AuthorFigures, AuthorRelayFigures, CurrentReplaceable, DayFigures, FigureStore,
    KindFigures, MAX_LOOKED_THROUGH, NetworkFigures, Reconciliation, Refreshed, RelayFigures,
    RelayKindFigures, SoftwareFigures,
};
use crate::store::rows::{self, StoredRow, count, integer, limit, number};

const ARCHIVE: &str = include_str!("../../../sql/postgres/queries/archive_figures.sql");
const KINDS: &str = include_str!("../../../sql/postgres/queries/kind_figures.sql");
const DAYS: &str = include_str!("../../../sql/postgres/queries/day_figures.sql");
const AUTHOR: &str = include_str!("../../../sql/postgres/queries/author_figures.sql");
const AUTHORS: &str = include_str!("../../../sql/postgres/queries/authors_after.sql");
const TOP_AUTHORS: &str = include_str!("../../../sql/postgres/queries/top_authors.sql");
const RELAYS: &str = include_str!("../../../sql/postgres/queries/relay_figures.sql");
const RELAY_KINDS: &str = include_str!("../../../sql/postgres/queries/relay_kind_figures.sql");
const AUTHOR_RELAYS: &str = include_str!("../../../sql/postgres/queries/author_relay_figures.sql");
const AUTHORS_SEEN_ON: &str = include_str!("../../../sql/postgres/queries/authors_seen_on.sql");
const NETWORKS: &str = include_str!("../../../sql/postgres/queries/network_figures.sql");
const SOFTWARE: &str = include_str!("../../../sql/postgres/queries/software_figures.sql");
const NIPS: &str = include_str!("../../../sql/postgres/queries/nip_figures.sql");
const DOCUMENTS: &str = include_str!("../../../sql/postgres/queries/latest_documents.sql");
const REPLACEABLES: &str = include_str!("../../../sql/postgres/queries/current_replaceables.sql");

impl PostgresStore {
    /// The rows of a list, those that can be read.
    async fn figures<T>(
        &self,
        operation: &'static str,
        asked: Statement<'_>,
        read: impl Fn(&sqlx::postgres::PgRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let found = self.call(operation).fetch_all(asked).await?;
        Ok(rows::readable(&found, read))
    }
}

#[async_trait]
impl FigureStore for PostgresStore {
    async fn fold_statistics(&self, max_commits: u32) -> Result<u64, StoreError> {
        self.fold(max_commits).await
    }

    async fn refresh_statistics(
        &self,
        views: &[&'static str],
    ) -> Result<Vec<Refreshed>, StoreError> {
        self.refresh_views(views).await
    }

    async fn reconcile_statistics(
        &self,
        after: Option<PublicKey>,
        max_events: u32,
    ) -> Result<Reconciliation, StoreError> {
        self.reconcile(after, max_events).await
    }

    async fn archive_figures(&self, now: u64) -> Result<ArchiveFigures, StoreError> {
        let call = self.call("archive_figures");
        let mut tx = call.begin().await?;
        let row = tx.fetch_one(statement(ARCHIVE).bind(integer(now))).await?;
        tx.commit().await?;
        let counted = |column| count(&row, column);
        Ok(ArchiveFigures {
            events: counted("events")?,
            authors: counted("authors")?,
            kinds: counted("kinds")?,
            first_created_at: number(&row, "first_created_at"),
            last_created_at: number(&row, "last_created_at"),
            last_hour: counted("last_hour")?,
            last_day: counted("last_day")?,
            last_week: counted("last_week")?,
            last_month: counted("last_month")?,
        })
    }

    async fn kind_figures(&self) -> Result<Vec<KindFigures>, StoreError> {
        let read = |row: &_| {
            Ok(KindFigures {
                kind: kind(row)?,
                events: count(row, "events")?,
                authors: count(row, "authors")?,
            })
        };
        self.figures("kind_figures", statement(KINDS), read).await
    }

    async fn day_figures(
        &self,
        after: Option<u32>,
        at_most: usize,
    ) -> Result<Vec<DayFigures>, StoreError> {
        let asked = statement(DAYS)
            .bind(after.map_or(-1, i64::from))
            .bind(limit(at_most));
        let read = |row: &_| {
            let day = number(row, "day");
            Ok(DayFigures {
                day: day.ok_or_else(|| rows::damaged("day", row, "day"))?,
                events: count(row, "events")?,
                authors: count(row, "authors")?,
                kinds: count(row, "kinds")?,
            })
        };
        self.figures("day_figures", asked, read).await
    }

    async fn author_figures(&self, pubkey: PublicKey) -> Result<Option<AuthorFigures>, StoreError> {
        let asked = statement(AUTHOR).bind(pubkey.0.to_vec());
        let found = self.call("author_figures").fetch_optional(asked).await?;
        found.as_ref().map(author).transpose()
    }

    async fn authors_after(
        &self,
        after: Option<PublicKey>,
        at_most: usize,
    ) -> Result<Vec<AuthorFigures>, StoreError> {
        let asked = statement(AUTHORS)
            .bind(after.map_or(Vec::new(), |pubkey| pubkey.0.to_vec()))
            .bind(limit(at_most));
        self.figures("authors_after", asked, author).await
    }

    async fn top_authors(&self, at_most: usize) -> Result<Vec<AuthorFigures>, StoreError> {
        let asked = statement(TOP_AUTHORS).bind(limit(at_most));
        self.figures("top_authors", asked, author).await
    }

    async fn relay_figures(
        &self,
        after: Option<RelayId>,
        at_most: usize,
    ) -> Result<Vec<RelayFigures>, StoreError> {
        let asked = statement(RELAYS)
            .bind(after.map_or(0, key))
            .bind(limit(at_most));
        self.figures("relay_figures", asked, rows::relay_figures)
            .await
    }

    async fn relay_kind_figures(
        &self,
        after: Option<(RelayId, Kind)>,
        at_most: usize,
    ) -> Result<Vec<RelayKindFigures>, StoreError> {
        let asked = statement(RELAY_KINDS)
            .bind(after.map_or(0, |(relay, _)| key(relay)))
            .bind(after.map_or(-1, |(_, kind)| i64::from(kind.0)))
            .bind(limit(at_most));
        let read = |row: &_| {
            Ok(RelayKindFigures {
                relay: relay(row)?,
                kind: kind(row)?,
                events: count(row, "events")?,
                authors: count(row, "authors")?,
            })
        };
        self.figures("relay_kind_figures", asked, read).await
    }

    async fn author_relay_figures(
        &self,
        pubkey: PublicKey,
        after: Option<RelayId>,
        at_most: usize,
    ) -> Result<Vec<AuthorRelayFigures>, StoreError> {
        let asked = statement(AUTHOR_RELAYS)
            .bind(pubkey.0.to_vec())
            .bind(after.map_or(0, key))
            .bind(limit(at_most));
        let read = |row: &_| {
            Ok(AuthorRelayFigures {
                relay: relay(row)?,
                events: count(row, "events")?,
                kinds: count(row, "kinds")?,
                first_created_at: count(row, "first_created_at")?,
                last_created_at: count(row, "last_created_at")?,
            })
        };
        self.figures("author_relay_figures", asked, read).await
    }

    async fn authors_seen_on(
        &self,
        relay: RelayId,
        at_most: usize,
    ) -> Result<Vec<PublicKey>, StoreError> {
        let asked = statement(AUTHORS_SEEN_ON)
            .bind(key(relay))
            .bind(limit(MAX_LOOKED_THROUGH))
            .bind(limit(at_most));
        self.figures("authors_seen_on", asked, pubkey).await
    }

    async fn network_figures(&self) -> Result<Vec<NetworkFigures>, StoreError> {
        let read = |row: &_| {
            Ok(NetworkFigures {
                network: rows::network(row)?,
                relays: count(row, "relays")?,
                events: count(row, "events")?,
                authors: count(row, "authors")?,
                kinds: count(row, "kinds")?,
            })
        };
        self.figures("network_figures", statement(NETWORKS), read)
            .await
    }

    async fn software_figures(&self, at_most: usize) -> Result<Vec<SoftwareFigures>, StoreError> {
        let asked = statement(SOFTWARE).bind(limit(at_most));
        self.figures("software_figures", asked, rows::software_figures)
            .await
    }

    async fn nip_figures(&self, at_most: usize) -> Result<Vec<(u32, u64)>, StoreError> {
        let asked = statement(NIPS).bind(limit(at_most));
        self.figures("nip_figures", asked, rows::nip_figures).await
    }

    async fn latest_documents(
        &self,
        after: Option<RelayId>,
        at_most: usize,
    ) -> Result<Vec<RelayMetadata>, StoreError> {
        let asked = statement(DOCUMENTS)
            .bind(after.map_or(0, key))
            .bind(limit(at_most));
        let read = |row: &_| rows::relay_metadata(row, relay(row)?, MetadataType::Nip11Info);
        self.figures("latest_documents", asked, read).await
    }

    async fn current_replaceables(
        &self,
        after: Option<(PublicKey, Kind)>,
        at_most: usize,
    ) -> Result<Vec<CurrentReplaceable>, StoreError> {
        let asked = statement(REPLACEABLES)
            .bind(after.map_or(Vec::new(), |(pubkey, _)| pubkey.0.to_vec()))
            .bind(after.map_or(-1, |(_, kind)| i64::from(kind.0)))
            .bind(limit(at_most));
        let read = |row: &sqlx::postgres::PgRow| {
            let id = row.bytes("id").and_then(|id| id.try_into().ok());
            Ok(CurrentReplaceable {
                pubkey: pubkey(row)?,
                kind: kind(row)?,
                id: EventId(id.ok_or_else(|| rows::damaged("event", row, "created_at"))?),
                created_at: count(row, "created_at")?,
            })
        };
        self.figures("current_replaceables", asked, read).await
    }
}

fn author(row: &impl StoredRow) -> Result<AuthorFigures, StoreError> {
    Ok(AuthorFigures {
        pubkey: pubkey(row)?,
        events: count(row, "events")?,
        kinds: count(row, "kinds")?,
        first_created_at: count(row, "first_created_at")?,
        last_created_at: count(row, "last_created_at")?,
    })
}

fn relay(row: &impl StoredRow) -> Result<RelayId, StoreError> {
    let relay = number(row, "relay_id").map(RelayId);
    relay.ok_or_else(|| rows::damaged("relay", row, "relay_id"))
}

fn kind(row: &impl StoredRow) -> Result<Kind, StoreError> {
    let kind = number(row, "kind").map(Kind);
    kind.ok_or_else(|| rows::damaged("kind", row, "kind"))
}

fn pubkey(row: &impl StoredRow) -> Result<PublicKey, StoreError> {
    rows::pubkey(row, "pubkey").ok_or_else(|| rows::damaged("author", row, "events"))
}
