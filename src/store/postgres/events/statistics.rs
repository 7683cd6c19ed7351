//! Size and number of what is stored, from counters.

use nips::Kind;
use sqlx::postgres::PgRow;

use super::row::{column, number};
use crate::store::StoreError;
use crate::store::eid::created_at;
use crate::store::events::EventStatistics;
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::statement;

const EVENT_COUNTS: &str = include_str!("../../../../sql/postgres/queries/event_counts.sql");
const EVENT_TOTALS: &str = include_str!("../../../../sql/postgres/queries/event_totals.sql");

impl PostgresStore {
    /// The counters, the sizes of the files, and the ends of the table.
    pub(super) async fn counted_events(&self) -> Result<EventStatistics, StoreError> {
        let mut session = self.reading("event_statistics").await?;
        let counts = session.rows(statement(EVENT_COUNTS)).await?;
        let totals = session.row(statement(EVENT_TOTALS)).await?;
        session.commit().await?;
        let by_kind: Vec<(Kind, u64)> = counts.iter().map(count).collect::<Result<_, _>>()?;
        let second = |name| column::<Option<i64>>(&totals, name).map(|eid| eid.map(second_of));
        Ok(EventStatistics {
            events: by_kind.iter().map(|(_, events)| events).sum(),
            by_kind,
            sightings: number(&totals, "sightings")?,
            size_bytes: number(&totals, "size_bytes")?,
            oldest_created_at: second("oldest")?,
            newest_created_at: second("newest")?,
        })
    }
}

fn count(row: &PgRow) -> Result<(Kind, u64), StoreError> {
    let kind = u16::try_from(column::<i32>(row, "kind")?);
    let kind = kind.map_err(|_| StoreError::Damaged {
        what: "count of a kind".to_owned(),
    })?;
    Ok((Kind(kind), number(row, "events")?))
}

fn second_of(eid: i64) -> u64 {
    created_at(eid.cast_unsigned())
}
