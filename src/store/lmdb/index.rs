//! The secondary indexes: which rows an event has in them, and changing many rows in key order.
//!
//! Only what some reader may see is in the indexes that queries walk. Events of private kinds are
//! there by author and kind and by recipient, so that no walk for anybody else meets them. `by_owner`
//! holds what `by_author` does not, so that both together lead to everything of an author.

use heed::RwTxn;
use nips::{EventRef, Kind, PublicKey};

use super::fault::Fault;
use super::keys::{author_kind_prefix, author_prefix, tag_prefix, trailing_eid, with_eid};
use super::page_budget::PageBudget;
use super::rules::Facts;
use super::tables::{Table, Tables, put_sorted};
use crate::store::events::Visibility;

/// The indexes that queries walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Index {
    Time,
    Author,
    AuthorKind,
    Kind,
    Tag,
}

impl Index {
    pub(super) fn table(self, tables: &Tables) -> Table {
        match self {
            Self::Time => tables.by_time,
            Self::Author => tables.by_author,
            Self::AuthorKind => tables.by_author_kind,
            Self::Kind => tables.by_kind,
            Self::Tag => tables.by_tag,
        }
    }
}

/// An event as the indexes see it.
#[derive(Clone, Copy)]
pub(super) struct Entry<'f> {
    pub(super) eid: u64,
    pub(super) pubkey: PublicKey,
    pub(super) kind: Kind,
    pub(super) facts: &'f Facts,
}

impl<'f> Entry<'f> {
    pub(super) fn new(eid: u64, event: &EventRef<'_>, facts: &'f Facts) -> Self {
        Self {
            eid,
            pubkey: event.pubkey,
            kind: event.kind,
            facts,
        }
    }
}

/// Changes to all indexes, collected over a transaction.
#[derive(Default)]
pub(super) struct IndexChanges {
    time: Changes<8>,
    author: Changes<16>,
    author_kind: Changes<18>,
    kind: Changes<10>,
    tag: Changes<16>,
    owner: Changes<16>,
    expiration: Changes<16>,
}

/// Rows of one index to add and to remove.
struct Changes<const N: usize> {
    added: Vec<[u8; N]>,
    removed: Vec<[u8; N]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
}

/// Which indexes an event is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shelf {
    Nowhere,
    Public,
    Private,
    Hidden,
}

impl IndexChanges {
    /// Moves an event between the indexes; `None` is an event that is not stored. At most one call
    /// per stored event and transaction.
    pub(super) fn change(
        &mut self,
        entry: Entry<'_>,
        from: Option<Visibility>,
        to: Option<Visibility>,
    ) {
        let (from, to) = (shelf(from), shelf(to));
        if from != to {
            self.rows(entry, from, Change::Remove);
            self.rows(entry, to, Change::Add);
        }
    }

    fn rows(&mut self, entry: Entry<'_>, shelf: Shelf, change: Change) {
        let Entry {
            eid,
            pubkey,
            kind,
            facts,
        } = entry;
        if shelf == Shelf::Public {
            self.time.note(change, eid.to_be_bytes());
            self.author
                .note(change, with_eid(&author_prefix(&pubkey), eid));
            self.kind.note(change, with_eid(&kind.0.to_be_bytes(), eid));
        }
        if matches!(shelf, Shelf::Public | Shelf::Private) {
            let author_kind = author_kind_prefix(&pubkey, kind);
            self.author_kind.note(change, with_eid(&author_kind, eid));
            for hash in &facts.tags {
                self.tag
                    .note(change, with_eid(&tag_prefix(hash, kind), eid));
            }
            if let Some(expires_at) = facts.expiration.at() {
                self.expiration
                    .note(change, with_eid(&expires_at.to_be_bytes(), eid));
            }
        }
        if matches!(shelf, Shelf::Private | Shelf::Hidden) {
            for owner in std::iter::once(&pubkey).chain(&facts.recipients) {
                self.owner
                    .note(change, with_eid(&author_prefix(owner), eid));
            }
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.time.len()
            + self.author.len()
            + self.author_kind.len()
            + self.kind.len()
            + self.tag.len()
            + self.owner.len()
            + self.expiration.len()
    }

    /// Takes over the added rows of others, but for those of some events.
    pub(super) fn absorb(&mut self, other: &Self, is_left_out: impl Fn(u64) -> bool) {
        self.time.absorb(&other.time, &is_left_out);
        self.author.absorb(&other.author, &is_left_out);
        self.author_kind.absorb(&other.author_kind, &is_left_out);
        self.kind.absorb(&other.kind, &is_left_out);
        self.tag.absorb(&other.tag, &is_left_out);
        self.owner.absorb(&other.owner, &is_left_out);
        self.expiration.absorb(&other.expiration, &is_left_out);
    }

    /// Brings the added rows of the indexes that queries walk in key order, for [`Self::sorted`].
    pub(super) fn sort(&mut self) {
        self.time.added.sort_unstable();
        self.author.added.sort_unstable();
        self.author_kind.added.sort_unstable();
        self.kind.added.sort_unstable();
        self.tag.added.sort_unstable();
    }

    /// The added rows of one index.
    pub(super) fn sorted(&self, index: Index) -> SortedRows<'_> {
        match index {
            Index::Time => SortedRows::new(&self.time.added),
            Index::Author => SortedRows::new(&self.author.added),
            Index::AuthorKind => SortedRows::new(&self.author_kind.added),
            Index::Kind => SortedRows::new(&self.kind.added),
            Index::Tag => SortedRows::new(&self.tag.added),
        }
    }

