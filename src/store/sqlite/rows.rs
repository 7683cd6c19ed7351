//! Rows read back into the types they came from. A row that cannot be read back is
//! [`StoreError::Damaged`] when it was asked for by its key, and left out of lists, with a warning:
//! one bad row must not hide its neighbours.

use nips::relay_url::LocalRelays;
use nips::{Network, RelayUrl};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::model::{Candidate, Gap, GapReason, Interval, Method, Relay, RelayId, RelayState};
use crate::store::StoreError;

/// Reads all rows that can be read, and logs the others.
pub(super) fn readable<T>(
    rows: &[SqliteRow],
    read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
) -> Vec<T> {
    let warn = |error: &StoreError| tracing::warn!(%error, "row is left out");
    rows.iter()
        .filter_map(|row| read(row).inspect_err(warn).ok())
        .collect()
}

/// A relay from a row of `relay`.
pub(super) fn relay(row: &SqliteRow) -> Result<Relay, StoreError> {
    let read = || {
        Some(Relay {
            id: RelayId(number(row, "relay_id")?),
            url: url(row)?,
            discovered_at: number(row, "discovered_at")?,
            validated_at: number(row, "validated_at")?,
            state: RelayState::from_name(text(row, "state")?)?,
            check_failures: number(row, "check_failures")?,
            next_check_at: number(row, "next_check_at")?,
            sync_failures: number(row, "sync_failures")?,
            next_sync_at: number(row, "next_sync_at")?,
        })
    };
    read().ok_or_else(|| damaged("relay", row, "url"))
}

/// A candidate from a row of `candidate`.
pub(super) fn candidate(row: &SqliteRow) -> Result<Candidate, StoreError> {
    let read = || {
        Some(Candidate {
            url: url(row)?,
            source: text(row, "source")?.to_owned(),
            discovered_at: number(row, "discovered_at")?,
            failures: number(row, "failures")?,
            next_attempt_at: number(row, "next_attempt_at")?,
            last_reason: row.try_get("last_reason").ok()?,
        })
    };
    read().ok_or_else(|| damaged("candidate", row, "url"))
}

/// An interval from a row of `coverage`.
pub(super) fn interval(row: &SqliteRow) -> Result<Interval, StoreError> {
    let read = || {
        Some(Interval {
            from: number(row, "since")?,
            until: number(row, "until")?,
            method: Method::from_name(text(row, "method")?)?,
            covered_at: number(row, "covered_at")?,
            events: number(row, "events")?,
        })
    };
    read().ok_or_else(|| damaged("interval", row, "since"))
}

/// A gap from a row of `gap`.
pub(super) fn gap(row: &SqliteRow) -> Result<Gap, StoreError> {
    let read = || {
        Some(Gap {
            from: number(row, "since")?,
            until: number(row, "until")?,
            reason: GapReason::from_name(text(row, "reason")?)?,
            attempts: number(row, "attempts")?,
            found_at: number(row, "found_at")?,
            next_attempt_at: number(row, "next_attempt_at")?,
        })
    };
    read().ok_or_else(|| damaged("gap", row, "since"))
}

/// The network of a row of counts.
pub(super) fn network(row: &SqliteRow) -> Result<Network, StoreError> {
    let network = text(row, "network").and_then(|name| name.parse().ok());
    network.ok_or_else(|| damaged("count", row, "network"))
}

/// A count.
pub(super) fn count(row: &SqliteRow, column: &'static str) -> Result<u64, StoreError> {
    number(row, column).ok_or_else(|| damaged("count", row, column))
}

/// A whole number that fits its type.
pub(super) fn number<T: TryFrom<i64>>(row: &SqliteRow, column: &'static str) -> Option<T> {
    row.try_get::<i64, _>(column).ok()?.try_into().ok()
}

/// A text.
pub(super) fn text<'row>(row: &'row SqliteRow, column: &'static str) -> Option<&'row str> {
    row.try_get(column).ok()
}

/// What is wrong, with the row named by one of its columns, a number or a text.
pub(super) fn damaged(noun: &str, row: &SqliteRow, column: &'static str) -> StoreError {
    let name = match row.try_get::<i64, _>(column) {
        Ok(number) => number.to_string(),
        Err(_) => text(row, column).unwrap_or("without a name").to_owned(),
    };
    StoreError::Damaged {
        what: format!("{noun} {name}"),
    }
}

/// The URL column, when it still is what the parser makes of it. Whether local relays are welcome was
/// decided when it was stored.
fn url(row: &SqliteRow) -> Option<RelayUrl> {
    let stored = text(row, "url")?;
    let parsed = RelayUrl::parse_with(stored, LocalRelays::Accepted).ok()?;
    (parsed.as_str() == stored).then_some(parsed)
}
