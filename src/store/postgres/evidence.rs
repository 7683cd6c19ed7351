//! Evidence in PostgreSQL.

use async_trait::async_trait;
use nips::RelayUrl;

use super::PostgresStore;
use super::batch::{CHUNK, urls};
use super::call::Call;
use super::connection::statement;
use super::locks::Lock;
use crate::model::Evidence;
use crate::store::rows::{self, integer, limit};
use crate::store::{EvidenceStore, StoreError};

const ADD: &str = include_str!("../../../sql/postgres/queries/add_evidence.sql");
const OF_URL: &str = include_str!("../../../sql/postgres/queries/evidence.sql");
const KNOWN_URLS: &str = include_str!("../../../sql/postgres/queries/known_urls.sql");

#[async_trait]
impl EvidenceStore for PostgresStore {
    async fn add_evidence(&self, evidence: &[Evidence]) -> Result<(), StoreError> {
        let call = self.call("add_evidence");
        for chunk in evidence.chunks(CHUNK) {
            add(&call, chunk).await?;
        }
        Ok(())
    }

    async fn evidence(&self, url: &RelayUrl) -> Result<Vec<Evidence>, StoreError> {
        let asked = statement(OF_URL).bind(url.as_str());
        let found = self.call("evidence").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::evidence))
    }

    async fn known_urls(
        &self,
        after: Option<&RelayUrl>,
        now: u64,
        at_most: usize,
    ) -> Result<Vec<RelayUrl>, StoreError> {
        let asked = statement(KNOWN_URLS)
            .bind(after.map_or("", RelayUrl::as_str))
            .bind(integer(now))
            .bind(limit(at_most));
        let found = self.call("known_urls").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::known_url))
    }
}

/// A URL that is given up at the same time has its evidence deleted either before or after.
async fn add(call: &Call<'_>, evidence: &[Evidence]) -> Result<(), StoreError> {
    let sources: Vec<&str> = evidence.iter().map(|row| row.source.as_str()).collect();
    let numbers = |read: fn(&Evidence) -> u64| -> Vec<i64> {
        evidence.iter().map(|row| integer(read(row))).collect()
    };
    let add = statement(ADD)
        .bind(urls(evidence.iter().map(|row| &row.url)))
        .bind(sources)
        .bind(numbers(|row| row.namings))
        .bind(numbers(|row| row.first_named_at))
        .bind(numbers(|row| row.last_named_at));
    let mut tx = call.begin().await?;
    tx.share(Lock::Urls).await?;
    tx.execute(add).await?;
    tx.commit().await
}
