//! The statistics views: what commits changed is folded into counters, and the views read those.
//!
//! Both run over a direct connection: a refresh of a large archive takes longer than a pooler lets a query
//! run. Every step is a transaction of its own, so that nothing holds back the clean-up of old rows, and a
//! view is there for readers as soon as it is done. `sql/postgres/STATISTICS.md` has tables and figures.

use std::time::{Duration, Instant};

use sqlx::Row;

use super::PostgresStore;
use super::connection::statement;
use super::error::during;
use crate::store::StoreError;

const FOLD: &str = include_str!("../../../sql/postgres/queries/fold_statistics.sql");

/// Commits folded at once before a refresh: of large batches, a few hundred thousand sightings.
const CHANGES_PER_FOLD: u32 = 256;

/// Each view and what refreshes it, in the seed's order, then the later ones, each after what it reads.
const VIEWS: [(&str, &str); 13] = [
    (
        "relay_metadata_latest",
        "SELECT relay_metadata_latest_refresh()",
    ),
    ("event_stats", "SELECT event_stats_refresh()"),
    ("relay_stats", "SELECT relay_stats_refresh()"),
    ("kind_counts", "SELECT kind_counts_refresh()"),
    (
        "kind_counts_by_relay",
        "SELECT kind_counts_by_relay_refresh()",
    ),
    ("pubkey_counts", "SELECT pubkey_counts_refresh()"),
    (
        "pubkey_counts_by_relay",
        "SELECT pubkey_counts_by_relay_refresh()",
    ),
    ("network_stats", "SELECT network_stats_refresh()"),
    ("event_daily_counts", "SELECT event_daily_counts_refresh()"),
    (
        "events_replaceable_latest",
        "SELECT events_replaceable_latest_refresh()",
    ),
    (
        "events_addressable_latest",
        "SELECT events_addressable_latest_refresh()",
    ),
    (
        "relay_software_counts",
        "SELECT relay_software_counts_refresh()",
    ),
    (
        "supported_nip_counts",
        "SELECT supported_nip_counts_refresh()",
    ),
];

/// A view that is up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshedView {
    /// Its name in SQL.
    pub name: &'static str,
    /// How long its refresh took.
    pub elapsed: Duration,
}

impl PostgresStore {
    /// Folds what at most `max_changes` commits changed into the counters, in one transaction. Returns how
    /// many it were: 0 when nothing is new, and when another process is folding.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; nothing is folded then.
    pub async fn fold_statistics(&self, max_changes: u32) -> Result<u64, StoreError> {
        let max_changes = i32::try_from(max_changes).unwrap_or(i32::MAX);
        let fold = statement(FOLD).bind(max_changes).fetch_one(&self.direct);
        let row = fold.await.map_err(during("fold_statistics"))?;
        let folded: i64 = row.try_get(0).map_err(during("fold_statistics"))?;
        Ok(folded.cast_unsigned())
    }

    /// Folds everything, then refreshes every view while others read it.
    ///
    /// # Errors
    /// The first [`StoreError`] of several. A view that fails does not keep the others from their refresh.
    pub async fn refresh_statistics(&self) -> Result<Vec<RefreshedView>, StoreError> {
        while self.fold_statistics(CHANGES_PER_FOLD).await? > 0 {}
        let mut refreshed = Vec::new();
        let mut failure = None;
        for (name, refresh) in VIEWS {
            let started = Instant::now();
            let done = statement(refresh);
            match done.execute(&self.direct).await {
                Ok(_) => refreshed.push(RefreshedView {
                    name,
                    elapsed: started.elapsed(),
                }),
                Err(error) => {
                    tracing::warn!(view = name, %error, "a view could not be refreshed");
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(refreshed), |error| {
            Err(during("refresh_statistics")(error))
        })
    }
}
