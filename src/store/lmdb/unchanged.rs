//! Rows of chunks on their way to the tables.

use std::collections::HashSet;
use std::sync::Arc;

use heed::RwTxn;

use super::backlog::{Backlog, Chunk};
use super::fault::Fault;
use super::keys::trailing_eid;
use super::page_budget::PageBudget;
use super::row_set::{List, SortedRows, merge};
use super::tables::{Tables, put_sorted};

/// The rows of events that are seen as they were when they came, in the order in which they are written: list by
/// list, and each in key order. They stay in their chunks until then.
#[derive(Default)]
pub(super) struct Unchanged {
    sources: Vec<Source>,
    /// Events that are seen differently since.
    left_out: HashSet<u64>,
}

/// A chunk, and how many rows of each list were taken from it.
struct Source {
    chunk: Arc<Chunk>,
    taken: [usize; List::COUNT],
}

impl Unchanged {
    pub(super) fn of(backlog: &Backlog, left_out: HashSet<u64>) -> Self {
        let source = |chunk: &Arc<Chunk>| Source {
            chunk: Arc::clone(chunk),
            taken: [0; List::COUNT],
        };
        Self {
            sources: backlog.chunks().iter().map(source).collect(),
            left_out,
        }
    }

    /// How many there are, about: those of events to be left out are among them.
    pub(super) fn len(&self) -> usize {
        List::ALL.map(|list| self.len_of(list)).iter().sum()
    }

    fn len_of(&self, list: List) -> usize {
        let rows = self.sources.iter().map(|source| source.rest(list).len());
        rows.sum()
    }

    /// Writes as many rows as the budget allows. When it leaves some of the budget, all are written.
    pub(super) fn write_some(
        &mut self,
        tables: &Tables,
        txn: &mut RwTxn<'_>,
        budget: &mut PageBudget,
    ) -> Result<(), Fault> {
        for list in List::ALL {
            let table = list.table(tables);
            let count = budget.share(self.len_of(list), &table, txn)?;
            if count == 0 {
                continue;
            }
            let bytes = self.take(list, count);
            let rows = SortedRows::new(list, &bytes);
            put_sorted(
                &table,
                txn,
                rows.iter().map(|row| row.split_at(list.key_len())),
            )?;
        }
        Ok(())
    }

    /// Takes about `count` rows of a list: all those up to one that is as far in its chunk as so many rows
    /// would be.
    fn take(&mut self, list: List, count: usize) -> Vec<u8> {
        let end = self.end(list, count);
        let is_left_out = |row: &[u8]| {
            let eid = trailing_eid(&row[..list.key_len()]);
            self.left_out.contains(&eid)
        };
        // However it is seen, an event is where it is.
        let is_kept = |row: &[u8]| list == List::Places || !is_left_out(row);
        let rests = self.sources.iter().map(|source| source.rest(list));
        let parts: Vec<SortedRows<'_>> = rests
            .map(|rest| rest.between(0, end.map_or(rest.len(), |row| rest.upper_bound(row))))
            .collect();
        let mut bytes = Vec::new();
        merge(list, &parts, is_kept, &mut bytes);
        let lens: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        for (source, len) in self.sources.iter_mut().zip(lens) {
            source.taken[list as usize] += len;
        }
        bytes
    }

    /// The last row to take; `None` when all are.
    fn end(&self, list: List, count: usize) -> Option<&[u8]> {
        let total = self.len_of(list);
        if count >= total {
            return None;
        }
        let rests = self.sources.iter().map(|source| source.rest(list));
        let longest = rests.max_by_key(|rest| rest.len())?;
        let share = longest.len() as u128 * count as u128 / total.max(1) as u128;
        longest.get(share as usize)
    }
}

impl Source {
    /// The rows of a list that were not taken.
    fn rest(&self, list: List) -> SortedRows<'_> {
        let rows = self.chunk.list(list);
        rows.between(self.taken[list as usize], rows.len())
    }
}
