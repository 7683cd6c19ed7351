//! Index rows that are not in their tables yet.
//!
//! Most index rows of an event go to a page of their own, so that a commit of some thousand events
//! writes a good part of every index. Bulk leaves its rows here instead, one sorted [`Chunk`] for each
//! commit, until there are enough of them to share pages, or the writer has nothing else to do
//! (`indexing`). Readers look here as well. The same goes for rows that have to go, because an event
//! was superseded or deleted: readers pass over them until then. Chunks of many commits become one, in a
//! file (`row_set`), so that memory and the number of chunks are bounded.
//!
//! Nothing is at stake: the events are durable, the log of arrivals says which of them are not
//! indexed, and whoever opens the store next reads their rows anew.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use heed::RoTxn;
use nips::EventId;

use super::fault::Fault;
use super::index::{Index, IndexChanges};
use super::key_filter::KeyFilter;
use super::keys::{
    AddressKey, AddressPrefix, address_number, id_prefix, place_value, trailing_eid,
    trailing_number,
};
use super::row_set::{List, RowSet, SortedRows};
use super::tables::{Found, INDEXED_BATCH, Location, Tables, visibility_of};
use super::view::Fresh;

/// Bytes of the key of a row of `by_id`; the byte for the visibility follows.
const ID_KEY_LEN: usize = 16;

/// What a commit leaves to be indexed, while it is collected.
pub(super) struct Draft {
    /// The batch of arrivals that holds its events.
    batch: u64,
    ids: Vec<[u8; ID_KEY_LEN + 1]>,
    /// Events stored before that are seen differently from now on, by key.
    pub(super) changed: HashMap<u64, u8>,
    /// Rows to add for what some reader may see now.
    pub(super) rows: IndexChanges,
}

impl Draft {
    /// An empty one for a batch of arrivals.
    pub(super) fn of(batch: u64) -> Self {
        Self {
            batch,
            ids: Vec::new(),
            changed: HashMap::new(),
            rows: IndexChanges::default(),
        }
    }

    pub(super) fn batch(&self) -> u64 {
        self.batch
    }

    /// Adds a new event: its key in `by_id`, and the byte for its visibility.
    pub(super) fn add_id(&mut self, key: [u8; ID_KEY_LEN], code: u8) {
        let mut row = [code; ID_KEY_LEN + 1];
        row[..ID_KEY_LEN].copy_from_slice(&key);
        self.ids.push(row);
    }

    /// `fresh` is where its events are.
    fn into_chunk(mut self, fresh: &Fresh) -> Chunk {
        let Fresh { places, versions } = fresh;
        self.ids.sort_unstable();
        let ids = self.ids.as_flattened();
        let sorted = places.len() * List::Places.width() + versions.len() * List::Address.width();
        let capacity = ids.len() + sorted + self.rows.added_bytes();
        let rows = RowSet::new(capacity, |list, bytes| match list {
            List::Places => {
                let numbers = places.iter().flat_map(|(eid, place)| [*eid, *place]);
                bytes.extend(numbers.flat_map(u64::to_be_bytes));
            }
            List::Ids => bytes.extend_from_slice(ids),
            List::Address => {
                for (key, place) in versions {
                    bytes.extend_from_slice(key);
                    bytes.extend_from_slice(&place_value(*place));
                }
            }
            _ => self.rows.append_sorted(list, bytes),
        });
        Chunk {
            first: self.batch,
            last: self.batch,
            is_run: false,
            changed: self.changed,
            filter: filter_of(&rows),
            rows,
        }
    }
}

fn filter_of(rows: &RowSet) -> KeyFilter {
    KeyFilter::of(numbers_len(rows), numbers(rows))
}

/// What filters know of a chunk: the keys of its events, and the numbers of the addresses of which it has versions.
fn numbers(rows: &RowSet) -> impl Iterator<Item = u64> {
    let places = rows.list(List::Places).iter();
    let addresses = rows.list(List::Address).iter();
    let address = |row: &[u8]| row.first_chunk().map(address_number);
    places
        .map(|row| location(row).eid)
        .chain(addresses.filter_map(address))
}

/// How many those are.
fn numbers_len(rows: &RowSet) -> usize {
    rows.list(List::Places).len() + rows.list(List::Address).len()
}

/// What a row of [`List::Places`] says.
fn location(row: &[u8]) -> Location {
    Location {
        eid: trailing_eid(&row[..List::Places.key_len()]),
        place: trailing_number(row),
    }
}

