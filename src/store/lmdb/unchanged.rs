//! Rows of chunks on their way to the tables.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use heed::RwTxn;

use super::backlog::{Backlog, Chunk};
use super::fault::Fault;
use super::keys::trailing_eid;
use super::page_budget::PageBudget;
use super::row_set::{List, SortedRows, merge};
use super::tables::{Tables, put_sorted};

/// Rows that are merged at a time, about: few enough for a cache of the processor.
const BLOCK_ROWS: usize = 32_768;

/// Blocks that may wait for the thread that writes.
const BLOCKS_AHEAD: usize = 4;

/// The rows of events that are seen as they were when they came, in the order in which they are written: list by
/// list, and each in key order.
#[derive(Default)]
pub(super) struct Unchanged {
    blocks: Blocks,
    /// The block that is being written, and how many of its rows are.
    block: Option<Block>,
    written: usize,
    /// Rows of each list in the blocks to come, and perhaps rows that are left out.
    to_come: [usize; List::COUNT],
}

/// Where blocks come from.
enum Blocks {
    /// They are made when they are asked for.
    Here(Box<Merging>),
    /// A thread makes them ahead, while others are written: who writes them waits for the disk part of the time.
    Ahead(Receiver<Block>),
}

/// Some rows of a list that follow each other.
struct Block {
    list: List,
    bytes: Vec<u8>,
    /// How many rows the chunks have there; some of them are left out.
    taken: usize,
}

/// The merge of what chunks have.
#[derive(Default)]
struct Merging {
    sources: Vec<Source>,
    /// Events that are seen differently since.
    left_out: HashSet<u64>,
}

/// A chunk, and how many rows of each list were taken from it.
struct Source {
    chunk: Arc<Chunk>,
    taken: [usize; List::COUNT],
}

impl Default for Blocks {
    fn default() -> Self {
        Self::Here(Box::default())
    }
}

impl Unchanged {
    /// Those of a backlog, but for some events.
    pub(super) fn of(backlog: &Backlog, left_out: HashSet<u64>) -> Self {
        let merging = Merging::new(backlog, left_out);
        Self {
            to_come: List::ALL.map(|list| merging.len_of(list)),
            blocks: Blocks::Here(Box::new(merging)),
            ..Self::default()
        }
    }

    /// Has them merged by a thread of its own from now on.
    pub(super) fn ahead(self) -> Result<Self, Fault> {
        let Blocks::Here(mut merging) = self.blocks else {
            return Ok(self);
        };
        let (sender, receiver) = sync_channel(BLOCKS_AHEAD);
        let work = move || {
            // Nobody takes them any more when an indexing is given up.
            while let Some(block) = merging.next()
                && sender.send(block).is_ok()
            {}
        };
        let thread = std::thread::Builder::new().name("index-merge".to_owned());
        thread.spawn(work).map_err(heed::Error::Io)?;
        Ok(Self {
            blocks: Blocks::Ahead(receiver),
            ..self
        })
    }

    /// How many there are, about: those of events to be left out are among them.
    pub(super) fn len(&self) -> usize {
        List::ALL.map(|list| self.len_of(list)).iter().sum()
    }

    fn len_of(&self, list: List) -> usize {
        let block = self.block.as_ref().filter(|block| block.list == list);
        self.to_come[list as usize] + block.map_or(0, |block| block.rows().len() - self.written)
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
            let mut count = budget.share(self.len_of(list), &table, txn)?;
            while let Some(rows) = self.next_rows(list, count)? {
                count -= rows.len();
                put_sorted(
                    &table,
                    txn,
                    rows.iter().map(|row| row.split_at(list.key_len())),
                )?;
            }
        }
        Ok(())
    }

    /// The next rows of a list, at most so many; `None` when there are none, or none are wanted.
    fn next_rows(&mut self, list: List, most: usize) -> Result<Option<SortedRows<'_>>, Fault> {
        while self.is_written() && self.to_come[list as usize] > 0 && most > 0 {
            let block = self.blocks.next().ok_or(Fault::Interrupted)?;
            self.to_come[block.list as usize] -= block.taken;
            self.block = Some(block);
            self.written = 0;
        }
        let Some(block) = self.block.as_ref().filter(|block| block.list == list) else {
            return Ok(None);
        };
        let rows = block.rows();
        let from = self.written;
        self.written = rows.len().min(from + most);
        Ok((from < self.written).then(|| rows.between(from, self.written)))
    }

    /// Whether nothing is left of the last block.
    fn is_written(&self) -> bool {
        let block = self.block.as_ref();
        block.is_none_or(|block| self.written == block.rows().len())
    }
}

impl Blocks {
    /// The next one; `None` when that was all, or the thread that makes them is gone.
    fn next(&mut self) -> Option<Block> {
        match self {
            Self::Here(merging) => merging.next(),
            Self::Ahead(blocks) => blocks.recv().ok(),
        }
    }
}

impl Block {
    fn rows(&self) -> SortedRows<'_> {
        SortedRows::new(self.list, &self.bytes)
    }
}

impl Merging {
    fn new(backlog: &Backlog, left_out: HashSet<u64>) -> Self {
        let source = |chunk: &Arc<Chunk>| Source {
            chunk: Arc::clone(chunk),
            taken: [0; List::COUNT],
        };
        Self {
            sources: backlog.chunks().iter().map(source).collect(),
            left_out,
        }
    }

    fn len_of(&self, list: List) -> usize {
        let rows = self.sources.iter().map(|source| source.rest(list).len());
        rows.sum()
    }

    /// The next rows of a list: all those up to one that is as far in its chunk as so many rows would be.
    fn take(&mut self, list: List) -> Block {
        let end = self.end(list);
        let is_left_out = |row: &[u8]| {
            let eid = trailing_eid(&row[..list.key_len()]);
            self.left_out.contains(&eid)
        };
        // However it is seen, an event is where it is, and a version of what it is one of.
        let is_always_kept = matches!(list, List::Places | List::Address);
        let is_kept = |row: &[u8]| is_always_kept || !is_left_out(row);
        let rests = self.sources.iter().map(|source| source.rest(list));
        let parts: Vec<SortedRows<'_>> = rests
            .map(|rest| rest.between(0, end.map_or(rest.len(), |row| rest.upper_bound(row))))
            .collect();
        let mut bytes = Vec::new();
        merge(list, &parts, is_kept, &mut bytes);
        let lens: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        for (source, len) in self.sources.iter_mut().zip(&lens) {
            source.taken[list as usize] += len;
        }
        Block {
            list,
            bytes,
            taken: lens.iter().sum(),
        }
    }

    /// The last row to take; `None` when all are.
    fn end(&self, list: List) -> Option<&[u8]> {
        let total = self.len_of(list);
        if total <= BLOCK_ROWS {
            return None;
        }
        let rests = self.sources.iter().map(|source| source.rest(list));
        let longest = rests.max_by_key(|rest| rest.len())?;
        let share = longest.len() as u128 * BLOCK_ROWS as u128 / total as u128;
        longest.get(share as usize)
    }
}

impl Iterator for Merging {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        let list = List::ALL.into_iter().find(|list| self.len_of(*list) > 0)?;
        Some(self.take(list))
    }
}

impl Source {
    /// The rows of a list that were not taken.
    fn rest(&self, list: List) -> SortedRows<'_> {
        let rows = self.chunk.list(list);
        rows.between(self.taken[list as usize], rows.len())
    }
}
