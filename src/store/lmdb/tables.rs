//! The tables of the environment; `src/store/README.md` describes their rows.

use heed::types::Bytes;
use heed::{Database, Env, PutFlags, RoTxn, RwTxn, WithoutTls};

use super::fault::Fault;
use super::keys::{place_of, trailing_eid, trailing_number};
use super::record::Record;
use crate::store::events::{BatchNumber, Visibility};

/// Number of tables, for LMDB's table of tables.
pub(super) const TABLE_COUNT: u32 = 22;

/// Name in `meta` of the number of stored events.
pub(super) const EVENT_COUNT: &str = "events";
/// Name in `meta` of the number of (event, relay) pairs.
pub(super) const SIGHTING_COUNT: &str = "sightings";
/// Name in `meta` of the number of the last batch.
pub(super) const LAST_BATCH: &str = "last batch";
/// Name in `meta` of the last batch whose events are in all indexes (`backlog`).
pub(super) const INDEXED_BATCH: &str = "indexed batch";
/// Name in `meta` of the last batch whose events may be in some of the indexes.
pub(super) const INDEXING_BATCH: &str = "indexing batch";

pub(super) type Table = Database<Bytes, Bytes>;

/// Handles of all tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables {
    pub(super) meta: Table,
    pub(super) events: Table,
    pub(super) places: Table,
    pub(super) by_id: Table,
    pub(super) by_time: Table,
    pub(super) by_author: Table,
    pub(super) by_author_kind: Table,
    pub(super) by_kind: Table,
    pub(super) by_tag: Table,
    pub(super) by_owner: Table,
    pub(super) by_address: Table,
    pub(super) by_expiration: Table,
    pub(super) deleted_ids: Table,
    pub(super) deleted_addresses: Table,
    pub(super) vanished: Table,
    pub(super) brought_by_author: Table,
    pub(super) sightings: Table,
    pub(super) arrivals: Table,
    pub(super) kind_counts: Table,
    pub(super) changes: Table,
    pub(super) removals: Table,
    pub(super) counters: Table,
}

/// Where a stored event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Location {
    /// Its key, which is what all indexes end in.
    pub(super) eid: u64,
    /// Its key in `events` and `sightings`: the number of its arrival.
    pub(super) place: u64,
}

/// What a row of an index leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) eid: u64,
    /// Where that event is, if the row tells.
    pub(super) place: Option<u64>,
}

impl Found {
    /// What a row says.
    pub(super) fn new(key: &[u8], value: &[u8]) -> Self {
        Self {
            eid: trailing_eid(key),
            place: place_of(value),
        }
    }
}

/// Where an event is, or could go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// It is stored there.
    Taken(Location),
    /// It is not stored; this key is free.
    Free(u64),
    /// It is not stored and all its slots hold other events.
    None,
}

impl Tables {
    pub(super) fn create(env: &Env<WithoutTls>, txn: &mut RwTxn<'_>) -> Result<Self, Fault> {
        let mut table = |name| env.create_database::<Bytes, Bytes>(txn, Some(name));
        Ok(Self {
            meta: table("meta")?,
            events: table("events")?,
            places: table("places")?,
            by_id: table("by_id")?,
            by_time: table("by_time")?,
            by_author: table("by_author")?,
            by_author_kind: table("by_author_kind")?,
            by_kind: table("by_kind")?,
            by_tag: table("by_tag")?,
            by_owner: table("by_owner")?,
            by_address: table("by_address")?,
            by_expiration: table("by_expiration")?,
            deleted_ids: table("deleted_ids")?,
            deleted_addresses: table("deleted_addresses")?,
            vanished: table("vanished")?,
            brought_by_author: table("brought_by_author")?,
            sightings: table("sightings")?,
            arrivals: table("arrivals")?,
            kind_counts: table("kind_counts")?,
            changes: table("changes")?,
            removals: table("removals")?,
            counters: table("counters")?,
        })
    }

    /// The row at a place.
    pub(super) fn record_at<'t>(
        &self,
        txn: &'t RoTxn<'_>,
        place: u64,
    ) -> Result<Option<Record<'t>>, Fault> {
        let bytes = self.events.get(txn, &place.to_be_bytes())?;
        bytes.map(|bytes| Record::new(place, bytes)).transpose()
    }

    /// The row of an event that does not wait to be indexed.
    pub(super) fn record<'t>(
        &self,
        txn: &'t RoTxn<'_>,
        eid: u64,
    ) -> Result<Option<Record<'t>>, Fault> {
        match self.place(txn, eid)? {
            Some(place) => self.record_at(txn, place),
            None => Ok(None),
        }
    }

    /// Where an event was seen that does not wait to be indexed, as a row of [`sightings`](super::sightings).
    pub(super) fn sightings_of<'t>(
        &self,
        txn: &'t RoTxn<'_>,
        eid: u64,
    ) -> Result<Option<&'t [u8]>, Fault> {
        match self.place(txn, eid)? {
            Some(place) => Ok(self.sightings.get(txn, &place.to_be_bytes())?),
            None => Ok(None),
        }
    }

    /// The place of an event that does not wait to be indexed.
    pub(super) fn place(&self, txn: &RoTxn<'_>, eid: u64) -> Result<Option<u64>, Fault> {
        let place = self.places.get(txn, &eid.to_be_bytes())?;
        Ok(place.map(trailing_number))
    }

    /// The first place that was not given to an event yet.
    pub(super) fn next_place(&self, txn: &RoTxn<'_>) -> Result<u64, Fault> {
        let last = self.events.last(txn)?;
        Ok(last.map_or(0, |(place, _)| trailing_number(place) + 1))
    }

    /// The number of the last batch, 0 before the first.
    pub(super) fn last_batch(&self, txn: &RoTxn<'_>) -> Result<BatchNumber, Fault> {
        Ok(BatchNumber(self.number(txn, LAST_BATCH)?))
    }

    /// A number kept in `meta`, 0 when it is missing.
    pub(super) fn number(&self, txn: &RoTxn<'_>, name: &str) -> Result<u64, Fault> {
        let value = self.meta.get(txn, name.as_bytes())?;
        Ok(value.map_or(0, trailing_number))
    }

    pub(super) fn set_number(
        &self,
        txn: &mut RwTxn<'_>,
        name: &str,
        number: u64,
    ) -> Result<(), Fault> {
        Ok(self.meta.put(txn, name.as_bytes(), &number.to_be_bytes())?)
    }
}

/// Puts rows that come in the order of their keys. One cursor puts them all, and finds the place next
/// to that of the row before without a search from the root.
pub(super) fn put_sorted<K: AsRef<[u8]>, V: AsRef<[u8]>>(
    table: &Table,
    txn: &mut RwTxn<'_>,
    rows: impl IntoIterator<Item = (K, V)>,
) -> Result<(), Fault> {
    let mut cursor = table.iter_mut(txn)?;
    for (key, value) in rows {
        #[expect(
            unsafe_code,
            reason = "no reference into the table is held: rows are the caller's, and without flags \
                      the cursor goes to the key that it is given"
        )]
        unsafe {
            let flags = PutFlags::empty();
            cursor.put_current_with_options::<Bytes>(flags, key.as_ref(), value.as_ref())?;
        }
    }
    Ok(())
}

/// The visibility that a row of `by_id` tells.
pub(super) fn visibility_of(eid: u64, value: &[u8]) -> Result<Visibility, Fault> {
    let damaged = || Fault::Damaged(format!("id of event {eid:016x}"));
    match value {
        [code] => Visibility::from_code(*code).ok_or_else(damaged),
        _ => Err(damaged()),
    }
}
