//! Which events are stored, and where they were seen.

use nips::EventId;
use sqlx::postgres::PgRow;

use super::row::column;
use crate::model::{RelayId, Sighting};
use crate::store::StoreError;
use crate::store::events::{EventKey, MAX_CREATED_AT, SIGHTING_EPOCH};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::statement;

const KNOWN: &str = include_str!("../../../../sql/postgres/queries/known.sql");
const BROUGHT_BY_AUTHOR: &str =
    include_str!("../../../../sql/postgres/queries/brought_by_author.sql");
const SIGHTINGS: &str = include_str!("../../../../sql/postgres/queries/sightings.sql");

impl PostgresStore {
    /// Which events are stored, in the order asked.
    pub(super) async fn event_known(&self, keys: &[EventKey]) -> Result<Vec<bool>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        // A key that cannot be stored is looked for where nothing is.
        let eid = |key: &EventKey| match key.created_at {
            0..=MAX_CREATED_AT => key.eid().cast_signed(),
            _ => -1,
        };
        let eids: Vec<i64> = keys.iter().map(eid).collect();
        let ids: Vec<[u8; 32]> = keys.iter().map(|key| key.id.0).collect();
        let mut session = self.writing("known").await?;
        let row = session.row(statement(KNOWN).bind(eids).bind(ids)).await?;
        session.commit().await?;
        let stored: Vec<Option<i64>> = column(&row, "stored")?;
        Ok(stored.iter().map(Option::is_some).collect())
    }

    /// Which protected events their authors brought, in the order asked.
    pub(super) async fn event_brought_by_author(
        &self,
        keys: &[EventKey],
    ) -> Result<Vec<bool>, StoreError> {
        let ids: Vec<[u8; 32]> = keys.iter().map(|key| key.id.0).collect();
        let mut session = self.reading("brought_by_author").await?;
        let row = session.row(statement(BROUGHT_BY_AUTHOR).bind(ids)).await?;
        session.commit().await?;
        column(&row, "brought")
    }

    /// Where an event was seen, by relay.
    pub(super) async fn event_sightings(&self, id: EventId) -> Result<Vec<Sighting>, StoreError> {
        let mut session = self.reading("sightings").await?;
        let rows = session.rows(statement(SIGHTINGS).bind(id.0)).await?;
        session.commit().await?;
        rows.iter().map(sighting).collect()
    }
}

fn sighting(row: &PgRow) -> Result<Sighting, StoreError> {
    let relay: i32 = column(row, "relay_id")?;
    let seen: i32 = column(row, "seen_at")?;
    Ok(Sighting {
        relay: RelayId(relay.cast_unsigned()),
        seen_at: SIGHTING_EPOCH + u64::from(seen.max(0).cast_unsigned()),
    })
}
