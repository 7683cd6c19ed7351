//! Moving what waits in the backlog to the index tables.

use super::backlog::Backlog;
use super::engine::Engine;
use super::fault::Fault;
use super::index::{Entry, IndexChanges};
use super::keys::{id_prefix, with_eid};
use super::page_budget::PageBudget;
use super::record::Record;
use super::rules::Rules;
use super::tables::{INDEXED_BATCH, INDEXING_BATCH, put_sorted, visibility_of};
use super::transaction::Transaction;
use super::unchanged::Unchanged;
use super::view::{Gap, View};
use crate::store::events::Visibility;

/// A move of one backlog, a step at a time, so that commits can go in between and the memory for
/// changed pages stays small. Rows that are in both places do no harm. Only the last step makes it
/// happen; one that is abandoned begins anew, and takes away rows that are no longer right.
pub(super) struct Indexing {
    /// The batches that are being indexed: after this one, up to that one.
    indexed: u64,
    last: u64,
    rows: Rows,
    rows_at_first: usize,
    /// How much waited then, see [`Deferral::fill`](super::deferral::Deferral::fill).
    fill_at_first: f64,
}

/// What goes to the tables.
#[derive(Default)]
struct Rows {
    /// Those of events that are seen as they were when they came.
    unchanged: Unchanged,
    index: IndexChanges,
    /// Rows of `by_id` for events that have none.
    ids: Vec<IdRow>,
    /// New values of rows of `by_id`. They tell which index rows an event has, so they come last.
    changed_ids: Vec<IdRow>,
}

/// Which index rows an event has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Present {
    /// None.
    Nothing,
    /// Any of those that it would have if readers could see it: an indexing was abandoned.
    Anything,
    /// Those that its row in `by_id` says.
    Rows(Visibility),
}

type IdRow = ([u8; 16], [u8; 1]);

impl Indexing {
    /// Begins to index all that waits; `None` when nothing does.
    pub(super) fn begin(engine: &Engine) -> Result<Option<Self>, Fault> {
        engine.merge_backlog(true);
        engine.read(|engine, view| {
            let indexed = view.tables.number(view.txn, INDEXED_BATCH)?;
            let Some(newest) = view.backlog.chunks().last() else {
                return Ok(None);
            };
            let mut rows = Rows::of_backlog(&engine.rules, view)?;
            rows.unchanged = rows.unchanged.ahead()?;
            rows.sort();
            Ok(Some(Self {
                indexed,
                last: newest.last(),
                rows_at_first: rows.len(),
                fill_at_first: engine.fill(),
                rows,
            }))
        })
    }

    /// Whether it has to go on, when so much waits.
    pub(super) fn is_due(&self, fill: f64) -> bool {
        let progress = 1.0 - self.rows.len() as f64 / self.rows_at_first.max(1) as f64;
        is_step_due(progress, self.fill_at_first, fill)
    }

    /// Goes on for some rows. Returns whether that was all.
    pub(super) fn step(&mut self, engine: &Engine) -> Result<bool, Fault> {
        let mut transaction = Transaction::over(engine, Backlog::default())?;
        let indexed = transaction.tables.number(&transaction.txn, INDEXED_BATCH)?;
        if indexed != self.indexed {
            // Somebody had to have it at once.
            return Ok(true);
        }
        let is_done = transaction.write_some(
            &mut self.rows,
            PageBudget::new(engine.deferral.step_pages.max(1)),
        )?;
        match is_done {
            true => transaction.set_indexed(self.last)?,
            false => transaction.set_indexing(self.last)?,
        }
        transaction.finish()?;
        Ok(is_done)
    }
}

impl Transaction<'_> {
    /// Indexes all that waits, in this transaction.
    pub(super) fn index_backlog(&mut self) -> Result<(), Fault> {
        if self.backlog.is_empty() {
            return Ok(());
        }
        let rows = Rows::of_backlog(self.rules, self.view())?;
        self.backlog = Backlog::default();
        let last = self.tables.last_batch(&self.txn)?.0;
        self.write_all(rows, last)
    }

    fn write_all(&mut self, mut rows: Rows, last: u64) -> Result<(), Fault> {
        self.gap = Gap::none();
        rows.sort();
        self.write_some(&mut rows, PageBudget::unlimited())?;
        self.set_indexed(last)
    }

    /// Writes as many rows as the budget allows. Returns whether that was all.
    fn write_some(&mut self, rows: &mut Rows, mut budget: PageBudget) -> Result<bool, Fault> {
        let unchanged = &mut rows.unchanged;
        unchanged.write_some(&self.tables, &mut self.txn, &mut budget)?;
        let by_id = &self.tables.by_id;
        let ids = budget.take(&mut rows.ids, by_id, &self.txn)?;
        put_sorted(by_id, &mut self.txn, ids)?;
        let index = &mut rows.index;
        index.apply_some(&self.tables, &mut self.txn, &mut budget)?;
        if budget.is_spent() {
            return Ok(false);
        }
        let changed_ids = rows.changed_ids.drain(..);
        put_sorted(&self.tables.by_id, &mut self.txn, changed_ids)?;
        Ok(true)
    }

    fn set_indexing(&mut self, last: u64) -> Result<(), Fault> {
        self.tables.set_number(&mut self.txn, INDEXING_BATCH, last)
    }

    pub(super) fn set_indexed(&mut self, last: u64) -> Result<(), Fault> {
        self.indexed = Some(last);
        self.tables.set_number(&mut self.txn, INDEXED_BATCH, last)
    }
}

