//! Index rows that are not in their tables yet.
//!
//! Most index rows of an event go to a page of their own, so that a commit of some thousand events
//! writes a good part of every index. Bulk leaves its rows here instead, one sorted [`Chunk`] for each
//! commit, until there are enough of them to share pages, or the writer has nothing else to do
//! (`indexing`). Readers look here as well. The same goes for rows that have to go, because an event
//! was superseded or deleted: readers pass over them until then.
//!
//! Nothing is at stake: the events are durable, the log of arrivals says which of them are not
//! indexed, and whoever opens the store next reads their rows anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use heed::RoTxn;
use nips::EventId;

use super::fault::Fault;
use super::index::{Index, IndexChanges};
use super::keys::{id_prefix, trailing_eid};
use super::tables::{INDEXED_BATCH, Tables, visibility_of};

/// A row of `by_id` and the byte for the visibility.
pub(super) type IdRow = ([u8; 16], u8);

/// What one commit left to be indexed. Sorted once it is published.
#[derive(Default)]
pub(super) struct Chunk {
    /// The batch of arrivals that holds its events.
    batch: u64,
    /// New events.
    pub(super) ids: Vec<IdRow>,
    /// Events stored before that are seen differently from now on, by key.
    pub(super) changed: HashMap<u64, u8>,
    /// Rows to add for what some reader may see now.
    pub(super) rows: IndexChanges,
}

impl Chunk {
    /// An empty chunk for a batch of arrivals.
    pub(super) fn of(batch: u64) -> Self {
        Self {
            batch,
            ..Self::default()
        }
    }

    pub(super) fn batch(&self) -> u64 {
        self.batch
    }

    /// Events that it is about.
    fn len(&self) -> usize {
        self.ids.len() + self.changed.len()
    }

    fn sort(&mut self) {
        self.ids.sort_unstable();
        self.rows.sort();
    }

    /// Its events under an id prefix.
    fn under(&self, prefix: [u8; 8]) -> impl Iterator<Item = u64> {
        let first = self.ids.partition_point(|(key, _)| key[..8] < prefix[..]);
        let rows = self.ids[first..].iter();
        let rows = rows.take_while(move |(key, _)| key.starts_with(&prefix));
        rows.map(|(key, _)| trailing_eid(key))
    }

    /// The visibility of one of its events when it came.
    fn code(&self, key: &[u8; 16]) -> Option<u8> {
        let found = self.ids.binary_search_by(|(other, _)| other.cmp(key));
        found.ok().map(|index| self.ids[index].1)
    }
}

/// The chunks that belong to one state of the tables, oldest first. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Backlog(Vec<Arc<Chunk>>);

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn chunks(&self) -> &[Arc<Chunk>] {
        &self.0
    }

    /// The keys of events under the prefix of an id.
    pub(super) fn under(&self, id: &EventId) -> impl Iterator<Item = u64> {
        let prefix = id_prefix(id);
        self.0.iter().flat_map(move |chunk| chunk.under(prefix))
    }

    /// The visibility that an event had when it came, if that was since the last indexing.
    pub(super) fn arrived(&self, key: &[u8; 16]) -> Option<u8> {
        let mut newest_first = self.0.iter().rev();
        newest_first.find_map(|chunk| chunk.code(key))
    }

    /// The visibility of an event that is seen differently since the last indexing.
    pub(super) fn changed(&self, eid: u64) -> Option<u8> {
        let mut newest_first = self.0.iter().rev();
        newest_first.find_map(|chunk| chunk.changed.get(&eid).copied())
    }

    /// All events that are seen differently since the last indexing.
    pub(super) fn all_changed(&self) -> HashMap<u64, u8> {
        let changes = self.0.iter().flat_map(|chunk| &chunk.changed);
        changes.map(|(eid, code)| (*eid, *code)).collect()
    }

    /// Whether nobody may see an event any more, although it has index rows.
    pub(super) fn hides(&self, eid: u64) -> Result<bool, Fault> {
        let Some(code) = self.changed(eid) else {
            return Ok(false);
        };
        Ok(!visibility_of(eid, &[code])?.is_servable())
    }

    /// The event keys of one index under a prefix and in a range, one run for each chunk.
    pub(super) fn runs(&self, index: Index, low: &[u8], high: &[u8]) -> impl Iterator<Item = Run> {
        self.0.iter().filter_map(move |chunk| {
            let rows = chunk.rows.sorted(index);
            let (first, end) = (rows.lower_bound(low), rows.upper_bound(high));
            (first < end).then(|| Run {
                chunk: Arc::clone(chunk),
                index,
                first,
                end,
            })
        })
    }

    /// The lowest row of an index that is not below `key`.
    pub(super) fn first_from(&self, index: Index, key: &[u8]) -> Option<&[u8]> {
        let firsts = self.0.iter().filter_map(|chunk| {
            let rows = chunk.rows.sorted(index);
            rows.get(rows.lower_bound(key))
        });
        firsts.min()
    }
}

/// Rows of one chunk under one prefix, read newest first.
pub(super) struct Run {
    chunk: Arc<Chunk>,
    index: Index,
    first: usize,
    end: usize,
}

impl Iterator for Run {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.first == self.end {
            return None;
        }
        self.end -= 1;
        let row = self.chunk.rows.sorted(self.index).get(self.end);
        row.map(trailing_eid)
    }
}

/// The chunks of all states that somebody may be reading.
#[derive(Default)]
pub(super) struct Backlogs(Mutex<Vec<Arc<Chunk>>>);

impl Backlogs {
    /// The chunks of the state that `txn` reads; `None` when it is so old that they are gone, and a
    /// new transaction is needed.
    pub(super) fn of(&self, tables: &Tables, txn: &RoTxn<'_>) -> Result<Option<Backlog>, Fault> {
        let indexed = tables.number(txn, INDEXED_BATCH)?;
        let last = tables.last_batch(txn)?.0;
        if indexed == last {
            return Ok(Some(Backlog::default()));
        }
        let is_meant = |chunk: &&Arc<Chunk>| (indexed + 1..=last).contains(&chunk.batch);
        let chunks: Vec<Arc<Chunk>> = self.lock().iter().filter(is_meant).cloned().collect();
        let is_whole = chunks.len() as u64 == last - indexed;
        Ok(is_whole.then_some(Backlog(chunks)))
    }

    /// Adds the chunk of a commit that is about to happen.
    pub(super) fn publish(&self, mut chunk: Chunk) {
        chunk.sort();
        self.lock().push(Arc::new(chunk));
    }

    /// Forgets the chunk of a commit that failed.
    pub(super) fn withdraw(&self, batch: u64) {
        self.lock().retain(|chunk| chunk.batch != batch);
    }

    /// Forgets chunks whose rows are in the tables now.
    pub(super) fn retire(&self, up_to: u64) {
        self.lock().retain(|chunk| chunk.batch > up_to);
    }

    /// Whether everything is indexed.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// How many commits and how many events wait.
    pub(super) fn len(&self) -> (usize, usize) {
        let chunks = self.lock();
        let events = chunks.iter().map(|chunk| chunk.len()).sum();
        (chunks.len(), events)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Chunk>>> {
        self.0.lock().expect("no panic under the lock")
    }
}
