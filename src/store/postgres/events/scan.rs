//! Walking over everything stored, a step at a time.

use super::conditions::{Sql, push_filter, push_scope};
use super::row::{COLUMNS, NAMES, StoredEvent, column, number};
use super::windows::Window;
use crate::store::StoreError;
use crate::store::eid::eid_range;
use crate::store::events::{ScanCursor, ScanOrder, ScanPage, Scope};
use crate::store::postgres::PostgresStore;
use nips::Filter;

/// What to walk over.
pub(super) struct Scan<'s> {
    pub(super) filter: &'s Filter,
    pub(super) scope: &'s Scope,
    pub(super) order: ScanOrder,
    pub(super) after: Option<ScanCursor>,
    pub(super) max_visited: usize,
}

impl PostgresStore {
    /// One step: visits at most `max_visited` events and returns those that match.
    pub(super) async fn scan_events(&self, scan: &Scan<'_>) -> Result<ScanPage, StoreError> {
        let mut page = ScanPage {
            events: Vec::new(),
            next: None,
        };
        let Some(window) = scan.window() else {
            return Ok(page);
        };
        let mut session = self.reading("scan").await?.walking().await?;
        let rows = session
            .rows(scan.select(window).build().persistent(false))
            .await?;
        session.commit().await?;
        for row in &rows {
            if number(row, "visited")? >= scan.max_visited as u64 {
                page.next = Some(ScanCursor(number(row, "last_eid")?));
            }
            if column::<Option<i64>>(row, "eid")?.is_none() {
                continue;
            }
            let stored = StoredEvent::read(row)?;
            if stored.is_admitted(scan.scope) {
                page.events.push(stored.event.to_owned());
            }
        }
        Ok(page)
    }
}

impl Scan<'_> {
    /// The keys that are left to visit.
    fn window(&self) -> Option<Window> {
        let range = eid_range(self.filter.since, self.filter.until);
        let mut window = Window::new(range.filter(|_| !self.filter.is_empty())?);
        let after = self.after.map(|cursor| cursor.0.cast_signed());
        match (after, self.order) {
            (Some(after), ScanOrder::OldestFirst) => {
                window.low = window.low.max(after.checked_add(1)?);
            }
            (Some(after), ScanOrder::NewestFirst) => {
                window.high = window.high.min(after.checked_sub(1)?);
            }
            (None, _) => {}
        }
        (window.low <= window.high).then_some(window)
    }

    /// The events among those visited that match, each with how many were visited and which was the
    /// last; one row without an event when none of them does. Each event is looked up by its key,
    /// whatever a young table's statistics make of it.
    fn select(&self, window: Window) -> Sql {
        let (order, last) = match self.order {
            ScanOrder::NewestFirst => (" DESC", "min(eid)"),
            ScanOrder::OldestFirst => ("", "max(eid)"),
        };
        let mut sql = Sql::new(
            "WITH visited AS MATERIALIZED (SELECT e.eid FROM event e WHERE e.eid BETWEEN ",
        );
        sql.push_bind(window.low)
            .push(" AND ")
            .push_bind(window.high);
        sql.push(" ORDER BY e.eid").push(order).push(" LIMIT ");
        sql.push_bind(i64::try_from(self.max_visited).unwrap_or(i64::MAX));
        sql.push("), step AS (SELECT count(*) AS visited, ")
            .push(last);
        sql.push(" AS last_eid FROM visited) SELECT visited, last_eid, ")
            .push(NAMES)
            .push(" FROM step LEFT JOIN (SELECT ");
        sql.push(NAMES)
            .push(" FROM visited AS v (slot) CROSS JOIN LATERAL (SELECT ")
            .push(COLUMNS);
        sql.push(" FROM event e LEFT JOIN event_standing s ON s.eid = e.eid WHERE e.eid = v.slot");
        push_filter(&mut sql, self.filter);
        push_scope(&mut sql, self.filter, self.scope);
        sql.push(" OFFSET 0) AS m) AS m ON true ORDER BY eid")
            .push(order);
        sql
    }
}
