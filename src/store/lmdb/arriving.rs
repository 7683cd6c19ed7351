//! Batches on their way in: what the callers' threads prepare, and what becomes of it.

use nips::{Event, Kind};

use super::rules::{Facts, Rules};
use super::tables::Location;
use crate::model::Sighting;
use crate::store::events::{
    BatchNumber, EventBatch, EventKey, IfDeleted, IfProtected, NewEvent, Outcome, Refusal,
    Visibility, WriteReport,
};

/// A batch with everything that can be known without the database.
pub(super) struct PreparedBatch {
    pub(super) events: Vec<PreparedEvent>,
    pub(super) sightings: Vec<(EventKey, Sighting)>,
    /// Unix seconds.
    pub(super) now: u64,
    /// See [`EventBatch::rows_to_come`].
    pub(super) rows_to_come: usize,
}

/// An event with its facts.
pub(super) struct PreparedEvent {
    pub(super) event: Event,
    pub(super) facts: Facts,
    /// The key it gets unless another event has it.
    pub(super) wanted: u64,
    pub(super) sighting: Option<Sighting>,
    pub(super) if_deleted: IfDeleted,
    if_protected: IfProtected,
}

/// One event of one batch, and what became of it so far.
pub(super) struct Arriving<'b> {
    batch: usize,
    position: usize,
    /// See [`PreparedEvent::order`]; it is compared more often than anything else is looked at.
    order: (u8, u64),
    pub(super) prepared: &'b PreparedEvent,
    pub(super) fate: Fate,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody has looked at it yet.
    Waiting,
    /// Stored there.
    Stored(Location, Visibility),
    /// Was stored there before; whether its sighting is new.
    Known(Location, bool),
    /// Was stored there before, and is shown from now on.
    Released(Location, Visibility),
    Refused(Refusal),
}

impl PreparedBatch {
    /// Reads the facts of all events: the part of a write that runs on the caller's thread.
    pub(super) fn new(rules: &Rules, batch: EventBatch) -> Self {
        let prepare = |new| PreparedEvent::new(rules, new);
        Self {
            events: batch.events.into_iter().map(prepare).collect(),
            sightings: batch.sightings,
            now: batch.now,
            rows_to_come: batch.rows_to_come,
        }
    }

    /// Whether nothing may wait to be indexed when it is written: whoever vanishes has to be found in the
    /// indexes, and what an author brings may be stored already: the log tells of it twice, and must not
    /// pass for new events that wait.
    pub(super) fn needs_indexes(&self) -> bool {
        self.events.iter().any(PreparedEvent::needs_indexes)
    }

    /// How many rows it is about.
    pub(super) fn len(&self) -> usize {
        self.events.len() + self.sightings.len()
    }
}

impl PreparedEvent {
    fn new(rules: &Rules, new: NewEvent) -> Self {
        let is_stub = !rules.is_whole(new.event.kind());
        Self {
            facts: rules.facts(&new.event.as_ref(), is_stub),
            wanted: EventKey::of(&new.event).eid(),
            event: new.event,
            sighting: new.sighting,
            if_deleted: new.if_deleted,
            if_protected: new.if_protected,
        }
    }

    /// Whether its author brought what would be hidden otherwise.
    pub(super) fn is_brought_by_author(&self) -> bool {
        let is_hidden = self.facts.is_protected && !self.facts.is_stub;
        is_hidden && self.if_protected == IfProtected::Show
    }

    /// See [`PreparedBatch::needs_indexes`].
    pub(super) fn needs_indexes(&self) -> bool {
        self.facts.is_vanish_request || self.is_brought_by_author()
    }

    /// The order in which facts go in: requests before what they concern, then by key, and by id where it is the same.
    fn order(&self) -> (u8, u64) {
        let class = match self.event.kind() {
            _ if self.facts.is_vanish_request => 0,
            Kind::DELETION => 1,
            _ => 2,
        };
        (class, self.wanted)
    }
}

impl<'b> Arriving<'b> {
    /// All events of the batches, in the order in which their facts go in.
    pub(super) fn in_order(batches: &'b [PreparedBatch]) -> Vec<Self> {
        let mut arriving = Vec::with_capacity(batches.iter().map(|batch| batch.events.len()).sum());
        for (batch, prepared) in batches.iter().enumerate() {
            let events = prepared.events.iter().enumerate();
            arriving.extend(events.map(|(position, prepared)| Self {
                batch,
                position,
                order: prepared.order(),
                prepared,
                fate: Fate::Waiting,
            }));
        }
        arriving.sort_unstable_by(|one, other| {
            let rest = |one: &Self| (one.prepared.event.id(), one.batch, one.position);
            let by_key = one.order.cmp(&other.order);
            by_key.then_with(|| rest(one).cmp(&rest(other)))
        });
        arriving
    }

    /// The key under which it was stored just now.
    pub(super) fn stored_as(&self) -> Option<u64> {
        match self.fate {
            Fate::Stored(at, _) => Some(at.eid),
            _ => None,
        }
    }

    /// The key of what was stored before and is shown from now on.
    pub(super) fn released_as(&self) -> Option<u64> {
        match self.fate {
            Fate::Released(at, _) => Some(at.eid),
            _ => None,
        }
    }
}

/// One report per batch.
pub(super) fn reports(
    batches: &[PreparedBatch],
    arriving: &[Arriving<'_>],
    number: Option<BatchNumber>,
    new_sightings: &[u64],
) -> Vec<WriteReport> {
    let blank = |(batch, new_sightings): (&PreparedBatch, &u64)| WriteReport {
        outcomes: vec![Outcome::Known(false); batch.events.len()],
        new_sightings: *new_sightings,
        batch: None,
    };
    let mut reports: Vec<WriteReport> = batches.iter().zip(new_sightings).map(blank).collect();
    for one in arriving {
        let report = &mut reports[one.batch];
        report.outcomes[one.position] = match one.fate {
            Fate::Stored(_, visibility) => {
                report.batch = number;
                Outcome::Stored(visibility)
            }
            Fate::Known(_, is_new_sighting) => Outcome::Known(is_new_sighting),
            Fate::Released(_, visibility) => {
                report.batch = number;
                Outcome::Released(visibility)
            }
            Fate::Refused(refusal) => Outcome::Refused(refusal),
            Fate::Waiting => unreachable!("every event was admitted"),
        };
    }
    reports
}
