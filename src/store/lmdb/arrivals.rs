//! The log of arrivals: one row per commit that stored something: `arrived_at`, the place of the first of its events,
//! and the keys.

use std::ops::Range;

use heed::{RoTxn, RwTxn};

use super::fault::Fault;
use super::keys::trailing_eid;
use super::tables::Tables;
use super::view::View;
use crate::store::events::{Arrival, ArrivalBatch, BatchNumber};

/// A row of the log.
pub(super) fn encode(arrived_at: u64, first_place: u64, eids: &[u64]) -> Vec<u8> {
    let numbers = [arrived_at, first_place];
    let numbers = numbers.iter().chain(eids);
    numbers.flat_map(|number| number.to_be_bytes()).collect()
}

/// The places of the events of one batch of which nothing was stored before and nothing was removed since; none when
/// the log has forgotten it.
pub(super) fn places(tables: &Tables, txn: &RoTxn<'_>, batch: u64) -> Result<Range<u64>, Fault> {
    let row = tables.arrivals.get(txn, &batch.to_be_bytes())?;
    let mut numbers = decode(row.unwrap_or_default()).skip(1);
    let first = numbers.next().unwrap_or(0);
    Ok(first..first + numbers.count() as u64)
}

fn decode(row: &[u8]) -> impl Iterator<Item = u64> {
    let (numbers, _) = row.as_chunks();
    numbers.iter().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The batches after one, with the events that are still there.
pub(super) fn after(
    view: View<'_>,
    batch: BatchNumber,
    max_events: usize,
) -> Result<Vec<ArrivalBatch>, Fault> {
    let mut batches = Vec::new();
    let mut events = 0;
    let first = batch.0.saturating_add(1).to_be_bytes();
    let from_first = (
        std::ops::Bound::Included(&first[..]),
        std::ops::Bound::Unbounded,
    );
    for entry in view.tables.arrivals.range(view.txn, &from_first)? {
        let (key, row) = entry?;
        let one = read(view, BatchNumber(trailing_eid(key)), row)?;
        events += one.events.len();
        batches.push(one);
        if events >= max_events {
            break;
        }
    }
    Ok(batches)
}

fn read(view: View<'_>, number: BatchNumber, row: &[u8]) -> Result<ArrivalBatch, Fault> {
    let mut numbers = decode(row);
    let arrived_at = numbers.next().unwrap_or(0);
    let _first_place = numbers.next();
    let mut events = Vec::with_capacity(row.len() / 8);
    for eid in numbers {
        let Some(record) = view.record(eid)? else {
            continue;
        };
        if record.is_stub() {
            continue;
        }
        events.push(Arrival {
            event: record.event()?.to_owned(),
            visibility: view.visibility(eid, &record.id())?,
        });
    }
    Ok(ArrivalBatch {
        number,
        arrived_at,
        events,
    })
}

/// The newest batch there ever was and the oldest that is still in the log.
pub(super) fn bounds(
    tables: &Tables,
    txn: &RoTxn<'_>,
) -> Result<(BatchNumber, BatchNumber), Fault> {
    let newest = tables.last_batch(txn)?;
    let oldest = tables.arrivals.first(txn)?;
    let oldest = oldest.map_or(newest.0 + 1, |(key, _)| trailing_eid(key));
    Ok((newest, BatchNumber(oldest)))
}

/// Takes batches up to one out of the log that arrived before a second.
pub(super) fn trim(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    batch: BatchNumber,
    before: u64,
) -> Result<u64, Fault> {
    let mut trimmed = 0;
    while let Some((key, row)) = tables.arrivals.first(txn)? {
        let number = trailing_eid(key);
        let arrived_at = decode(row).next().unwrap_or(0);
        if number > batch.0 || arrived_at >= before {
            break;
        }
        tables.arrivals.delete(txn, &number.to_be_bytes())?;
        trimmed += 1;
    }
    Ok(trimmed)
}
