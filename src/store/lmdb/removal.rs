//! Forgetting: requests to vanish (NIP-62) take events out for good.

use std::collections::BTreeSet;

use nips::{Kind, PublicKey};

use super::changes::Removed;
use super::fault::Fault;
use super::index::Entry;
use super::keys::{AddressKey, author_prefix, deleted_id_key, id_prefix, trailing_eid, with_eid};
use super::record::Record;
use super::rules::Facts;
use super::sightings;
use super::tables::Table;
use super::transaction::Transaction;
use crate::store::eid::created_at;

impl Transaction<'_> {
    /// Removes everything of an author up to a second, gift wraps for them included, and keeps it
    /// out for the future. Requests to vanish that concern this store stay. Nothing may wait to be indexed:
    /// it is the indexes that tell what there is.
    pub(super) fn vanish(&mut self, pubkey: PublicKey, until: u64) -> Result<(), Fault> {
        let before = self
            .tables
            .vanished
            .get(&self.txn, &pubkey.0)?
            .map(trailing_eid);
        if before.is_some_and(|before| before >= until) {
            return Ok(());
        }
        self.tables
            .vanished
            .put(&mut self.txn, &pubkey.0, &until.to_be_bytes())?;
        self.vanished.insert(pubkey, Some(until));
        for eid in self.owned(&pubkey, until)? {
            self.remove_if_owned(eid, &pubkey)?;
        }
        Ok(())
    }

    /// Candidates: whatever lies under the key's prefix, as author or as recipient.
    fn owned(&self, pubkey: &PublicKey, until: u64) -> Result<BTreeSet<u64>, Fault> {
        let mut eids = BTreeSet::new();
        for table in [&self.tables.by_author, &self.tables.by_owner] {
            self.collect_owned(table, pubkey, until, &mut eids)?;
        }
        Ok(eids)
    }

    fn collect_owned(
        &self,
        table: &Table,
        pubkey: &PublicKey,
        until: u64,
        eids: &mut BTreeSet<u64>,
    ) -> Result<(), Fault> {
        for entry in table.prefix_iter(&self.txn, &author_prefix(pubkey))? {
            let (key, _) = entry?;
            let eid = trailing_eid(key);
            if created_at(eid) > until {
                break;
            }
            eids.insert(eid);
        }
        Ok(())
    }

    fn remove_if_owned(&mut self, eid: u64, owner: &PublicKey) -> Result<(), Fault> {
        let Some(record) = self.view().record(eid)? else {
            return Ok(());
        };
        let facts = self.rules.facts(&record.event()?, record.is_stub());
        if facts.is_vanish_request || !is_owned(&record, &facts, owner) {
            return Ok(());
        }
        let (place, bytes) = (record.place(), record.to_vec());
        self.remove(&Record::new(place, &bytes)?, &facts)
    }

    /// Takes an event and every row about it out of the tables.
    fn remove(&mut self, record: &Record<'_>, facts: &Facts) -> Result<(), Fault> {
        let (eid, event) = (record.eid(), record.event()?);
        let visibility = self.view().visibility(eid, &event.id)?;
        let entry = Entry::new(record.location(), event.pubkey, event.kind, facts);
        self.index.change(entry, Some(visibility), None);
        let id_key: [u8; 16] = with_eid(&id_prefix(&event.id), eid);
        self.tables.by_id.delete(&mut self.txn, &id_key)?;
        let place = record.place().to_be_bytes();
        self.tables.events.delete(&mut self.txn, &place)?;
        self.tables
            .places
            .delete(&mut self.txn, &eid.to_be_bytes())?;
        *self.counts.by_kind.entry(event.kind).or_default() -= 1;
        if let Some(version_of) = &facts.version_of {
            let key: AddressKey = with_eid(&version_of.prefix, eid);
            self.tables.by_address.delete(&mut self.txn, &key)?;
        }
        if facts.is_protected {
            let key = eid.to_be_bytes();
            self.tables.brought_by_author.delete(&mut self.txn, &key)?;
        }
        let relays = self.remove_sightings(record.place())?;
        self.change.removed.push(Removed {
            eid,
            kind: event.kind,
            pubkey: event.pubkey,
            relays,
        });
        self.forget_deletion(eid, event.pubkey, facts)
    }

    /// Returns where the event was seen.
    fn remove_sightings(&mut self, place: u64) -> Result<Vec<u32>, Fault> {
        let key = place.to_be_bytes();
        let row = self.tables.sightings.get(&self.txn, &key)?;
        let relays = sightings::relays(row.unwrap_or_default());
        self.counts.sightings -= (relays.len() as u64).cast_signed();
        self.tables.sightings.delete(&mut self.txn, &key)?;
        Ok(relays)
    }

    /// A deletion request that is gone deletes nothing any more.
    fn forget_deletion(
        &mut self,
        eid: u64,
        requester: PublicKey,
        facts: &Facts,
    ) -> Result<(), Fault> {
        for target in &facts.deletion.events {
            let key = deleted_id_key(target, &requester, eid);
            self.tables.deleted_ids.delete(&mut self.txn, &key)?;
            self.touch_event(target)?;
        }
        for address in &facts.deletion.addresses {
            let version = self.rules.version_key(address);
            let key: [u8; 26] = with_eid(&version.prefix, eid);
            self.tables.deleted_addresses.delete(&mut self.txn, &key)?;
            self.touch_versions(&version, created_at(eid))?;
        }
        Ok(())
    }
}

/// Whether the key wrote the event, or is the recipient of this gift wrap. A stub does not tell its
/// recipients: there the index row is believed.
fn is_owned(record: &Record<'_>, facts: &Facts, owner: &PublicKey) -> bool {
    let is_unreadable_wrap = record.is_stub() && record.kind() == Kind::GIFT_WRAP;
    record.pubkey() == *owner || is_unreadable_wrap || facts.recipients.contains(owner)
}
