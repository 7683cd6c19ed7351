//! Comparing counters with what is stored.

use std::collections::{BTreeMap, BTreeSet};

use heed::RoTxn;
use nips::{Kind, PublicKey};

use super::Figures;
use super::bounds::written_by;
use super::fold::is_up_to_date;
use super::ledger::{Family, Key, Ledger};
use crate::model::RelayId;
use crate::store::eid::created_at;
use crate::store::figures::{AuthorFigures, AuthorRelayFigures, Reconciliation};
use crate::store::lmdb::Engine;
use crate::store::lmdb::fault::Fault;
use crate::store::lmdb::sightings;
use crate::store::lmdb::tables::{SIGHTING_COUNT, Tables};

/// Compares all sums, and the counters of authors after one, until about `max_events` events were read. Compares
/// nothing while something is left to fold.
pub(in crate::store::lmdb) fn check(
    engine: &Engine,
    after: Option<PublicKey>,
    max_events: u32,
) -> Result<Reconciliation, Fault> {
    let (tables, txn) = (&engine.tables, engine.env.read_txn()?);
    let mut found = Reconciliation::default();
    if !is_up_to_date(tables, &txn)? {
        return Ok(found);
    }
    let figures = Figures::new(engine, &txn);
    found.wrong += wrong_kinds(engine, &txn, &figures)? + wrong_relays(tables, &txn)?;
    let (mut after, mut events) = (after, 0);
    while events < u64::from(max_events)
        && let Some(author) = figures.authors_after(after, 1)?.first()
    {
        let (is_wrong, read) = is_wrong(tables, &txn, &figures, author)?;
        found.authors += 1;
        found.wrong += u64::from(is_wrong);
        events += read.max(1);
        after = Some(author.pubkey);
    }
    Ok(found)
}

/// Kinds of which not as many events are counted as commits noted.
fn wrong_kinds(engine: &Engine, txn: &RoTxn<'_>, figures: &Figures<'_>) -> Result<u64, Fault> {
    let noted = super::super::statistics::statistics(engine, txn)?.by_kind;
    let noted: BTreeMap<Kind, u64> = noted.into_iter().collect();
    let counted = figures.kinds()?.into_iter();
    let counted: BTreeMap<Kind, u64> = counted.map(|kind| (kind.kind, kind.events)).collect();
    let kinds: BTreeSet<&Kind> = noted.keys().chain(counted.keys()).collect();
    let is_wrong = |kind: &&&Kind| noted.get(**kind) != counted.get(**kind);
    Ok(kinds.iter().filter(is_wrong).count() as u64)
}

/// 1 when the relays together have not as many sightings as commits noted.
fn wrong_relays(tables: &Tables, txn: &RoTxn<'_>) -> Result<u64, Fault> {
    let mut counted = 0;
    for row in Ledger(tables.counters).rows::<6>(txn, &Key::of(Family::Relay), None)? {
        let (_, [events, ..]) = row?;
        counted += events;
    }
    Ok(u64::from(counted != tables.number(txn, SIGHTING_COUNT)?))
}

/// Whether one of an author's counters is not what the author's events say, and how many those are.
fn is_wrong(
    tables: &Tables,
    txn: &RoTxn<'_>,
    figures: &Figures<'_>,
    author: &AuthorFigures,
) -> Result<(bool, u64), Fault> {
    let (mut kinds, mut relays) = (BTreeSet::new(), BTreeMap::new());
    let eids = written_by(tables, txn, &author.pubkey)?;
    for eid in &eids {
        let kind = tables.record(txn, *eid)?.map(|record| record.kind());
        kinds.extend(kind);
        let row = tables.sightings.get(txn, &eid.to_be_bytes())?;
        for seen in sightings::decode(row.unwrap_or_default()) {
            let on_relay: &mut (AuthorRelayFigures, BTreeSet<Kind>) = relays
                .entry(seen.relay)
                .or_insert_with(|| (nothing(seen.relay, *eid), BTreeSet::new()));
            on_relay.0.events += 1;
            on_relay.0.last_created_at = created_at(*eid);
            on_relay.1.extend(kind);
        }
    }
    let end = |eid: Option<&u64>| eid.map_or(0, |eid| created_at(*eid));
    let stored = AuthorFigures {
        pubkey: author.pubkey,
        events: eids.len() as u64,
        kinds: kinds.len() as u64,
        first_created_at: end(eids.first()),
        last_created_at: end(eids.last()),
    };
    let seen: Vec<AuthorRelayFigures> = relays
        .into_values()
        .map(|(figures, kinds)| AuthorRelayFigures {
            kinds: kinds.len() as u64,
            ..figures
        })
        .collect();
    let counted = figures.author_relays(&author.pubkey, None, usize::MAX)?;
    Ok((stored != *author || seen != counted, eids.len() as u64))
}

fn nothing(relay: RelayId, first: u64) -> AuthorRelayFigures {
    AuthorRelayFigures {
        relay,
        events: 0,
        kinds: 0,
        first_created_at: created_at(first),
        last_created_at: created_at(first),
    }
}
