//! Putting the facts of one event into the tables.

use heed::PutFlags;
use nips::{EventId, PublicKey};

use super::arriving::{Fate, PreparedEvent};
use super::fault::Fault;
use super::keys::{deleted_id_key, trailing_eid, with_eid};
use super::record::RecordWriter;
use super::rules::{Facts, VersionKey};
use super::standing::{Subject, current_version, is_deleted};
use super::tables::{Location, Slot};
use super::transaction::Transaction;
use super::versions::Versions;
use crate::store::eid::{created_at, eid_range};
use crate::store::events::{IfDeleted, MAX_CREATED_AT, Refusal, Visibility};

impl Transaction<'_> {
    /// Stores an event unless it is known or refused. Its visibility is settled later.
    pub(super) fn admit(&mut self, new: &PreparedEvent) -> Result<Fate, Fault> {
        if new.event.kind().is_ephemeral() {
            return Ok(Fate::Refused(Refusal::Ephemeral));
        }
        if new.event.created_at() > MAX_CREATED_AT {
            return Ok(Fate::Refused(Refusal::CreatedAtRange));
        }
        let mut gap = self.gap;
        let slot = self.view().slot(new.wanted, &new.event.id(), &mut gap)?;
        self.gap = gap;
        let (eid, known) = match slot {
            Slot::Taken(at) => (at.eid, Some(at)),
            Slot::None => return Ok(Fate::Refused(Refusal::KeySpaceFull)),
            Slot::Free(eid) => (eid, None),
        };
        if known.is_none() && self.has_vanished(new)? {
            return Ok(Fate::Refused(Refusal::Vanished));
        }
        if new.if_deleted == IfDeleted::Refuse && self.is_deleted(eid, new)? {
            return Ok(Fate::Refused(Refusal::Deleted));
        }
        let is_released = new.is_brought_by_author() && self.note_brought_by_author(eid)?;
        match (known, is_released) {
            (Some(at), true) => {
                self.touched.insert(eid);
                return Ok(Fate::Released(at, Visibility::Protected));
            }
            (Some(at), false) => return Ok(Fate::Known(at, false)),
            (None, _) => {}
        }
        let at = self.insert(eid, new)?;
        Ok(Fate::Stored(at, Visibility::Stub))
    }

    /// Remembers that a protected event came from its author. Returns whether that was not known.
    fn note_brought_by_author(&mut self, eid: u64) -> Result<bool, Fault> {
        let (table, key) = (&self.tables.brought_by_author, eid.to_be_bytes());
        if table.get(&self.txn, &key)?.is_some() {
            return Ok(false);
        }
        table.put(&mut self.txn, &key, &[])?;
        Ok(true)
    }

    /// Whether the author, or a recipient of a gift wrap, asked to be forgotten (NIP-62).
    fn has_vanished(&mut self, new: &PreparedEvent) -> Result<bool, Fault> {
        if new.facts.is_vanish_request {
            return Ok(false);
        }
        let author = new.event.pubkey();
        for owner in std::iter::once(&author).chain(&new.facts.recipients) {
            let until = self.vanished_until(owner)?;
            if until.is_some_and(|until| new.event.created_at() <= until) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn vanished_until(&mut self, owner: &PublicKey) -> Result<Option<u64>, Fault> {
        if let Some(until) = self.vanished.get(owner) {
            return Ok(*until);
        }
        let until = self
            .tables
            .vanished
            .get(&self.txn, &owner.0)?
            .map(trailing_eid);
        self.vanished.insert(*owner, until);
        Ok(until)
    }

    fn is_deleted(&self, eid: u64, new: &PreparedEvent) -> Result<bool, Fault> {
        let subject = Subject::arriving(eid, &new.event, &new.facts);
        is_deleted(&self.tables, &self.txn, subject)
    }

    fn insert(&mut self, eid: u64, new: &PreparedEvent) -> Result<Location, Fault> {
        let facts = &new.facts;
        let row = RecordWriter::new(eid, &new.event, facts.expiration, facts.is_stub);
        let place = self.append(&row)?;
        *self.counts.by_kind.entry(new.event.kind()).or_default() += 1;
        if let Some(version_of) = &facts.version_of {
            self.insert_version(Location { eid, place }, version_of)?;
        }
        self.insert_deletion(eid, new.event.pubkey(), facts)?;
        if facts.is_vanish_request {
            self.vanish(new.event.pubkey(), new.event.created_at())?;
        }
        Ok(Location { eid, place })
    }

    /// Puts a row at the end of `events`, whose pages are full that way, and few of them change. Returns its place.
    fn append(&mut self, row: &RecordWriter<'_>) -> Result<u64, Fault> {
        let place = self.give_place(row.eid)?;
        let (key, flags) = (place.to_be_bytes(), PutFlags::APPEND);
        let write = |space: &mut heed::ReservedSpace<'_>| row.write(space);
        let (events, txn) = (&self.tables.events, &mut self.txn);
        let taken = events.get_or_put_reserved_with_flags(txn, flags, &key, row.len(), write)?;
        debug_assert!(taken.is_none(), "it comes after all others");
        Ok(place)
    }

    fn insert_version(&mut self, at: Location, version_of: &VersionKey) -> Result<(), Fault> {
        let current = current_version(self.view(), version_of)?;
        self.touched.extend(current);
        self.note_version(with_eid(&version_of.prefix, at.eid), at.place)
    }

    /// Remembers what a deletion request asks for, whether it is there yet or not (NIP-09).
    fn insert_deletion(
        &mut self,
        eid: u64,
        requester: PublicKey,
        facts: &Facts,
    ) -> Result<(), Fault> {
        for target in &facts.deletion.events {
            let key = deleted_id_key(target, &requester, eid);
            self.tables
                .deleted_ids
                .put(&mut self.txn, &key, &requester.0)?;
        }
        for address in &facts.deletion.addresses {
            let version = self.rules.version_key(address);
            let key: [u8; 26] = with_eid(&version.prefix, eid);
            self.tables
                .deleted_addresses
                .put(&mut self.txn, &key, &version.identity)?;
        }
        self.touch_deleted(eid, facts)
    }

    /// The standing of whatever a deletion request asks for has to be computed again.
    pub(super) fn touch_deleted(&mut self, eid: u64, facts: &Facts) -> Result<(), Fault> {
        for target in &facts.deletion.events {
            self.touch_event(target)?;
        }
        for address in &facts.deletion.addresses {
            let version = self.rules.version_key(address);
            self.touch_versions(&version, created_at(eid))?;
        }
        Ok(())
    }

    /// The standing of a stored event has to be computed again.
    pub(super) fn touch_event(&mut self, id: &EventId) -> Result<(), Fault> {
        let found = self.view().find(id)?;
        self.touched.extend(found.map(|(record, _)| record.eid()));
        Ok(())
    }

    /// The standing of all stored versions up to a second has to be computed again.
    pub(super) fn touch_versions(&mut self, version: &VersionKey, until: u64) -> Result<(), Fault> {
        let mut touched = Vec::new();
        let view = self.view();
        let last_eid = eid_range(None, Some(until)).map_or(u64::MAX, |(_, last)| last);
        for row in Versions::of(view, &version.prefix, last_eid)? {
            let row = row?;
            if row.is_version_of(view, version)? {
                touched.push(row.eid);
            }
        }
        self.touched.extend(touched);
        Ok(())
    }
}
