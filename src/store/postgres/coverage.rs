//! Coverage and gaps in PostgreSQL: rows are read, changed by [`crate::store::timeline`] and replaced, in
//! one transaction that holds the relay's row, so that two processes do not change one time line at
//! the same time.

use async_trait::async_trait;
use sqlx::postgres::PgRow;

use super::PostgresStore;
use super::batch::key;
use super::call::{Call, Transaction};
use super::connection::statement;
use crate::model::{Gap, Interval, NewGap, RelayId};
use crate::store::coverage::{
    CoverageCount, FilterId, GapCount, MAX_INTERVALS, NetworkProgress, RelayProgress,
};
use crate::store::rows::{self, integer, limit};
use crate::store::{CoverageStore, StoreError, timeline};

const COVERAGE: &str = include_str!("../../../sql/postgres/queries/coverage.sql");
const INTERVALS_WITHIN: &str = include_str!("../../../sql/postgres/queries/intervals_within.sql");
const DELETE_INTERVALS: &str = include_str!("../../../sql/postgres/queries/delete_intervals.sql");
const ADD_INTERVALS: &str = include_str!("../../../sql/postgres/queries/add_intervals.sql");
const GAPS: &str = include_str!("../../../sql/postgres/queries/gaps.sql");
const GAPS_WITHIN: &str = include_str!("../../../sql/postgres/queries/gaps_within.sql");
const DELETE_GAPS: &str = include_str!("../../../sql/postgres/queries/delete_gaps.sql");
const ADD_GAPS: &str = include_str!("../../../sql/postgres/queries/add_gaps.sql");
const GAP_COUNTS: &str = include_str!("../../../sql/postgres/queries/gap_counts.sql");
const NETWORK_PROGRESS: &str = include_str!("../../../sql/postgres/queries/network_progress.sql");
const RELAYS_BEHIND: &str = include_str!("../../../sql/postgres/queries/relays_behind.sql");
const COVERAGE_COUNTS: &str = include_str!("../../../sql/postgres/queries/coverage_counts.sql");
const COVERED_SINCE: &str = include_str!("../../../sql/postgres/queries/relays_covered_since.sql");

#[async_trait]
impl CoverageStore for PostgresStore {
    async fn coverage(
        &self,
        relay: RelayId,
        filter: FilterId,
    ) -> Result<Vec<Interval>, StoreError> {
        let line = Line { relay, filter };
        let found = line.read(&self.call("coverage"), COVERAGE).await?;
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
        let call = self.call("cover");
        let mut tx = call.begin().await?;
        tx.lock_relays([relay]).await?;
        line.cover(&mut tx, interval).await?;
        line.close_gaps(&mut tx, interval).await?;
        tx.commit().await
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
        let call = self.call("add_gap");
        let mut tx = call.begin().await?;
        tx.lock_relays([relay]).await?;
        line.add_gap(&mut tx, gap).await?;
        tx.commit().await
    }

    async fn gaps(&self, relay: RelayId, filter: FilterId) -> Result<Vec<Gap>, StoreError> {
        let line = Line { relay, filter };
        let found = line.read(&self.call("gaps"), GAPS).await?;
        Ok(rows::readable(&found, rows::gap))
    }

    async fn gap_counts(&self) -> Result<Vec<GapCount>, StoreError> {
        let call = self.call("gap_counts");
        let found = call.fetch_all(statement(GAP_COUNTS)).await?;
        Ok(rows::readable(&found, rows::gap_count))
    }

    async fn coverage_counts(&self) -> Result<Vec<CoverageCount>, StoreError> {
        let call = self.call("coverage_counts");
        let found = call.fetch_all(statement(COVERAGE_COUNTS)).await?;
        Ok(rows::readable(&found, rows::coverage_count))
    }

    async fn network_progress(&self, since: u64) -> Result<Vec<NetworkProgress>, StoreError> {
        let asked = statement(NETWORK_PROGRESS).bind(integer(since));
        let found = self.call("network_progress").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::network_progress))
    }

    async fn relays_behind(&self, at_most: usize) -> Result<Vec<RelayProgress>, StoreError> {
        let asked = statement(RELAYS_BEHIND).bind(limit(at_most));
        let found = self.call("relays_behind").fetch_all(asked).await?;
        Ok(rows::readable(&found, rows::relay_progress))
    }

    async fn relays_covered_since(&self, since: u64) -> Result<u64, StoreError> {
        let call = self.call("relays_covered_since");
        let asked = statement(COVERED_SINCE).bind(integer(since));
        let found = call.fetch_optional(asked).await?;
        found.map_or(Ok(0), |row| rows::count(&row, "relays"))
    }
}

