//! Answering filters.

use std::cmp::Reverse;
use std::ops::ControlFlow;
use std::time::Instant;

use nips::{Event, EventRef, Filter};
use sqlx::postgres::PgRow;

use super::conditions::is_possible;
use super::row::{StoredEvent, number};
use super::selection::{Reach, select};
use super::session::Session;
use super::windows::Window;
use crate::store::StoreError;
use crate::store::eid::{created_at, eid_range};
use crate::store::events::{BatchNumber, Page, QueryBounds, Scope};
use crate::store::postgres::PostgresStore;
use crate::store::postgres::connection::statement;
use crate::store::quota::Quota;

const LAST_BATCH: &str = include_str!("../../../../sql/postgres/queries/last_batch.sql");

/// Rows of a statement that looks for the rest of the second in which an answer ends.
const ROWS_OF_A_SECOND: usize = 100;

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
        let mut quota = self.bounds.quota(filter);
        let range = eid_range(filter.since, filter.until);
        let Some(range) = range.filter(|_| quota.left > 0) else {
            return Ok(());
        };
        let whole = Window::new(range);
        let windows = match &filter.ids {
            Some(_) => vec![whole],
            None => whole.split(session).await?,
        };
        for window in windows {
            let looked = self.window(session, filter, window, &mut quota).await?;
            if looked.is_break() {
                self.has_more = true;
                break;
            }
        }
        Ok(())
    }

    /// Whether a bound of the whole query is reached.
    fn is_spent(&self) -> bool {
        self.scans_left == 0 || self.bytes >= self.bounds.max_bytes
    }

    /// Whether time is up.
    fn is_late(&self) -> bool {
        let deadline = self.bounds.deadline;
        deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Looks through one window until it is exhausted; breaks where a bound is reached before.
    async fn window(
        &mut self,
        session: &mut Session,
        filter: &Filter,
        mut window: Window,
        quota: &mut Quota,
    ) -> Result<ControlFlow<()>, StoreError> {
        loop {
            if self.is_late() {
                return Ok(ControlFlow::Break(()));
            }
            let wanted = match (quota.left, quota.ends_with_second) {
                (0, true) => ROWS_OF_A_SECOND,
                (left, _) => left,
            };
            let reach = Reach {
                window,
                rows: wanted.min(self.scans_left).min(MAX_ROWS) + 1,
                bytes: self.bounds.max_bytes.saturating_sub(self.bytes),
            };
            let mut sql = select(filter, self.scope, reach);
            let rows = session.rows(sql.build().persistent(false)).await?;
            let found = rows.first().map_or(Ok(0), |row| number(row, "found"))? as usize;
            let is_exhausted = found < reach.rows;
            for row in &rows {
                let second = created_at(number(row, "eid")?);
                if self.is_spent() || !quota.has_room_for(second) {
                    return Ok(ControlFlow::Break(()));
                }
                window.high = self.take(row, filter, quota)? - 1;
            }
            let is_cut = rows.len() < found;
            if is_cut && self.is_spent() {
                return Ok(ControlFlow::Break(()));
            }
            if is_exhausted && !is_cut || window.high < window.low {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    /// Keeps a row if it is what was asked for. Returns its key.
    fn take(&mut self, row: &PgRow, filter: &Filter, quota: &mut Quota) -> Result<i64, StoreError> {
        let stored = StoredEvent::read(row)?;
        self.scans_left -= 1;
        let event = &stored.event;
        if stored.is_admitted(self.scope) && matches(filter, event) {
            quota.take(event.created_at);
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
