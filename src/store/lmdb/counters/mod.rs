//! Counters of the archive: kept up from what commits changed (`changes`), in transactions of bounded size.
//!
//! A row goes when its count reaches zero, so that the number of rows is the number of different things, and what
//! is different costs a table of pairs: exact, where a sketch would be smaller and wrong. The same numbers as in
//! `sql/postgres/STATISTICS.md`, in one LMDB table.
//!
//! An archive that was there before it was counted, and one whose counters are made anew, is counted from its
//! oldest event on, portion by portion: what happens beyond that point meanwhile is counted when it is reached.

mod bounds;
mod check;
mod events;
mod facts;
mod figures;
mod fold;
mod ledger;
mod sightings;
mod sums;

pub(super) use self::check::check;
pub(super) use self::figures::Figures;
pub(in crate::store) use self::figures::SeenOnRelay;
pub(super) use self::fold::{Folded, fold, prepare, restart};
pub(in crate::store) use self::ledger::{UNKNOWN_NETWORK, network_code};
