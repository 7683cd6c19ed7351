//! Counting and naming what matches, with the conditions that answer filters.

use data_encoding::HEXLOWER;
use nips::nip45::{AuthorSketch, SketchOffset};
use nips::{EventId, Filter};
use sqlx::postgres::PgRow;

use super::conditions::{Sql, is_possible};
use super::row::{column, number};
use super::selection::{as_bigint, push_candidates};
use super::windows::Window;
use crate::store::StoreError;
use crate::store::eid::{created_at, eid_range};
use crate::store::events::{EventKey, Scope};
use crate::store::postgres::PostgresStore;
use crate::store::sets::{AuthorCount, KeySet, SetBounds};

impl PostgresStore {
    /// How many events match, and whether there may be more.
    pub(super) async fn count_events(
        &self,
        filters: &[Filter],
        scope: &Scope,
        bounds: SetBounds,
    ) -> Result<(u64, bool), StoreError> {
        let max = rows(bounds);
        let Some(mut sql) = count(filters, scope, max) else {
            return Ok((0, false));
        };
        let mut session = self.reading("count").await?;
        session.end_by(bounds.deadline).await?;
        let row = session.row(sql.build().persistent(false)).await?;
        session.commit().await?;
        let bound = max as u64;
        let events = number(&row, "events")?.min(bound);
        Ok((events, number(&row, "scanned")? > bound))
    }

    /// The same for one filter, with a sketch of the authors.
    pub(super) async fn count_event_authors(
        &self,
        filter: &Filter,
        scope: &Scope,
        offset: SketchOffset,
        bounds: SetBounds,
    ) -> Result<AuthorCount, StoreError> {
        let mut counted = AuthorCount {
            events: 0,
            authors: AuthorSketch::new(offset),
            is_cut: false,
        };
        let Some(window) = window(filter) else {
            return Ok(counted);
        };
        let max = rows(bounds);
        let mut sql = registers(filter, scope, window, offset, max);
        let mut session = self.reading("count_authors").await?;
        session.end_by(bounds.deadline).await?;
        let rows = session.rows(sql.build().persistent(false)).await?;
        session.commit().await?;
        for row in &rows {
            counted.events += number(row, "events")?;
            let register: i32 = column(row, "register")?;
            let lowest: String = column(row, "lowest")?;
            let (register, tail) = read_register(register, &lowest)?;
            counted.authors.raise(register, tail);
        }
        let bound = max as u64;
        counted.is_cut = counted.events > bound;
        counted.events = counted.events.min(bound);
        Ok(counted)
    }

    /// The keys of what matches, up to the filter's limit.
    pub(super) async fn event_keys(
        &self,
        filter: &Filter,
        scope: &Scope,
        bounds: SetBounds,
    ) -> Result<KeySet, StoreError> {
        let mut set = KeySet::default();
        let limit = filter.limit.unwrap_or(usize::MAX);
        let Some(window) = window(filter).filter(|_| limit > 0) else {
            return Ok(set);
        };
        let max = rows(bounds);
        let mut sql = keys(filter, scope, window, limit.min(max.saturating_add(1)));
        let mut session = self.reading("keys").await?;
        session.end_by(bounds.deadline).await?;
        let statement = sql.build().persistent(false);
        let take = |row: PgRow| {
            set.keys.push(read_key(&row)?);
            Ok(())
        };
        session.each(statement, take).await?;
        session.commit().await?;
        set.is_cut = set.keys.len() > max;
        set.keys.truncate(max);
        Ok(set)
    }
}

/// Rows that are asked for: conditions are exact, so that each is an event that matches.
fn rows(bounds: SetBounds) -> usize {
    bounds.max_events.min(bounds.max_scanned)
}

/// Where the matches of a filter lie; `None` when it can have none.
fn window(filter: &Filter) -> Option<Window> {
    let range = eid_range(filter.since, filter.until);
    range.filter(|_| is_possible(filter)).map(Window::new)
}

/// `None` when no filter can match anything.
fn count(filters: &[Filter], scope: &Scope, max_scanned: usize) -> Option<Sql> {
    let mut sql = Sql::new(
        "SELECT count(DISTINCT u.eid) AS events, count(*) AS scanned FROM (SELECT a.eid FROM (",
    );
    let mut is_first = true;
    for filter in filters {
        let Some(window) = window(filter) else {
            continue;
        };
        sql.push(if is_first { "(" } else { " UNION ALL (" });
        is_first = false;
        push_candidates(&mut sql, "e.eid", filter, scope, window);
        sql.push(")");
    }
    sql.push(") AS a LIMIT ")
        .push_bind(as_bigint(max_scanned.saturating_add(1)))
        .push(") AS u");
    (!is_first).then_some(sql)
}

/// For each register the events counted in it, and the lowest of the tails of their authors: that is the one
/// with the longest run of zeros.
fn registers(
    filter: &Filter,
    scope: &Scope,
    window: Window,
    offset: SketchOffset,
    max_scanned: usize,
) -> Sql {
    // Offsets count from 0 in `get_byte` and from 1 in `substring`.
    let position = offset.position();
    let mut sql = Sql::new("SELECT get_byte(u.pubkey, ");
    sql.push(position)
        .push(") AS register, min(encode(substring(u.pubkey FROM ")
        .push(position + 2)
        .push(" FOR 7), 'hex') COLLATE \"C\") AS lowest, count(*) AS events FROM (SELECT a.pubkey FROM (");
    push_candidates(&mut sql, "e.pubkey", filter, scope, window);
    sql.push(") AS a LIMIT ")
        .push_bind(as_bigint(max_scanned.saturating_add(1)))
        .push(") AS u GROUP BY 1");
    sql
}

fn read_register(register: i32, lowest: &str) -> Result<(u8, [u8; 7]), StoreError> {
    let mut tail = [0; 7];
    let is_read = HEXLOWER.decode_mut(lowest.as_bytes(), &mut tail).is_ok();
    let register = u8::try_from(register).ok().filter(|_| is_read);
    let register = register.ok_or_else(|| StoreError::Damaged {
        what: "column lowest".to_owned(),
    })?;
    Ok((register, tail))
}

/// The newest keys that match.
fn keys(filter: &Filter, scope: &Scope, window: Window, limit: usize) -> Sql {
    let mut sql = Sql::new("SELECT a.eid, a.id FROM (");
    push_candidates(&mut sql, "e.eid, e.id", filter, scope, window);
    sql.push(") AS a ORDER BY a.eid DESC LIMIT ")
        .push_bind(as_bigint(limit));
    sql
}

fn read_key(row: &PgRow) -> Result<EventKey, StoreError> {
    let id: Vec<u8> = column(row, "id")?;
    Ok(EventKey {
        created_at: created_at(number(row, "eid")?),
        id: EventId::from_slice(&id).ok_or_else(|| StoreError::Damaged {
            what: "column id".to_owned(),
        })?,
    })
}
