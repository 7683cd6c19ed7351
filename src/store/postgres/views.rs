//! The statistics views: what commits changed is folded into counters, and the views read those.
//!
//! All of it runs over a direct connection: a refresh of a large archive takes longer than a pooler lets a query
//! run. Every step is a transaction of its own, so that nothing holds back the clean-up of old rows, and a
//! view is there for readers as soon as it is done. `sql/postgres/STATISTICS.md` has tables and figures.

use std::time::Instant;

use nips::PublicKey;

use super::PostgresStore;
use super::connection::statement;
use super::error::during;
use crate::store::StoreError;
use crate::store::figures::{Reconciliation, Refreshed};
use crate::store::rows;

const FOLD: &str = include_str!("../../../sql/postgres/queries/fold_statistics.sql");
const REFRESH: &str = include_str!("../../../sql/postgres/queries/refresh_statistics.sql");
const CHECK: &str = include_str!("../../../sql/postgres/queries/check_statistics.sql");
const RECONCILE: &str = include_str!("../../../sql/postgres/queries/reconcile_statistics.sql");

/// What the counters are made anew from is one snapshot.
const REPEATABLE_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ";

/// Commits folded at once before a refresh: of large batches, a few hundred thousand sightings.
const COMMITS_PER_FOLD: u32 = 256;

/// The views, in the seed's order, then the later ones, each after what it reads.
const VIEWS: [&str; 13] = [
    "relay_metadata_latest",
    "event_stats",
    "relay_stats",
    "kind_counts",
    "kind_counts_by_relay",
    "pubkey_counts",
    "pubkey_counts_by_relay",
    "network_stats",
    "event_daily_counts",
    "events_replaceable_latest",
    "events_addressable_latest",
    "relay_software_counts",
    "supported_nip_counts",
];

impl PostgresStore {
    /// Folds what at most `max_commits` commits changed into the counters, in one transaction.
    pub(super) async fn fold(&self, max_commits: u32) -> Result<u64, StoreError> {
        let max_commits = i32::try_from(max_commits).unwrap_or(i32::MAX);
        let fold = statement(FOLD).bind(max_commits).fetch_one(&self.direct);
        let row = fold.await.map_err(during("fold_statistics"))?;
        rows::count(&row, "statistics_fold")
    }

    /// Folds everything, then refreshes every view while others read it.
    pub(super) async fn refresh_views(&self) -> Result<Vec<Refreshed>, StoreError> {
        while self.fold(COMMITS_PER_FOLD).await? > 0 {}
        let mut refreshed = Vec::new();
        let mut failure = None;
        for name in VIEWS {
            let started = Instant::now();
            let done = statement(REFRESH).bind(name).execute(&self.direct).await;
            match done {
                Ok(_) => refreshed.push(Refreshed {
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

    /// Compares counters with what is stored, and makes them anew when one is wrong.
    pub(super) async fn reconcile(
        &self,
        after: Option<PublicKey>,
        max_events: u32,
    ) -> Result<Reconciliation, StoreError> {
        let failed = during("reconcile_statistics");
        let check = statement(CHECK)
            .bind(after.map_or(Vec::new(), |pubkey| pubkey.0.to_vec()))
            .bind(i32::try_from(max_events).unwrap_or(i32::MAX));
        let row = check.fetch_one(&self.direct).await.map_err(&failed)?;
        let found = Reconciliation {
            authors: rows::count(&row, "authors")?,
            wrong: rows::count(&row, "wrong")?,
        };
        if found.wrong > 0 {
            let begun = self.direct.begin_with(REPEATABLE_READ).await;
            let mut tx = begun.map_err(&failed)?;
            let recount = statement(RECONCILE).execute(&mut *tx).await;
            recount.map_err(&failed)?;
            tx.commit().await.map_err(&failed)?;
        }
        Ok(found)
    }
}
