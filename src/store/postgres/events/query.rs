//! Answering filters.

use std::cmp::Reverse;

use nips::{Event, EventRef, Filter};
use sqlx::postgres::PgRow;

use super::conditions::is_possible;
use super::row::{StoredEvent, number};
use super::selection::{Reach, select};
use super::session::Session;
use super::windows::Window;
use crate::store::StoreError;
use crate::store::eid::eid_range;
use crate::store::events::{BatchNumber, Page, QueryBounds, Scope};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::statement;

const LAST_BATCH: &str = include_str!("../../../../sql/postgres/queries/last_batch.sql");

/// Rows of one statement; more are asked for from where it ended.
const MAX_ROWS: usize = 1_000;

impl PostgresStore {
    /// The union of the filters' answers, of one moment.
    pub(super) async fn query_events(
        &self,
        filters: &[Filter],
        scope: &Scope,
        bounds: QueryBounds,
    ) -> Result<Page, StoreError> {
        let mut session = self.reading("query").await?;
        let as_of = session.row(statement(LAST_BATCH)).await?;
        let as_of = BatchNumber(number(&as_of, "batch")?);
        let mut walk = Walk::new(scope, bounds);
        for filter in filters.iter().filter(|filter| is_possible(filter)) {
            walk.filter(&mut session, filter).await?;
        }
        session.commit().await?;
        Ok(walk.into_page(as_of))
    }
}

/// What was found so far.
struct Walk<'w> {
    scope: &'w Scope,
    bounds: QueryBounds,
    /// Rows that may still be looked at.
    scans_left: usize,
    bytes: usize,
    found: Vec<Event>,
    has_more: bool,
}

impl<'w> Walk<'w> {
    fn new(scope: &'w Scope, bounds: QueryBounds) -> Self {
        Self {
            scope,
            bounds,
            scans_left: bounds.max_scanned,
            bytes: 0,
            found: Vec::new(),
            has_more: false,
        }
    }

    async fn filter(&mut self, session: &mut Session, filter: &Filter) -> Result<(), StoreError> {
        let limit = filter.limit.unwrap_or(self.bounds.default_limit);
        let mut left = limit.min(self.bounds.max_limit);
        let range = eid_range(filter.since, filter.until);
        let Some(range) = range.filter(|_| left > 0) else {
            return Ok(());
        };
        let whole = Window::new(range);
        let windows = match &filter.ids {
            Some(_) => vec![whole],
            None => whole.split(session).await?,
        };
        for window in windows {
            self.window(session, filter, window, &mut left).await?;
            if self.has_more && self.is_done(left) {
                break;
            }
        }
        Ok(())
    }

    fn is_done(&self, left: usize) -> bool {
        left == 0 || self.scans_left == 0 || self.bytes >= self.bounds.max_bytes
    }

    /// Looks through one window until it is exhausted or a bound is reached.
    async fn window(
        &mut self,
        session: &mut Session,
        filter: &Filter,
        mut window: Window,
        left: &mut usize,
    ) -> Result<(), StoreError> {
        loop {
            let reach = Reach {
                window,
                rows: (*left).min(self.scans_left).min(MAX_ROWS) + 1,
                bytes: self.bounds.max_bytes.saturating_sub(self.bytes),
            };
            let mut sql = select(filter, self.scope, reach);
            let rows = session.rows(sql.build().persistent(false)).await?;
            let found = rows.first().map_or(Ok(0), |row| number(row, "found"))? as usize;
            let is_exhausted = found < reach.rows;
            for row in &rows {
                if self.is_done(*left) {
                    self.has_more = true;
                    return Ok(());
                }
                window.high = self.take(row, filter, left)? - 1;
            }
            let is_cut = rows.len() < found;
            if is_cut && self.is_done(*left) {
                self.has_more = true;
                return Ok(());
            }
            if is_exhausted && !is_cut || window.high < window.low {
                return Ok(());
            }
        }
    }

    /// Keeps a row if it is what was asked for. Returns its key.
    fn take(&mut self, row: &PgRow, filter: &Filter, left: &mut usize) -> Result<i64, StoreError> {
        let stored = StoredEvent::read(row)?;
        self.scans_left -= 1;
        let event = &stored.event;
        if stored.is_admitted(self.scope) && matches(filter, event) {
            *left -= 1;
            self.bytes += stored.len();
            self.found.push(event.to_owned());
        }
        Ok(stored.eid)
    }

    fn into_page(mut self, as_of: BatchNumber) -> Page {
        let order = |event: &Event| (Reverse(event.created_at()), event.id());
        self.found.sort_by_cached_key(order);
        self.found.dedup_by_key(|event| event.id());
        Page {
            events: self.found,
            as_of,
            has_more: self.has_more,
        }
    }
}

/// Whether the filter matches; tags are only decoded where it asks for some.
fn matches(filter: &Filter, event: &EventRef<'_>) -> bool {
    filter.matches_fields(event)
        && (filter.tags.is_empty() || filter.matches_tags(&event.indexed_tags()))
}
