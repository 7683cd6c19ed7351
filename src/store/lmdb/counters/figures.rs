//! Reading the counters.

use std::collections::{BTreeSet, HashSet};

use heed::RoTxn;
use nips::kind::KindClass;
use nips::{Kind, Network, PublicKey};

use super::ledger::{Family, Key, Ledger, kind_at, network_code, number_at, pubkey_at};
use super::sums::day_of;
use crate::model::RelayId;
use crate::store::eid::{created_at, eid_range};
use crate::store::events::Visibility;
use crate::store::figures::{
    ArchiveFigures, AuthorFigures, AuthorRelayFigures, CurrentReplaceable, DayFigures, KindFigures,
    MAX_LOOKED_THROUGH, RelayKindFigures,
};
use crate::store::lmdb::fault::Fault;
use crate::store::lmdb::keys::{AddressKey, AddressPrefix, author_prefix, trailing_eid};
use crate::store::lmdb::record::Record;
use crate::store::lmdb::row_set::List;
use crate::store::lmdb::rules::VersionKey;
use crate::store::lmdb::sightings;
use crate::store::lmdb::standing::current_version;
use crate::store::lmdb::tables::Tables;
use crate::store::lmdb::view::View;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// What the event engine knows of a relay.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct SeenOnRelay {
    pub(in crate::store) events: u64,
    pub(in crate::store) authors: u64,
    pub(in crate::store) kinds: u64,
    pub(in crate::store) first_created_at: u64,
    pub(in crate::store) last_created_at: u64,
}

/// The counters in one snapshot.
pub(in crate::store::lmdb) struct Figures<'f> {
    view: View<'f>,
    tables: &'f Tables,
    ledger: Ledger,
    txn: &'f RoTxn<'f>,
}

impl<'f> Figures<'f> {
    pub(in crate::store::lmdb) fn new(view: View<'f>) -> Self {
        Self {
            view,
            tables: view.tables,
            ledger: Ledger(view.tables.counters),
            txn: view.txn,
        }
    }

    pub(in crate::store::lmdb) fn archive(&self, now: u64) -> Result<ArchiveFigures, Fault> {
        let kinds = self.kinds()?;
        let ends = self.view.ends()?;
        let within = |seconds: u64| self.events_within((now + 1).saturating_sub(seconds), now);
        Ok(ArchiveFigures {
            events: kinds.iter().map(|kind| kind.events).sum(),
            authors: self.authors()?,
            kinds: kinds.len() as u64,
            first_created_at: ends.map(|(oldest, _)| created_at(oldest)),
            last_created_at: ends.map(|(_, newest)| created_at(newest)),
            last_hour: within(HOUR)?,
            last_day: within(DAY)?,
            last_week: within(7 * DAY)?,
            last_month: within(30 * DAY)?,
        })
    }

    /// The number of different authors: how many were ever given a number does not tell.
    fn authors(&self) -> Result<u64, Fault> {
        let count = self
            .ledger
            .get::<1>(self.txn, &Key::of(Family::AuthorCount))?;
        Ok(count.map_or(0, |[authors]| authors))
    }

    /// Events of a stretch of seconds: whole days from their counters, the rest from the keys of events.
    fn events_within(&self, since: u64, until: u64) -> Result<u64, Fault> {
        let (first_day, end_day) = (since.div_ceil(DAY), (until + 1) / DAY);
        if first_day >= end_day {
            return self.keys_within(since, until + 1);
        }
        let mut events = self.keys_within(since, first_day * DAY)?;
        events += self.keys_within(end_day * DAY, until + 1)?;
        let before = Key::of(Family::Day).number(day_of((first_day * DAY).saturating_sub(1)));
        let prefix = Key::of(Family::Day);
        let after = (first_day > 0).then_some(&before);
        for row in self.ledger.rows::<3>(self.txn, &prefix, after)? {
            let (key, [of_day, ..]) = row?;
            if u64::from(number_at(key, 0)?) >= end_day {
                break;
            }
            events += of_day;
        }
        Ok(events)
    }

