//! Reading changes: whose event it was, which network is new to it.

use std::collections::{BTreeSet, HashMap};

use heed::RoTxn;
use nips::{Kind, PublicKey};

use super::ledger::{Family, Key, Ledger};
use super::sums::{Sums, day_of};
use crate::store::eid::created_at;
use crate::store::lmdb::changes::{Change, removed_after};
use crate::store::lmdb::fault::Fault;
use crate::store::lmdb::sightings;
use crate::store::lmdb::tables::Tables;

/// Sums up changes one after the other.
pub(super) struct Facts<'f> {
    pub(super) tables: &'f Tables,
    pub(super) ledger: Ledger,
    /// Networks of relays that have no counter yet.
    pub(super) networks: &'f HashMap<u32, u8>,
    /// The number of the author who was new last.
    pub(super) last_author: u32,
    /// Events from this key on are counted later, as they are then.
    pub(super) counted_below: u64,
    pub(super) sums: Sums,
    numbers: HashMap<PublicKey, u32>,
    /// Relays whose network nobody told.
    pub(super) strangers: BTreeSet<u32>,
}

impl<'f> Facts<'f> {
    pub(super) fn new(
        tables: &'f Tables,
        networks: &'f HashMap<u32, u8>,
        (last_author, counted_below): (u32, u64),
    ) -> Self {
        Self {
            tables,
            ledger: Ledger(tables.counters),
            networks,
            last_author,
            counted_below,
            sums: Sums::default(),
            numbers: HashMap::new(),
            strangers: BTreeSet::new(),
        }
    }

    /// Adds one change.
    pub(super) fn take(
        &mut self,
        txn: &RoTxn<'_>,
        number: u64,
        change: &Change,
    ) -> Result<(), Fault> {
        let below = self.counted_below;
        for gone in change.removed.iter().filter(|gone| gone.eid < below) {
            let author = self.author(txn, gone.pubkey)?;
            self.event(gone.eid, author, gone.kind, -1);
            self.sightings(txn, gone.eid, author, gone.kind, &gone.relays, -1)?;
            self.networks(txn, &[], &gone.relays, -1)?;
        }
        for eid in change.stored.iter().filter(|eid| **eid < below) {
            if let Some((kind, pubkey)) = self.whose(txn, *eid, number)? {
                let author = self.author(txn, pubkey)?;
                self.event(*eid, author, kind, 1);
            }
        }
        for seen in change.sighted.iter().filter(|seen| seen.eid < below) {
            if let Some((kind, pubkey)) = self.whose(txn, seen.eid, number)? {
                let author = self.author(txn, pubkey)?;
                self.sightings(txn, seen.eid, author, kind, &seen.relays, 1)?;
                self.networks(txn, &seen.before, &seen.relays, 1)?;
            }
        }
        Ok(())
    }

    /// Adds an event as it is stored, with all its sightings.
    pub(super) fn take_stored(&mut self, txn: &RoTxn<'_>, eid: u64) -> Result<(), Fault> {
        let Some(record) = self.tables.record(txn, eid)? else {
            return Ok(());
        };
        let place = record.place().to_be_bytes();
        let kind = record.kind();
        let author = self.author(txn, record.pubkey())?;
        let seen = self.tables.sightings.get(txn, &place)?;
        let relays = sightings::relays(seen.unwrap_or_default());
        self.event(eid, author, kind, 1);
        self.sightings(txn, eid, author, kind, &relays, 1)?;
        self.networks(txn, &[], &relays, 1)
    }

    fn event(&mut self, eid: u64, author: u32, kind: Kind, sign: i64) {
        let second = created_at(eid);
        let sum = self.sums.events.entry((author, kind, day_of(second)));
        sum.or_default().add(sign, second);
    }

    fn sightings(
        &mut self,
        txn: &RoTxn<'_>,
        eid: u64,
        author: u32,
        kind: Kind,
        relays: &[u32],
        sign: i64,
    ) -> Result<(), Fault> {
        for relay in relays {
            self.network(txn, *relay)?;
            let sum = self.sums.sightings.entry((author, *relay, kind));
            sum.or_default().add(sign, created_at(eid));
        }
        Ok(())
    }

    /// An event counts once in each network, however many of its relays have it.
    fn networks(
        &mut self,
        txn: &RoTxn<'_>,
        before: &[u32],
        relays: &[u32],
        sign: i64,
    ) -> Result<(), Fault> {
        let mut known = BTreeSet::new();
        for relay in before {
            known.insert(self.network(txn, *relay)?);
        }
        for relay in relays {
            let network = self.network(txn, *relay)?;
            if known.insert(network) {
                *self.sums.network_events.entry(network).or_default() += sign;
            }
        }
        Ok(())
    }

    /// Whose event a key was after a change; nobody's when it is not stored and was not removed.
    fn whose(
        &self,
        txn: &RoTxn<'_>,
        eid: u64,
        number: u64,
    ) -> Result<Option<(Kind, PublicKey)>, Fault> {
        let removed = removed_after(self.tables, txn, eid, number)?;
        if removed.is_some() {
            return Ok(removed);
        }
        let record = self.tables.record(txn, eid)?;
        Ok(record.map(|record| (record.kind(), record.pubkey())))
    }

    fn author(&mut self, txn: &RoTxn<'_>, pubkey: PublicKey) -> Result<u32, Fault> {
        if let Some(number) = self.numbers.get(&pubkey) {
            return Ok(*number);
        }
        let key = Key::of(Family::Author).pubkey(&pubkey);
        let number = match self.ledger.get::<5>(txn, &key)? {
            Some([_, _, number, ..]) => u32::try_from(number).unwrap_or_default(),
            None => {
                self.last_author += 1;
                self.last_author
            }
        };
        self.numbers.insert(pubkey, number);
        self.sums.authors.insert(number, pubkey);
        Ok(number)
    }

    /// The network that a relay had when it was counted first, or has now.
    fn network(&mut self, txn: &RoTxn<'_>, relay: u32) -> Result<u8, Fault> {
        if let Some(network) = self.sums.networks.get(&relay) {
            return Ok(*network);
        }
        let key = Key::of(Family::Relay).number(relay);
        let counted = self.ledger.get::<6>(txn, &key)?;
        let counted = counted.map(|[_, _, _, network, ..]| network as u8);
        let Some(network) = counted.or_else(|| self.networks.get(&relay).copied()) else {
            self.strangers.insert(relay);
            return Ok(super::ledger::UNKNOWN_NETWORK);
        };
        self.sums.networks.insert(relay, network);
        Ok(network)
    }
}
