//! Folding: changes are summed up, go into the counters and are forgotten, in one transaction.

use std::collections::{BTreeSet, HashMap};
use std::io;

use heed::{RoTxn, RwTxn};

use super::facts::Facts;
use super::ledger::{Family, Key, Ledger};
use super::{events, sightings};
use crate::store::lmdb::changes;
use crate::store::lmdb::engine::Engine;
use crate::store::lmdb::fault::Fault;
use crate::store::lmdb::keys::trailing_eid;
use crate::store::lmdb::tables::Tables;

/// Facts after which a fold takes no further commit: writers wait meanwhile, for well under a second.
const MAX_FACTS: usize = 20_000;

/// Events counted at once where counting begins anew.
const MAX_EVENTS: usize = 4_000;

/// Below this key lie all events.
const EVERYTHING: u64 = u64::MAX;

/// How far a fold came.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store::lmdb) enum Folded {
    /// It counted so many commits or portions; 0 when everything was counted.
    Counted(u64),
    /// It counted nothing, for it has to know the networks of these relays.
    Strangers(BTreeSet<u32>),
}

/// Counts what at most `max_commits` commits changed.
pub(in crate::store::lmdb) fn fold(
    engine: &Engine,
    max_commits: u32,
    networks: &HashMap<u32, u8>,
) -> Result<Folded, Fault> {
    if !engine.backlogs.is_empty() {
        // What a commit changed is read from the tables. It is counted when indexing succeeds again.
        let waiting = io::Error::other("events wait to be indexed");
        return Err(heed::Error::Io(waiting).into());
    }
    let tables = &engine.tables;
    let mut txn = engine.env.write_txn()?;
    let mut facts = Facts::new(tables, networks, head(tables, &txn)?);
    let mut folded = take_changes(&mut facts, &mut txn, max_commits)?;
    if facts.counted_below < EVERYTHING && tables.changes.is_empty(&txn)? {
        take_portion(&mut facts, &txn)?;
        folded += 1;
    }
    if !facts.strangers.is_empty() {
        return Ok(Folded::Strangers(facts.strangers));
    }
    if folded > 0 {
        let ledger = facts.ledger;
        events::count(tables, ledger, &mut txn, &facts.sums)?;
        sightings::count(tables, ledger, &mut txn, &facts.sums)?;
        set_head(tables, &mut txn, facts.last_author, facts.counted_below)?;
        txn.commit()?;
    }
    Ok(Folded::Counted(folded))
}

fn take_changes(
    facts: &mut Facts<'_>,
    txn: &mut RwTxn<'_>,
    max_commits: u32,
) -> Result<u64, Fault> {
    let (mut folded, mut taken) = (0, 0);
    while folded < u64::from(max_commits) && taken < MAX_FACTS {
        let Some((number, change)) = changes::first(facts.tables, txn)? else {
            break;
        };
        facts.take(txn, number, &change)?;
        changes::forget(facts.tables, txn, number, &change)?;
        taken += change.len();
        folded += 1;
    }
    Ok(folded)
}

/// Counts the next events as they are now. No change about them may be waiting.
fn take_portion(facts: &mut Facts<'_>, txn: &RoTxn<'_>) -> Result<(), Fault> {
    let from = facts.counted_below.to_be_bytes();
    let range = (
        std::ops::Bound::Included(&from[..]),
        std::ops::Bound::Unbounded,
    );
    let events = facts.tables.places.range(txn, &range)?;
    let mut eids = Vec::with_capacity(MAX_EVENTS);
    for entry in events.take(MAX_EVENTS) {
        eids.push(trailing_eid(entry?.0));
    }
    facts.counted_below = match eids.last() {
        Some(last) if eids.len() == MAX_EVENTS => last + 1,
        _ => EVERYTHING,
    };
    eids.into_iter()
        .try_for_each(|eid| facts.take_stored(txn, eid))
}

/// Notes down, when an archive is opened, whether there are events that nobody counted.
pub(in crate::store::lmdb) fn prepare(tables: &Tables, txn: &mut RwTxn<'_>) -> Result<(), Fault> {
    let is_prepared = Ledger(tables.counters).get::<2>(txn, &Key::of(Family::Head))?;
    if is_prepared.is_some() {
        return Ok(());
    }
    let is_new = tables.events.is_empty(txn)?;
    set_head(tables, txn, 0, if is_new { EVERYTHING } else { 0 })
}

/// Forgets all counters, so that folding counts everything anew.
pub(in crate::store::lmdb) fn restart(engine: &Engine) -> Result<(), Fault> {
    let mut txn = engine.env.write_txn()?;
    engine.tables.counters.clear(&mut txn)?;
    set_head(&engine.tables, &mut txn, 0, 0)?;
    Ok(txn.commit()?)
}

/// Whether folding has nothing to do.
pub(super) fn is_up_to_date(tables: &Tables, txn: &RoTxn<'_>) -> Result<bool, Fault> {
    let (_, counted_below) = head(tables, txn)?;
    Ok(counted_below == EVERYTHING && tables.changes.is_empty(txn)?)
}

fn head(tables: &Tables, txn: &RoTxn<'_>) -> Result<(u32, u64), Fault> {
    let head = Ledger(tables.counters).get::<2>(txn, &Key::of(Family::Head))?;
    let [last_author, counted_below] = head.unwrap_or_default();
    Ok((
        u32::try_from(last_author).unwrap_or(u32::MAX),
        counted_below,
    ))
}

fn set_head(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    last_author: u32,
    counted_below: u64,
) -> Result<(), Fault> {
    let numbers = [u64::from(last_author), counted_below];
    Ledger(tables.counters).put(txn, &Key::of(Family::Head), &numbers)
}
