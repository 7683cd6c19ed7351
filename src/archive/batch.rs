//! One write to the store, and what to do when a single row makes it fail.

use crate::model::Sighting;
use crate::store::events::{BatchNumber, EventBatch, EventKey, NewEvent, Outcome};
use crate::store::quarantine::QuarantinedEvent;
use crate::store::{EventStore, StoreError};

/// Bytes of a reason that are kept: a server quotes what it refuses, and that may be long.
const MAX_REASON_BYTES: usize = 1_000;

/// Single rows of one write that may fail before the store itself counts as broken.
const MAX_POISONED_ROWS: usize = 16;

/// One row of a batch.
#[derive(Debug, Clone)]
pub(super) enum Row {
    /// A verified event.
    Event(NewEvent),
    /// A further sighting of a stored event.
    Sighting(EventKey, Sighting),
}

impl Row {
    fn key(&self) -> EventKey {
        match self {
            Self::Event(new) => EventKey::of(&new.event),
            Self::Sighting(key, _) => *key,
        }
    }

    /// The row as it is kept aside.
    fn quarantined(&self, error: &StoreError, now: u64) -> QuarantinedEvent {
        let (event, sighting) = match self {
            Self::Event(new) => (Some(new.event.to_json()), new.sighting),
            Self::Sighting(_, sighting) => (None, Some(*sighting)),
        };
        QuarantinedEvent {
            id: self.key().id,
            event,
            relay: sighting.map(|sighting| sighting.relay),
            reason: reason(error),
            quarantined_at: now,
        }
    }
}

/// What became of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowOutcome {
    /// The store's word on an event, and the batch it arrived in.
    Event(Outcome, Option<BatchNumber>),
    /// Whether the sighting was new. The store only counts them: of several in one write, the
    /// first ones pass for new, which is right in sum.
    Sighting(bool),
    /// The store fails on this row alone.
    Poisoned,
}

/// When rows are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// Unix seconds.
    pub(super) now: u64,
    /// See [`EventBatch::rows_to_come`].
    pub(super) rows_to_come: usize,
}

/// The rows with their outcomes, in the order given, and what failed on the way.
pub(super) struct Written {
    pub(super) rows: Vec<(Row, RowOutcome)>,
    /// Writes that failed.
    pub(super) failures: usize,
    /// The rows that the store fails on by themselves, for [`RowOutcome::Poisoned`].
    pub(super) poisoned: Vec<QuarantinedEvent>,
}

/// Writes rows in one transaction, sorted by key. When the store fails for good, the rows are
/// halved until the one it cannot take is alone, so that one bad row costs only itself.
///
/// # Errors
/// [`StoreError`] when trying again later may help, and when so many rows fail that the fault is not in the
/// rows; or all of them, unless the store says that it is.
pub(super) async fn write(
    store: &dyn EventStore,
    rows: Vec<Row>,
    timing: Timing,
) -> Result<Written, StoreError> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_cached_key(|&position| rows[position].key());
    let mut outcomes = vec![RowOutcome::Poisoned; rows.len()];
    let (mut failures, mut poisoned) = (0, Vec::new());
    let mut pending = vec![order.as_slice()];
    while let Some(part) = pending.pop().filter(|part| !part.is_empty()) {
        match write_part(store, &rows, part, timing).await {
            Ok(done) => {
                for (&position, outcome) in part.iter().zip(done) {
                    outcomes[position] = outcome;
                }
            }
            Err(error @ (StoreError::Failed { .. } | StoreError::Refused { .. })) => {
                failures += 1;
                if let [position] = part {
                    poisoned.push(rows[*position].quarantined(&error, timing.now));
                }
                if is_fault_of_store(&error, poisoned.len(), rows.len()) {
                    return Err(error);
                }
                tracing::warn!(count = part.len(), reason = error.reason(), %error, "a batch of events could not be stored");
                if part.len() > 1 {
                    let (low, high) = part.split_at(part.len() / 2);
                    pending.extend([high, low]);
                }
            }
            Err(error) => return Err(error),
        }
    }
    let rows = rows.into_iter().zip(outcomes).collect();
    Ok(Written {
        rows,
        failures,
        poisoned,
    })
}

/// Whether so many poisoned rows of a write speak against the store. When nothing was taken at all, only the store can
/// tell.
fn is_fault_of_store(error: &StoreError, poisoned: usize, rows: usize) -> bool {
    let is_row_at_fault = matches!(error, StoreError::Refused { .. });
    poisoned > MAX_POISONED_ROWS || poisoned == rows && !is_row_at_fault
}

async fn write_part(
    store: &dyn EventStore,
    rows: &[Row],
    part: &[usize],
    timing: Timing,
) -> Result<Vec<RowOutcome>, StoreError> {
    let mut batch = EventBatch {
        now: timing.now,
        rows_to_come: timing.rows_to_come,
        ..EventBatch::default()
    };
    for &position in part {
        match &rows[position] {
            Row::Event(new) => batch.events.push(new.clone()),
            Row::Sighting(key, sighting) => batch.sightings.push((*key, *sighting)),
        }
    }
    let report = store.write(batch).await?;
    let mut events = report.outcomes.into_iter();
    let mut new_sightings = report.new_sightings;
    let outcome = |&position: &usize| match &rows[position] {
        Row::Event(_) => {
            let outcome = events.next().expect("the store answers for each event");
            RowOutcome::Event(outcome, report.batch)
        }
        Row::Sighting(..) => {
            let is_new = new_sightings > 0;
            new_sightings = new_sightings.saturating_sub(1);
            RowOutcome::Sighting(is_new)
        }
    };
    Ok(part.iter().map(outcome).collect())
}

/// What the store said, with its causes.
fn reason(error: &StoreError) -> String {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        reason.push_str(": ");
        reason.push_str(&error.to_string());
        cause = error.source();
    }
    reason.truncate(reason.floor_char_boundary(MAX_REASON_BYTES));
    // No database takes it in a text.
    reason.replace('\0', "\u{fffd}")
}