    /// Brings all changes in key order, for [`Self::apply_some`]. Rows of many commits come as sorted
    /// runs, which this sort makes use of.
    pub(super) fn sort_all(&mut self) {
        self.time.sort();
        self.author.sort();
        self.author_kind.sort();
        self.kind.sort();
        self.tag.sort();
        self.owner.sort();
        self.expiration.sort();
    }

    /// Writes the changes, each table in key order.
    pub(super) fn apply(mut self, tables: &Tables, txn: &mut RwTxn<'_>) -> Result<(), Fault> {
        self.sort_all();
        self.apply_some(tables, txn, &mut PageBudget::unlimited())
    }

    /// Writes as many changes as the budget allows, and forgets them. When it leaves some of the
    /// budget, all are written.
    pub(super) fn apply_some(
        &mut self,
        tables: &Tables,
        txn: &mut RwTxn<'_>,
        budget: &mut PageBudget,
    ) -> Result<(), Fault> {
        self.time.apply_some(&tables.by_time, txn, budget)?;
        self.author.apply_some(&tables.by_author, txn, budget)?;
        let author_kind = &mut self.author_kind;
        author_kind.apply_some(&tables.by_author_kind, txn, budget)?;
        self.kind.apply_some(&tables.by_kind, txn, budget)?;
        self.tag.apply_some(&tables.by_tag, txn, budget)?;
        self.owner.apply_some(&tables.by_owner, txn, budget)?;
        let expiration = &mut self.expiration;
        expiration.apply_some(&tables.by_expiration, txn, budget)
    }
}

impl<const N: usize> Changes<N> {
    fn note(&mut self, change: Change, key: [u8; N]) {
        match change {
            Change::Add => self.added.push(key),
            Change::Remove => self.removed.push(key),
        }
    }

    fn len(&self) -> usize {
        self.added.len() + self.removed.len()
    }

    fn absorb(&mut self, other: &Self, is_left_out: impl Fn(u64) -> bool) {
        let rows = other.added.iter();
        let kept = rows.filter(|row| !is_left_out(trailing_eid(&row[..])));
        self.added.extend(kept);
    }

    fn sort(&mut self) {
        self.removed.sort();
        self.added.sort();
    }

    /// Removals go first: an event may have taken the key of one that went.
    fn apply_some(
        &mut self,
        table: &Table,
        txn: &mut RwTxn<'_>,
        budget: &mut PageBudget,
    ) -> Result<(), Fault> {
        for key in budget.take(&mut self.removed, table, txn)? {
            table.delete(txn, &key)?;
        }
        let added = budget.take(&mut self.added, table, txn)?;
        put_sorted(table, txn, added.map(|key| (key, [])))
    }
}

impl<const N: usize> Default for Changes<N> {
    fn default() -> Self {
        Self {
            added: Vec::new(),
            removed: Vec::new(),
        }
    }
}

/// Rows of one index in memory, in key order.
#[derive(Clone, Copy)]
pub(super) struct SortedRows<'r> {
    bytes: &'r [u8],
    width: usize,
}

impl<'r> SortedRows<'r> {
    fn new<const N: usize>(rows: &'r [[u8; N]]) -> Self {
        Self {
            bytes: rows.as_flattened(),
            width: N,
        }
    }

    pub(super) fn get(self, position: usize) -> Option<&'r [u8]> {
        let start = position * self.width;
        self.bytes.get(start..start + self.width)
    }

    /// Where the rows begin that are not below `key`.
    pub(super) fn lower_bound(self, key: &[u8]) -> usize {
        self.partition_point(|row| row < key)
    }

    /// Where the rows begin that are above `key`.
    pub(super) fn upper_bound(self, key: &[u8]) -> usize {
        self.partition_point(|row| row <= key)
    }

    fn partition_point(self, is_before: impl Fn(&[u8]) -> bool) -> usize {
        let (mut low, mut high) = (0, self.bytes.len() / self.width);
        while let Some(row) = (low < high).then(|| usize::midpoint(low, high)) {
            match self.get(row).is_some_and(&is_before) {
                true => low = row + 1,
                false => high = row,
            }
        }
        low
    }
}

fn shelf(visibility: Option<Visibility>) -> Shelf {
    match visibility {
        None => Shelf::Nowhere,
        Some(Visibility::Public) => Shelf::Public,
        Some(Visibility::Private) => Shelf::Private,
        Some(_) => Shelf::Hidden,
    }
}
