//! Answering filters: a merge of index runs, every candidate checked in full, within bounds.

use std::cmp::Reverse;
use std::ops::ControlFlow;

use nips::Filter;

use super::engine::Engine;
use super::fault::Fault;
use super::matcher::Matcher;
use super::pace::{Length, Turn};
use super::plan::Planner;
use super::record::Record;
use super::run::Merge;
use super::view::View;
use crate::store::eid::{created_at, eid_range};
use crate::store::events::{Page, QueryBounds, Scope, Visibility};

/// The answer to a query.
pub(super) fn query(
    engine: &Engine,
    view: View<'_>,
    filters: &[Filter],
    scope: &Scope,
    bounds: QueryBounds,
    length: Length,
) -> Result<Page, Fault> {
    let turn = engine.pace.begin(length, bounds.deadline);
    let mut walker = Walker::new(engine, view, scope, bounds.max_scanned, turn);
    let mut found: Vec<Record<'_>> = Vec::new();
    let mut has_more = false;
    let mut bytes = 0;
    for filter in filters {
        let mut quota = bounds.quota(filter);
        let limit = quota.left;
        let walk = walker.walk(filter, &mut |record| {
            let second = created_at(record.eid());
            if bytes >= bounds.max_bytes || !quota.has_room_for(second) {
                return ControlFlow::Break(());
            }
            quota.take(second);
            bytes += record.len();
            found.push(record);
            ControlFlow::Continue(())
        });
        has_more |= limit > 0 && walk? != Walk::Finished;
    }
    let order = |record: &Record<'_>| (Reverse(created_at(record.eid())), record.id());
    found.sort_by_cached_key(order);
    found.dedup_by_key(|record| record.eid());
    let mut events = Vec::with_capacity(found.len());
    for record in found {
        events.push(record.event()?.to_owned());
    }
    Ok(Page {
        events,
        as_of: view.tables.last_batch(view.txn)?,
        has_more,
    })
}

/// Visits what matches, newest first.
pub(super) struct Walker<'w, 't> {
    engine: &'w Engine,
    view: View<'t>,
    scope: &'w Scope,
    /// Index rows that may still be looked at.
    scans_left: usize,
    max_scanned: usize,
    turn: Turn<'w>,
}

/// How a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    /// Everything that matches was visited.
    Finished,
    /// The visitor or the bound stopped it.
    Stopped,
    /// Its time was up.
    Late,
}

impl<'w, 't> Walker<'w, 't> {
    pub(super) fn new(
        engine: &'w Engine,
        view: View<'t>,
        scope: &'w Scope,
        max_scanned: usize,
        turn: Turn<'w>,
    ) -> Self {
        Self {
            engine,
            view,
            scope,
            scans_left: max_scanned,
            max_scanned,
            turn,
        }
    }

    pub(super) fn walk(
        &mut self,
        filter: &Filter,
        visit: &mut dyn FnMut(Record<'t>) -> ControlFlow<()>,
    ) -> Result<Walk, Fault> {
        let range = eid_range(filter.since, filter.until);
        let is_searched = filter.search.is_some();
        let Some(range) = range.filter(|_| !filter.is_empty() && !is_searched) else {
            return Ok(Walk::Finished);
        };
        match &filter.ids {
            Some(ids) => self.walk_ids(filter, ids, visit),
            None => self.walk_runs(filter, range, visit),
        }
    }

    fn walk_ids(
        &mut self,
        filter: &Filter,
        ids: &[nips::EventId],
        visit: &mut dyn FnMut(Record<'t>) -> ControlFlow<()>,
    ) -> Result<Walk, Fault> {
        let mut found = Vec::new();
        for id in ids {
            let scanned = self.max_scanned - self.scans_left;
            if self.scans_left == 0 {
                return Ok(Walk::Stopped);
            }
            if self.turn.is_over(scanned) {
                return Ok(Walk::Late);
            }
            self.scans_left -= 1;
            found.extend(self.view.find(id)?);
        }
        found.sort_unstable_by_key(|(record, _)| Reverse(record.eid()));
        let matcher = Matcher::new(filter);
        for (record, visibility) in found {
            if self.admits(&record, visibility)?
                && matcher.matches(&record)?
                && visit(record).is_break()
            {
                return Ok(Walk::Stopped);
            }
        }
        Ok(Walk::Finished)
    }

    fn walk_runs(
        &mut self,
        filter: &Filter,
        range: (u64, u64),
        visit: &mut dyn FnMut(Record<'t>) -> ControlFlow<()>,
    ) -> Result<Walk, Fault> {
        let planner = Planner {
            view: self.view,
            hasher: &self.engine.rules.keys,
            filter,
            range,
        };
        let mut merge = Merge::new(&self.view, planner.plan(self.scope)?, range)?;
        let walk = self.walk_merge(&mut merge, &Matcher::new(filter), visit)?;
        self.scans_left = self.scans_left.saturating_sub(merge.scanned());
        Ok(walk)
    }

    /// The same where part of an answer is worth nothing. Returns whether it was stopped.
    pub(super) fn walk_in_time(
        &mut self,
        filter: &Filter,
        visit: &mut dyn FnMut(Record<'t>) -> ControlFlow<()>,
    ) -> Result<bool, Fault> {
        match self.walk(filter, visit)? {
            Walk::Finished => Ok(false),
            Walk::Stopped => Ok(true),
            Walk::Late => Err(Fault::TooSlow),
        }
    }

    fn walk_merge(
        &mut self,
        merge: &mut Merge<'t>,
        matcher: &Matcher<'_>,
        visit: &mut dyn FnMut(Record<'t>) -> ControlFlow<()>,
    ) -> Result<Walk, Fault> {
        let scanned_before = self.max_scanned - self.scans_left;
        while let Some(found) = merge.next()? {
            let scanned = merge.scanned();
            if scanned > self.scans_left {
                return Ok(Walk::Stopped);
            }
            if self.turn.is_over(scanned_before + scanned) {
                return Ok(Walk::Late);
            }
            // An index may still have rows of what was hidden lately; the events themselves are all.
            let is_for_readers = matches!(self.scope, Scope::Servable { .. });
            if is_for_readers && self.view.backlog.hides(found.eid)? {
                continue;
            }
            let Some(record) = self.view.record_of_found(found)? else {
                continue;
            };
            if matcher.matches(&record)?
                && self.admits(&record, indexed_visibility(&record))?
                && visit(record).is_break()
            {
                return Ok(Walk::Stopped);
            }
        }
        Ok(Walk::Finished)
    }

    /// The servable predicate over a row.
    fn admits(&self, record: &Record<'_>, visibility: Visibility) -> Result<bool, Fault> {
        admits(self.scope, record, visibility)
    }
}

/// The servable predicate over a row. Only private events have to be read for it.
pub(super) fn admits(
    scope: &Scope,
    record: &Record<'_>,
    visibility: Visibility,
) -> Result<bool, Fault> {
    let event = match visibility {
        Visibility::Private => record.event()?,
        _ => record.header(),
    };
    Ok(scope.admits(&event, visibility, record.expiration()))
}

/// The visibility of an event that was reached through an index: those hold nothing hidden.
fn indexed_visibility(record: &Record<'_>) -> Visibility {
    if record.is_stub() {
        Visibility::Stub
    } else if record.kind().is_private() {
        Visibility::Private
    } else {
        Visibility::Public
    }
}
