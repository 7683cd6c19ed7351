//! One state of the store: the tables as a transaction sees them, and what is not in the indexes yet.

use std::collections::BTreeMap;

use heed::RoTxn;
use nips::EventId;

use super::backlog::Backlog;
use super::fault::Fault;
use super::index::Index;
use super::keys::{AddressKey, id_prefix, trailing_eid, trailing_number, with_eid};
use super::plan::Plan;
use super::record::Record;
use super::run::{Merge, Stretch};
use super::tables::{Found, Location, Slot, Tables, visibility_of};
use crate::store::eid::{SLOTS, first_slot};
use crate::store::events::Visibility;

/// What a transaction under way has stored and not indexed.
#[derive(Default)]
pub(super) struct Fresh {
    /// Places of events by their keys.
    pub(super) places: BTreeMap<u64, u64>,
    /// Places of versions by their keys in `by_address`.
    pub(super) versions: BTreeMap<AddressKey, u64>,
}

/// What readers see of it.
pub(super) static NOTHING_FRESH: Fresh = Fresh {
    places: BTreeMap::new(),
    versions: BTreeMap::new(),
};

/// Keys of which none is in `places`, from one to another. Who looks for events in the order of their keys finds most of
/// them where the last search has shown that there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    from: u64,
    to: u64,
}

impl Gap {
    /// Of none.
    pub(super) fn none() -> Self {
        Self { from: 1, to: 0 }
    }

    /// From a key to the next one that there is.
    fn before(from: u64, next: Option<Location>) -> Self {
        let to = next.map_or(u64::MAX, |next| next.eid - 1);
        Self { from, to }
    }

    fn has(self, low: u64, high: u64) -> bool {
        self.from <= low && high <= self.to
    }
}

/// What readers, and the writer before it writes, look at.
#[derive(Clone, Copy)]
pub(super) struct View<'v> {
    pub(super) tables: &'v Tables,
    pub(super) txn: &'v RoTxn<'v>,
    pub(super) backlog: &'v Backlog,
    pub(super) fresh: &'v Fresh,
}

