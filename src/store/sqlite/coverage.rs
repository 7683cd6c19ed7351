//! Coverage and gaps in SQLite: rows are read, changed by [`crate::store::timeline`] and replaced, in
//! one transaction.

use async_trait::async_trait;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::model::{Gap, Interval, NewGap, RelayId};
use crate::store::coverage::{
    CoverageCount, FilterId, GapCount, MAX_INTERVALS, NetworkProgress, RelayProgress,
};
use crate::store::rows::{self, integer, limit};
use crate::store::sqlite::SqliteBacked;
use crate::store::sqlite::error::during;
use crate::store::{CoverageStore, StoreError, timeline};

const COVERAGE: &str = include_str!("../../../sql/sqlite/queries/coverage.sql");
const INTERVALS_WITHIN: &str = include_str!("../../../sql/sqlite/queries/intervals_within.sql");
const DELETE_INTERVALS: &str = include_str!("../../../sql/sqlite/queries/delete_intervals.sql");
const ADD_INTERVAL: &str = include_str!("../../../sql/sqlite/queries/add_interval.sql");
const GAPS: &str = include_str!("../../../sql/sqlite/queries/gaps.sql");
const GAPS_WITHIN: &str = include_str!("../../../sql/sqlite/queries/gaps_within.sql");
const DELETE_GAPS: &str = include_str!("../../../sql/sqlite/queries/delete_gaps.sql");
const ADD_GAP: &str = include_str!("../../../sql/sqlite/queries/add_gap.sql");
const GAP_COUNTS: &str = include_str!("../../../sql/sqlite/queries/gap_counts.sql");
const NETWORK_PROGRESS: &str = include_str!("../../../sql/sqlite/queries/network_progress.sql");
const RELAYS_BEHIND: &str = include_str!("../../../sql/sqlite/queries/relays_behind.sql");
const COVERAGE_COUNTS: &str = include_str!("../../../sql/sqlite/queries/coverage_counts.sql");
const COVERED_SINCE: &str = include_str!("../../../sql/sqlite/queries/relays_covered_since.sql");

#[async_trait]
impl<T: SqliteBacked> CoverageStore for T {
    async fn coverage(
        &self,
        relay: RelayId,
        filter: FilterId,
    ) -> Result<Vec<Interval>, StoreError> {
        let found = sqlx::query(COVERAGE)
            .bind(relay.0)
            .bind(filter.0.cast_signed())
            .bind(limit(MAX_INTERVALS))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("coverage"))?;
        Ok(rows::readable(&found, rows::interval))
    }

    async fn cover(
        &self,
        relay: RelayId,
        filter: FilterId,
        interval: Interval,
    ) -> Result<(), StoreError> {
        let Some(interval) = timeline::storable_interval(interval) else {
            return Ok(());
        };
        let line = Line { relay, filter };
        let failed = during("cover");
        let mut tx = self.sqlite().begin("cover").await?;
        line.cover(&mut tx, interval).await.map_err(&failed)?;
        line.close_gaps(&mut tx, interval).await.map_err(&failed)?;
        tx.commit().await.map_err(&failed)
    }

    async fn add_gap(
        &self,
        relay: RelayId,
        filter: FilterId,
        gap: NewGap,
    ) -> Result<(), StoreError> {
        let Some(gap) = timeline::storable_gap(gap) else {
            return Ok(());
        };
        let line = Line { relay, filter };
        let failed = during("add_gap");
        let mut tx = self.sqlite().begin("add_gap").await?;
        line.add_gap(&mut tx, gap).await.map_err(&failed)?;
        tx.commit().await.map_err(&failed)
    }

    async fn gaps(&self, relay: RelayId, filter: FilterId) -> Result<Vec<Gap>, StoreError> {
        let found = sqlx::query(GAPS)
            .bind(relay.0)
            .bind(filter.0.cast_signed())
            .bind(limit(MAX_INTERVALS))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("gaps"))?;
        Ok(rows::readable(&found, rows::gap))
    }

    async fn gap_counts(&self) -> Result<Vec<GapCount>, StoreError> {
        let found = sqlx::query(GAP_COUNTS)
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("gap_counts"))?;
        Ok(rows::readable(&found, rows::gap_count))
    }

    async fn coverage_counts(&self) -> Result<Vec<CoverageCount>, StoreError> {
        let found = sqlx::query(COVERAGE_COUNTS)
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("coverage_counts"))?;
        Ok(rows::readable(&found, rows::coverage_count))
    }

    async fn network_progress(&self, since: u64) -> Result<Vec<NetworkProgress>, StoreError> {
        let found = sqlx::query(NETWORK_PROGRESS)
            .bind(integer(since))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("network_progress"))?;
        Ok(rows::readable(&found, rows::network_progress))
    }

    async fn relays_behind(&self, at_most: usize) -> Result<Vec<RelayProgress>, StoreError> {
        let found = sqlx::query(RELAYS_BEHIND)
            .bind(limit(at_most))
            .fetch_all(&self.sqlite().readers)
            .await
            .map_err(during("relays_behind"))?;
        Ok(rows::readable(&found, rows::relay_progress))
    }

    async fn relays_covered_since(&self, since: u64) -> Result<u64, StoreError> {
        let row = sqlx::query(COVERED_SINCE)
            .bind(integer(since))
            .fetch_one(&self.sqlite().readers)
            .await
            .map_err(during("relays_covered_since"))?;
        rows::count(&row, "relays")
    }
}

