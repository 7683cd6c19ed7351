//! Candidates in SQLite.

use async_trait::async_trait;
use nips::{Network, RelayUrl};
use serde_json::json;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::model::{Candidate, NewCandidate, RelayId};
use crate::store::rows::{self, StoredRow, integer, limit};
use crate::store::sqlite::batch::{CHUNK, networks, texts, urls};
use crate::store::sqlite::error::during;
use crate::store::sqlite::{SqliteBacked, SqliteStore};
use crate::store::{CandidateStore, StoreError};

const ADD: &str = include_str!("../../../sql/sqlite/queries/add_candidates.sql");
const FORGET_TOMBSTONES: &str = include_str!("../../../sql/sqlite/queries/forget_tombstones.sql");
const DUE_LEVELS: &str = include_str!("../../../sql/sqlite/queries/due_levels.sql");
const DUE: &str = include_str!("../../../sql/sqlite/queries/due_candidates.sql");
const PROMOTE: &str = include_str!("../../../sql/sqlite/queries/promote.sql");
const RELAY_ID: &str = include_str!("../../../sql/sqlite/queries/relay_id.sql");
const DELETE: &str = include_str!("../../../sql/sqlite/queries/delete_candidates.sql");
const DELETE_EVIDENCE: &str = include_str!("../../../sql/sqlite/queries/delete_evidence.sql");
const POSTPONE: &str = include_str!("../../../sql/sqlite/queries/postpone.sql");
const EXHAUSTED: &str = include_str!("../../../sql/sqlite/queries/exhausted_candidates.sql");
const BURY: &str = include_str!("../../../sql/sqlite/queries/bury_candidates.sql");
const DELETE_TOMBSTONES: &str =
    include_str!("../../../sql/sqlite/queries/delete_expired_tombstones.sql");
const COUNTS: &str = include_str!("../../../sql/sqlite/queries/candidate_counts.sql");

#[async_trait]
impl<T: SqliteBacked> CandidateStore for T {
    async fn add_candidates(
        &self,
        candidates: &[NewCandidate],
        now: u64,
    ) -> Result<u64, StoreError> {
        let failed = during("add_candidates");
        let mut added = 0;
        for chunk in candidates.chunks(CHUNK) {
            let named = named(chunk);
            let mut tx = self.sqlite().begin("add_candidates").await?;
            let inserted = sqlx::query(ADD)
                .bind(&named)
                .bind(integer(now))
                .execute(&mut *tx)
                .await
                .map_err(&failed)?;
            sqlx::query(FORGET_TOMBSTONES)
                .bind(&named)
                .bind(integer(now))
                .execute(&mut *tx)
                .await
                .map_err(&failed)?;
            tx.commit().await.map_err(&failed)?;
            added += inserted.rows_affected();
        }
        Ok(added)
    }

    async fn due_candidates(
        &self,
        on: &[Network],
        now: u64,
        at_most: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        let store = self.sqlite();
        let failed = during("due_candidates");
        let levels = sqlx::query(DUE_LEVELS)
            .bind(networks(on))
            .bind(integer(now))
            .fetch_all(&store.readers)
            .await
            .map_err(&failed)?;
        let mut due = Vec::new();
        for level in &levels {
            if due.len() == at_most {
                break;
            }
            let found = sqlx::query(DUE)
                .bind(networks(on))
                .bind(integer(now))
                .bind(rows::number::<i64>(level, "failures"))
                .bind(limit(at_most - due.len()))
                .fetch_all(&store.readers)
                .await
                .map_err(&failed)?;
            due.extend(store.readable_candidates(&found).await?);
        }
        Ok(due)
    }

