//! Relays in PostgreSQL.

use async_trait::async_trait;
use nips::{Network, RelayUrl};

use super::PostgresStore;
use super::batch::{CHUNK, key, networks, urls};
use super::call::Call;
use super::connection::statement;
use super::locks::Lock;
use crate::model::{NewRelay, Relay, RelayId, RttSample};
use crate::store::relays::{CheckRecord, RelayCount};
use crate::store::rows::{self, integer, limit};
use crate::store::{RelayStore, StoreError};

const ADD: &str = include_str!("../../../sql/postgres/queries/add_relays.sql");
const DELETE_CANDIDATES: &str = include_str!("../../../sql/postgres/queries/delete_candidates.sql");
const BY_URL: &str = include_str!("../../../sql/postgres/queries/relay_by_url.sql");
const BY_ID: &str = include_str!("../../../sql/postgres/queries/relays_by_id.sql");
const DUE_FOR_CHECK: &str = include_str!("../../../sql/postgres/queries/due_for_check.sql");
const RECORD_CHECK: &str = include_str!("../../../sql/postgres/queries/record_check.sql");
const DUE_FOR_SYNC: &str = include_str!("../../../sql/postgres/queries/due_for_sync.sql");
const RECORD_SYNC: &str = include_str!("../../../sql/postgres/queries/record_sync.sql");
const COUNTS: &str = include_str!("../../../sql/postgres/queries/relay_counts.sql");
const AFTER: &str = include_str!("../../../sql/postgres/queries/relays_after.sql");

#[async_trait]
impl RelayStore for PostgresStore {
    async fn add_relays(&self, relays: &[NewRelay], now: u64) -> Result<u64, StoreError> {
        let call = self.call("add_relays");
        let mut added = 0;
        for chunk in relays.chunks(CHUNK) {
            added += add(&call, chunk, now).await?;
        }
        Ok(added)
    }

    async fn relay_by_url(&self, url: &RelayUrl) -> Result<Option<Relay>, StoreError> {
        let call = self.call("relay_by_url");
        let asked = statement(BY_URL).bind(url.as_str());
        let found = call.fetch_optional(asked).await?;
        found.as_ref().map(rows::relay).transpose()
    }

    async fn relays_by_id(&self, ids: &[RelayId]) -> Result<Vec<Relay>, StoreError> {
        let call = self.call("relays_by_id");
        let mut keys: Vec<i64> = ids.iter().copied().map(key).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut relays = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK) {
            let found = call.fetch_all(statement(BY_ID).bind(chunk)).await?;
            relays.extend(rows::readable(&found, rows::relay));
        }
        Ok(relays)
    }

    async fn due_for_check(
        &self,
        on: &[Network],
        now: u64,
        at_most: usize,
    ) -> Result<Vec<Relay>, StoreError> {
        let call = self.call("due_for_check");
        due(&call, DUE_FOR_CHECK, on, now, at_most).await
    }

    async fn record_check(&self, record: &CheckRecord) -> Result<(), StoreError> {
        let RttSample {
            relay,
            checked_at,
            open_ms,
            read_ms,
            write_ms,
        } = record.rtt;
        let record = statement(RECORD_CHECK)
            .bind(key(relay))
            .bind(record.state.as_str())
            .bind(i64::from(record.check_failures))
            .bind(integer(record.next_check_at))
            .bind(integer(checked_at))
            .bind(open_ms.map(milliseconds))
            .bind(read_ms.map(milliseconds))
            .bind(write_ms.map(milliseconds));
        self.call("record_check").execute_by_key(record).await
    }

    async fn due_for_sync(
        &self,
        on: &[Network],
        now: u64,
        at_most: usize,
    ) -> Result<Vec<Relay>, StoreError> {
        let call = self.call("due_for_sync");
        due(&call, DUE_FOR_SYNC, on, now, at_most).await
    }

    async fn record_sync(
        &self,
        relay: RelayId,
        sync_failures: u32,
        next_sync_at: u64,
    ) -> Result<(), StoreError> {
        let record = statement(RECORD_SYNC)
            .bind(key(relay))
            .bind(i64::from(sync_failures))
            .bind(integer(next_sync_at));
        self.call("record_sync").execute_by_key(record).await
    }

    async fn relay_counts(&self) -> Result<Vec<RelayCount>, StoreError> {
        let call = self.call("relay_counts");
        let found = call.fetch_all(statement(COUNTS)).await?;
        Ok(rows::readable(&found, rows::relay_count))
    }

    async fn relays_after(
        &self,
        after: Option<RelayId>,
        at_most: usize,
    ) -> Result<Vec<Relay>, StoreError> {
        let asked = statement(AFTER)
            .bind(after.map_or(0, key))
            .bind(limit(at_most));
        let found = self.call("relays_after").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::relay))
    }
}

async fn add(call: &Call<'_>, relays: &[NewRelay], now: u64) -> Result<u64, StoreError> {
    let named = urls(relays.iter().map(|relay| &relay.url));
    let on: Vec<Network> = relays.iter().map(|relay| relay.url.network()).collect();
    let discovered: Vec<i64> = relays
        .iter()
        .map(|relay| integer(relay.discovered_at))
        .collect();
    let mut tx = call.begin().await?;
    tx.share(Lock::Urls).await?;
    let add = statement(ADD)
        .bind(&named)
        .bind(networks(&on))
        .bind(discovered)
        .bind(integer(now));
    let added = tx.execute(add).await?;
    tx.execute(statement(DELETE_CANDIDATES).bind(named)).await?;
    tx.commit().await?;
    Ok(added)
}

async fn due(
    call: &Call<'_>,
    query: &'static str,
    on: &[Network],
    now: u64,
    at_most: usize,
) -> Result<Vec<Relay>, StoreError> {
    let asked = statement(query)
        .bind(networks(on))
        .bind(integer(now))
        .bind(limit(at_most));
    let found = call.fetch_all(asked).await?;
    Ok(rows::readable(&found, rows::relay))
}

/// A round-trip time as it is stored: nobody waits for 24 days.
fn milliseconds(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
