//! Sorted rows of all indexes in one stretch of bytes, in memory or in a file.
//!
//! A set does not change once it is made. Several are merged into one, which costs a read through each of
//! them and nothing that grows with the archive.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use memmap2::Mmap;

use super::index::Index;
use super::keys::{ADDRESS_KEY_LEN, PLACE_LEN};
use super::tables::{Table, Tables};

/// Name of a file of rows, for the moment between its creation and the loss of its name.
const FILE_NAME: &str = "rows-that-wait";

/// The lists of a set, one for each table that rows go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// Keys of events, and the place of each. They are the first to go to their table: whoever finds an event there
    /// by another index finds its place.
    Places,
    /// Keys of `by_id`, and the byte for the visibility after each.
    Ids,
    Time,
    Author,
    AuthorKind,
    Kind,
    Tag,
    Owner,
    Expiration,
    /// Keys of `by_address`, and the place of each version.
    Address,
}

impl List {
    pub(super) const COUNT: usize = 10;

    /// In the order in which they lie in a set.
    pub(super) const ALL: [Self; Self::COUNT] = [
        Self::Places,
        Self::Ids,
        Self::Time,
        Self::Author,
        Self::AuthorKind,
        Self::Kind,
        Self::Tag,
        Self::Owner,
        Self::Expiration,
        Self::Address,
    ];

    /// Bytes of a row.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Ids => 17,
            Self::Time => 8,
            Self::Kind => 10,
            Self::Author | Self::Tag => 16 + PLACE_LEN,
            Self::AuthorKind => 18 + PLACE_LEN,
            Self::Places | Self::Owner | Self::Expiration => 16,
            Self::Address => ADDRESS_KEY_LEN + PLACE_LEN,
        }
    }

    /// Bytes of a row that are its key in the table; what follows is its value.
    pub(super) fn key_len(self) -> usize {
        match self {
            Self::Places => 8,
            Self::Ids | Self::Author | Self::Tag => 16,
            Self::AuthorKind => 18,
            Self::Address => ADDRESS_KEY_LEN,
            _ => self.width(),
        }
    }

    pub(super) fn table(self, tables: &Tables) -> Table {
        match self {
            Self::Places => tables.places,
            Self::Ids => tables.by_id,
            Self::Time => tables.by_time,
            Self::Author => tables.by_author,
            Self::AuthorKind => tables.by_author_kind,
            Self::Kind => tables.by_kind,
            Self::Tag => tables.by_tag,
            Self::Owner => tables.by_owner,
            Self::Expiration => tables.by_expiration,
            Self::Address => tables.by_address,
        }
    }
}

impl From<Index> for List {
    fn from(index: Index) -> Self {
        match index {
            Index::All => Self::Places,
            Index::Time => Self::Time,
            Index::Author => Self::Author,
            Index::AuthorKind => Self::AuthorKind,
            Index::Kind => Self::Kind,
            Index::Tag => Self::Tag,
        }
    }
}

/// Rows of all lists.
pub(super) struct RowSet {
    bytes: Bytes,
    /// Where each list ends and the next begins.
    ends: [usize; List::COUNT],
}

enum Bytes {
    Memory(Vec<u8>),
    File(Mmap),
}

impl RowSet {
    /// Makes a set of what `append` adds for each list: its rows, sorted. `capacity` is how many bytes that will be.
    pub(super) fn new(capacity: usize, mut append: impl FnMut(List, &mut Vec<u8>)) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        let ends = List::ALL.map(|list| {
            append(list, &mut bytes);
            bytes.len()
        });
        bytes.shrink_to_fit();
        Self {
            bytes: Bytes::Memory(bytes),
            ends,
        }
    }

    /// One set of all rows that several have; a row that two have is there once.
    pub(super) fn merged(sets: &[&Self]) -> Self {
        let capacity = sets.iter().map(|set| set.bytes().len()).sum();
        Self::new(capacity, |list, bytes| {
            let sources: Vec<SortedRows<'_>> = sets.iter().map(|set| set.list(list)).collect();
            merge(list, &sources, |_| true, bytes);
        })
    }

    /// The same rows in a file without a name, which goes when the set does: the kernel may take its
    /// memory away.
    pub(super) fn to_file(&self, directory: &Path) -> io::Result<Self> {
        let path = directory.join(FILE_NAME);
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        let mut file = options.open(&path)?;
        fs::remove_file(&path)?;
        file.write_all(self.bytes())?;
        #[expect(
            unsafe_code,
            reason = "the file has no name any more, so that nobody else can change it"
        )]
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Self {
            bytes: Bytes::File(map),
            ends: self.ends,
        })
    }

    /// The rows of one list.
    pub(super) fn list(&self, list: List) -> SortedRows<'_> {
        let number = list as usize;
        let start = number
            .checked_sub(1)
            .map_or(0, |previous| self.ends[previous]);
        SortedRows::new(list, &self.bytes()[start..self.ends[number]])
    }

    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Memory(bytes) => bytes,
            Bytes::File(map) => map,
        }
    }
}

/// Rows of one list, in key order.
#[derive(Clone, Copy)]
pub(super) struct SortedRows<'r> {
    bytes: &'r [u8],
    width: usize,
}

impl<'r> SortedRows<'r> {
    /// Rows of a list that are sorted already.
    pub(super) fn new(list: List, bytes: &'r [u8]) -> Self {
        Self {
            bytes,
            width: list.width(),
        }
    }

    pub(super) fn len(self) -> usize {
        self.bytes.len() / self.width
    }

