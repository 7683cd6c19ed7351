//! The versions of an address, whether their rows are in `by_address` or wait.

use std::collections::btree_map;
use std::ops::Bound;

use heed::RoRevRange;
use heed::types::Bytes;
use nips::Address;
use nips::kind::KindClass;

use super::fault::Fault;
use super::keys::{AddressKey, AddressPrefix, PLACE_LEN, place_of, trailing_eid, with_eid};
use super::record::Record;
use super::row_set::SortedRows;
use super::rules::{VersionKey, identity};
use super::view::View;

/// What may be versions of one address, newest first. A row may come twice.
pub(super) struct Versions<'v> {
    /// Each with the row that it has next.
    sources: Vec<(Source<'v>, Row<'v>)>,
}

/// Where rows are, in key order.
enum Source<'v> {
    Table(RoRevRange<'v, Bytes, Bytes>),
    Waiting(SortedRows<'v>),
    Fresh(btree_map::Range<'v, AddressKey, u64>),
}

/// A row of `by_address`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'v> {
    pub(super) eid: u64,
    says: Says<'v>,
}

/// What a row says of its event, besides its key.
#[derive(Debug, Clone, Copy)]
enum Says<'v> {
    /// Where it is.
    Place(u64),
    /// Of what it is a version, as older rows do.
    Identity(&'v [u8]),
}

impl<'v> Versions<'v> {
    /// Those under a prefix, with event keys up to one.
    pub(super) fn of(view: View<'v>, prefix: &AddressPrefix, last_eid: u64) -> Result<Self, Fault> {
        let (first, last): (AddressKey, AddressKey) =
            (with_eid(prefix, 0), with_eid(prefix, last_eid));
        let range = (Bound::Included(&first[..]), Bound::Included(&last[..]));
        let in_table = view.tables.by_address.rev_range(view.txn, &range)?;
        let mut versions = Self {
            sources: Vec::new(),
        };
        versions.add(Source::Table(in_table))?;
        for rows in view.backlog.versions(prefix, &last) {
            versions.add(Source::Waiting(rows))?;
        }
        versions.add(Source::Fresh(view.fresh.versions.range(first..=last)))?;
        Ok(versions)
    }

    fn add(&mut self, mut source: Source<'v>) -> Result<(), Fault> {
        let row = source.next()?;
        self.sources.extend(row.map(|row| (source, row)));
        Ok(())
    }

    fn next_row(&mut self) -> Result<Option<Row<'v>>, Fault> {
        let newest = self
            .sources
            .iter()
            .enumerate()
            .max_by_key(|(_, (_, row))| row.eid);
        let Some((position, _)) = newest else {
            return Ok(None);
        };
        let (source, row) = &mut self.sources[position];
        let newest = *row;
        match source.next()? {
            Some(next) => *row = next,
            None => drop(self.sources.swap_remove(position)),
        }
        Ok(Some(newest))
    }
}

impl<'v> Iterator for Versions<'v> {
    type Item = Result<Row<'v>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().transpose()
    }
}

impl<'v> Source<'v> {
    fn next(&mut self) -> Result<Option<Row<'v>>, Fault> {
        Ok(match self {
            Self::Table(rows) => rows
                .next()
                .transpose()?
                .map(|(key, value)| Row::new(key, value)),
            Self::Waiting(rows) => rows.pop().map(|row| {
                let (key, value) = row.split_at(row.len() - PLACE_LEN);
                Row::new(key, value)
            }),
            Self::Fresh(rows) => rows.next_back().map(|(key, place)| Row {
                eid: trailing_eid(key),
                says: Says::Place(*place),
            }),
        })
    }
}

impl<'v> Row<'v> {
    fn new(key: &[u8], value: &'v [u8]) -> Self {
        let place = place_of(value).filter(|_| value.len() == PLACE_LEN);
        Self {
            eid: trailing_eid(key),
            says: place.map_or(Says::Identity(value), Says::Place),
        }
    }

    /// Whether its event is a version of this address and not of another one under the same prefix.
    pub(super) fn is_version_of(
        &self,
        view: View<'_>,
        version_of: &VersionKey,
    ) -> Result<bool, Fault> {
        let place = match self.says {
            Says::Identity(identity) => return Ok(identity == version_of.identity),
            Says::Place(place) => place,
        };
        let record = view.tables.record_at(view.txn, place)?;
        match record.filter(|record| record.eid() == self.eid) {
            Some(record) => Ok(identity_of(&record)?.as_ref() == Some(&version_of.identity)),
            None => Ok(false),
        }
    }
}

/// Of what a stored event is a version.
fn identity_of(record: &Record<'_>) -> Result<Option<Vec<u8>>, Fault> {
    // The others are told by their author and kind.
    let event = match record.kind().class() {
        KindClass::Addressable => record.event()?,
        _ => record.header(),
    };
    Ok(Address::of(&event).as_ref().map(identity))
}