/// The time line of a relay under a filter.
#[derive(Clone, Copy)]
struct Line {
    relay: RelayId,
    filter: FilterId,
}

impl Line {
    async fn cover(self, tx: &mut SqliteConnection, new: Interval) -> Result<(), sqlx::Error> {
        // One second more on both sides, to meet the neighbours that it touches.
        let (from, until) = (new.from.saturating_sub(1), new.until.saturating_add(1));
        let found = self.within(tx, INTERVALS_WITHIN, from, until).await?;
        let touched = rows::readable(&found, rows::interval);
        self.delete(tx, DELETE_INTERVALS, &found).await?;
        for interval in timeline::cover(&touched, new) {
            self.add_interval(tx, interval).await?;
        }
        Ok(())
    }

    async fn close_gaps(self, tx: &mut SqliteConnection, by: Interval) -> Result<(), sqlx::Error> {
        let found = self.within(tx, GAPS_WITHIN, by.from, by.until).await?;
        let overlapped = rows::readable(&found, rows::gap);
        self.delete(tx, DELETE_GAPS, &found).await?;
        for gap in timeline::close_gaps(&overlapped, by.from, by.until) {
            self.insert_gap(tx, gap).await?;
        }
        Ok(())
    }

    async fn add_gap(self, tx: &mut SqliteConnection, new: NewGap) -> Result<(), sqlx::Error> {
        let found = self.within(tx, GAPS_WITHIN, new.from, new.until).await?;
        let overlapped = rows::readable(&found, rows::gap);
        self.delete(tx, DELETE_GAPS, &found).await?;
        for gap in timeline::add_gap(&overlapped, new) {
            self.insert_gap(tx, gap).await?;
        }
        Ok(())
    }

    async fn within(
        self,
        tx: &mut SqliteConnection,
        query: &'static str,
        from: u64,
        until: u64,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        sqlx::query(query)
            .bind(self.relay.0)
            .bind(self.filter.0.cast_signed())
            .bind(integer(from))
            .bind(integer(until))
            .fetch_all(tx)
            .await
    }

    /// Deletes the rows found, which follow each other without another between them.
    async fn delete(
        self,
        tx: &mut SqliteConnection,
        query: &'static str,
        found: &[SqliteRow],
    ) -> Result<(), sqlx::Error> {
        let since = |row| rows::number::<i64>(row, "since");
        let (first, last) = (found.first().and_then(since), found.last().and_then(since));
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(());
        };
        sqlx::query(query)
            .bind(self.relay.0)
            .bind(self.filter.0.cast_signed())
            .bind(first)
            .bind(last)
            .execute(tx)
            .await?;
        Ok(())
    }

    async fn add_interval(
        self,
        tx: &mut SqliteConnection,
        interval: Interval,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(ADD_INTERVAL)
            .bind(self.relay.0)
            .bind(self.filter.0.cast_signed())
            .bind(integer(interval.from))
            .bind(integer(interval.until))
            .bind(interval.method.as_str())
            .bind(integer(interval.covered_at))
            .bind(integer(interval.events))
            .execute(tx)
            .await?;
        Ok(())
    }

    async fn insert_gap(self, tx: &mut SqliteConnection, gap: Gap) -> Result<(), sqlx::Error> {
        sqlx::query(ADD_GAP)
            .bind(self.relay.0)
            .bind(self.filter.0.cast_signed())
            .bind(integer(gap.from))
            .bind(integer(gap.until))
            .bind(gap.reason.as_str())
            .bind(gap.attempts)
            .bind(integer(gap.found_at))
            .bind(integer(gap.next_attempt_at))
            .execute(tx)
            .await?;
        Ok(())
    }
}