/// What one commit left to be indexed, or several that follow each other.
pub(super) struct Chunk {
    /// The batches of arrivals that hold its events.
    first: u64,
    last: u64,
    /// Whether it is a merge of others.
    is_run: bool,
    /// Events stored before it that are seen differently from then on, by key.
    changed: HashMap<u64, u8>,
    /// Which events it may be about.
    filter: KeyFilter,
    /// Rows to add for what some reader may see. Those of an event that is seen differently since are
    /// among them.
    rows: RowSet,
}

impl Chunk {
    /// One for all that others have, which follow each other.
    fn merged(chunks: &[Arc<Self>]) -> Option<Self> {
        let changes = chunks.iter().flat_map(|chunk| &chunk.changed);
        let sets: Vec<&RowSet> = chunks.iter().map(|chunk| &chunk.rows).collect();
        let rows = RowSet::merged(&sets);
        Some(Self {
            first: chunks.first()?.first,
            last: chunks.last()?.last,
            is_run: true,
            changed: changes.map(|(eid, code)| (*eid, *code)).collect(),
            filter: filter_of(&rows),
            rows,
        })
    }

    /// Moves its rows to a file. When that fails, they stay where they are.
    fn into_file(mut self, directory: &Path) -> Self {
        match self.rows.to_file(directory) {
            Ok(rows) => self.rows = rows,
            Err(error) => {
                tracing::warn!(%error, "rows that wait to be indexed stay in memory");
            }
        }
        self
    }

    /// The last batch of arrivals that it is about.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// The rows of one list.
    pub(super) fn list(&self, list: List) -> SortedRows<'_> {
        self.rows.list(list)
    }

    /// Events that it is about.
    fn len(&self) -> usize {
        self.list(List::Ids).len() + self.changed.len()
    }

    /// Its events with keys from one to another, which are fewer than `SLOTS` apart.
    fn between(&self, low: u64, high: u64) -> impl Iterator<Item = Location> {
        let rows = self.list(List::Places);
        let first = match self.filter.may_hold(low, high) {
            true => rows.lower_bound(&low.to_be_bytes()),
            false => rows.len(),
        };
        let found = (first..).map_while(move |position| rows.get(position));
        found.map(location).take_while(move |one| one.eid <= high)
    }

    /// Its events under an id prefix.
    fn under(&self, prefix: [u8; 8]) -> impl Iterator<Item = u64> {
        let rows = self.list(List::Ids);
        let rows = (rows.lower_bound(&prefix)..).map_while(move |position| rows.get(position));
        let rows = rows.take_while(move |row| row.starts_with(&prefix));
        rows.map(|row| trailing_eid(&row[..ID_KEY_LEN]))
    }

    /// Its versions of an address with keys up to one, lowest first.
    fn versions(&self, prefix: &AddressPrefix, last: &AddressKey) -> SortedRows<'_> {
        let number = address_number(prefix);
        let rows = self.list(List::Address);
        match self.filter.may_hold(number, number) {
            true => rows.under(prefix, last),
            false => rows.between(0, 0),
        }
    }

    /// The visibility of one of its events when it came.
    fn code(&self, key: &[u8; ID_KEY_LEN]) -> Option<u8> {
        let eid = trailing_eid(key);
        if !self.filter.may_hold(eid, eid) {
            return None;
        }
        let rows = self.list(List::Ids);
        let row = rows.get(rows.lower_bound(key))?;
        row.starts_with(key).then(|| row[ID_KEY_LEN])
    }
}

