//! Namings of URLs that are known already, added up in memory until it is worth a transaction.

use std::collections::HashMap;

use nips::RelayUrl;

use crate::model::Evidence;

/// Rows that are written down without waiting any longer.
const MAX_ROWS: usize = 10_000;

/// How long rows wait at most, seconds. Relay lists repeat the same few hundred URLs, so that each row stands
/// for hundreds of namings by then.
const PATIENCE: u64 = 60;

/// What has not been written down. A crash loses it, which costs a minute of a count.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    rows: HashMap<(RelayUrl, &'static str), Row>,
    /// When the oldest row began, unix seconds.
    since: u64,
}

#[derive(Debug)]
struct Row {
    namings: u64,
    first_named_at: u64,
    last_named_at: u64,
}

impl Ledger {
    /// Counts a naming at `now` unix seconds.
    pub(super) fn count(&mut self, url: RelayUrl, source: &'static str, now: u64) {
        if self.rows.is_empty() {
            self.since = now;
        }
        let row = self.rows.entry((url, source)).or_insert(Row {
            namings: 0,
            first_named_at: now,
            last_named_at: now,
        });
        row.namings += 1;
        row.last_named_at = now;
    }

    /// Whether it is time to write down what is here.
    pub(super) fn is_due(&self, now: u64) -> bool {
        let is_late = !self.rows.is_empty() && self.since + PATIENCE <= now;
        is_late || self.rows.len() >= MAX_ROWS
    }

    /// Everything that is here, which is forgotten.
    pub(super) fn take(&mut self) -> Vec<Evidence> {
        let rows = std::mem::take(&mut self.rows).into_iter();
        let evidence = rows.map(|((url, source), row)| Evidence {
            url,
            source: source.to_owned(),
            namings: row.namings,
            first_named_at: row.first_named_at,
            last_named_at: row.last_named_at,
        });
        evidence.collect()
    }
}
