//! Walking over everything stored, a step at a time.

use std::ops::Bound;

use heed::RoTxn;
use nips::Filter;

use super::Engine;
use super::fault::Fault;
use super::keys::trailing_eid;
use super::matcher::Matcher;
use super::query::admits;
use super::record::Record;
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
pub(super) fn scan(engine: &Engine, txn: &RoTxn<'_>, scan: &Scan<'_>) -> Result<ScanPage, Fault> {
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
    let events = &engine.tables.events;
    match scan.order {
        ScanOrder::OldestFirst => step(
            engine,
            txn,
            scan,
            events.range(txn, &(from, to))?,
            &mut page,
        )?,
        ScanOrder::NewestFirst => {
            step(
                engine,
                txn,
                scan,
                events.rev_range(txn, &(from, to))?,
                &mut page,
            )?;
        }
    }
    Ok(page)
}

fn step<'t>(
    engine: &Engine,
    txn: &'t RoTxn<'_>,
    scan: &Scan<'_>,
    rows: impl Iterator<Item = heed::Result<(&'t [u8], &'t [u8])>>,
    page: &mut ScanPage,
) -> Result<(), Fault> {
    let matcher = Matcher::new(scan.filter);
    for (visited, row) in rows.enumerate() {
        let (key, bytes) = row?;
        let record = Record::new(trailing_eid(key), bytes)?;
        if matcher.matches(&record)? && is_admitted(engine, txn, scan.scope, &record)? {
            page.events.push(record.event()?.to_owned());
        }
        if visited + 1 >= scan.max_visited {
            page.next = Some(ScanCursor(record.eid()));
            break;
        }
    }
    Ok(())
}

fn is_admitted(
    engine: &Engine,
    txn: &RoTxn<'_>,
    scope: &Scope,
    record: &Record<'_>,
) -> Result<bool, Fault> {
    let visibility = engine.tables.visibility(txn, record.eid(), &record.id())?;
    admits(scope, record, visibility)
}