/// The chunks that belong to one state of the tables, oldest first. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Backlog {
    chunks: Vec<Arc<Chunk>>,
    /// Which events they may be about, all together.
    filter: Arc<KeyFilter>,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(super) fn chunks(&self) -> &[Arc<Chunk>] {
        &self.chunks
    }

    /// Where an event is that waits.
    pub(super) fn place(&self, eid: u64) -> Option<u64> {
        self.between(eid, eid).next().map(|found| found.place)
    }

    /// Where events are that wait, with keys from one to another, which are fewer than `SLOTS` apart.
    pub(super) fn between(&self, low: u64, high: u64) -> impl Iterator<Item = Location> {
        let chunks: &[Arc<Chunk>] = match self.filter.may_hold(low, high) {
            true => &self.chunks,
            false => &[],
        };
        let found = chunks.iter();
        found.flat_map(move |chunk| chunk.between(low, high))
    }

    /// Versions of an address that wait, with keys up to one; lowest first, and each chunk for itself.
    pub(super) fn versions(
        &self,
        prefix: &AddressPrefix,
        last: &AddressKey,
    ) -> impl Iterator<Item = SortedRows<'_>> {
        let number = address_number(prefix);
        let chunks: &[Arc<Chunk>] = match self.filter.may_hold(number, number) {
            true => &self.chunks,
            false => &[],
        };
        let found = chunks.iter().map(|chunk| chunk.versions(prefix, last));
        found.filter(|rows| rows.len() > 0)
    }

    /// The keys of events under the prefix of an id.
    pub(super) fn under(&self, id: &EventId) -> impl Iterator<Item = u64> {
        let prefix = id_prefix(id);
        self.chunks
            .iter()
            .flat_map(move |chunk| chunk.under(prefix))
    }

    /// The visibility that an event had when it came, if that was since the last indexing.
    pub(super) fn arrived(&self, key: &[u8; ID_KEY_LEN]) -> Option<u8> {
        let mut newest_first = self.chunks.iter().rev();
        newest_first.find_map(|chunk| chunk.code(key))
    }

    /// The visibility of an event that is seen differently since the last indexing.
    pub(super) fn changed(&self, eid: u64) -> Option<u8> {
        let mut newest_first = self.chunks.iter().rev();
        newest_first.find_map(|chunk| chunk.changed.get(&eid).copied())
    }

    /// All events that are seen differently since the last indexing.
    pub(super) fn all_changed(&self) -> HashMap<u64, u8> {
        let changes = self.chunks.iter().flat_map(|chunk| &chunk.changed);
        changes.map(|(eid, code)| (*eid, *code)).collect()
    }

    /// Whether nobody may see an event any more, although it has index rows.
    pub(super) fn hides(&self, eid: u64) -> Result<bool, Fault> {
        let Some(code) = self.changed(eid) else {
            return Ok(false);
        };
        Ok(!visibility_of(eid, &[code])?.is_servable())
    }

    /// What the rows of one index under a prefix and in a range lead to, one run for each chunk.
    pub(super) fn runs(&self, index: Index, low: &[u8], high: &[u8]) -> impl Iterator<Item = Run> {
        let list = List::from(index);
        self.chunks.iter().filter_map(move |chunk| {
            let rows = chunk.list(list);
            let (first, end) = (rows.lower_bound(low), rows.upper_bound(high));
            (first < end).then(|| Run {
                chunk: Arc::clone(chunk),
                list,
                first,
                end,
            })
        })
    }

    /// The rows of one index under a prefix and in a range, for each chunk.
    pub(super) fn stretches(
        &self,
        index: impl Into<List>,
        low: &[u8],
        high: &[u8],
    ) -> impl Iterator<Item = SortedRows<'_>> {
        let list = index.into();
        self.chunks.iter().map(move |chunk| {
            let rows = chunk.list(list);
            rows.between(rows.lower_bound(low), rows.upper_bound(high))
        })
    }

    /// The lowest row of an index that is not below `key`.
    pub(super) fn first_from(&self, index: impl Into<List>, key: &[u8]) -> Option<&[u8]> {
        let list = index.into();
        let firsts = self.chunks.iter().filter_map(|chunk| {
            let rows = chunk.list(list);
            rows.get(rows.lower_bound(key))
        });
        firsts.min()
    }
}

/// Rows of one chunk under one prefix, read newest first.
pub(super) struct Run {
    chunk: Arc<Chunk>,
    list: List,
    first: usize,
    end: usize,
}

impl Iterator for Run {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        if self.first == self.end {
            return None;
        }
        self.end -= 1;
        let row = self.chunk.list(self.list).get(self.end)?;
        let (key, value) = row.split_at(self.list.key_len());
        Some(Found::new(key, value))
    }
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Load {
    /// Commits whose rows are in memory, and their events.
    pub(super) commits: usize,
    pub(super) events_in_memory: usize,
    /// Merges of commits.
    pub(super) runs: usize,
    /// All events.
    pub(super) events: usize,
}

/// The chunks of all states that somebody may be reading. One thread changes them.
#[derive(Default)]
pub(super) struct Backlogs(Mutex<Waiting>);

/// What waits, and what finds quickly that something does not.
#[derive(Clone, Default)]
struct Waiting {
    /// Oldest first.
    chunks: Vec<Arc<Chunk>>,
    /// Which events they may be about, and perhaps some that have gone. Readers of older states share it: they look for
    /// less than it knows.
    filter: Arc<KeyFilter>,
    /// Events that the filter knows, and for how many it has room.
    known: usize,
    room: usize,
}

