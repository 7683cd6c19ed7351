//! Stretches of an index, read newest first, and the merge of many.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Bound;
use std::vec;

use heed::RoRevRange;
use heed::types::{Bytes, DecodeIgnore};

use super::backlog::Run;
use super::fault::Fault;
use super::index::Index;
use super::keys::trailing_eid;
use super::plan::Plan;
use super::tables::{Found, Table};
use super::view::View;

/// The longest prefix: author and kind.
const MAX_PREFIX_LEN: usize = 10;
/// A prefix and an event key.
const MAX_KEY_LEN: usize = MAX_PREFIX_LEN + 8;

/// The rows of one index under one prefix.
#[derive(Clone, Copy)]
pub(super) struct Stretch {
    index: Index,
    prefix: [u8; MAX_PREFIX_LEN],
    prefix_len: usize,
}

impl Stretch {
    /// `prefix` has at most ten bytes.
    pub(super) fn new(index: Index, prefix: &[u8]) -> Self {
        let mut padded = [0; MAX_PREFIX_LEN];
        padded[..prefix.len()].copy_from_slice(prefix);
        Self {
            index,
            prefix: padded,
            prefix_len: prefix.len(),
        }
    }

    /// What is in the table of the events in a range, newest first.
    pub(super) fn rows<'t>(
        &self,
        view: &View<'t>,
        (low, high): (u64, u64),
    ) -> Result<Rows<'t>, Fault> {
        let (low, high) = (self.key(low), self.key(high));
        let len = self.prefix_len + 8;
        let range = (Bound::Included(&low[..len]), Bound::Included(&high[..len]));
        Ok(Rows::Table(self.table(view).rev_range(view.txn, &range)?))
    }

    /// Those that are not in the table yet.
    fn waiting<'t>(&self, view: &View<'t>, (low, high): (u64, u64)) -> Vec<Rows<'t>> {
        let (low, high) = (self.key(low), self.key(high));
        let len = self.prefix_len + 8;
        let runs = view.backlog.runs(self.index, &low[..len], &high[..len]);
        runs.map(Rows::Waiting).collect()
    }

    /// The oldest event key in a range that is in the table.
    pub(super) fn oldest(
        &self,
        view: &View<'_>,
        (low, high): (u64, u64),
    ) -> Result<Option<u64>, Fault> {
        let key = self.key(low);
        let table = self.table(view).remap_data_type::<DecodeIgnore>();
        let found = table.get_greater_than_or_equal_to(view.txn, &key[..self.prefix_len + 8])?;
        Ok(found
            .filter(|(key, ())| key.starts_with(&self.prefix[..self.prefix_len]))
            .map(|(key, ())| trailing_eid(key))
            .filter(|eid| *eid <= high))
    }

    fn table(&self, view: &View<'_>) -> Table {
        self.index.table(view.tables)
    }

    fn key(&self, eid: u64) -> [u8; MAX_KEY_LEN] {
        let mut key = [0; MAX_KEY_LEN];
        key[..self.prefix_len].copy_from_slice(&self.prefix[..self.prefix_len]);
        key[self.prefix_len..][..8].copy_from_slice(&eid.to_be_bytes());
        key
    }
}

/// What the rows of a stretch lead to.
pub(super) enum Rows<'t> {
    Table(RoRevRange<'t, Bytes, Bytes>),
    Waiting(Run),
    /// Read already.
    Read(vec::IntoIter<Found>),
}

impl Iterator for Rows<'_> {
    type Item = Result<Found, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Table(rows) => {
                let row = rows.next()?.map_err(Fault::from);
                Some(row.map(|(key, value)| Found::new(key, value)))
            }
            Self::Waiting(run) => run.next().map(Ok),
            Self::Read(found) => found.next().map(Ok),
        }
    }
}

/// Several stretches as one sequence of events, newest first, each once.
pub(super) struct Merge<'t> {
    runs: Vec<Rows<'t>>,
    /// The next key of each run that has one, and what the row says of the place.
    heads: BinaryHeap<(u64, usize, Option<u64>)>,
    latest: Option<u64>,
    scanned: usize,
}

impl<'t> Merge<'t> {
    pub(super) fn new(view: &View<'t>, plan: Plan, range: (u64, u64)) -> Result<Self, Fault> {
        let Plan {
            stretches,
            mut read,
        } = plan;
        let scanned = stretches.len() + read.len();
        read.sort_unstable_by_key(|found| Reverse(found.eid));
        let mut runs = Vec::with_capacity(stretches.len() + 1);
        let mut heads = Vec::with_capacity(stretches.len() + 1);
        let mut add = |mut rows: Rows<'t>| {
            if let Some(Found { eid, place }) = rows.next().transpose()? {
                heads.push((eid, runs.len(), place));
                runs.push(rows);
            }
            Ok::<(), Fault>(())
        };
        add(Rows::Read(read.into_iter()))?;
        for stretch in stretches {
            add(stretch.rows(view, range)?)?;
            for rows in stretch.waiting(view, range) {
                add(rows)?;
            }
        }
        Ok(Self {
            runs,
            heads: heads.into(),
            latest: None,
            scanned,
        })
    }

    /// How many index rows were looked at.
    pub(super) fn scanned(&self) -> usize {
        self.scanned
    }

    /// The next event.
    pub(super) fn next(&mut self) -> Result<Option<Found>, Fault> {
        while let Some(mut head) = self.heads.peek_mut() {
            let (eid, run, place) = *head;
            self.scanned += 1;
            match self.runs[run].next().transpose()? {
                Some(next) => *head = (next.eid, run, next.place),
                None => {
                    std::collections::binary_heap::PeekMut::pop(head);
                }
            }
            if self.latest.replace(eid) != Some(eid) {
                return Ok(Some(Found { eid, place }));
            }
        }
        Ok(None)
    }
}
