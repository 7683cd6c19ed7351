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

impl PostgresStore {
    /// Folds what at most `max_commits` commits changed into the counters, in one transaction.
    pub(super) async fn fold(&self, max_commits: u32) -> Result<u64, StoreError> {
        let max_commits = i32::try_from(max_commits).unwrap_or(i32::MAX);
        let fold = statement(FOLD).bind(max_commits).fetch_one(&self.direct);
        let row = fold.await.map_err(during("fold_statistics"))?;
        rows::count(&row, "statistics_fold")
    }

    /// Folds everything, then refreshes these views while others read them.
    pub(super) async fn refresh_views(
        &self,
        views: &[&'static str],
    ) -> Result<Vec<Refreshed>, StoreError> {
        while self.fold(COMMITS_PER_FOLD).await? > 0 {}
        let mut refreshed = Vec::with_capacity(views.len());
        for name in views {
            let started = Instant::now();
            let done = statement(REFRESH).bind(*name).execute(&self.direct).await;
            refreshed.push(Refreshed {
                name,
                elapsed: started.elapsed(),
                failure: done.err().map(during("refresh_statistics")),
            });
        }
        Ok(refreshed)
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
            last: rows::pubkey(&row, "last"),
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
