//! The table of counters: which there are, their keys, and adding to them.

use std::ops::Range;

use heed::{RoTxn, RwTxn};
use nips::{Kind, Network, PublicKey};

use crate::store::lmdb::fault::Fault;
use crate::store::lmdb::tables::Table;

/// What a row counts; its number begins the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Family {
    /// kind → events, authors
    Kind = 1,
    /// day → events, authors, kinds
    Day,
    /// day, kind → events
    DayKind,
    /// day, author's number → events
    DayAuthor,
    /// public key → number, events, kinds, first, last
    Author,
    /// author's number, kind → events
    AuthorKind,
    /// events from the highest down, public key → nothing
    TopAuthor,
    /// relay → network, events, authors, kinds, first, last
    Relay,
    /// relay, kind → events, authors
    RelayKind,
    /// author's number, relay → events, kinds, first, last
    AuthorRelay,
    /// author's number, relay, kind → events
    AuthorRelayKind,
    /// network → events, authors, kinds
    Network,
    /// network, kind → sightings
    NetworkKind,
    /// author's number, network → sightings
    AuthorNetwork,
    /// nothing → different authors
    AuthorCount,
    /// nothing → the last author's number, and the key below which all events are counted
    Head,
}

/// A network in a key; relays that are not in the list of relays are on none of the known ones.
pub(in crate::store) const UNKNOWN_NETWORK: u8 = u8::MAX;

/// The number of a network.
pub(in crate::store) fn network_code(network: Network) -> u8 {
    match network {
        Network::Clearnet => 0,
        Network::Tor => 1,
        Network::I2p => 2,
        Network::Loki => 3,
        Network::Local => 4,
    }
}

/// A key under construction, and when it is whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn of(family: Family) -> Self {
        let mut key = Vec::with_capacity(16);
        key.push(family as u8);
        Self(key)
    }

    pub(super) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    pub(super) fn kind(mut self, kind: Kind) -> Self {
        self.0.extend(kind.0.to_be_bytes());
        self
    }

    pub(super) fn number(mut self, number: u32) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(super) fn long(mut self, number: u64) -> Self {
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(super) fn pubkey(mut self, pubkey: &PublicKey) -> Self {
        self.0.extend(pubkey.0);
        self
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The key of an author among those with the most events.
pub(super) fn top_key(events: u64, pubkey: &PublicKey) -> Key {
    Key::of(Family::TopAuthor)
        .long(u64::MAX - events)
        .pubkey(pubkey)
}

/// The numbers of a row, each in as many bytes as it needs.
pub(super) fn encode(numbers: &[u64]) -> Vec<u8> {
    let mut row = Vec::with_capacity(numbers.len() * 3);
    for mut number in numbers.iter().copied() {
        while number >= 0x80 {
            row.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        row.push(number as u8);
    }
    row
}

/// The numbers of a row; `None` when it is damaged.
pub(super) fn decode<const N: usize>(row: &[u8]) -> Option<[u64; N]> {
    let mut bytes = row.iter();
    let mut numbers = [0_u64; N];
    for number in &mut numbers {
        let mut shift = 0;
        loop {
            let byte = *bytes.next()?;
            *number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                break;
            }
            shift += 7;
        }
    }
    bytes.next().is_none().then_some(numbers)
}

/// What reading a row that cannot be read says.
pub(super) fn damaged() -> Fault {
    Fault::Damaged("counter".to_owned())
}

/// What follows the family in a key, and the numbers of the row.
pub(super) type Row<'t, const N: usize> = (&'t [u8], [u64; N]);

/// The counters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ledger(pub(super) Table);

impl Ledger {
    /// The numbers of a row, if there is one.
    pub(super) fn get<const N: usize>(
        self,
        txn: &RoTxn<'_>,
        key: &Key,
    ) -> Result<Option<[u64; N]>, Fault> {
        let row = self.0.get(txn, key.as_bytes())?;
        row.map(|row| decode(row).ok_or_else(damaged)).transpose()
    }

    pub(super) fn put(self, txn: &mut RwTxn<'_>, key: &Key, numbers: &[u64]) -> Result<(), Fault> {
        Ok(self.0.put(txn, key.as_bytes(), &encode(numbers))?)
    }

    pub(super) fn delete(self, txn: &mut RwTxn<'_>, key: &Key) -> Result<(), Fault> {
        self.0.delete(txn, key.as_bytes())?;
        Ok(())
    }

    /// Adds to a row, which goes when its first number reaches zero. Returns whether the row came (1), went (-1),
    /// or neither.
    pub(super) fn add<const N: usize>(
        self,
        txn: &mut RwTxn<'_>,
        key: &Key,
        differences: [i64; N],
    ) -> Result<i64, Fault> {
        let before = self.get::<N>(txn, key)?;
        let mut numbers = before.unwrap_or([0; N]);
        for (number, difference) in numbers.iter_mut().zip(differences) {
            *number = number.saturating_add_signed(difference);
        }
        match (before.is_some(), numbers[0] > 0) {
            (false, false) => return Ok(0),
            (true, false) => self.delete(txn, key)?,
            _ if before == Some(numbers) => return Ok(0),
            _ => self.put(txn, key, &numbers)?,
        }
        Ok(i64::from(numbers[0] > 0) - i64::from(before.is_some()))
    }

    /// The rows whose keys begin like this one, beyond `after` if that is given, with what follows the family.
    pub(super) fn rows<'t, const N: usize>(
        self,
        txn: &'t RoTxn<'_>,
        prefix: &Key,
        after: Option<&Key>,
    ) -> Result<impl Iterator<Item = Result<Row<'t, N>, Fault>> + use<'t, N>, Fault> {
        let start = match after {
            Some(after) => std::ops::Bound::Excluded(after.as_bytes()),
            None => std::ops::Bound::Included(prefix.as_bytes()),
        };
        let range = (start, std::ops::Bound::Unbounded);
        let wanted = prefix.as_bytes().to_vec();
        let rows = self.0.range(txn, &range)?;
        let rows = rows.take_while(move |row| match row {
            Ok((key, _)) => key.starts_with(&wanted),
            Err(_) => true,
        });
        Ok(rows.map(|row| {
            let (key, row) = row?;
            Ok((&key[1..], decode(row).ok_or_else(damaged)?))
        }))
    }
}

/// A big-endian number at a place of a key.
pub(super) fn number_at(key: &[u8], place: usize) -> Result<u32, Fault> {
    Ok(u32::from_be_bytes(part(key, place..place + 4)?))
}

/// The kind at a place of a key.
pub(super) fn kind_at(key: &[u8], place: usize) -> Result<Kind, Fault> {
    Ok(Kind(u16::from_be_bytes(part(key, place..place + 2)?)))
}

/// The public key at a place of a key.
pub(super) fn pubkey_at(key: &[u8], place: usize) -> Result<PublicKey, Fault> {
    Ok(PublicKey(part(key, place..place + 32)?))
}

fn part<const N: usize>(key: &[u8], place: Range<usize>) -> Result<[u8; N], Fault> {
    let part = key.get(place).and_then(|part| part.try_into().ok());
    part.ok_or_else(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_back() {
        let numbers = [0, 1, 127, 128, 1_700_000_000, u64::MAX];
        assert_eq!(decode::<6>(&encode(&numbers)), Some(numbers));
        assert_eq!(decode::<5>(&encode(&numbers)), None);
        assert_eq!(decode::<1>(&[0x80]), None);
        assert_eq!(decode::<1>(&[0xff; 12]), None);
    }
}
