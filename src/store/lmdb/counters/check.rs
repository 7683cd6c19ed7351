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
use crate::store::lmdb::engine::Engine;
use crate::store::lmdb::fault::Fault;
use crate::store::lmdb::sightings;
use crate::store::lmdb::tables::{SIGHTING_COUNT, Tables};
use crate::store::lmdb::view::View;

/// Compares all sums, and the counters of authors after one, until about `max_events` events were read. Compares
/// nothing while something is left to fold, or to index: the indexes tell what an author wrote.
pub(in crate::store::lmdb) fn check(
    engine: &Engine,
    view: View<'_>,
    after: Option<PublicKey>,
    max_events: u32,
) -> Result<Reconciliation, Fault> {
    let (tables, txn) = (view.tables, view.txn);
    let mut found = Reconciliation::default();
    if !is_up_to_date(tables, txn)? || !view.backlog.is_empty() {
        return Ok(found);
    }
    let figures = Figures::new(view);
    found.wrong += wrong_kinds(engine, view, &figures)? + wrong_relays(tables, txn)?;
    let (mut after, mut events) = (after, 0);
    while events < u64::from(max_events)
        && let Some(author) = figures.authors_after(after, 1)?.first()
    {
        let (is_wrong, read) = is_wrong(tables, txn, &figures, author)?;
        found.authors += 1;
        found.wrong += u64::from(is_wrong);
        events += read.max(1);
        after = Some(author.pubkey);
        found.last = after;
    }
    Ok(found)
}

/// Kinds of which not as many events are counted as commits noted.
fn wrong_kinds(engine: &Engine, view: View<'_>, figures: &Figures<'_>) -> Result<u64, Fault> {
    let noted = super::super::statistics::statistics(engine, view)?.by_kind;
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
        let record = tables.record(txn, *eid)?;
        let kind = record.map(|record| record.kind());
        kinds.extend(kind);
        let row = tables.sightings_of(txn, *eid)?;
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use nips::event::UnsignedEvent;
    use nips::{Event, Signature};

    use super::*;
    use crate::model::Sighting;
    use crate::store::EventStore;
    use crate::store::events::{EventBatch, IfDeleted, IfProtected, NewEvent};
    use crate::store::lmdb::{LmdbEvents, LmdbOptions};

    const RELAY: RelayId = RelayId(1);

    fn event(number: u8) -> NewEvent {
        let draft = UnsignedEvent {
            pubkey: PublicKey([number % 3; 32]),
            created_at: 100 + u64::from(number),
            kind: Kind(1),
            tags: Vec::new(),
            content: number.to_string(),
        };
        NewEvent {
            event: Event::from_parts(draft.id(), &draft, Signature([9; 64])).unwrap(),
            sighting: Some(Sighting {
                relay: RELAY,
                seen_at: 1_700_000_000,
            }),
            if_deleted: IfDeleted::Keep,
            if_protected: IfProtected::Hide,
        }
    }

    async fn write(events: &LmdbEvents, numbers: std::ops::Range<u8>) {
        let batch = EventBatch {
            events: numbers.map(event).collect(),
            sightings: Vec::new(),
            now: 1_800_000_000,
            rows_to_come: 0,
        };
        events.write(batch).await.unwrap();
    }

    async fn fold(events: &LmdbEvents) {
        let networks = HashMap::from([(RELAY.0, 0)]);
        while events.fold(1, networks.clone()).await.unwrap().unwrap() > 0 {}
    }

    #[tokio::test]
    async fn wrong_counters_are_found_and_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let events = LmdbEvents::open(LmdbOptions::at(directory.path())).unwrap();
        write(&events, 0..9).await;
        fold(&events).await;
        for damaged in [
            Key::of(Family::Kind).kind(Kind(1)),
            Key::of(Family::Relay).number(RELAY.0),
            Key::of(Family::AuthorRelay).number(2).number(RELAY.0),
        ] {
            let counters = events.engine.tables.counters;
            let mut txn = events.engine.env.write_txn().unwrap();
            assert!(counters.delete(&mut txn, damaged.as_bytes()).unwrap());
            txn.commit().unwrap();
            let found = events.reconcile(None, 1_000).await.unwrap();
            assert_eq!(found.wrong, 1, "{damaged:?}");
            // What comes before all is counted anew is counted once.
            write(&events, 9..10).await;
            fold(&events).await;
            let found = events.reconcile(None, 1_000).await.unwrap();
            assert_eq!((found.authors, found.wrong), (3, 0), "{damaged:?}");
        }
    }

    #[tokio::test]
    async fn an_archive_from_before_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let options = || LmdbOptions::at(directory.path());
        let events = LmdbEvents::open(options()).unwrap();
        write(&events, 0..9).await;
        // As if an older program had written it, which kept neither counters nor changes.
        let tables = events.engine.tables;
        let mut txn = events.engine.env.write_txn().unwrap();
        for table in [tables.counters, tables.changes, tables.removals] {
            table.clear(&mut txn).unwrap();
        }
        txn.commit().unwrap();
        drop(events);
        let events = LmdbEvents::open(options()).unwrap();
        write(&events, 9..12).await;
        let unfolded = events.reconcile(None, 1_000).await.unwrap();
        assert_eq!(unfolded.authors, 0);
        fold(&events).await;
        let found = events.reconcile(None, 1_000).await.unwrap();
        assert_eq!((found.authors, found.wrong), (3, 0));
        assert_eq!(events.kind_figures().await.unwrap()[0].events, 12);
    }
}
