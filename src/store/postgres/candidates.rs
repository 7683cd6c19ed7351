//! Candidates in PostgreSQL.

use async_trait::async_trait;
use nips::{Network, RelayUrl};
use sqlx::postgres::PgRow;

use super::PostgresStore;
use super::batch::{CHUNK, networks, urls};
use super::call::Call;
use super::connection::statement;
use super::locks::Lock;
use crate::model::{Candidate, NewCandidate, RelayId};
use crate::store::rows::{self, integer, limit};
use crate::store::{CandidateStore, StoreError};

const ADD: &str = include_str!("../../../sql/postgres/queries/add_candidates.sql");
const FORGET_TOMBSTONES: &str = include_str!("../../../sql/postgres/queries/forget_tombstones.sql");
const DUE_LEVELS: &str = include_str!("../../../sql/postgres/queries/due_levels.sql");
const DUE: &str = include_str!("../../../sql/postgres/queries/due_candidates.sql");
const PROMOTE: &str = include_str!("../../../sql/postgres/queries/promote.sql");
const RELAY_ID: &str = include_str!("../../../sql/postgres/queries/relay_id.sql");
const DELETE: &str = include_str!("../../../sql/postgres/queries/delete_candidates.sql");
const POSTPONE: &str = include_str!("../../../sql/postgres/queries/postpone.sql");
const GIVE_UP: &str = include_str!("../../../sql/postgres/queries/give_up_candidates.sql");
const DELETE_TOMBSTONES: &str =
    include_str!("../../../sql/postgres/queries/delete_expired_tombstones.sql");
const COUNTS: &str = include_str!("../../../sql/postgres/queries/candidate_counts.sql");

#[async_trait]
impl CandidateStore for PostgresStore {
    async fn add_candidates(
        &self,
        candidates: &[NewCandidate],
        now: u64,
    ) -> Result<u64, StoreError> {
        let call = self.call("add_candidates");
        let mut added = 0;
        for chunk in candidates.chunks(CHUNK) {
            added += add(&call, chunk, now).await?;
        }
        Ok(added)
    }

    async fn due_candidates(
        &self,
        on: &[Network],
        now: u64,
        at_most: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        let call = self.call("due_candidates");
        let mut tx = call.begin().await?;
        let asked = statement(DUE_LEVELS).bind(networks(on)).bind(integer(now));
        let levels = tx.fetch_all(asked).await?;
        let mut due: Vec<PgRow> = Vec::new();
        for level in &levels {
            if due.len() == at_most {
                break;
            }
            let asked = statement(DUE)
                .bind(networks(on))
                .bind(integer(now))
                .bind(rows::number::<i64>(level, "failures"))
                .bind(limit(at_most - due.len()));
            due.extend(tx.fetch_all(asked).await?);
        }
        let unreadable = rows::unreadable_candidates(&due);
        if !unreadable.is_empty() {
            tx.execute(statement(DELETE).bind(unreadable)).await?;
        }
        tx.commit().await?;
        Ok(rows::readable(&due, rows::candidate))
    }

    async fn promote(&self, url: &RelayUrl, now: u64) -> Result<RelayId, StoreError> {
        let call = self.call("promote");
        let mut tx = call.begin().await?;
        tx.share(Lock::Urls).await?;
        let promote = statement(PROMOTE)
            .bind(url.as_str())
            .bind(url.network().as_str())
            .bind(integer(now));
        tx.execute(promote).await?;
        let row = tx.fetch_one(statement(RELAY_ID).bind(url.as_str())).await?;
        tx.commit().await?;
        let id = rows::number(&row, "relay_id").map(RelayId);
        id.ok_or_else(|| rows::damaged("relay", &row, "relay_id"))
    }

    async fn postpone(
        &self,
        url: &RelayUrl,
        reason: &str,
        next_attempt_at: u64,
    ) -> Result<(), StoreError> {
        let postpone = statement(POSTPONE)
            .bind(url.as_str())
            .bind(reason)
            .bind(integer(next_attempt_at));
        self.call("postpone").execute(postpone).await?;
        Ok(())
    }

    async fn give_up_candidates(&self, max_failures: u32, until: u64) -> Result<u64, StoreError> {
        let call = self.call("give_up_candidates");
        let mut given_up = 0;
        loop {
            let gone = give_up_some(&call, max_failures, until).await?;
            given_up += gone;
            if gone < CHUNK as u64 {
                return Ok(given_up);
            }
        }
    }

    async fn delete_expired_tombstones(&self, now: u64, at_most: u32) -> Result<u64, StoreError> {
        let delete = statement(DELETE_TOMBSTONES)
            .bind(integer(now))
            .bind(i64::from(at_most));
        let call = self.call("delete_expired_tombstones");
        call.execute(delete).await
    }

    async fn candidate_counts(&self) -> Result<Vec<(Network, u64)>, StoreError> {
        let call = self.call("candidate_counts");
        let found = call.fetch_all(statement(COUNTS)).await?;
        Ok(rows::readable(&found, rows::candidate_count))
    }
}

async fn add(call: &Call<'_>, candidates: &[NewCandidate], now: u64) -> Result<u64, StoreError> {
    let named = urls(candidates.iter().map(|candidate| &candidate.url));
    let on: Vec<Network> = candidates.iter().map(|new| new.url.network()).collect();
    let sources: Vec<&str> = candidates.iter().map(|new| new.source.as_str()).collect();
    let discovered: Vec<i64> = candidates
        .iter()
        .map(|new| integer(new.discovered_at))
        .collect();
    let mut tx = call.begin().await?;
    tx.lock(Lock::Urls).await?;
    let add = statement(ADD)
        .bind(&named)
        .bind(networks(&on))
        .bind(sources)
        .bind(discovered)
        .bind(integer(now));
    let added = tx.execute(add).await?;
    let forget = statement(FORGET_TOMBSTONES).bind(named).bind(integer(now));
    tx.execute(forget).await?;
    tx.commit().await?;
    Ok(added)
}

/// Gives up one chunk, so that other writers get their turn between two.
async fn give_up_some(call: &Call<'_>, max_failures: u32, until: u64) -> Result<u64, StoreError> {
    let give_up = statement(GIVE_UP)
        .bind(networks(&Network::ALL))
        .bind(i64::from(max_failures))
        .bind(integer(until))
        .bind(limit(CHUNK));
    let mut tx = call.begin().await?;
    tx.lock(Lock::Urls).await?;
    let gone = tx.execute(give_up).await?;
    tx.commit().await?;
    Ok(gone)
}
