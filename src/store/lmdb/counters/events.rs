//! Counting events: by kind, by day and by author.

use std::collections::BTreeMap;

use heed::RwTxn;
use nips::{Kind, PublicKey};

use super::bounds;
use super::ledger::{Family, Key, Ledger, top_key};
use super::sums::{Span, Sum, Sums};
use crate::store::lmdb::fault::Fault;
use crate::store::lmdb::tables::Tables;

/// Differences that are still to go into the counters.
#[derive(Default)]
struct Differences {
    author_kinds: BTreeMap<(u32, Kind), i64>,
    day_kinds: BTreeMap<(u32, Kind), i64>,
    day_authors: BTreeMap<(u32, u32), i64>,
    /// Events and kinds of an author.
    authors: BTreeMap<u32, (Sum, i64)>,
    /// Events and authors.
    kinds: BTreeMap<Kind, [i64; 2]>,
    /// Events, authors and kinds.
    days: BTreeMap<u32, [i64; 3]>,
}

/// Adds what changes add up to.
pub(super) fn count(
    tables: &Tables,
    ledger: Ledger,
    txn: &mut RwTxn<'_>,
    sums: &Sums,
) -> Result<(), Fault> {
    let mut differences = Differences::of(sums);
    differences.count_pairs(ledger, txn)?;
    let mut authors = 0;
    for (author, (sum, kinds)) in &differences.authors {
        if let Some(pubkey) = sums.authors.get(author) {
            authors += count_author(tables, ledger, txn, (*author, pubkey), (sum, *kinds))?;
        }
    }
    ledger.add(txn, &Key::of(Family::AuthorCount), [authors])?;
    for (kind, numbers) in differences.kinds {
        ledger.add(txn, &Key::of(Family::Kind).kind(kind), numbers)?;
    }
    for (day, numbers) in differences.days {
        ledger.add(txn, &Key::of(Family::Day).number(day), numbers)?;
    }
    Ok(())
}

impl Differences {
    fn of(sums: &Sums) -> Self {
        let mut all = Self::default();
        for ((author, kind, day), sum) in &sums.events {
            *all.author_kinds.entry((*author, *kind)).or_default() += sum.events;
            *all.day_kinds.entry((*day, *kind)).or_default() += sum.events;
            *all.day_authors.entry((*day, *author)).or_default() += sum.events;
            all.authors.entry(*author).or_default().0.include(sum);
            all.kinds.entry(*kind).or_default()[0] += sum.events;
            all.days.entry(*day).or_default()[0] += sum.events;
        }
        all
    }

    /// A pair that comes or goes is one thing more or less for both.
    fn count_pairs(&mut self, ledger: Ledger, txn: &mut RwTxn<'_>) -> Result<(), Fault> {
        for ((author, kind), events) in &self.author_kinds {
            let key = Key::of(Family::AuthorKind).number(*author).kind(*kind);
            let step = ledger.add(txn, &key, [*events])?;
            self.authors.entry(*author).or_default().1 += step;
            self.kinds.entry(*kind).or_default()[1] += step;
        }
        for ((day, author), events) in &self.day_authors {
            let key = Key::of(Family::DayAuthor).number(*day).number(*author);
            self.days.entry(*day).or_default()[1] += ledger.add(txn, &key, [*events])?;
        }
        for ((day, kind), events) in &self.day_kinds {
            let key = Key::of(Family::DayKind).number(*day).kind(*kind);
            self.days.entry(*day).or_default()[2] += ledger.add(txn, &key, [*events])?;
        }
        Ok(())
    }
}

/// Returns by how many authors there are more.
fn count_author(
    tables: &Tables,
    ledger: Ledger,
    txn: &mut RwTxn<'_>,
    (author, pubkey): (u32, &PublicKey),
    (sum, kinds): (&Sum, i64),
) -> Result<i64, Fault> {
    let key = Key::of(Family::Author).pubkey(pubkey);
    let before = ledger.get::<5>(txn, &key)?;
    let [events, of_kinds, _, first, last] = before.unwrap_or_default();
    let after = events.saturating_add_signed(sum.events);
    if before.is_some() && events != after {
        ledger.delete(txn, &top_key(events, pubkey))?;
    }
    let mut span = before.map(|_| Span { first, last });
    Span::widen(&mut span, sum.added);
    let Some(mut span) = span.filter(|_| after > 0) else {
        ledger.delete(txn, &key)?;
        return Ok(-i64::from(before.is_some()));
    };
    if sum.removed.is_some_and(|gone| gone.reaches_an_end_of(span)) {
        span = bounds::of_author(tables, txn, pubkey)?.unwrap_or(span);
    }
    let of_kinds = of_kinds.saturating_add_signed(kinds);
    let row = [after, of_kinds, author.into(), span.first, span.last];
    ledger.put(txn, &key, &row)?;
    ledger.put(txn, &top_key(after, pubkey), &[])?;
    Ok(i64::from(before.is_none()))
}
