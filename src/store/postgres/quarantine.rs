//! Quarantine in PostgreSQL.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::PostgresStore;
use super::connection::statement;
use crate::store::quarantine::{KEPT_QUARANTINED, QuarantinedEvent};
use crate::store::rows::{self, integer, limit};
use crate::store::{QuarantineStore, StoreError};

const QUARANTINE: &str = include_str!("../../../sql/postgres/queries/quarantine.sql");
const TRIM: &str = include_str!("../../../sql/postgres/queries/trim_quarantine.sql");
const QUARANTINED: &str = include_str!("../../../sql/postgres/queries/quarantined.sql");
const COUNT: &str = include_str!("../../../sql/postgres/queries/quarantined_count.sql");

#[async_trait]
impl QuarantineStore for PostgresStore {
    async fn quarantine(&self, events: &[QuarantinedEvent]) -> Result<u64, StoreError> {
        let by_id: BTreeMap<_, _> = events.iter().rev().map(|event| (event.id, event)).collect();
        let first: Vec<&QuarantinedEvent> = by_id.into_values().collect();
        let columns = Columns::of(&first);
        let add = statement(QUARANTINE)
            .bind(columns.ids)
            .bind(columns.events)
            .bind(columns.relays)
            .bind(columns.reasons)
            .bind(columns.moments);
        let trim = statement(TRIM).bind(i64::from(KEPT_QUARANTINED));
        let call = self.call("quarantine");
        let mut tx = call.begin().await?;
        let added = tx.execute(add).await?;
        tx.execute(trim).await?;
        tx.commit().await?;
        Ok(added)
    }

    async fn quarantined(&self, at_most: usize) -> Result<Vec<QuarantinedEvent>, StoreError> {
        let asked = statement(QUARANTINED).bind(limit(at_most));
        let found = self.call("quarantined").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::quarantined_event))
    }

    async fn quarantined_count(&self) -> Result<u64, StoreError> {
        let call = self.call("quarantined_count");
        let mut tx = call.begin().await?;
        let row = tx.fetch_one(statement(COUNT)).await?;
        tx.commit().await?;
        rows::count(&row, "events")
    }
}

/// Rows as columns.
struct Columns<'e> {
    ids: Vec<&'e [u8]>,
    events: Vec<Option<&'e [u8]>>,
    relays: Vec<Option<i32>>,
    reasons: Vec<&'e str>,
    moments: Vec<i64>,
}

impl<'e> Columns<'e> {
    fn of(events: &[&'e QuarantinedEvent]) -> Self {
        let events = || events.iter();
        Self {
            ids: events().map(|of| of.id.0.as_slice()).collect(),
            events: events()
                .map(|of| of.event.as_deref().map(str::as_bytes))
                .collect(),
            relays: events()
                .map(|of| of.relay.map(|relay| relay.0.cast_signed()))
                .collect(),
            reasons: events().map(|of| of.reason.as_str()).collect(),
            moments: events().map(|of| integer(of.quarantined_at)).collect(),
        }
    }
}