/// The time line of a relay under a filter.
#[derive(Clone, Copy)]
struct Line {
    relay: RelayId,
    filter: FilterId,
}

impl Line {
    async fn read(self, call: &Call<'_>, query: &'static str) -> Result<Vec<PgRow>, StoreError> {
        let asked = statement(query)
            .bind(key(self.relay))
            .bind(self.filter.0.cast_signed())
            .bind(limit(MAX_INTERVALS));
        call.fetch_all(asked).await
    }

    async fn cover(self, tx: &mut Transaction<'_>, new: Interval) -> Result<(), StoreError> {
        // One second more on both sides, to meet the neighbours that it touches.
        let (from, until) = (new.from.saturating_sub(1), new.until.saturating_add(1));
        let found = self.within(tx, INTERVALS_WITHIN, from, until).await?;
        let touched = rows::readable(&found, rows::interval);
        self.delete(tx, DELETE_INTERVALS, &found).await?;
        self.add_intervals(tx, &timeline::cover(&touched, new))
            .await
    }

    async fn close_gaps(self, tx: &mut Transaction<'_>, by: Interval) -> Result<(), StoreError> {
        let found = self.within(tx, GAPS_WITHIN, by.from, by.until).await?;
        let overlapped = rows::readable(&found, rows::gap);
        self.delete(tx, DELETE_GAPS, &found).await?;
        let remaining = timeline::close_gaps(&overlapped, by.from, by.until);
        self.add_gaps(tx, &remaining).await
    }

    async fn add_gap(self, tx: &mut Transaction<'_>, new: NewGap) -> Result<(), StoreError> {
        let found = self.within(tx, GAPS_WITHIN, new.from, new.until).await?;
        let overlapped = rows::readable(&found, rows::gap);
        self.delete(tx, DELETE_GAPS, &found).await?;
        self.add_gaps(tx, &timeline::add_gap(&overlapped, new))
            .await
    }

    async fn within(
        self,
        tx: &mut Transaction<'_>,
        query: &'static str,
        from: u64,
        until: u64,
    ) -> Result<Vec<PgRow>, StoreError> {
        let asked = statement(query)
            .bind(key(self.relay))
            .bind(self.filter.0.cast_signed())
            .bind(integer(from))
            .bind(integer(until));
        tx.fetch_all(asked).await
    }

    /// Deletes the rows found, which follow each other without another between them.
    async fn delete(
        self,
        tx: &mut Transaction<'_>,
        query: &'static str,
        found: &[PgRow],
    ) -> Result<(), StoreError> {
        let since = |row| rows::number::<i64>(row, "since");
        let (first, last) = (found.first().and_then(since), found.last().and_then(since));
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(());
        };
        let delete = statement(query)
            .bind(key(self.relay))
            .bind(self.filter.0.cast_signed())
            .bind(first)
            .bind(last);
        tx.execute(delete).await?;
        Ok(())
    }

    async fn add_intervals(
        self,
        tx: &mut Transaction<'_>,
        intervals: &[Interval],
    ) -> Result<(), StoreError> {
        let methods: Vec<_> = intervals.iter().map(|new| new.method.as_str()).collect();
        let add = statement(ADD_INTERVALS)
            .bind(key(self.relay))
            .bind(self.filter.0.cast_signed())
            .bind(column(intervals, |new| new.from))
            .bind(column(intervals, |new| new.until))
            .bind(methods)
            .bind(column(intervals, |new| new.covered_at))
            .bind(column(intervals, |new| new.events));
        tx.execute(add).await?;
        Ok(())
    }

    async fn add_gaps(self, tx: &mut Transaction<'_>, gaps: &[Gap]) -> Result<(), StoreError> {
        if gaps.is_empty() {
            return Ok(());
        }
        let reasons: Vec<_> = gaps.iter().map(|gap| gap.reason.as_str()).collect();
        let add = statement(ADD_GAPS)
            .bind(key(self.relay))
            .bind(self.filter.0.cast_signed())
            .bind(column(gaps, |gap| gap.from))
            .bind(column(gaps, |gap| gap.until))
            .bind(reasons)
            .bind(column(gaps, |gap| gap.attempts.into()))
            .bind(column(gaps, |gap| gap.found_at))
            .bind(column(gaps, |gap| gap.next_attempt_at));
        tx.execute(add).await?;
        Ok(())
    }
}

fn column<T>(rows: &[T], value: impl Fn(&T) -> u64) -> Vec<i64> {
    rows.iter().map(|row| integer(value(row))).collect()
}
