//! What an earlier process stored and did not index: its chunks are gone, but the log of arrivals names the events.
//!
//! Their rows are made again and wait like before. Nothing is written: indexing them at once would change most
//! pages of the indexes, while whoever opens the store waits.

use super::arrivals;
use super::backlog::{Backlog, Draft};
use super::engine::Engine;
use super::fault::Fault;
use super::index::Entry;
use super::indexing::{Present, present};
use super::keys::{id_prefix, with_eid};
use super::record::Record;
use super::rules::Rules;
use super::standing::{Subject, standing};
use super::tables::INDEXED_BATCH;
use super::transaction::Transaction;
use super::view::Fresh;
use crate::store::eid::created_at;
use crate::store::events::Visibility;

/// Events whose rows are made at a time: they are in memory until they are in a file.
const PORTION_EVENTS: usize = 100_000;

/// Makes the backlog of an earlier process again.
pub(super) fn restore_backlog(engine: &Engine) -> Result<(), Fault> {
    let left_over = LeftOver::find(engine)?;
    let events = left_over.fresh.places.len();
    if events >= PORTION_EVENTS {
        tracing::info!(events, "reading what the last process did not index");
    }
    // It reads like a commit and is none.
    let mut transaction = Transaction::over(engine, Backlog::default())?;
    transaction.fresh = left_over.fresh;
    for portion in left_over.portions {
        let draft = transaction.draft_again(&portion)?;
        let last = portion.last_batch;
        engine
            .backlogs
            .restore(draft, &portion.fresh, last, engine.env.path());
    }
    Ok(())
}

/// What is stored and not indexed.
#[derive(Default)]
struct LeftOver {
    /// Where all its events are.
    fresh: Fresh,
    portions: Vec<Portion>,
}

/// As much of it as is made again at a time.
struct Portion {
    first_batch: u64,
    last_batch: u64,
    fresh: Fresh,
}

impl LeftOver {
    fn find(engine: &Engine) -> Result<Self, Fault> {
        let (tables, txn) = (&engine.tables, engine.env.read_txn()?);
        let last = tables.last_batch(&txn)?.0;
        let indexed = tables.number(&txn, INDEXED_BATCH)?;
        let mut left_over = Self::default();
        let (mut first_batch, mut fresh) = (indexed + 1, Fresh::default());
        for batch in indexed + 1..=last {
            for place in arrivals::places(tables, &txn, batch)? {
                if let Some(record) = tables.record_at(&txn, place)? {
                    fresh.add(&engine.rules, record)?;
                }
            }
            if fresh.places.len() >= PORTION_EVENTS || batch == last {
                left_over.fresh.places.extend(&fresh.places);
                left_over.fresh.versions.extend(&fresh.versions);
                left_over.portions.push(Portion {
                    first_batch,
                    last_batch: batch,
                    fresh: std::mem::take(&mut fresh),
                });
                first_batch = batch + 1;
            }
        }
        Ok(left_over)
    }
}

impl Fresh {
    fn add(&mut self, rules: &Rules, record: Record<'_>) -> Result<(), Fault> {
        let (eid, place) = (record.eid(), record.place());
        self.places.insert(eid, place);
        if record.kind().is_replaceable() {
            let version_of = rules.version_of(&record.event()?, record.is_stub());
            let key = version_of.map(|version_of| with_eid(&version_of.prefix, eid));
            self.versions.extend(key.map(|key| (key, place)));
        }
        Ok(())
    }
}

impl Transaction<'_> {
    /// What the commits of a portion left. Events of later ones are stored already: all are seen as they
    /// are seen now.
    fn draft_again(&mut self, portion: &Portion) -> Result<Draft, Fault> {
        let mut draft = Draft::of(portion.first_batch);
        let present = present(self.view())?;
        for eid in portion.fresh.places.keys() {
            self.touch_concerned(*eid)?;
            self.draft_event(&mut draft, *eid, present)?;
        }
        for eid in std::mem::take(&mut self.touched) {
            if !self.fresh.places.contains_key(&eid) {
                self.draft_change(&mut draft, eid)?;
            }
        }
        Ok(draft)
    }

    /// Adds an event that is not indexed. Rows of one that nobody may see are in the tables, perhaps, if an
    /// indexing was abandoned: then it counts as seen differently.
    fn draft_event(&self, draft: &mut Draft, eid: u64, present: Present) -> Result<(), Fault> {
        let Some(record) = self.view().record(eid)? else {
            return Ok(());
        };
        let after = self.standing_of(record)?;
        let event = record.event()?;
        let facts = self.rules.facts(&event, record.is_stub());
        let entry = Entry::new(record.location(), event.pubkey, event.kind, &facts);
        draft.rows.change(entry, None, Some(after));
        draft.add_id(with_eid(&id_prefix(&record.id()), eid), after.code());
        if matches!(present, Present::Anything) && !after.is_servable() {
            draft.changed.insert(eid, after.code());
        }
        Ok(())
    }

    /// Adds an event that is indexed, and may be seen differently since.
    fn draft_change(&self, draft: &mut Draft, eid: u64) -> Result<(), Fault> {
        let Some(record) = self.view().record(eid)? else {
            return Ok(());
        };
        if record.is_stub() {
            return Ok(());
        }
        let before = self.view().visibility(eid, &record.id())?;
        let after = self.standing_of(record)?;
        if before == after {
            return Ok(());
        }
        draft.changed.insert(eid, after.code());
        if after.is_servable() {
            let event = record.event()?;
            let facts = self.rules.facts(&event, false);
            let entry = Entry::new(record.location(), event.pubkey, event.kind, &facts);
            draft.rows.change(entry, None, Some(after));
        }
        Ok(())
    }

    /// The standing of whatever a stored event may have changed has to be computed again.
    fn touch_concerned(&mut self, eid: u64) -> Result<(), Fault> {
        let Some(record) = self.view().record(eid)? else {
            return Ok(());
        };
        let facts = self.rules.facts(&record.event()?, record.is_stub());
        if let Some(version_of) = &facts.version_of {
            self.touch_versions(version_of, created_at(eid))?;
        }
        self.touch_deleted(eid, &facts)
    }

    fn standing_of(&self, record: Record<'_>) -> Result<Visibility, Fault> {
        let event = record.event()?;
        let facts = self.rules.facts(&event, record.is_stub());
        let subject = Subject::stored(record.eid(), &event, &facts);
        standing(self.view(), subject, self.now)
    }
}