impl Waiting {
    fn push(&mut self, chunk: Chunk) {
        let count = numbers_len(&chunk.rows);
        if self.known + count <= self.room {
            self.filter.insert_all(numbers(&chunk.rows));
            self.known += count;
            self.chunks.push(Arc::new(chunk));
        } else {
            self.chunks.push(Arc::new(chunk));
            self.make_filter();
        }
    }

    /// Makes a filter of the chunks that there are, with room for as much again.
    fn make_filter(&mut self) {
        let counts = self.chunks.iter().map(|chunk| numbers_len(&chunk.rows));
        self.known = counts.sum();
        self.room = 2 * self.known;
        let known = self.chunks.iter().flat_map(|chunk| numbers(&chunk.rows));
        self.filter = Arc::new(KeyFilter::of(self.room, known));
    }
}

impl Backlogs {
    /// The chunks of the state that `txn` reads; `None` when it is so old that they are gone, and a
    /// new transaction is needed.
    pub(super) fn of(&self, tables: &Tables, txn: &RoTxn<'_>) -> Result<Option<Backlog>, Fault> {
        let indexed = tables.number(txn, INDEXED_BATCH)?;
        let last = tables.last_batch(txn)?.0;
        if indexed == last {
            return Ok(Some(Backlog::default()));
        }
        let is_meant = |chunk: &&Arc<Chunk>| chunk.first > indexed && chunk.last <= last;
        let waiting = self.lock();
        let backlog = Backlog {
            chunks: waiting.chunks.iter().filter(is_meant).cloned().collect(),
            filter: Arc::clone(&waiting.filter),
        };
        drop(waiting);
        let chunks = backlog.chunks.iter();
        let batches = chunks.map(|chunk| chunk.last - chunk.first + 1);
        let is_whole = batches.sum::<u64>() == last - indexed;
        Ok(is_whole.then_some(backlog))
    }

    /// Adds the chunk of a commit that is about to happen.
    pub(super) fn publish(&self, draft: Draft, fresh: &Fresh) {
        let chunk = draft.into_chunk(fresh);
        self.change(|waiting| waiting.push(chunk));
    }

    /// Adds what an earlier process left of the batches from that of the draft to `last`, as one merge.
    pub(super) fn restore(&self, draft: Draft, fresh: &Fresh, last: u64, directory: &Path) {
        let chunk = Chunk {
            last,
            is_run: true,
            ..draft.into_chunk(fresh)
        };
        let chunk = chunk.into_file(directory);
        self.change(|waiting| waiting.push(chunk));
    }

    /// Forgets the chunk of a commit that failed.
    pub(super) fn withdraw(&self, batch: u64) {
        self.change(|waiting| waiting.chunks.retain(|chunk| chunk.first != batch));
    }

    /// Forgets chunks whose rows are in the tables now.
    pub(super) fn retire(&self, up_to: u64) {
        self.change(|waiting| {
            waiting.chunks.retain(|chunk| chunk.last > up_to);
            waiting.make_filter();
        });
    }

    /// Makes one chunk of those that single commits left, with its rows in a file. Only between commits.
    pub(super) fn merge(&self, directory: &Path) {
        let all = self.lock().chunks.clone();
        let single = all.partition_point(|chunk| chunk.is_run);
        let (runs, commits) = all.split_at(single);
        let Some(merged) = Chunk::merged(commits) else {
            return;
        };
        let merged = Arc::new(merged.into_file(directory));
        let chunks = runs.iter().cloned().chain([merged]).collect();
        self.change(|waiting| waiting.chunks = chunks);
    }

    /// Whether everything is indexed.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().chunks.is_empty()
    }

    /// How much waits.
    pub(super) fn load(&self) -> Load {
        let mut load = Load::default();
        for chunk in &self.lock().chunks {
            load.events += chunk.len();
            match chunk.is_run {
                true => load.runs += 1,
                false => {
                    load.commits += 1;
                    load.events_in_memory += chunk.len();
                }
            }
        }
        load
    }

    /// Changes them without keeping readers waiting.
    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = self.lock().clone();
        change(&mut waiting);
        // What nobody needs any more goes when nobody waits.
        let _before = std::mem::replace(&mut *self.lock(), waiting);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().expect("no panic under the lock")
    }
}
