//! Walking over everything stored, a step at a time.

use std::ops::Bound;

use nips::Filter;

use super::fault::Fault;
use super::index::Index;
use super::keys::trailing_eid;
use super::matcher::Matcher;
use super::query::admits;
use super::record::Record;
use super::row_set::List;
use super::view::View;
use crate::store::eid::eid_range;
use crate::store::events::{ScanCursor, ScanOrder, ScanPage, Scope};

/// What to walk over.
pub(super) struct Scan<'s> {
    pub(super) filter: &'s Filter,
    pub(super) scope: &'s Scope,
    pub(super) order: ScanOrder,
    pub(super) after: Option<ScanCursor>,
    pub(super) max_visited: usize,
}

/// One step: visits at most `max_visited` events and returns those that match.
pub(super) fn scan(view: View<'_>, scan: &Scan<'_>) -> Result<ScanPage, Fault> {
    let mut page = ScanPage {
        events: Vec::new(),
        next: None,
    };
    let range = eid_range(scan.filter.since, scan.filter.until);
    let range = range.filter(|_| !scan.filter.is_empty());
    let Some(range) = range.and_then(|range| scan.rest(range)) else {
        return Ok(page);
    };
    let eids = match scan.order {
        ScanOrder::OldestFirst => oldest(view, range, scan.max_visited)?,
        ScanOrder::NewestFirst => newest(view, range, scan.max_visited)?,
    };
    if eids.len() >= scan.max_visited {
        page.next = eids.last().copied().map(ScanCursor);
    }
    let matcher = Matcher::new(scan.filter);
    for eid in eids {
        let Some(record) = view.record(eid)? else {
            continue;
        };
        if matcher.matches(&record)? && is_admitted(view, scan.scope, &record)? {
            page.events.push(record.event()?.to_owned());
        }
    }
    Ok(page)
}

impl Scan<'_> {
    /// What of a range was not visited.
    fn rest(&self, (low, high): (u64, u64)) -> Option<(u64, u64)> {
        let Some(ScanCursor(after)) = self.after else {
            return Some((low, high));
        };
        let (low, high) = match self.order {
            ScanOrder::OldestFirst => (low.max(after.checked_add(1)?), high),
            ScanOrder::NewestFirst => (low, high.min(after.checked_sub(1)?)),
        };
        (low <= high).then_some((low, high))
    }
}

/// The newest keys of a range, newest first.
fn newest(view: View<'_>, range: (u64, u64), count: usize) -> Result<Vec<u64>, Fault> {
    let mut keys = view.newest(range)?;
    let mut eids = Vec::new();
    while eids.len() < count
        && let Some(found) = keys.next()?
    {
        eids.push(found.eid);
    }
    Ok(eids)
}

/// The oldest keys of a range, oldest first: the first ones of the table and of each chunk are enough to know them.
fn oldest(view: View<'_>, (low, high): (u64, u64), count: usize) -> Result<Vec<u64>, Fault> {
    let (low, high) = (low.to_be_bytes(), high.to_be_bytes());
    let range = (Bound::Included(&low[..]), Bound::Included(&high[..]));
    let mut eids = Vec::new();
    for entry in view.tables.places.range(view.txn, &range)?.take(count) {
        eids.push(trailing_eid(entry?.0));
    }
    for waiting in view.backlog.stretches(Index::All, &low, &high) {
        let keys = waiting.iter().take(count);
        eids.extend(keys.map(|row| trailing_eid(&row[..List::Places.key_len()])));
    }
    eids.sort_unstable();
    eids.dedup();
    eids.truncate(count);
    Ok(eids)
}

fn is_admitted(view: View<'_>, scope: &Scope, record: &Record<'_>) -> Result<bool, Fault> {
    let visibility = view.visibility(record.eid(), &record.id())?;
    admits(scope, record, visibility)
}