impl Rows {
    fn of_backlog(rules: &Rules, view: View<'_>) -> Result<Self, Fault> {
        let changed = view.backlog.all_changed();
        let mut rows = Self {
            unchanged: Unchanged::of(view.backlog, changed.keys().copied().collect()),
            ..Self::default()
        };
        let tables_only = View {
            backlog: &Backlog::default(),
            ..view
        };
        let present = present(view)?;
        for (&eid, &code) in &changed {
            let Some(record) = view.record(eid)? else {
                continue;
            };
            let present = match view.backlog.arrived(&id_key(&record)) {
                Some(_) => present,
                None => Present::Rows(tables_only.visibility(eid, &record.id())?),
            };
            rows.add(rules, record, present, visibility_of(eid, &[code])?)?;
        }
        Ok(rows)
    }

    /// Adds the rows of one stored event to those that are present.
    fn add(
        &mut self,
        rules: &Rules,
        record: Record<'_>,
        present: Present,
        after: Visibility,
    ) -> Result<(), Fault> {
        let event = record.event()?;
        let facts = rules.facts(&event, record.is_stub());
        let entry = Entry::new(record.location(), event.pubkey, event.kind, &facts);
        let id_row = (id_key(&record), [after.code()]);
        match present {
            Present::Rows(before) => {
                self.index.change(entry, Some(before), Some(after));
                self.changed_ids.push(id_row);
            }
            Present::Nothing | Present::Anything => {
                if matches!(present, Present::Anything) && !after.is_servable() {
                    let seen = match event.kind.is_private() {
                        true => Visibility::Private,
                        false => Visibility::Public,
                    };
                    self.index.change(entry, Some(seen), None);
                }
                self.index.change(entry, None, Some(after));
                self.ids.push(id_row);
            }
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.unchanged.len() + self.ids.len() + self.index.len() + self.changed_ids.len()
    }

    /// In the order of the tables.
    fn sort(&mut self) {
        self.ids.sort_unstable();
        self.changed_ids.sort_unstable();
        self.index.sort_all();
    }
}

/// What may be in the indexes of events that count as not indexed.
pub(super) fn present(view: View<'_>) -> Result<Present, Fault> {
    let indexed = view.tables.number(view.txn, INDEXED_BATCH)?;
    let indexing = view.tables.number(view.txn, INDEXING_BATCH)?;
    Ok(match indexing > indexed {
        true => Present::Anything,
        false => Present::Nothing,
    })
}

/// Whether an indexing that began when so much waited goes on now: it is done by the time that nothing more may be
/// added, at 2, and it comes there evenly, so that no commit waits for what was put off.
fn is_step_due(progress: f64, fill_at_first: f64, fill: f64) -> bool {
    let room = (2.0 - fill_at_first).max(0.0);
    fill >= fill_at_first + progress * room
}

fn id_key(record: &Record<'_>) -> [u8; 16] {
    with_eid(&id_prefix(&record.id()), record.eid())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many steps come after each of some commits, which fill what may wait from `first` on; each step does a part.
    fn steps(first: f64, commits: usize, steps_in_all: usize) -> Vec<usize> {
        let mut done = 0;
        let after = |commit: usize| {
            let fill = first + (2.0 - first) * commit as f64 / commits as f64;
            let before = done;
            while done < steps_in_all && is_step_due(done as f64 / steps_in_all as f64, first, fill)
            {
                done += 1;
            }
            done - before
        };
        (0..=commits).map(after).collect()
    }

    #[test]
    fn steps_come_evenly_and_are_done_before_it_is_full() {
        for first in [1.0, 1.125, 1.9] {
            let few = steps(first, 192, 10);
            assert_eq!((few[0], few.iter().max()), (1, Some(&1)), "{first}");
            assert_eq!(few.iter().sum::<usize>(), 10);
            assert_eq!(few[180..], [0; 13]);
            let many = steps(first, 10, 95);
            assert!(many.iter().max() <= Some(&10), "{many:?}");
            assert_eq!(many.iter().sum::<usize>(), 95);
        }
        assert!(is_step_due(0.9, 2.5, 2.5));
    }
}
