//! Counting sightings: by relay, by network and by author on each relay.

use std::collections::BTreeMap;

use heed::RwTxn;
use nips::Kind;

use super::bounds;
use super::ledger::{Family, Key, Ledger, UNKNOWN_NETWORK};
use super::sums::{Span, Sum, Sums};
use crate::store::lmdb::fault::Fault;
use crate::store::lmdb::tables::Tables;

/// Differences that are still to go into the counters.
#[derive(Default)]
struct Differences {
    /// Events, and kinds, of an author on a relay.
    pairs: BTreeMap<(u32, u32), (Sum, i64)>,
    /// Events and authors.
    relay_kinds: BTreeMap<(u32, Kind), [i64; 2]>,
    /// Events; authors and kinds.
    relays: BTreeMap<u32, (Sum, [i64; 2])>,
    network_kinds: BTreeMap<(u8, Kind), i64>,
    author_networks: BTreeMap<(u32, u8), i64>,
    /// Events, authors and kinds.
    networks: BTreeMap<u8, [i64; 3]>,
}

/// Adds what changes add up to.
pub(super) fn count(
    tables: &Tables,
    ledger: Ledger,
    txn: &mut RwTxn<'_>,
    sums: &Sums,
) -> Result<(), Fault> {
    let mut differences = Differences::of(sums);
    differences.count_kinds_of_pairs(ledger, txn, sums)?;
    differences.count_authors(tables, ledger, txn, sums)?;
    differences.count_relays(tables, ledger, txn, sums)?;
    differences.count_networks(ledger, txn)
}

fn network_of(sums: &Sums, relay: u32) -> u8 {
    sums.networks
        .get(&relay)
        .copied()
        .unwrap_or(UNKNOWN_NETWORK)
}

impl Differences {
    fn of(sums: &Sums) -> Self {
        let mut all = Self::default();
        for ((author, relay, kind), sum) in &sums.sightings {
            let network = network_of(sums, *relay);
            all.pairs
                .entry((*author, *relay))
                .or_default()
                .0
                .include(sum);
            all.relay_kinds.entry((*relay, *kind)).or_default()[0] += sum.events;
            all.relays.entry(*relay).or_default().0.include(sum);
            *all.network_kinds.entry((network, *kind)).or_default() += sum.events;
            *all.author_networks.entry((*author, network)).or_default() += sum.events;
        }
        for (network, events) in &sums.network_events {
            all.networks.entry(*network).or_default()[0] = *events;
        }
        all
    }

    fn count_kinds_of_pairs(
        &mut self,
        ledger: Ledger,
        txn: &mut RwTxn<'_>,
        sums: &Sums,
    ) -> Result<(), Fault> {
        for ((author, relay, kind), sum) in &sums.sightings {
            let key = Key::of(Family::AuthorRelayKind)
                .number(*author)
                .number(*relay)
                .kind(*kind);
            let step = ledger.add(txn, &key, [sum.events])?;
            self.pairs.entry((*author, *relay)).or_default().1 += step;
            self.relay_kinds.entry((*relay, *kind)).or_default()[1] += step;
        }
        Ok(())
    }

    fn count_authors(
        &mut self,
        tables: &Tables,
        ledger: Ledger,
        txn: &mut RwTxn<'_>,
        sums: &Sums,
    ) -> Result<(), Fault> {
        let mut bounds = bounds::OnRelays::default();
        for ((author, relay), (sum, kinds)) in &self.pairs {
            let key = Key::of(Family::AuthorRelay).number(*author).number(*relay);
            let before = ledger.get::<4>(txn, &key)?;
            let [events, of_kinds, first, last] = before.unwrap_or_default();
            let after = events.saturating_add_signed(sum.events);
            let step = i64::from(after > 0) - i64::from(before.is_some());
            self.relays.entry(*relay).or_default().1[0] += step;
            let mut span = before.map(|_| Span { first, last });
            Span::widen(&mut span, sum.added);
            let Some(mut span) = span.filter(|_| after > 0) else {
                ledger.delete(txn, &key)?;
                continue;
            };
            if sum.removed.is_some_and(|gone| gone.reaches_an_end_of(span))
                && let Some(pubkey) = sums.authors.get(author)
            {
                let found = bounds.of(tables, txn, (*author, pubkey), *relay)?;
                span = found.unwrap_or(span);
            }
            let of_kinds = of_kinds.saturating_add_signed(*kinds);
            ledger.put(txn, &key, &[after, of_kinds, span.first, span.last])?;
        }
        Ok(())
    }

    fn count_relays(
        &mut self,
        tables: &Tables,
        ledger: Ledger,
        txn: &mut RwTxn<'_>,
        sums: &Sums,
    ) -> Result<(), Fault> {
        for ((relay, kind), numbers) in &self.relay_kinds {
            let key = Key::of(Family::RelayKind).number(*relay).kind(*kind);
            self.relays.entry(*relay).or_default().1[1] += ledger.add(txn, &key, *numbers)?;
        }
        for (relay, (sum, [authors, kinds])) in &self.relays {
            let key = Key::of(Family::Relay).number(*relay);
            let before = ledger.get::<6>(txn, &key)?;
            let [events, of_authors, of_kinds, _, first, last] = before.unwrap_or_default();
            let after = events.saturating_add_signed(sum.events);
            let mut span = before.map(|_| Span { first, last });
            Span::widen(&mut span, sum.added);
            let Some(mut span) = span.filter(|_| after > 0) else {
                ledger.delete(txn, &key)?;
                continue;
            };
            if sum.removed.is_some_and(|gone| gone.reaches_an_end_of(span)) {
                span = bounds::of_relay(tables, txn, *relay, span)?.unwrap_or(span);
            }
            let row = [
                after,
                of_authors.saturating_add_signed(*authors),
                of_kinds.saturating_add_signed(*kinds),
                network_of(sums, *relay).into(),
                span.first,
                span.last,
            ];
            ledger.put(txn, &key, &row)?;
        }
        Ok(())
    }

    fn count_networks(mut self, ledger: Ledger, txn: &mut RwTxn<'_>) -> Result<(), Fault> {
        for ((network, kind), sightings) in &self.network_kinds {
            let key = Key::of(Family::NetworkKind).byte(*network).kind(*kind);
            let step = ledger.add(txn, &key, [*sightings])?;
            self.networks.entry(*network).or_default()[2] += step;
        }
        for ((author, network), sightings) in &self.author_networks {
            let key = Key::of(Family::AuthorNetwork)
                .number(*author)
                .byte(*network);
            let step = ledger.add(txn, &key, [*sightings])?;
            self.networks.entry(*network).or_default()[1] += step;
        }
        for (network, numbers) in self.networks {
            ledger.add(txn, &Key::of(Family::Network).byte(network), numbers)?;
        }
        Ok(())
    }
}