    pub(super) fn iter(self) -> impl Iterator<Item = &'r [u8]> {
        self.bytes.chunks_exact(self.width)
    }

    pub(super) fn get(self, position: usize) -> Option<&'r [u8]> {
        let start = position * self.width;
        self.bytes.get(start..start + self.width)
    }

    /// Takes the last one away.
    pub(super) fn pop(&mut self) -> Option<&'r [u8]> {
        let (rest, row) = self
            .bytes
            .split_at_checked(self.bytes.len().checked_sub(self.width)?)?;
        self.bytes = rest;
        Some(row)
    }

    /// Those from one position to before another.
    pub(super) fn between(self, from: usize, end: usize) -> Self {
        Self {
            bytes: &self.bytes[from * self.width..end * self.width],
            ..self
        }
    }

    /// Where the rows begin that are not below `key`.
    pub(super) fn lower_bound(self, key: &[u8]) -> usize {
        self.partition_point(|row| row < key)
    }

    /// Those under a prefix, up to one that is not above `last`.
    pub(super) fn under(self, prefix: &[u8], last: &[u8]) -> Self {
        self.between(self.lower_bound(prefix), self.upper_bound(last))
    }

    /// Where the rows begin that are above `key` and do not begin with it.
    pub(super) fn upper_bound(self, key: &[u8]) -> usize {
        self.partition_point(|row| row[..key.len().min(row.len())] <= *key)
    }

    fn partition_point(self, is_before: impl Fn(&[u8]) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while let Some(row) = (low < high).then(|| usize::midpoint(low, high)) {
            match self.get(row).is_some_and(&is_before) {
                true => low = row + 1,
                false => high = row,
            }
        }
        low
    }
}

/// Appends the rows of several sources in one order, but for those that are not to be kept.
pub(super) fn merge(
    list: List,
    sources: &[SortedRows<'_>],
    keep: impl Fn(&[u8]) -> bool,
    bytes: &mut Vec<u8>,
) {
    match list.width() {
        8 => merge_rows::<8>(sources, keep, bytes),
        10 => merge_rows::<10>(sources, keep, bytes),
        16 => merge_rows::<16>(sources, keep, bytes),
        17 => merge_rows::<17>(sources, keep, bytes),
        22 => merge_rows::<22>(sources, keep, bytes),
        24 => merge_rows::<24>(sources, keep, bytes),
        32 => merge_rows::<32>(sources, keep, bytes),
        width => unreachable!("no list has rows of {width} bytes"),
    }
}

/// The sort finds that its input is sorted in stretches, and merges those.
fn merge_rows<const N: usize>(
    sources: &[SortedRows<'_>],
    keep: impl Fn(&[u8]) -> bool,
    bytes: &mut Vec<u8>,
) {
    let start = bytes.len();
    bytes.reserve(sources.iter().map(|rows| rows.bytes.len()).sum());
    for source in sources {
        let (all, _) = source.bytes.as_chunks::<N>();
        for row in all.iter().filter(|row| keep(&row[..])) {
            bytes.extend_from_slice(row);
        }
    }
    if sources.len() > 1 {
        let (rows, _) = bytes[start..].as_chunks_mut::<N>();
        rows.sort();
        let kept = keep_once(rows);
        bytes.truncate(start + kept * N);
    }
}

/// Moves the first of each row that is there several times to the front. Returns how many those are.
fn keep_once<const N: usize>(rows: &mut [[u8; N]]) -> usize {
    let mut kept = rows.len().min(1);
    for position in 1..rows.len() {
        if rows[position] != rows[kept - 1] {
            rows[kept] = rows[position];
            kept += 1;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A set with these rows in the list of times, and a row in the list of kinds.
    fn set(times: &[u64]) -> RowSet {
        RowSet::new(0, |list, bytes| match list {
            List::Time => bytes.extend(times.iter().flat_map(|time| time.to_be_bytes())),
            List::Kind => bytes.extend([7; 10]),
            _ => {}
        })
    }

    fn times(set: &RowSet) -> Vec<u64> {
        let rows = set.list(List::Time);
        let row = |position| rows.get(position).map(|row| row.try_into().unwrap());
        (0..rows.len())
            .map(|position| u64::from_be_bytes(row(position).unwrap()))
            .collect()
    }

    #[test]
    fn a_merge_has_every_row_once_and_in_order() {
        let (one, other) = (set(&[1, 4, 9]), set(&[2, 4, 300]));
        let merged = RowSet::merged(&[&one, &other]);
        assert_eq!(times(&merged), [1, 2, 4, 9, 300]);
        assert_eq!(merged.list(List::Kind).len(), 1);
        assert_eq!(merged.list(List::Ids).len(), 0);
        assert_eq!(merged.list(List::Expiration).len(), 0);
    }

    #[test]
    fn a_file_has_the_same_rows_and_leaves_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let in_file = set(&[3, 5]).to_file(directory.path()).unwrap();
        assert_eq!(times(&in_file), [3, 5]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        let nothing = RowSet::new(0, |_, _| {}).to_file(directory.path());
        assert_eq!(nothing.unwrap().list(List::Time).len(), 0);
    }

    #[test]
    fn bounds_are_found() {
        let set = set(&[10, 20, 20, 30]);
        let rows = set.list(List::Time);
        assert_eq!(rows.lower_bound(&20_u64.to_be_bytes()), 1);
        assert_eq!(rows.upper_bound(&20_u64.to_be_bytes()), 3);
        assert_eq!(rows.between(1, 3).len(), 2);
    }
}