    fn keys_within(&self, since: u64, before: u64) -> Result<u64, Fault> {
        let Some(range) = eid_range(Some(since), before.checked_sub(1)) else {
            return Ok(0);
        };
        let mut keys = self.view.newest(range)?;
        let mut count = 0;
        while keys.next()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    pub(in crate::store::lmdb) fn kinds(&self) -> Result<Vec<KindFigures>, Fault> {
        let rows = self
            .ledger
            .rows::<2>(self.txn, &Key::of(Family::Kind), None)?;
        rows.map(|row| {
            let (key, [events, authors]) = row?;
            Ok(KindFigures {
                kind: kind_at(key, 0)?,
                events,
                authors,
            })
        })
        .collect()
    }

    pub(in crate::store::lmdb) fn days(
        &self,
        after: Option<u32>,
        limit: usize,
    ) -> Result<Vec<DayFigures>, Fault> {
        let prefix = Key::of(Family::Day);
        let after = after.map(|day| prefix.clone().number(day));
        let rows = self.ledger.rows::<3>(self.txn, &prefix, after.as_ref())?;
        rows.take(limit)
            .map(|row| {
                let (key, [events, authors, kinds]) = row?;
                Ok(DayFigures {
                    day: number_at(key, 0)?,
                    events,
                    authors,
                    kinds,
                })
            })
            .collect()
    }

    pub(in crate::store::lmdb) fn author(
        &self,
        pubkey: &PublicKey,
    ) -> Result<Option<AuthorFigures>, Fault> {
        let key = Key::of(Family::Author).pubkey(pubkey);
        let row = self.ledger.get::<5>(self.txn, &key)?;
        Ok(row.map(|row| author(*pubkey, row)))
    }

    pub(in crate::store::lmdb) fn authors_after(
        &self,
        after: Option<PublicKey>,
        limit: usize,
    ) -> Result<Vec<AuthorFigures>, Fault> {
        let prefix = Key::of(Family::Author);
        let after = after.map(|pubkey| prefix.clone().pubkey(&pubkey));
        let rows = self.ledger.rows::<5>(self.txn, &prefix, after.as_ref())?;
        rows.take(limit)
            .map(|row| {
                let (key, row) = row?;
                Ok(author(pubkey_at(key, 0)?, row))
            })
            .collect()
    }

    pub(in crate::store::lmdb) fn top_authors(
        &self,
        limit: usize,
    ) -> Result<Vec<AuthorFigures>, Fault> {
        let rows = self
            .ledger
            .rows::<0>(self.txn, &Key::of(Family::TopAuthor), None)?;
        let mut top = Vec::new();
        for row in rows.take(limit) {
            let (key, _) = row?;
            top.extend(self.author(&pubkey_at(key, 8)?)?);
        }
        Ok(top)
    }

    /// What was seen on one relay; nothing when that is nothing.
    pub(in crate::store::lmdb) fn relay(
        &self,
        relay: RelayId,
    ) -> Result<Option<SeenOnRelay>, Fault> {
        let key = Key::of(Family::Relay).number(relay.0);
        let row = self.ledger.get::<6>(self.txn, &key)?;
        Ok(
            row.map(|[events, authors, kinds, _, first, last]| SeenOnRelay {
                events,
                authors,
                kinds,
                first_created_at: first,
                last_created_at: last,
            }),
        )
    }

    pub(in crate::store::lmdb) fn relay_kinds(
        &self,
        after: Option<(RelayId, Kind)>,
        limit: usize,
    ) -> Result<Vec<RelayKindFigures>, Fault> {
        let prefix = Key::of(Family::RelayKind);
        let after = after.map(|(relay, kind)| prefix.clone().number(relay.0).kind(kind));
        let rows = self.ledger.rows::<2>(self.txn, &prefix, after.as_ref())?;
        rows.take(limit)
            .map(|row| {
                let (key, [events, authors]) = row?;
                Ok(RelayKindFigures {
                    relay: RelayId(number_at(key, 0)?),
                    kind: kind_at(key, 4)?,
                    events,
                    authors,
                })
            })
            .collect()
    }

    pub(in crate::store::lmdb) fn author_relays(
        &self,
        pubkey: &PublicKey,
        after: Option<RelayId>,
        limit: usize,
    ) -> Result<Vec<AuthorRelayFigures>, Fault> {
        let key = Key::of(Family::Author).pubkey(pubkey);
        let Some([_, _, number, ..]) = self.ledger.get::<5>(self.txn, &key)? else {
            return Ok(Vec::new());
        };
        let number = u32::try_from(number).unwrap_or_default();
        let prefix = Key::of(Family::AuthorRelay).number(number);
        let after = after.map(|relay| prefix.clone().number(relay.0));
        let rows = self.ledger.rows::<4>(self.txn, &prefix, after.as_ref())?;
        rows.take(limit)
            .map(|row| {
                let (key, [events, kinds, first, last]) = row?;
                Ok(AuthorRelayFigures {
                    relay: RelayId(number_at(key, 4)?),
                    events,
                    kinds,
                    first_created_at: first,
                    last_created_at: last,
                })
            })
            .collect()
    }

    /// The authors of what was seen on a relay, newest first. Nothing lists the sightings of a relay, so those of
    /// all are walked, from where its newest was counted.
    pub(in crate::store::lmdb) fn authors_seen_on(
        &self,
        relay: RelayId,
        limit: usize,
    ) -> Result<Vec<PublicKey>, Fault> {
        let last = self.relay(relay)?.map(|seen| seen.last_created_at);
        let range = eid_range(None, last).unwrap_or_default();
        let mut keys = self.view.newest(range)?;
        let (mut found, mut met) = (Vec::new(), HashSet::new());
        for _ in 0..MAX_LOOKED_THROUGH {
            let Some(next) = keys.next()?.filter(|_| found.len() < limit) else {
                break;
            };
            let author = self.author_if_seen_on(relay, next.eid)?;
            found.extend(author.filter(|author| met.insert(*author)));
        }
        Ok(found)
    }

    /// Who wrote an event, if it was seen on a relay.
    fn author_if_seen_on(&self, relay: RelayId, eid: u64) -> Result<Option<PublicKey>, Fault> {
        let Some(place) = self.view.place(eid)? else {
            return Ok(None);
        };
        let row = self.tables.sightings.get(self.txn, &place.to_be_bytes())?;
        if !row.is_some_and(|row| sightings::has_relay(row, relay)) {
            return Ok(None);
        }
        let record = self.tables.record_at(self.txn, place)?;
        Ok(record.map(|record| record.pubkey()))
    }

    /// Different events, authors and kinds of a network.
    pub(in crate::store::lmdb) fn network(&self, network: Network) -> Result<[u64; 3], Fault> {
        let key = Key::of(Family::Network).byte(network_code(network));
        Ok(self.ledger.get::<3>(self.txn, &key)?.unwrap_or_default())
    }

    /// By author and kind. Authors whose keys begin alike lie among each other, so they are sorted together.
    pub(in crate::store::lmdb) fn current_replaceables(
        &self,
        after: Option<(PublicKey, Kind)>,
        limit: usize,
    ) -> Result<Vec<CurrentReplaceable>, Fault> {
        let mut found = Vec::new();
        let mut next = after.map(|(pubkey, _)| author_prefix(&pubkey));
        next = next.or(Some([0; 8]));
        while let Some(from) = next
            && found.len() < limit
        {
            let by_address = &self.tables.by_address;
            let in_table = by_address.get_greater_than_or_equal_to(self.txn, &from)?;
            let in_table = in_table.map(|(key, _)| key);
            let waiting = self.view.backlog.first_from(List::Address, &from);
            let next_row = in_table.into_iter().chain(waiting).min();
            let Some(authors) = next_row.and_then(|row| row.first_chunk::<8>().copied()) else {
                break;
            };
            let mut group = self.replaceables_of(authors)?;
            group.retain(|one| after.is_none_or(|after| (one.pubkey, one.kind) > after));
            group.sort_unstable_by_key(|one| (one.pubkey, one.kind));
            found.extend(group);
            next = u64::from_be_bytes(authors)
                .checked_add(1)
                .map(u64::to_be_bytes);
        }
        found.truncate(limit);
        Ok(found)
    }

    /// The kinds that are replaceable by kind alone come before those with an identifier.
    fn replaceables_of(&self, authors: [u8; 8]) -> Result<Vec<CurrentReplaceable>, Fault> {
        let mut found: Vec<CurrentReplaceable> = Vec::new();
        for key in self.versions_of(authors)? {
            let prefix: AddressPrefix = *key.first_chunk().ok_or_else(super::ledger::damaged)?;
            let kind = kind_at(&prefix, 8)?;
            if kind.class() == KindClass::Addressable {
                break;
            }
            let eid = trailing_eid(&key);
            let Some(record) = self.view.record(eid)? else {
                continue;
            };
            let version_of = VersionKey {
                prefix,
                identity: record.pubkey().0.to_vec(),
            };
            if current_version(self.view, &version_of)? == Some(eid) {
                found.extend(self.current(record)?);
            }
        }
        Ok(found)
    }

    /// Keys of all versions by these authors, in order.
    fn versions_of(&self, authors: [u8; 8]) -> Result<BTreeSet<AddressKey>, Fault> {
        let mut keys = BTreeSet::new();
        for entry in self.tables.by_address.prefix_iter(self.txn, &authors)? {
            let (key, _) = entry?;
            keys.extend(key.first_chunk());
        }
        let waiting = self.view.backlog;
        for rows in waiting.stretches(List::Address, &authors, &authors) {
            keys.extend(rows.iter().filter_map(<[u8]>::first_chunk));
        }
        Ok(keys)
    }

    /// A version that somebody may see, or that its author wants to be shown by others to nobody (NIP-70).
    fn current(&self, record: Record<'_>) -> Result<Option<CurrentReplaceable>, Fault> {
        let visibility = self.view.visibility(record.eid(), &record.id())?;
        let counts = matches!(visibility, Visibility::Public | Visibility::Protected);
        Ok(counts.then(|| CurrentReplaceable {
            pubkey: record.pubkey(),
            kind: record.kind(),
            id: record.id(),
            created_at: created_at(record.eid()),
        }))
    }
}

fn author(pubkey: PublicKey, [events, kinds, _, first, last]: [u64; 5]) -> AuthorFigures {
    AuthorFigures {
        pubkey,
        events,
        kinds,
        first_created_at: first,
        last_created_at: last,
    }
}
