//! What each commit changed, until it is counted: events and sightings that came, and those that went.
//!
//! The writer adds a row a commit, at the end of the table. Whoever counts (`counters`) reads the rows in order
//! and deletes them. A removal takes the event away before it is counted, so what it was is noted beside.

use heed::{RoTxn, RwTxn};
use nips::{Kind, PublicKey};

use super::fault::Fault;
use super::tables::Tables;

/// Name in `meta` of the number of the last commit that changed something.
const LAST_CHANGE: &str = "last change";

/// What one commit changed. Removals come before what came.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) removed: Vec<Removed>,
    pub(super) stored: Vec<u64>,
    pub(super) sighted: Vec<Sighted>,
}

/// An event that went, and everything that counts about it.
#[derive(Debug)]
pub(super) struct Removed {
    pub(super) eid: u64,
    pub(super) kind: Kind,
    pub(super) pubkey: PublicKey,
    pub(super) relays: Vec<u32>,
}

/// An event that was seen on further relays. Those before tell which networks are new to it.
#[derive(Debug)]
pub(super) struct Sighted {
    pub(super) eid: u64,
    pub(super) before: Vec<u32>,
    pub(super) relays: Vec<u32>,
}

impl Change {
    /// How many facts it holds, for bounds.
    pub(super) fn len(&self) -> usize {
        let sightings = self.sighted.iter().map(|one| one.relays.len());
        let gone = self.removed.iter().map(|one| 1 + one.relays.len());
        self.stored.len() + sightings.sum::<usize>() + gone.sum::<usize>()
    }

    /// Enters it into the log, unless nothing changed.
    pub(super) fn log(&self, tables: &Tables, txn: &mut RwTxn<'_>) -> Result<(), Fault> {
        if self.len() == 0 {
            return Ok(());
        }
        let number = tables.number(txn, LAST_CHANGE)? + 1;
        tables.set_number(txn, LAST_CHANGE, number)?;
        for removed in &self.removed {
            let row = [&removed.kind.0.to_be_bytes()[..], &removed.pubkey.0].concat();
            tables
                .removals
                .put(txn, &removal_key(removed.eid, number), &row)?;
        }
        Ok(tables
            .changes
            .put(txn, &number.to_be_bytes(), &self.encode())?)
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = RowWriter(Vec::with_capacity(16 * self.len()));
        row.count(self.removed.len());
        for one in &self.removed {
            row.eid(one.eid);
            row.0.extend(one.kind.0.to_be_bytes());
            row.0.extend(one.pubkey.0);
            row.relays(&one.relays);
        }
        row.count(self.stored.len());
        self.stored.iter().for_each(|eid| row.eid(*eid));
        row.count(self.sighted.len());
        for one in &self.sighted {
            row.eid(one.eid);
            row.relays(&one.before);
            row.relays(&one.relays);
        }
        row.0
    }

    fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader(row);
        let mut change = Self::default();
        for _ in 0..row.count()? {
            change.removed.push(Removed {
                eid: row.eid()?,
                kind: Kind(u16::from_be_bytes(row.take()?)),
                pubkey: PublicKey(row.take()?),
                relays: row.relays()?,
            });
        }
        for _ in 0..row.count()? {
            change.stored.push(row.eid()?);
        }
        for _ in 0..row.count()? {
            change.sighted.push(Sighted {
                eid: row.eid()?,
                before: row.relays()?,
                relays: row.relays()?,
            });
        }
        Some(change)
    }
}

/// The oldest change and its number.
pub(super) fn first(tables: &Tables, txn: &RoTxn<'_>) -> Result<Option<(u64, Change)>, Fault> {
    let Some((key, row)) = tables.changes.first(txn)? else {
        return Ok(None);
    };
    let number = super::keys::trailing_eid(key);
    let change = Change::decode(row);
    let change = change.ok_or_else(|| Fault::Damaged(format!("change {number}")))?;
    Ok(Some((number, change)))
}

/// Forgets a change that is counted.
pub(super) fn forget(
    tables: &Tables,
    txn: &mut RwTxn<'_>,
    number: u64,
    change: &Change,
) -> Result<(), Fault> {
    for removed in &change.removed {
        let key = removal_key(removed.eid, number);
        tables.removals.delete(txn, &key)?;
    }
    tables.changes.delete(txn, &number.to_be_bytes())?;
    Ok(())
}

/// Whose event a key was after a change, if that event was removed since.
pub(super) fn removed_after(
    tables: &Tables,
    txn: &RoTxn<'_>,
    eid: u64,
    number: u64,
) -> Result<Option<(Kind, PublicKey)>, Fault> {
    let after = removal_key(eid, number + 1);
    let found = tables.removals.get_greater_than_or_equal_to(txn, &after)?;
    let Some((_, row)) = found.filter(|(key, _)| key.starts_with(&eid.to_be_bytes())) else {
        return Ok(None);
    };
    let mut row = RowReader(row);
    let (kind, pubkey) = (row.take().map(u16::from_be_bytes), row.take());
    let whose = kind
        .zip(pubkey)
        .map(|(kind, key)| (Kind(kind), PublicKey(key)));
    whose
        .map(Some)
        .ok_or_else(|| Fault::Damaged(format!("removal of event {eid:016x}")))
}

fn removal_key(eid: u64, number: u64) -> [u8; 16] {
    ((u128::from(eid) << 64) | u128::from(number)).to_be_bytes()
}

struct RowWriter(Vec<u8>);

impl RowWriter {
    fn count(&mut self, count: usize) {
        let count = u32::try_from(count).expect("a commit has fewer rows than 2^32");
        self.0.extend(count.to_be_bytes());
    }

    fn eid(&mut self, eid: u64) {
        self.0.extend(eid.to_be_bytes());
    }

    fn relays(&mut self, relays: &[u32]) {
        self.count(relays.len());
        self.0
            .extend(relays.iter().flat_map(|relay| relay.to_be_bytes()));
    }
}

struct RowReader<'r>(&'r [u8]);

impl RowReader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn count(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn eid(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn relays(&mut self) -> Option<Vec<u32>> {
        (0..self.count()?).map(|_| self.count()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_back() {
        let change = Change {
            removed: vec![Removed {
                eid: 7,
                kind: Kind(1),
                pubkey: PublicKey([3; 32]),
                relays: vec![1, 2],
            }],
            stored: vec![8, 9],
            sighted: vec![Sighted {
                eid: 9,
                before: vec![4],
                relays: vec![5, 6],
            }],
        };
        let read = Change::decode(&change.encode()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{change:?}"));
        assert_eq!(read.len(), 3 + 2 + 2);
        assert!(Change::decode(&change.encode()[..50]).is_none());
    }
}
