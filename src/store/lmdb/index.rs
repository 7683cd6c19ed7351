//! The secondary indexes: which rows an event has in them, and changing many rows in key order.
//!
//! Only what some reader may see is in the indexes that queries walk. Events of private kinds are
//! there by author and kind and by recipient, so that no walk for anybody else meets them. `by_owner`
//! holds what `by_author` does not, so that both together lead to everything of an author.

use heed::RwTxn;
use nips::{EventRef, Kind, PublicKey};

use super::fault::Fault;
use super::keys::{author_kind_prefix, author_prefix, tag_prefix, with_eid};
use super::rules::Facts;
use super::tables::{Table, Tables, put_sorted};
use crate::store::events::Visibility;

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

    /// Writes the changes, each table in key order.
    pub(super) fn apply(self, tables: &Tables, txn: &mut RwTxn<'_>) -> Result<(), Fault> {
        self.time.apply(&tables.by_time, txn)?;
        self.author.apply(&tables.by_author, txn)?;
        self.author_kind.apply(&tables.by_author_kind, txn)?;
        self.kind.apply(&tables.by_kind, txn)?;
        self.tag.apply(&tables.by_tag, txn)?;
        self.owner.apply(&tables.by_owner, txn)?;
        self.expiration.apply(&tables.by_expiration, txn)
    }
}

impl<const N: usize> Changes<N> {
    fn note(&mut self, change: Change, key: [u8; N]) {
        match change {
            Change::Add => self.added.push(key),
            Change::Remove => self.removed.push(key),
        }
    }

    /// Removals go first: an event may have taken the key of one that went.
    fn apply(mut self, table: &Table, txn: &mut RwTxn<'_>) -> Result<(), Fault> {
        self.removed.sort_unstable();
        for key in &self.removed {
            table.delete(txn, key)?;
        }
        self.added.sort_unstable();
        put_sorted(table, txn, self.added.iter().map(|key| (key, [])))
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
