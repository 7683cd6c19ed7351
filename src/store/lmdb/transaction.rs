//! One write transaction over several batches.
//!
//! First all facts go in: requests to vanish, deletion requests, then the other events. Then the
//! standing of every event that they may concern is computed, and the indexes follow. So the result
//! depends on what is stored and not on the order in which it came.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use heed::RwTxn;
use nips::{Kind, PublicKey};

use super::arrivals;
use super::arriving::{Arriving, Fate, PreparedBatch, reports};
use super::backlog::{Backlog, Draft};
use super::changes::Change;
use super::engine::Engine;
use super::fault::Fault;
use super::index::{Entry, IndexChanges};
use super::keys::{AddressKey, id_prefix, place_value, trailing_eid, with_eid};
use super::rules::Rules;
use super::standing::{Subject, standing};
use super::tables::{EVENT_COUNT, LAST_BATCH, SIGHTING_COUNT, Tables, put_sorted};
use super::view::{Fresh, Gap, View};
use crate::store::events::{BatchNumber, Visibility, WriteReport};

/// Stores the batches durably, and reports on each.
pub(super) fn commit(
    engine: &Engine,
    batches: &[PreparedBatch],
) -> Result<Vec<WriteReport>, Fault> {
    let now = batches.iter().map(|batch| batch.now).max().unwrap_or(0);
    let mut arriving = Arriving::in_order(batches);
    let mut transaction = Transaction::begin(engine, now)?;
    transaction.choose_when_to_index(&arriving)?;
    for one in &mut arriving {
        one.fate = transaction.admit(one.prepared)?;
    }
    transaction.settle(&mut arriving)?;
    let new_sightings = transaction.note_sightings(&mut arriving, batches)?;
    let number = transaction.log_arrivals(&arriving)?;
    transaction.finish()?;
    Ok(reports(batches, &arriving, number, &new_sightings))
}

/// Work in progress on the tables.
pub(super) struct Transaction<'e> {
    pub(super) engine: &'e Engine,
    pub(super) rules: &'e Rules,
    pub(super) tables: Tables,
    pub(super) txn: RwTxn<'e>,
    /// Wall clock, unix seconds.
    pub(super) now: u64,
    /// What earlier commits left to be indexed.
    pub(super) backlog: Backlog,
    /// What this one leaves; `None` when it indexes its events itself.
    draft: Option<Draft>,
    /// Rows that are not in their tables nor in the backlog: those of the draft.
    pub(super) fresh: Fresh,
    /// Keys that were seen not to be in `places`.
    pub(super) gap: Gap,
    /// Where the next event goes.
    next_place: u64,
    /// Up to which batch the backlog was indexed.
    pub(super) indexed: Option<u64>,
    /// Events stored earlier whose standing may have changed.
    pub(super) touched: BTreeSet<u64>,
    pub(super) index: IndexChanges,
    pub(super) counts: Counts,
    /// What the counters still have to hear of.
    pub(super) change: Change,
    /// Until when authors have vanished, as far as was asked.
    pub(super) vanished: HashMap<PublicKey, Option<u64>>,
}

/// Differences to the counters.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) sightings: i64,
    pub(super) by_kind: BTreeMap<Kind, i64>,
}

impl<'e> Transaction<'e> {
    pub(super) fn begin(engine: &'e Engine, now: u64) -> Result<Self, Fault> {
        let mut transaction = Self::over(engine, Backlog::default())?;
        let backlog = engine.backlogs.of(&engine.tables, &transaction.txn)?;
        transaction.backlog = backlog.expect("only this thread takes chunks away");
        transaction.now = now;
        Ok(transaction)
    }

    /// A transaction that knows of this backlog.
    pub(super) fn over(engine: &'e Engine, backlog: Backlog) -> Result<Self, Fault> {
        let txn = engine.env.write_txn()?;
        Ok(Self {
            engine,
            rules: &engine.rules,
            tables: engine.tables,
            next_place: engine.tables.next_place(&txn)?,
            txn,
            now: 0,
            backlog,
            draft: None,
            fresh: Fresh::default(),
            gap: Gap::none(),
            indexed: None,
            touched: BTreeSet::new(),
            index: IndexChanges::default(),
            counts: Counts::default(),
            change: Change::default(),
            vanished: HashMap::new(),
        })
    }