impl<'v> View<'v> {
    /// The row of an event.
    pub(super) fn record(&self, eid: u64) -> Result<Option<Record<'v>>, Fault> {
        match self.place(eid)? {
            Some(place) => self.tables.record_at(self.txn, place),
            None => Ok(None),
        }
    }

    /// The row of an event that an index leads to. What the index says of its place is tried first: it may be older than
    /// the event.
    pub(super) fn record_of_found(&self, found: Found) -> Result<Option<Record<'v>>, Fault> {
        if let Some(place) = found.place
            && let Some(record) = self.tables.record_at(self.txn, place)?
            && record.eid() == found.eid
        {
            return Ok(Some(record));
        }
        self.record(found.eid)
    }

    /// Where an event is.
    pub(super) fn place(&self, eid: u64) -> Result<Option<u64>, Fault> {
        if let Some(place) = self.tables.place(self.txn, eid)? {
            return Ok(Some(place));
        }
        let fresh = self.fresh.places.get(&eid).copied();
        Ok(fresh.or_else(|| self.backlog.place(eid)))
    }

    /// Looks for an id among the slots that its wanted key may have been moved to.
    pub(super) fn slot(&self, wanted: u64, id: &EventId, gap: &mut Gap) -> Result<Slot, Fault> {
        let first = first_slot(wanted);
        let last = first + (SLOTS - 1);
        let mut taken = 0_u64;
        let found = self.find_between(first, last, gap, |found| {
            taken |= 1 << (found.eid - first);
            let record = self.tables.record_at(self.txn, found.place)?;
            Ok(record.is_some_and(|record| record.id() == *id))
        })?;
        if let Some(found) = found {
            return Ok(Slot::Taken(found));
        }
        let is_free = |eid: &u64| taken & (1 << (eid - first)) == 0;
        let free = (wanted..=last).chain(first..wanted).find(is_free);
        Ok(free.map_or(Slot::None, Slot::Free))
    }

    /// The first event that is meant, of those with keys from one to another, which are fewer than [`SLOTS`] apart.
    fn find_between(
        &self,
        low: u64,
        high: u64,
        gap: &mut Gap,
        mut is_meant: impl FnMut(Location) -> Result<bool, Fault>,
    ) -> Result<Option<Location>, Fault> {
        let mut from = low;
        while from <= high && !gap.has(from, high) {
            match self.first_place(from)? {
                Some(next) if next.eid <= high => {
                    if is_meant(next)? {
                        return Ok(Some(next));
                    }
                    from = next.eid + 1;
                }
                next => *gap = Gap::before(from, next),
            }
        }
        let fresh = self.fresh.places.range(low..=high);
        let fresh = fresh.map(|(&eid, &place)| Location { eid, place });
        for found in fresh.chain(self.backlog.between(low, high)) {
            if is_meant(found)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The first event that does not wait, from a key on.
    fn first_place(&self, from: u64) -> Result<Option<Location>, Fault> {
        let places = &self.tables.places;
        let next = places.get_greater_than_or_equal_to(self.txn, &from.to_be_bytes())?;
        Ok(next.map(|(key, place)| Location {
            eid: trailing_eid(key),
            place: trailing_number(place),
        }))
    }

    /// All events in a range, newest first.
    pub(super) fn newest(&self, range: (u64, u64)) -> Result<Merge<'v>, Fault> {
        Merge::new(self, Plan::of(vec![Stretch::new(Index::All, &[])]), range)
    }

    /// The keys of the oldest and the newest event.
    pub(super) fn ends(&self) -> Result<Option<(u64, u64)>, Fault> {
        let Some(Found { eid: newest, .. }) = self.newest((0, u64::MAX))?.next()? else {
            return Ok(None);
        };
        let in_table = self.tables.places.first(self.txn)?;
        let in_table = in_table.map(|(key, _)| trailing_eid(key));
        let waiting = self.backlog.first_from(Index::All, &[]);
        let waiting = waiting.and_then(|row| row.first_chunk().copied().map(u64::from_be_bytes));
        let oldest = in_table.into_iter().chain(waiting).min();
        Ok(Some((oldest.unwrap_or(newest), newest)))
    }

    /// The row and the visibility of a stored event.
    pub(super) fn find(&self, id: &EventId) -> Result<Option<(Record<'v>, Visibility)>, Fault> {
        for entry in self.tables.by_id.prefix_iter(self.txn, &id_prefix(id))? {
            let (key, value) = entry?;
            let eid = trailing_eid(key);
            if let Some(record) = self.record_of(eid, id)? {
                let visibility = match self.backlog.changed(eid) {
                    Some(code) => visibility_of(eid, &[code])?,
                    None => visibility_of(eid, value)?,
                };
                return Ok(Some((record, visibility)));
            }
        }
        for eid in self.backlog.under(id) {
            if let Some(record) = self.record_of(eid, id)? {
                return Ok(Some((record, self.visibility(eid, id)?)));
            }
        }
        Ok(None)
    }

    /// The row of an event, if it has this id.
    fn record_of(&self, eid: u64, id: &EventId) -> Result<Option<Record<'v>>, Fault> {
        let record = self.record(eid)?;
        Ok(record.filter(|record| record.id() == *id))
    }

    /// What readers may see of a stored event. A row in the table is right unless it was changed since,
    /// and where there is none yet, the event came lately.
    pub(super) fn visibility(&self, eid: u64, id: &EventId) -> Result<Visibility, Fault> {
        if let Some(code) = self.backlog.changed(eid) {
            return visibility_of(eid, &[code]);
        }
        let key: [u8; 16] = with_eid(&id_prefix(id), eid);
        if let Some(value) = self.tables.by_id.get(self.txn, &key)? {
            return visibility_of(eid, value);
        }
        let code = self.backlog.arrived(&key);
        visibility_of(eid, code.as_slice())
    }
}
