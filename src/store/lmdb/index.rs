//! The secondary indexes: which rows an event has in them, and changing many rows in key order.
//!
//! Only what some reader may see is in the indexes that queries walk. Events of private kinds are
//! there by author and kind and by recipient, so that no walk for anybody else meets them. `by_owner`
//! holds what `by_author` does not, so that both together lead to everything of an author.

use heed::RwTxn;
use nips::{Kind, PublicKey};

use super::fault::Fault;
use super::keys::{author_kind_prefix, author_prefix, tag_prefix, with_eid, with_eid_and_place};
use super::page_budget::PageBudget;
use super::row_set::List;
use super::rules::Facts;
use super::tables::{Location, Table, Tables, put_sorted};
use crate::store::events::Visibility;

/// The indexes that queries walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Index {
    /// Everything that is stored.
    All,
    /// What everybody may see, like the others.
    Time,
    Author,
    AuthorKind,
    Kind,
    Tag,
}

impl Index {
    pub(super) fn table(self, tables: &Tables) -> Table {
        match self {
            Self::All => tables.places,
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
    pub(super) place: u64,
    pub(super) pubkey: PublicKey,
    pub(super) kind: Kind,
    pub(super) facts: &'f Facts,
}

impl<'f> Entry<'f> {
    pub(super) fn new(at: Location, pubkey: PublicKey, kind: Kind, facts: &'f Facts) -> Self {
        Self {
            eid: at.eid,
            place: at.place,
            pubkey,
            kind,
            facts,
        }
    }
}

/// Changes to all indexes, collected over a transaction.
#[derive(Default)]
pub(super) struct IndexChanges {
    time: Changes<8>,
    author: Changes<22>,
    author_kind: Changes<24>,
    kind: Changes<10>,
    tag: Changes<22>,
    owner: Changes<16>,
    expiration: Changes<16>,
}

/// Where changes go, and how many.
struct Destination<'d, 'e> {
    tables: &'d Tables,
    txn: &'d mut RwTxn<'e>,
    budget: &'d mut PageBudget,
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
            place,
            pubkey,
            kind,
            facts,
        } = entry;
        if shelf == Shelf::Public {
            self.time.note(change, eid.to_be_bytes());
            let author = author_prefix(&pubkey);
            self.author
                .note(change, with_eid_and_place(&author, eid, place));
            self.kind.note(change, with_eid(&kind.0.to_be_bytes(), eid));
        }
        if matches!(shelf, Shelf::Public | Shelf::Private) {
            let author_kind = author_kind_prefix(&pubkey, kind);
            self.author_kind
                .note(change, with_eid_and_place(&author_kind, eid, place));
            for hash in &facts.tags {
                let tag = tag_prefix(hash, kind);
                self.tag.note(change, with_eid_and_place(&tag, eid, place));
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

    /// How many bytes the added rows are.
    pub(super) fn added_bytes(&self) -> usize {
        self.time.added_bytes()
            + self.author.added_bytes()
            + self.author_kind.added_bytes()
            + self.kind.added_bytes()
            + self.tag.added_bytes()
            + self.owner.added_bytes()
            + self.expiration.added_bytes()
    }

    /// Appends the added rows of one index to `bytes`, sorted.
    pub(super) fn append_sorted(&mut self, list: List, bytes: &mut Vec<u8>) {
        match list {
            List::Places | List::Ids | List::Address => {}
            List::Time => self.time.append_sorted(bytes),
            List::Author => self.author.append_sorted(bytes),
            List::AuthorKind => self.author_kind.append_sorted(bytes),
            List::Kind => self.kind.append_sorted(bytes),
            List::Tag => self.tag.append_sorted(bytes),
            List::Owner => self.owner.append_sorted(bytes),
            List::Expiration => self.expiration.append_sorted(bytes),
        }
    }

    /// Brings all changes in key order, for [`Self::apply_some`].
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
        let mut to = Destination {
            tables,
            txn,
            budget,
        };
        self.time.apply_some(List::Time, &mut to)?;
        self.author.apply_some(List::Author, &mut to)?;
        self.author_kind.apply_some(List::AuthorKind, &mut to)?;
        self.kind.apply_some(List::Kind, &mut to)?;
        self.tag.apply_some(List::Tag, &mut to)?;
        self.owner.apply_some(List::Owner, &mut to)?;
        self.expiration.apply_some(List::Expiration, &mut to)
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

    fn added_bytes(&self) -> usize {
        self.added.as_flattened().len()
    }

    fn append_sorted(&mut self, bytes: &mut Vec<u8>) {
        self.added.sort_unstable();
        bytes.extend_from_slice(self.added.as_flattened());
    }

    fn sort(&mut self) {
        self.removed.sort_unstable();
        self.added.sort_unstable();
    }

    /// Removals go first: an event may have taken the key of one that went.
    fn apply_some(&mut self, list: List, to: &mut Destination<'_, '_>) -> Result<(), Fault> {
        let (table, key_len) = (list.table(to.tables), list.key_len());
        let (txn, budget) = (&mut *to.txn, &mut *to.budget);
        for row in budget.take(&mut self.removed, &table, txn)? {
            table.delete(txn, &row[..key_len])?;
        }
        let added = budget.take(&mut self.added, &table, txn)?;
        let rows = added.as_slice().iter().map(|row| row.split_at(key_len));
        put_sorted(&table, txn, rows)
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

fn shelf(visibility: Option<Visibility>) -> Shelf {
    match visibility {
        None => Shelf::Nowhere,
        Some(Visibility::Public) => Shelf::Public,
        Some(Visibility::Private) => Shelf::Private,
        Some(_) => Shelf::Hidden,
    }
}