    /// Leaves bulk to be indexed later, and all that follows it. Where indexing fails, nothing may be added to
    /// what waits.
    fn choose_when_to_index(&mut self, arriving: &[Arriving<'_>]) -> Result<(), Fault> {
        let needs_indexes = |one: &Arriving<'_>| one.prepared.needs_indexes();
        if arriving.iter().any(needs_indexes) || self.engine.fill() >= 2.0 {
            return self.index_backlog();
        }
        let is_bulk = arriving.len() >= self.engine.deferral.from_events;
        if is_bulk || !self.backlog.is_empty() {
            self.draft = Some(Draft::of(self.tables.last_batch(&self.txn)?.0 + 1));
        }
        Ok(())
    }

    pub(super) fn view(&self) -> View<'_> {
        View {
            tables: &self.tables,
            txn: &self.txn,
            backlog: &self.backlog,
            fresh: &self.fresh,
        }
    }

    /// Gives a place to a new event, and remembers it.
    pub(super) fn give_place(&mut self, eid: u64) -> Result<u64, Fault> {
        let place = self.next_place;
        self.next_place += 1;
        if self.draft.is_some() {
            self.fresh.places.insert(eid, place);
            return Ok(place);
        }
        self.gap = Gap::none();
        let (key, value) = (eid.to_be_bytes(), place.to_be_bytes());
        self.tables.places.put(&mut self.txn, &key, &value)?;
        Ok(place)
    }

    /// Remembers a version of an address.
    pub(super) fn note_version(&mut self, key: AddressKey, place: u64) -> Result<(), Fault> {
        if self.draft.is_some() {
            self.fresh.versions.insert(key, place);
            return Ok(());
        }
        let by_address = &self.tables.by_address;
        Ok(by_address.put(&mut self.txn, &key, &place_value(place))?)
    }

