//! Looking up the first and the last event anew, after one of them went.
//!
//! The ends are those of what is stored now, which may be ahead of the counters. What comes later only widens them
//! to the same, and what goes later has them looked up again. Events that wait to be indexed came later: who takes
//! events away indexes what waits first.

use std::collections::HashMap;

use heed::RoTxn;
use nips::PublicKey;

use super::sums::Span;
use crate::model::RelayId;
use crate::store::eid::{SUB_SECOND_BITS, created_at};
use crate::store::lmdb::fault::Fault;
use crate::store::lmdb::keys::{author_prefix, trailing_eid};
use crate::store::lmdb::sightings;
use crate::store::lmdb::tables::Tables;

/// Of everything that an author wrote.
pub(super) fn of_author(
    tables: &Tables,
    txn: &RoTxn<'_>,
    pubkey: &PublicKey,
) -> Result<Option<Span>, Fault> {
    let mut span = None;
    for eid in written_by(tables, txn, pubkey)? {
        Span::widen(&mut span, Some(Span::at(created_at(eid))));
    }
    Ok(span)
}

/// The keys of an author's events, in no order. Both indexes together lead to all of them.
pub(super) fn written_by(
    tables: &Tables,
    txn: &RoTxn<'_>,
    pubkey: &PublicKey,
) -> Result<Vec<u64>, Fault> {
    let mut eids = Vec::new();
    for table in [&tables.by_author, &tables.by_owner] {
        for entry in table.prefix_iter(txn, &author_prefix(pubkey))? {
            let eid = trailing_eid(entry?.0);
            let record = tables.record(txn, eid)?;
            if record.is_some_and(|record| record.pubkey() == *pubkey) {
                eids.push(eid);
            }
        }
    }
    eids.sort_unstable();
    eids.dedup();
    Ok(eids)
}

/// Of what was seen on a relay. Nothing lists the sightings of a relay, so the ends are found by walking inwards
/// from where they were: a few thousand rows, unless the relay is small.
pub(super) fn of_relay(
    tables: &Tables,
    txn: &RoTxn<'_>,
    relay: u32,
    within: Span,
) -> Result<Option<Span>, Fault> {
    let low = (within.first << SUB_SECOND_BITS).to_be_bytes();
    let high = ((within.last + 1) << SUB_SECOND_BITS).to_be_bytes();
    let range = (
        std::ops::Bound::Included(&low[..]),
        std::ops::Bound::Excluded(&high[..]),
    );
    let has_seen = |place: &[u8]| -> Result<bool, Fault> {
        let row = tables.sightings.get(txn, place)?;
        Ok(row.is_some_and(|row| sightings::has_relay(row, RelayId(relay))))
    };
    let second = |key: &[u8]| Span::at(created_at(trailing_eid(key)));
    let mut span = None;
    for entry in tables.places.range(txn, &range)? {
        let (key, place) = entry?;
        if has_seen(place)? {
            span = Some(second(key));
            break;
        }
    }
    for entry in tables.places.rev_range(txn, &range)? {
        let (key, place) = entry?;
        if has_seen(place)? {
            Span::widen(&mut span, Some(second(key)));
            break;
        }
    }
    Ok(span)
}

/// Of authors on relays. What an author wrote is read once, however many relays lost an end.
#[derive(Default)]
pub(super) struct OnRelays {
    author: Option<u32>,
    spans: HashMap<u32, Span>,
}

impl OnRelays {
    pub(super) fn of(
        &mut self,
        tables: &Tables,
        txn: &RoTxn<'_>,
        (author, pubkey): (u32, &PublicKey),
        relay: u32,
    ) -> Result<Option<Span>, Fault> {
        if self.author != Some(author) {
            self.author = Some(author);
            self.spans = on_relays(tables, txn, pubkey)?;
        }
        Ok(self.spans.get(&relay).copied())
    }
}

fn on_relays(
    tables: &Tables,
    txn: &RoTxn<'_>,
    pubkey: &PublicKey,
) -> Result<HashMap<u32, Span>, Fault> {
    let mut spans = HashMap::new();
    for eid in written_by(tables, txn, pubkey)? {
        let row = tables.sightings_of(txn, eid)?;
        for seen in sightings::decode(row.unwrap_or_default()) {
            let mut span = spans.get(&seen.relay.0).copied();
            Span::widen(&mut span, Some(Span::at(created_at(eid))));
            spans.extend(span.map(|span| (seen.relay.0, span)));
        }
    }
    Ok(spans)
}
