//! Rows of either relational engine, read back into the types they came from, and numbers as both
//! engines take them.
//!
//! A row that cannot be read back is [`StoreError::Damaged`] when it was asked for by its key, and left
//! out of lists, with a warning: one bad row must not hide its neighbours.

use nips::relay_url::LocalRelays;
use nips::{EventId, Network, PublicKey, RelayUrl};

use crate::model::{
    Alias, Candidate, Evidence, FailureCount, Gap, GapReason, Interval, Metadata, MetadataType,
    Method, NetworkTraffic, News, Publication, Relay, RelayId, RelayMetadata, RelayNews,
    RelayState, RelayTraffic, RttSample, ServiceName, ServiceState, StateType, Traffic, Transition,
};
use crate::store::StoreError;
use crate::store::coverage::{CoverageCount, GapCount, NetworkProgress, RelayProgress};
use crate::store::figures::{Average, RelayFigures, SoftwareFigures};
use crate::store::quarantine::QuarantinedEvent;
use crate::store::relays::RelayCount;
use crate::store::series::{LatestCheck, SeriesRow};
use crate::store::statistics::{CycleRecord, Totals};

/// A row as an engine returns it. A column that is missing, null or of another type is `None`.
pub(super) trait StoredRow {
    /// A whole number.
    fn integer(&self, column: &'static str) -> Option<i64>;

    /// A text.
    fn text(&self, column: &'static str) -> Option<&str>;

    /// Bytes.
    fn bytes(&self, column: &'static str) -> Option<&[u8]>;

    /// A yes or no.
    fn flag(&self, column: &'static str) -> Option<bool>;

    /// Whether the column is there and null.
    fn is_null(&self, column: &'static str) -> bool;
}

/// A number as a database stores it. Nothing that happens lies beyond 2^63 seconds, so such a number
/// means "never" or "for ever", and so does the highest that fits.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A limit as a database takes it; a negative one would mean none, or be refused.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Reads all rows that can be read, and logs the others.
pub(super) fn readable<R, T>(rows: &[R], read: impl Fn(&R) -> Result<T, StoreError>) -> Vec<T> {
    let warn = |error: &StoreError| tracing::warn!(%error, "row is left out");
    rows.iter()
        .filter_map(|row| read(row).inspect_err(warn).ok())
        .collect()
}

/// A relay from a row of `relay`.
pub(super) fn relay(row: &impl StoredRow) -> Result<Relay, StoreError> {
    let read = || {
        Some(Relay {
            id: RelayId(number(row, "relay_id")?),
            url: url(row)?,
            discovered_at: number(row, "discovered_at")?,
            validated_at: number(row, "validated_at")?,
            state: RelayState::from_name(row.text("state")?)?,
            check_failures: number(row, "check_failures")?,
            next_check_at: number(row, "next_check_at")?,
            sync_failures: number(row, "sync_failures")?,
            next_sync_at: number(row, "next_sync_at")?,
        })
    };
    read().ok_or_else(|| damaged("relay", row, "url"))
}

/// The key of a relay, by itself.
pub(super) fn relay_id(row: &impl StoredRow) -> Result<RelayId, StoreError> {
    let id = number(row, "relay_id").map(RelayId);
    id.ok_or_else(|| damaged("relay", row, "relay_id"))
}

/// A candidate from a row of `candidate`.
pub(super) fn candidate(row: &impl StoredRow) -> Result<Candidate, StoreError> {
    let read = || {
        Some(Candidate {
            url: url(row)?,
            source: row.text("source")?.to_owned(),
            discovered_at: number(row, "discovered_at")?,
            failures: number(row, "failures")?,
            next_attempt_at: number(row, "next_attempt_at")?,
            last_reason: optional(row, "last_reason", || {
                row.text("last_reason").map(str::to_owned)
            })?,
        })
    };
    read().ok_or_else(|| damaged("candidate", row, "url"))
}

/// Evidence from a row of `candidate_evidence`.
pub(super) fn evidence(row: &impl StoredRow) -> Result<Evidence, StoreError> {
    let read = || {
        Some(Evidence {
            url: url(row)?,
            source: row.text("source")?.to_owned(),
            namings: number(row, "namings")?,
            first_named_at: number(row, "first_named_at")?,
            last_named_at: number(row, "last_named_at")?,
        })
    };
    read().ok_or_else(|| damaged("evidence", row, "url"))
}

/// A URL from a row that has nothing else.
pub(super) fn known_url(row: &impl StoredRow) -> Result<RelayUrl, StoreError> {
    url(row).ok_or_else(|| damaged("url", row, "url"))
}

/// The URLs among the candidates found that this version's parser refuses: each would be due for ever
/// and take the place of another.
pub(super) fn unreadable_candidates<R: StoredRow>(rows: &[R]) -> Vec<&str> {
    let unreadable = rows.iter().filter(|row| candidate(*row).is_err());
    unreadable.filter_map(|row| row.text("url")).collect()
}

/// A document about a relay, when it still hashes to its id.
pub(super) fn relay_metadata(
    row: &impl StoredRow,
    relay: RelayId,
    metadata_type: MetadataType,
) -> Result<RelayMetadata, StoreError> {
    let read = || {
        let metadata = Metadata::new(metadata_type, row.text("data")?.to_owned());
        (metadata.id() == row.bytes("id")?).then_some(RelayMetadata {
            relay,
            generated_at: number(row, "last_generated_at")?,
            metadata,
        })
    };
    read().ok_or_else(|| StoreError::Damaged {
        what: format!("{} document of relay {}", metadata_type.as_str(), relay.0),
    })
}

/// A sample from a row of `relay_rtt`.
pub(super) fn rtt_sample(row: &impl StoredRow, relay: RelayId) -> Result<RttSample, StoreError> {
    let milliseconds = |column| optional(row, column, || number(row, column));
    let read = || {
        Some(RttSample {
            relay,
            checked_at: number(row, "checked_at")?,
            open_ms: milliseconds("open_ms")?,
            read_ms: milliseconds("read_ms")?,
            write_ms: milliseconds("write_ms")?,
        })
    };
    read().ok_or_else(|| damaged("rtt sample", row, "checked_at"))
}

/// A relay's traffic from a row of `relay_traffic`.
pub(super) fn relay_traffic(row: &impl StoredRow) -> Result<RelayTraffic, StoreError> {
    Ok(RelayTraffic {
        total: traffic(row)?,
        news: relay_news(row)?.news,
    })
}

/// A relay's news from a row of `relay_traffic`.
pub(super) fn relay_news(row: &impl StoredRow) -> Result<RelayNews, StoreError> {
    let read = || {
        Some(RelayNews {
            relay: RelayId(number(row, "relay_id")?),
            news: News {
                fresh_until: number(row, "fresh_until")?,
                is_caught_up: row.flag("is_caught_up")?,
            },
        })
    };
    read().ok_or_else(|| damaged("traffic", row, "relay_id"))
}

/// A network's traffic.
pub(super) fn network_traffic(row: &impl StoredRow) -> Result<NetworkTraffic, StoreError> {
    Ok(NetworkTraffic {
        network: network(row)?,
        total: traffic(row)?,
    })
}

fn traffic(row: &impl StoredRow) -> Result<Traffic, StoreError> {
    Ok(Traffic {
        received_bytes: count(row, "received_bytes")?,
        new_events: count(row, "new_events")?,
        known_events: count(row, "known_events")?,
        refused_events: count(row, "refused_events")?,
    })
}

/// A publication from a row of `publication`.
pub(super) fn publication(row: &impl StoredRow) -> Result<Publication, StoreError> {
    let read = || {
        Some(Publication {
            relay: url(row)?,
            subject: row.text("subject")?.to_owned(),
            event: EventId(row.bytes("event_id")?.try_into().ok()?),
            queued_at: number(row, "queued_at")?,
        })
    };
    read().ok_or_else(|| damaged("publication", row, "url"))
}

/// How much waits for a relay.
pub(super) fn publication_count(row: &impl StoredRow) -> Result<(RelayUrl, u64), StoreError> {
    let relay = url(row).ok_or_else(|| damaged("publication", row, "url"))?;
    Ok((relay, count(row, "events")?))
}

/// An alias from a row of `relay_alias`.
pub(super) fn alias(row: &impl StoredRow) -> Result<Alias, StoreError> {
    let read = || {
        Some(Alias {
            relay: RelayId(number(row, "relay_id")?),
            canonical: RelayId(number(row, "canonical_id")?),
            evidence: row.text("evidence")?.to_owned(),
            found_at: number(row, "found_at")?,
        })
    };
    read().ok_or_else(|| damaged("alias", row, "relay_id"))
}

/// What the URLs with the scheme, host and port of this one lie between: the URL without a path, the same
/// with a slash, and the first text behind all that begin with that.
pub(super) fn beside(url: &RelayUrl) -> (String, String, String) {
    let base = url
        .as_str()
        .strip_suffix(url.path())
        .unwrap_or(url.as_str());
    // '0' is the character behind '/'.
    (base.to_owned(), format!("{base}/"), format!("{base}0"))
}

/// The latest check from a row of `relay_check`, which is all null before the first.
pub(super) fn latest_check(row: &impl StoredRow) -> Result<Option<LatestCheck>, StoreError> {
    let read = || {
        Some(LatestCheck {
            checked_at: number(row, "checked_at")?,
            state: RelayState::from_name(row.text("state")?)?,
            is_up: row.flag("is_up")?,
            next_check_at: number(row, "next_check_at")?,
        })
    };
    if row.is_null("checked_at") {
        return Ok(None);
    }
    let damaged = || damaged("latest check", row, "state");
    read().map(Some).ok_or_else(damaged)
}

/// A row of `relay_series`.
pub(super) fn series_row(row: &impl StoredRow) -> Result<SeriesRow, StoreError> {
    let read = || {
        Some(SeriesRow {
            resolution_s: number(row, "resolution_s")?,
            started_at: number(row, "started_at")?,
            checks: number(row, "checks")?,
            answered: number(row, "answered")?,
            up_s: number(row, "up_s")?,
            down_s: number(row, "down_s")?,
            open_times: row.text("open_times")?.to_owned(),
        })
    };
    read().ok_or_else(|| damaged("series", row, "started_at"))
}

/// A change of state from a row of `relay_transition`.
pub(super) fn transition(row: &impl StoredRow) -> Result<Transition, StoreError> {
    let read = || {
        Some(Transition {
            changed_at: number(row, "changed_at")?,
            from: RelayState::from_name(row.text("from_state")?)?,
            to: RelayState::from_name(row.text("to_state")?)?,
            reason: row.text("reason")?.to_owned(),
        })
    };
    read().ok_or_else(|| damaged("transition", row, "changed_at"))
}

/// Failures for one reason.
pub(super) fn failure_count(row: &impl StoredRow) -> Result<FailureCount, StoreError> {
    let read = || {
        Some(FailureCount {
            reason: row.text("reason")?.to_owned(),
            failures: number(row, "failures")?,
        })
    };
    read().ok_or_else(|| damaged("failures", row, "reason"))
}

/// An interval from a row of `coverage`.
pub(super) fn interval(row: &impl StoredRow) -> Result<Interval, StoreError> {
    let read = || {
        Some(Interval {
            from: number(row, "since")?,
            until: number(row, "until")?,
            method: Method::from_name(row.text("method")?)?,
            covered_at: number(row, "covered_at")?,
            events: number(row, "events")?,
        })
    };
    read().ok_or_else(|| damaged("interval", row, "since"))
}

/// A gap from a row of `gap`.
pub(super) fn gap(row: &impl StoredRow) -> Result<Gap, StoreError> {
    let read = || {
        Some(Gap {
            from: number(row, "since")?,
            until: number(row, "until")?,
            reason: GapReason::from_name(row.text("reason")?)?,
            attempts: number(row, "attempts")?,
            found_at: number(row, "found_at")?,
            next_attempt_at: number(row, "next_attempt_at")?,
        })
    };
    read().ok_or_else(|| damaged("gap", row, "since"))
}

/// Service state from a row of `service_state`.
pub(super) fn service_state(
    row: &impl StoredRow,
    service: ServiceName,
    state_type: StateType,
) -> Result<ServiceState, StoreError> {
    let read = || {
        Some(ServiceState {
            service,
            state_type,
            key: row.text("state_key")?.to_owned(),
            value: serde_json::from_str(row.text("state_value")?).ok()?,
            updated_at: number(row, "updated_at")?,
        })
    };
    read().ok_or_else(|| damaged("service state", row, "state_key"))
}

/// A cycle from a row of `cycle`.
pub(super) fn cycle(row: &impl StoredRow, service: ServiceName) -> Result<CycleRecord, StoreError> {
    let read = || {
        Some(CycleRecord {
            service,
            started_at: number(row, "started_at")?,
            duration_ms: number(row, "duration_ms")?,
            is_success: row.flag("is_success")?,
            summary: row.text("summary")?.to_owned(),
        })
    };
    read().ok_or_else(|| damaged("cycle", row, "started_at"))
}

/// An event from a row of `quarantine`.
pub(super) fn quarantined_event(row: &impl StoredRow) -> Result<QuarantinedEvent, StoreError> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let read = || {
        Some(QuarantinedEvent {
            id: EventId(row.bytes("id")?.try_into().ok()?),
            event: optional(row, "event", || row.bytes("event").and_then(text))?,
            relay: optional(row, "relay_id", || number(row, "relay_id").map(RelayId))?,
            reason: row.text("reason")?.to_owned(),
            quarantined_at: number(row, "quarantined_at")?,
        })
    };
    read().ok_or_else(|| damaged("quarantined event", row, "quarantined_at"))
}

/// Relays of a network in a state.
pub(super) fn relay_count(row: &impl StoredRow) -> Result<RelayCount, StoreError> {
    let state = row.text("state").and_then(RelayState::from_name);
    Ok(RelayCount {
        network: network(row)?,
        state: state.ok_or_else(|| damaged("count", row, "state"))?,
        relays: count(row, "relays")?,
    })
}

/// How far a network is archived.
pub(super) fn network_progress(row: &impl StoredRow) -> Result<NetworkProgress, StoreError> {
    Ok(NetworkProgress {
        network: network(row)?,
        relays: count(row, "relays")?,
        covered: count(row, "covered")?,
        recent: count(row, "recent")?,
        gaps: count(row, "gaps")?,
        gap_relays: count(row, "gap_relays")?,
        oldest: optional(row, "oldest", || number(row, "oldest")).flatten(),
    })
}

/// How far a relay is archived.
pub(super) fn relay_progress(row: &impl StoredRow) -> Result<RelayProgress, StoreError> {
    Ok(RelayProgress {
        url: url(row).ok_or_else(|| damaged("relay", row, "relay_id"))?,
        covered_until: optional(row, "newest", || number(row, "newest")).flatten(),
        gaps: count(row, "gaps")?,
    })
}

/// Candidates of a network.
pub(super) fn candidate_count(row: &impl StoredRow) -> Result<(Network, u64), StoreError> {
    Ok((network(row)?, count(row, "candidates")?))
}

/// Gaps of a reason.
pub(super) fn gap_count(row: &impl StoredRow) -> Result<GapCount, StoreError> {
    let reason = row.text("reason").and_then(GapReason::from_name);
    Ok(GapCount {
        reason: reason.ok_or_else(|| damaged("count", row, "reason"))?,
        gaps: count(row, "gaps")?,
        relays: count(row, "relays")?,
    })
}

/// Intervals of a method.
pub(super) fn coverage_count(row: &impl StoredRow) -> Result<CoverageCount, StoreError> {
    let method = row.text("method").and_then(Method::from_name);
    Ok(CoverageCount {
        method: method.ok_or_else(|| damaged("count", row, "method"))?,
        intervals: count(row, "intervals")?,
        relays: count(row, "relays")?,
        events: count(row, "events")?,
    })
}

/// The row that counts every noun.
pub(super) fn totals(row: &impl StoredRow) -> Result<Totals, StoreError> {
    let count = |column| count(row, column);
    Ok(Totals {
        candidates: count("candidates")?,
        tombstones: count("tombstones")?,
        relays: count("relays")?,
        metadata: count("metadata")?,
        relay_metadata: count("relay_metadata")?,
        rtt_samples: count("rtt_samples")?,
        covered_relays: count("covered_relays")?,
        intervals: count("intervals")?,
        gaps: count("gaps")?,
        gap_relays: count("gap_relays")?,
        size_bytes: count("size_bytes")?,
    })
}

/// A relay, with what was seen there where the engine tells.
pub(super) fn relay_figures(row: &impl StoredRow) -> Result<RelayFigures, StoreError> {
    let seen = |column| number(row, column).unwrap_or_default();
    let text = |column| {
        let text = row.text(column).filter(|_| !row.is_null(column));
        text.map(str::to_owned)
    };
    let average = |sum, many| -> Result<Average, StoreError> {
        let (sum, count) = (count(row, sum)?, count(row, many)?);
        Ok(Average { sum, count })
    };
    let relay = number(row, "relay_id");
    Ok(RelayFigures {
        relay: RelayId(relay.ok_or_else(|| damaged("relay", row, "relay_id"))?),
        network: network(row)?,
        events: seen("events"),
        authors: seen("authors"),
        kinds: seen("kinds"),
        first_created_at: number(row, "first_created_at"),
        last_created_at: number(row, "last_created_at"),
        open: average("open_sum", "open_count")?,
        read: average("read_sum", "read_count")?,
        write: average("write_sum", "write_count")?,
        name: text("name"),
        software: text("software"),
        version: text("version"),
    })
}

/// Relays of a software.
pub(super) fn software_figures(row: &impl StoredRow) -> Result<SoftwareFigures, StoreError> {
    let text = |column| {
        let text = row.text(column).map(str::to_owned);
        text.ok_or_else(|| damaged("software", row, column))
    };
    Ok(SoftwareFigures {
        software: text("software")?,
        version: text("version")?,
        relays: count(row, "relays")?,
    })
}

/// A NIP and its relays.
pub(super) fn nip_figures(row: &impl StoredRow) -> Result<(u32, u64), StoreError> {
    let nip = number(row, "nip").ok_or_else(|| damaged("NIP", row, "nip"))?;
    Ok((nip, count(row, "relays")?))
}

/// A public key.
pub(super) fn pubkey(row: &impl StoredRow, column: &'static str) -> Option<PublicKey> {
    row.bytes(column)?.try_into().ok().map(PublicKey)
}

/// A count.
pub(super) fn count(row: &impl StoredRow, column: &'static str) -> Result<u64, StoreError> {
    number(row, column).ok_or_else(|| damaged("count", row, column))
}

/// A whole number that fits its type.
pub(super) fn number<T: TryFrom<i64>>(row: &impl StoredRow, column: &'static str) -> Option<T> {
    row.integer(column)?.try_into().ok()
}

/// What is wrong, with the row named by one of its columns, a number or a text.
pub(super) fn damaged(noun: &str, row: &impl StoredRow, column: &'static str) -> StoreError {
    let name = match row.integer(column) {
        Some(number) => number.to_string(),
        None => row.text(column).unwrap_or("without a name").to_owned(),
    };
    StoreError::Damaged {
        what: format!("{noun} {name}"),
    }
}

/// `Some(None)` for null.
fn optional<T>(
    row: &impl StoredRow,
    column: &'static str,
    read: impl FnOnce() -> Option<T>,
) -> Option<Option<T>> {
    if row.is_null(column) {
        return Some(None);
    }
    read().map(Some)
}

/// The network column.
pub(super) fn network(row: &impl StoredRow) -> Result<Network, StoreError> {
    let network = row.text("network").and_then(|name| name.parse().ok());
    network.ok_or_else(|| damaged("count", row, "network"))
}

/// The URL column, when it still is what the parser makes of it. Whether local relays are welcome was
/// decided when it was stored.
fn url(row: &impl StoredRow) -> Option<RelayUrl> {
    let stored = row.text("url")?;
    let parsed = RelayUrl::parse_with(stored, LocalRelays::Accepted).ok()?;
    (parsed.as_str() == stored).then_some(parsed)
}