    /// Computes the standing of everything new and everything touched.
    pub(super) fn settle(&mut self, arriving: &mut [Arriving<'_>]) -> Result<(), Fault> {
        let mut id_rows = Vec::with_capacity(arriving.len());
        for one in arriving.iter_mut() {
            if let Fate::Released(at, _) = one.fate {
                one.fate = Fate::Released(at, self.standing_of_arriving(at.eid, one)?);
            }
            let Fate::Stored(at, _) = one.fate else {
                continue;
            };
            let eid = at.eid;
            self.touched.remove(&eid);
            // Not its text: so many lie far apart in memory.
            let (event, facts) = (&one.prepared.event, &one.prepared.facts);
            let visibility = self.standing_of_arriving(eid, one)?;
            one.fate = Fate::Stored(at, visibility);
            let entry = Entry::new(at, event.pubkey(), event.kind(), facts);
            let key: [u8; 16] = with_eid(&id_prefix(&event.id()), eid);
            let code = visibility.code();
            match &mut self.draft {
                // The rows of a stub cannot be read from it again.
                Some(draft) if !facts.is_stub => {
                    draft.rows.change(entry, None, Some(visibility));
                    draft.add_id(key, code);
                }
                _ => {
                    self.index.change(entry, None, Some(visibility));
                    id_rows.push((key, [code]));
                }
            }
        }
        id_rows.sort_unstable();
        put_sorted(&self.tables.by_id, &mut self.txn, id_rows)?;
        self.settle_touched()
    }

    fn standing_of_arriving(&self, eid: u64, one: &Arriving<'_>) -> Result<Visibility, Fault> {
        let subject = Subject::arriving(eid, &one.prepared.event, &one.prepared.facts);
        standing(self.view(), subject, self.now)
    }

    /// Computes the standing of events that were stored before.
    pub(super) fn settle_touched(&mut self) -> Result<(), Fault> {
        for eid in std::mem::take(&mut self.touched) {
            self.settle_stored(eid)?;
        }
        Ok(())
    }

    fn settle_stored(&mut self, eid: u64) -> Result<(), Fault> {
        let view = View {
            tables: &self.tables,
            txn: &self.txn,
            backlog: &self.backlog,
            fresh: &self.fresh,
        };
        let Some(record) = view.record(eid)? else {
            return Ok(());
        };
        if record.is_stub() {
            return Ok(());
        }
        let event = record.event()?;
        let facts = self.rules.facts(&event, false);
        let before = view.visibility(eid, &event.id)?;
        let subject = Subject::stored(eid, &event, &facts);
        let after = standing(view, subject, self.now)?;
        if before == after {
            return Ok(());
        }
        let entry = Entry::new(record.location(), event.pubkey, event.kind, &facts);
        let code = after.code();
        if let Some(draft) = &mut self.draft {
            draft.changed.insert(eid, code);
            if after.is_servable() {
                draft.rows.change(entry, None, Some(after));
            }
            return Ok(());
        }
        self.index.change(entry, Some(before), Some(after));
        let key: [u8; 16] = with_eid(&id_prefix(&event.id), eid);
        Ok(self.tables.by_id.put(&mut self.txn, &key, &[code])?)
    }

    /// Hides events whose expiration has passed, at most `limit` (NIP-40). Returns how many.
    pub(super) fn sweep_expired(&mut self, limit: usize) -> Result<u64, Fault> {
        self.index_backlog()?;
        for entry in self.tables.by_expiration.iter(&self.txn)?.take(limit) {
            let (key, _) = entry?;
            let (expires_at, _) = key.split_at(8);
            if trailing_eid(expires_at) > self.now {
                break;
            }
            self.touched.insert(trailing_eid(key));
        }
        let swept = self.touched.len() as u64;
        self.settle_touched()?;
        Ok(swept)
    }

    /// Enters what was stored into the log of arrivals.
    fn log_arrivals(&mut self, arriving: &[Arriving<'_>]) -> Result<Option<BatchNumber>, Fault> {
        let mut eids: Vec<u64> = arriving.iter().filter_map(Arriving::stored_as).collect();
        eids.sort_unstable_by(|a, b| b.cmp(a));
        self.change.stored.clone_from(&eids);
        let released = arriving.iter().filter_map(Arriving::released_as);
        eids.extend(released);
        if eids.is_empty() {
            self.draft = None;
            return Ok(None);
        }
        eids.sort_unstable_by(|a, b| b.cmp(a));
        // It may have been stored a moment ago in the same transaction.
        eids.dedup();
        let number = BatchNumber(self.tables.last_batch(&self.txn)?.0 + 1);
        let first_place = self.next_place - self.change.stored.len() as u64;
        let row = arrivals::encode(self.now, first_place, &eids);
        self.tables
            .arrivals
            .put(&mut self.txn, &number.0.to_be_bytes(), &row)?;
        self.tables
            .set_number(&mut self.txn, LAST_BATCH, number.0)?;
        if self.draft.is_none() {
            self.set_indexed(number.0)?;
        }
        Ok(Some(number))
    }

    /// Writes indexes and counters, and makes everything durable.
    pub(super) fn finish(mut self) -> Result<(), Fault> {
        let index = std::mem::take(&mut self.index);
        index.apply(&self.tables, &mut self.txn)?;
        if self.engine.is_counted {
            self.change.log(&self.tables, &mut self.txn)?;
        }
        let events = self.counts.by_kind.values().sum();
        add_to(&self.tables, &mut self.txn, EVENT_COUNT, events)?;
        add_to(
            &self.tables,
            &mut self.txn,
            SIGHTING_COUNT,
            self.counts.sightings,
        )?;
        for (kind, difference) in &self.counts.by_kind {
            let key = kind.0.to_be_bytes();
            let stored = self.tables.kind_counts.get(&self.txn, &key)?;
            let count = stored
                .map_or(0, trailing_eid)
                .saturating_add_signed(*difference);
            self.tables
                .kind_counts
                .put(&mut self.txn, &key, &count.to_be_bytes())?;
        }
        self.commit()
    }

    /// Readers of the new state find the chunk before it is the state, and lose older chunks after.
    fn commit(self) -> Result<(), Fault> {
        let backlogs = &self.engine.backlogs;
        let batch = self.draft.as_ref().map(Draft::batch);
        if let Some(draft) = self.draft {
            backlogs.publish(draft, &self.fresh);
        }
        let committed = self.txn.commit();
        match (&committed, batch, self.indexed) {
            (Err(_), Some(batch), _) => backlogs.withdraw(batch),
            (Ok(()), _, Some(indexed)) => backlogs.retire(indexed),
            _ => {}
        }
        Ok(committed?)
    }
}

fn add_to(tables: &Tables, txn: &mut RwTxn<'_>, name: &str, difference: i64) -> Result<(), Fault> {
    if difference == 0 {
        return Ok(());
    }
    let number = tables.number(txn, name)?.saturating_add_signed(difference);
    tables.set_number(txn, name, number)
}
