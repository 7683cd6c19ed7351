//! Relays in SQLite.

use async_trait::async_trait;
use nips::{Network, RelayUrl};
use serde_json::json;
use sqlx::sqlite::SqliteQueryResult;

use crate::model::{NewRelay, Relay, RelayId, RttSample};
use crate::store::leases::Work;
use crate::store::relays::{CheckRecord, RelayCount};
use crate::store::rows::{self, integer, limit};
use crate::store::sqlite::SqliteBacked;
use crate::store::sqlite::batch::{CHUNK, networks, urls};
use crate::store::sqlite::error::during;
use crate::store::{RelayStore, StoreError};

const ADD: &str = include_str!("../../../sql/sqlite/queries/add_relays.sql");
const DELETE_CANDIDATES: &str = include_str!("../../../sql/sqlite/queries/delete_candidates.sql");
const BY_URL: &str = include_str!("../../../sql/sqlite/queries/relay_by_url.sql");
const BY_ID: &str = include_str!("../../../sql/sqlite/queries/relays_by_id.sql");
const DUE_FOR_CHECK: &str = include_str!("../../../sql/sqlite/queries/due_for_check.sql");
const RECORD_CHECK: &str = include_str!("../../../sql/sqlite/queries/record_check.sql");
const ADD_RTT: &str = include_str!("../../../sql/sqlite/queries/add_rtt_sample.sql");
const DUE_FOR_SYNC: &str = include_str!("../../../sql/sqlite/queries/due_for_sync.sql");
const RECORD_SYNC: &str = include_str!("../../../sql/sqlite/queries/record_sync.sql");
const COUNTS: &str = include_str!("../../../sql/sqlite/queries/relay_counts.sql");
const AFTER: &str = include_str!("../../../sql/sqlite/queries/relays_after.sql");

#[async_trait]
impl<T: SqliteBacked> RelayStore for T {
    async fn add_relays(&self, relays: &[NewRelay], now: u64) -> Result<u64, StoreError> {
        let failed = during("add_relays");
        let mut added = 0;
        for chunk in relays.chunks(CHUNK) {
            let mut tx = self.sqlite().begin("add_relays").await?;
            let inserted = sqlx::query(ADD)
                .bind(named(chunk))
                .bind(integer(now))
                .execute(&mut *tx)
                .await
                .map_err(&failed)?;
            sqlx::query(DELETE_CANDIDATES)
                .bind(urls(chunk.iter().map(|relay| &relay.url)))
                .execute(&mut *tx)
                .await
                .map_err(&failed)?;
            tx.commit().await.map_err(&failed)?;
            added += inserted.rows_affected();
        }
        Ok(added)
    }

    async fn relay_by_url(&self, url: &RelayUrl) -> Result<Option<Relay>, StoreError> {
        let found = sqlx::query(BY_URL)
            .bind(url.as_str())
            .fetch_optional(&self.sqlite().readers)
            .await
            .map_err(during("relay_by_url"))?;
        found.as_ref().map(rows::relay).transpose()
    }

    async fn relays_by_id(&self, ids: &[RelayId]) -> Result<Vec<Relay>, StoreError> {
        let mut ids: Vec<u32> = ids.iter().map(|id| id.0).collect();
        ids.sort_unstable();
        let mut relays = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let asked = json!(chunk).to_string();
            let found = sqlx::query(BY_ID)
                .bind(asked)
                .fetch_all(&self.sqlite().readers)
                .await
                .map_err(during("relays_by_id"))?;
            relays.extend(rows::readable(&found, rows::relay));
        }
        // Repeats that straddle two chunks were found twice.
        relays.dedup_by_key(|relay| relay.id);
        Ok(relays)
    }

    async fn due_for_check(
        &self,
        on: &[Network],
        now: u64,
        at_most: usize,
    ) -> Result<Vec<Relay>, StoreError> {
        let leases = &self.sqlite().leases;
        let found = sqlx::query(DUE_FOR_CHECK)
            .bind(networks(on))
            .bind(integer(now))
            .bind(limit(at_most.saturating_add(leases.len())))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("due_for_check"))?;
        let mut due = rows::readable(&found, rows::relay);
        due.retain(|relay| !leases.has(&(relay.id, Work::Check)));
        due.truncate(at_most);
        Ok(due)
    }

    async fn record_check(&self, record: &CheckRecord) -> Result<(), StoreError> {
        let failed = during("record_check");
        let mut tx = self.sqlite().begin("record_check").await?;
        let updated = sqlx::query(RECORD_CHECK)
            .bind(record.rtt.relay.0)
            .bind(record.state.as_str())
            .bind(record.check_failures)
            .bind(integer(record.next_check_at))
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        one_row(&updated).map_err(&failed)?;
        let RttSample {
            relay,
            checked_at,
            open_ms,
            read_ms,
            write_ms,
        } = record.rtt;
        sqlx::query(ADD_RTT)
            .bind(relay.0)
            .bind(integer(checked_at))
            .bind(open_ms)
            .bind(read_ms)
            .bind(write_ms)
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        tx.commit().await.map_err(&failed)
    }

    async fn due_for_sync(
        &self,
        on: &[Network],
        now: u64,
        at_most: usize,
    ) -> Result<Vec<Relay>, StoreError> {
        let leases = &self.sqlite().leases;
        let found = sqlx::query(DUE_FOR_SYNC)
            .bind(networks(on))
            .bind(integer(now))
            .bind(limit(at_most.saturating_add(leases.len())))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("due_for_sync"))?;
        let mut due = rows::readable(&found, rows::relay);
        due.retain(|relay| !leases.has(&(relay.id, Work::Sync)));
        due.truncate(at_most);
        Ok(due)
    }

    async fn record_sync(
        &self,
        relay: RelayId,
        sync_failures: u32,
        next_sync_at: u64,
    ) -> Result<(), StoreError> {
        let updated = sqlx::query(RECORD_SYNC)
            .bind(relay.0)
            .bind(sync_failures)
            .bind(integer(next_sync_at))
            .execute(&self.sqlite().writer)
            .await
            .map_err(during("record_sync"))?;
        one_row(&updated).map_err(during("record_sync"))
    }

    async fn relay_counts(&self) -> Result<Vec<RelayCount>, StoreError> {
        let found = sqlx::query(COUNTS)
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("relay_counts"))?;
        Ok(rows::readable(&found, rows::relay_count))
    }

    async fn relays_after(
        &self,
        after: Option<RelayId>,
        at_most: usize,
    ) -> Result<Vec<Relay>, StoreError> {
        let found = sqlx::query(AFTER)
            .bind(after.map_or(0, |id| id.0))
            .bind(limit(at_most))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("relays_after"))?;
        Ok(rows::readable(&found, rows::relay))
    }
}

fn named(relays: &[NewRelay]) -> String {
    let rows = relays.iter().map(|relay| {
        json!([
            relay.url.as_str(),
            relay.url.network().as_str(),
            integer(relay.discovered_at),
        ])
    });
    serde_json::Value::from_iter(rows).to_string()
}

/// An update by key that met no row is a mistake of the caller, not a result.
fn one_row(updated: &SqliteQueryResult) -> Result<(), sqlx::Error> {
    match updated.rows_affected() {
        0 => Err(sqlx::Error::RowNotFound),
        _ => Ok(()),
    }
}
