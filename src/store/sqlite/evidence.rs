//! Evidence in SQLite.

use async_trait::async_trait;
use nips::RelayUrl;
use serde_json::json;

use crate::model::Evidence;
use crate::store::rows::{self, integer, limit};
use crate::store::sqlite::SqliteBacked;
use crate::store::sqlite::batch::CHUNK;
use crate::store::sqlite::error::during;
use crate::store::{EvidenceStore, StoreError};

const ADD: &str = include_str!("../../../sql/sqlite/queries/add_evidence.sql");
const OF_URL: &str = include_str!("../../../sql/sqlite/queries/evidence.sql");
const KNOWN_URLS: &str = include_str!("../../../sql/sqlite/queries/known_urls.sql");

#[async_trait]
impl<T: SqliteBacked> EvidenceStore for T {
    async fn add_evidence(&self, evidence: &[Evidence]) -> Result<(), StoreError> {
        for chunk in evidence.chunks(CHUNK) {
            sqlx::query(ADD)
                .bind(named(chunk))
                .execute(&self.sqlite().writer)
                .await
                .map_err(during("add_evidence"))?;
        }
        Ok(())
    }

    async fn evidence(&self, url: &RelayUrl) -> Result<Vec<Evidence>, StoreError> {
        let found = sqlx::query(OF_URL)
            .bind(url.as_str())
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("evidence"))?;
        Ok(rows::readable(&found, rows::evidence))
    }

    async fn known_urls(
        &self,
        after: Option<&RelayUrl>,
        now: u64,
        at_most: usize,
    ) -> Result<Vec<RelayUrl>, StoreError> {
        let found = sqlx::query(KNOWN_URLS)
            .bind(after.map_or("", RelayUrl::as_str))
            .bind(integer(now))
            .bind(limit(at_most))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("known_urls"))?;
        Ok(rows::readable(&found, rows::known_url))
    }
}

fn named(evidence: &[Evidence]) -> String {
    let rows = evidence.iter().map(|evidence| {
        json!([
            evidence.url.as_str(),
            evidence.source,
            integer(evidence.namings),
            integer(evidence.first_named_at),
            integer(evidence.last_named_at),
        ])
    });
    serde_json::Value::from_iter(rows).to_string()
}
