//! Documents and round-trip times in PostgreSQL.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::PostgresStore;
use super::batch::key;
use super::call::Transaction;
use super::connection::statement;
use super::locks::Lock;
use crate::model::{Metadata, MetadataType, RelayId, RelayMetadata, RttSample};
use crate::store::rows::{self, integer, limit};
use crate::store::{MetadataStore, StoreError};

const ADD_DOCUMENTS: &str = include_str!("../../../sql/postgres/queries/add_metadata.sql");
const ADD_JUNCTIONS: &str = include_str!("../../../sql/postgres/queries/add_relay_metadata.sql");
const LATEST: &str = include_str!("../../../sql/postgres/queries/latest_metadata.sql");
const RTT_SAMPLES: &str = include_str!("../../../sql/postgres/queries/rtt_samples.sql");
const DELETE_JUNCTIONS: &str =
    include_str!("../../../sql/postgres/queries/delete_expired_relay_metadata.sql");
const DELETE_RTT: &str = include_str!("../../../sql/postgres/queries/delete_expired_rtt.sql");
const DELETE_ORPHANS: &str =
    include_str!("../../../sql/postgres/queries/delete_orphan_metadata.sql");

#[async_trait]
impl MetadataStore for PostgresStore {
    async fn add_relay_metadata(&self, rows: &[RelayMetadata]) -> Result<u64, StoreError> {
        let call = self.call("add_relay_metadata");
        let mut tx = call.begin().await?;
        tx.share(Lock::Documents).await?;
        tx.lock_relays(rows.iter().map(|row| row.relay)).await?;
        add_documents(&mut tx, rows).await?;
        let mut added = 0;
        for round in rounds(rows) {
            added += add_junctions(&mut tx, &round).await?;
        }
        tx.commit().await?;
        Ok(added)
    }

    async fn latest_metadata(
        &self,
        relay: RelayId,
        metadata_type: MetadataType,
    ) -> Result<Option<RelayMetadata>, StoreError> {
        let call = self.call("latest_metadata");
        let asked = statement(LATEST)
            .bind(key(relay))
            .bind(metadata_type.as_str());
        let found = call.fetch_optional(asked).await?;
        let read = |row| rows::relay_metadata(row, relay, metadata_type);
        found.as_ref().map(read).transpose()
    }

    async fn rtt_samples(
        &self,
        relay: RelayId,
        at_most: usize,
    ) -> Result<Vec<RttSample>, StoreError> {
        let asked = statement(RTT_SAMPLES).bind(key(relay)).bind(limit(at_most));
        let found = self.call("rtt_samples").fetch_all(asked).await?;
        Ok(rows::readable(&found, |row| rows::rtt_sample(row, relay)))
    }

    async fn delete_expired_metadata(&self, before: u64, at_most: u32) -> Result<u64, StoreError> {
        let call = self.call("delete_expired_metadata");
        let delete = |query, at_most: u64| {
            let query = statement(query).bind(integer(before));
            call.execute(query.bind(integer(at_most)))
        };
        let at_most = u64::from(at_most);
        let junctions = delete(DELETE_JUNCTIONS, at_most).await?;
        let samples = delete(DELETE_RTT, at_most.saturating_sub(junctions)).await?;
        Ok(junctions + samples)
    }

    async fn delete_orphan_metadata(&self, at_most: u32) -> Result<u64, StoreError> {
        let call = self.call("delete_orphan_metadata");
        let mut tx = call.begin().await?;
        tx.lock(Lock::Documents).await?;
        let delete = statement(DELETE_ORPHANS).bind(i64::from(at_most));
        let deleted = tx.execute(delete).await?;
        tx.commit().await?;
        Ok(deleted)
    }
}

async fn add_documents(
    tx: &mut Transaction<'_>,
    rows: &[RelayMetadata],
) -> Result<u64, StoreError> {
    let documents = || rows.iter().map(|row| &row.metadata);
    let ids: Vec<[u8; 32]> = documents().map(|document| document.id()).collect();
    let add = statement(ADD_DOCUMENTS)
        .bind(ids)
        .bind(documents().map(type_name).collect::<Vec<_>>())
        .bind(
            documents()
                .map(|document| document.data())
                .collect::<Vec<_>>(),
        );
    tx.execute(add).await
}

async fn add_junctions(
    tx: &mut Transaction<'_>,
    rows: &[&RelayMetadata],
) -> Result<u64, StoreError> {
    let relays: Vec<i64> = rows.iter().map(|row| key(row.relay)).collect();
    let types: Vec<&str> = rows.iter().map(|row| type_name(&row.metadata)).collect();
    let ids: Vec<[u8; 32]> = rows.iter().map(|row| row.metadata.id()).collect();
    let moments: Vec<i64> = rows.iter().map(|row| integer(row.generated_at)).collect();
    let add = statement(ADD_JUNCTIONS)
        .bind(relays)
        .bind(types)
        .bind(ids)
        .bind(moments);
    tx.execute(add).await
}

/// The rows in as few rounds as there may be without a relay and type twice in one: what a row does
/// depends on what the rows before it did.
fn rounds(rows: &[RelayMetadata]) -> Vec<Vec<&RelayMetadata>> {
    let mut rounds: Vec<Vec<&RelayMetadata>> = Vec::new();
    let mut met: BTreeMap<(RelayId, MetadataType), usize> = BTreeMap::new();
    for row in rows {
        let earlier = met
            .entry((row.relay, row.metadata.metadata_type()))
            .or_default();
        if rounds.len() == *earlier {
            rounds.push(Vec::new());
        }
        rounds[*earlier].push(row);
        *earlier += 1;
    }
    rounds
}

fn type_name(document: &Metadata) -> &'static str {
    document.metadata_type().as_str()
}