    async fn promote(&self, url: &RelayUrl, now: u64) -> Result<RelayId, StoreError> {
        let failed = during("promote");
        let mut tx = self.sqlite().begin("promote").await?;
        sqlx::query(PROMOTE)
            .bind(url.as_str())
            .bind(url.network().as_str())
            .bind(integer(now))
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        delete(&mut tx, &urls([url])).await.map_err(&failed)?;
        let row = sqlx::query(RELAY_ID)
            .bind(url.as_str())
            .fetch_one(&mut *tx)
            .await
            .map_err(&failed)?;
        tx.commit().await.map_err(&failed)?;
        let id = rows::number(&row, "relay_id").map(RelayId);
        id.ok_or_else(|| rows::damaged("relay", &row, "relay_id"))
    }

    async fn postpone(
        &self,
        url: &RelayUrl,
        reason: &str,
        next_attempt_at: u64,
    ) -> Result<(), StoreError> {
        sqlx::query(POSTPONE)
            .bind(url.as_str())
            .bind(reason)
            .bind(integer(next_attempt_at))
            .execute(&self.sqlite().writer)
            .await
            .map_err(during("postpone"))?;
        Ok(())
    }

    async fn give_up_candidates(&self, max_failures: u32, until: u64) -> Result<u64, StoreError> {
        let mut given_up = 0;
        loop {
            let gone = self.sqlite().give_up_some(max_failures, until).await?;
            if gone == 0 {
                return Ok(given_up);
            }
            given_up += gone;
        }
    }

    async fn delete_expired_tombstones(&self, now: u64, at_most: u32) -> Result<u64, StoreError> {
        let deleted = sqlx::query(DELETE_TOMBSTONES)
            .bind(integer(now))
            .bind(at_most)
            .execute(&self.sqlite().writer)
            .await
            .map_err(during("delete_expired_tombstones"))?;
        Ok(deleted.rows_affected())
    }

    async fn candidate_counts(&self) -> Result<Vec<(Network, u64)>, StoreError> {
        let found = sqlx::query(COUNTS)
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("candidate_counts"))?;
        Ok(rows::readable(&found, rows::candidate_count))
    }
}

impl SqliteStore {
    /// Gives up one chunk, so that other writers get their turn between two.
    async fn give_up_some(&self, max_failures: u32, until: u64) -> Result<u64, StoreError> {
        let failed = during("give_up_candidates");
        let mut tx = self.begin("give_up_candidates").await?;
        let exhausted = sqlx::query(EXHAUSTED)
            .bind(networks(&Network::ALL))
            .bind(max_failures)
            .bind(limit(CHUNK))
            .fetch_all(&mut *tx)
            .await
            .map_err(&failed)?;
        let gone = texts(exhausted.iter().filter_map(|row| row.text("url")));
        sqlx::query(BURY)
            .bind(&gone)
            .bind(integer(until))
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        sqlx::query(DELETE_EVIDENCE)
            .bind(&gone)
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        let deleted = delete(&mut tx, &gone).await.map_err(&failed)?;
        tx.commit().await.map_err(&failed)?;
        Ok(deleted)
    }

    /// The candidates found that can be read; the others are deleted.
    async fn readable_candidates(&self, found: &[SqliteRow]) -> Result<Vec<Candidate>, StoreError> {
        let readable = rows::readable(found, rows::candidate);
        if readable.len() == found.len() {
            return Ok(readable);
        }
        let gone = texts(rows::unreadable_candidates(found));
        sqlx::query(DELETE)
            .bind(gone)
            .execute(&self.writer)
            .await
            .map_err(during("due_candidates"))?;
        Ok(readable)
    }
}

async fn delete(connection: &mut SqliteConnection, urls: &str) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query(DELETE).bind(urls).execute(connection).await?;
    Ok(deleted.rows_affected())
}

fn named(candidates: &[NewCandidate]) -> String {
    let rows = candidates.iter().map(|candidate| {
        json!([
            candidate.url.as_str(),
            candidate.url.network().as_str(),
            candidate.source,
            integer(candidate.discovered_at),
        ])
    });
    serde_json::Value::from_iter(rows).to_string()
}
