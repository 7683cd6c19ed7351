//! How many rows may be written before the transaction has changed too many pages.

use std::vec::Drain;

use heed::RoTxn;

use super::fault::Fault;
use super::tables::Table;

/// Rows that a page of an index has room for, about.
const ROWS_PER_PAGE: usize = 100;

/// Pages that a transaction may still change. LMDB holds each of them in memory until the commit.
#[derive(Debug)]
pub(super) struct PageBudget(usize);

impl PageBudget {
    pub(super) fn new(pages: usize) -> Self {
        Self(pages)
    }

    pub(super) fn unlimited() -> Self {
        Self(usize::MAX)
    }

    /// Whether it allows nothing more.
    pub(super) fn is_spent(&self) -> bool {
        self.0 == 0
    }

    /// How many of `total` rows may be put into a table. They are sorted, and spread over the table: a part of
    /// them changes at most that part of its pages.
    pub(super) fn share(
        &mut self,
        total: usize,
        table: &Table,
        txn: &RoTxn<'_>,
    ) -> Result<usize, Fault> {
        if total == 0 || self.0 == 0 {
            return Ok(0);
        }
        let pages = table.stat(txn)?.leaf_pages + total.div_ceil(ROWS_PER_PAGE);
        let pages = pages.min(total);
        if pages <= self.0 {
            self.0 -= pages;
            return Ok(total);
        }
        let count = (total as u128 * self.0 as u128 / pages as u128) as usize;
        self.0 = 0;
        Ok(count.clamp(1, total))
    }

    /// Takes the first rows that are to be put into a table, as many as are allowed.
    pub(super) fn take<'r, T>(
        &mut self,
        rows: &'r mut Vec<T>,
        table: &Table,
        txn: &RoTxn<'_>,
    ) -> Result<Drain<'r, T>, Fault> {
        let count = self.share(rows.len(), table, txn)?;
        Ok(rows.drain(..count))
    }
}
