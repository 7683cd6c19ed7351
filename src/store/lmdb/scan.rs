//! Walking over everything stored, a step at a time.

use std::ops::Bound;

use nips::Filter;

use super::fault::Fault;
use super::keys::trailing_eid;
use super::matcher::Matcher;
use super::query::admits;
use super::record::Record;
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
    let Some((low, high)) = range.filter(|_| !scan.filter.is_empty()) else {
        return Ok(page);
    };
    let (low, high) = (low.to_be_bytes(), high.to_be_bytes());
    let after = scan.after.map(|cursor| cursor.0.to_be_bytes());
    let (mut from, mut to) = (Bound::Included(&low[..]), Bound::Included(&high[..]));
    match (&after, scan.order) {
        (Some(after), ScanOrder::OldestFirst) if *after >= low => from = Bound::Excluded(after),
        (Some(after), ScanOrder::NewestFirst) if *after <= high => to = Bound::Excluded(after),
        _ => {}
    }
    let events = &view.tables.events;
    match scan.order {
        ScanOrder::OldestFirst => {
            step(view, scan, events.range(view.txn, &(from, to))?, &mut page)?;
        }
        ScanOrder::NewestFirst => {
            let rows = events.rev_range(view.txn, &(from, to))?;
            step(view, scan, rows, &mut page)?;
        }
    }
    Ok(page)
}

fn step<'t>(
    view: View<'t>,
    scan: &Scan<'_>,
    rows: impl Iterator<Item = heed::Result<(&'t [u8], &'t [u8])>>,
    page: &mut ScanPage,
) -> Result<(), Fault> {
    let matcher = Matcher::new(scan.filter);
    for (visited, row) in rows.enumerate() {
        let (key, bytes) = row?;
        let record = Record::new(trailing_eid(key), bytes)?;
        if matcher.matches(&record)? && is_admitted(view, scan.scope, &record)? {
            page.events.push(record.event()?.to_owned());
        }
        if visited + 1 >= scan.max_visited {
            page.next = Some(ScanCursor(record.eid()));
            break;
        }
    }
    Ok(())
}

fn is_admitted(view: View<'_>, scope: &Scope, record: &Record<'_>) -> Result<bool, Fault> {
    let visibility = view.visibility(record.eid(), &record.id())?;
    admits(scope, record, visibility)
}
