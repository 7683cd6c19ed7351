//! What a relay's events came to: stored, known, or refused, and whether the relay is to blame.

use std::collections::BTreeMap;

use nips::EventError;

use crate::archive::{Admission, Rejection};

/// What came of a relay's events in one visit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Harvest {
    /// Events stored for the first time.
    pub(super) stored: u64,
    /// Of those, the ones that had been created shortly before.
    pub(super) fresh: u64,
    /// Events that were stored before.
    pub(super) known: u64,
    /// Of these events, those that were not seen on this relay before.
    pub(super) first_seen: u64,
    /// Events refused, by reason: by the archive, or because they answered no question.
    pub(super) refused: BTreeMap<&'static str, u64>,
    /// Of the refused events, those that the relay has to answer for.
    pub(super) lies: u64,
}

impl Harvest {
    /// Counts what the archive said.
    pub(super) fn count(&mut self, admission: &Admission) {
        match admission {
            Admission::Stored(_) | Admission::Delivered => {
                self.stored += 1;
                self.first_seen += 1;
            }
            Admission::Known { new_sighting } => {
                self.known += 1;
                self.first_seen += u64::from(*new_sighting);
            }
            Admission::Refused(rejection) => {
                let is_forged = *rejection == Rejection::Signature;
                self.refuse(rejection.reason(), is_forged);
            }
        }
    }

    /// Counts an event that did not get to the archive.
    pub(super) fn count_flawed(&mut self, flaw: &Flaw) {
        self.refuse(flaw.reason(), flaw.is_lie());
    }

    fn refuse(&mut self, reason: &'static str, is_lie: bool) {
        self.lies += u64::from(is_lie);
        *self.refused.entry(reason).or_default() += 1;
    }

    /// How many events were refused.
    pub(super) fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }

    /// How many events came, whatever became of them.
    pub(super) fn events(&self) -> u64 {
        self.stored + self.known + self.refusals()
    }

    /// Adds another harvest to this one.
    pub(super) fn merge(&mut self, other: &Self) {
        self.stored += other.stored;
        self.fresh += other.fresh;
        self.known += other.known;
        self.first_seen += other.first_seen;
        self.lies += other.lies;
        for (reason, count) in &other.refused {
            *self.refused.entry(reason).or_default() += count;
        }
    }
}

/// What is wrong with an event that does not get to the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Longer than is archived.
    TooLarge,
    /// No event, or not under its own id.
    Malformed(EventError),
    /// It answers another question.
    NotAskedFor,
    /// It came before in the same answer.
    Repeated,
}

impl Flaw {
    /// The stable label, e.g. `not-asked-for`.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::Malformed(error) => error.reason(),
            Self::NotAskedFor => "not-asked-for",
            Self::Repeated => "repeated",
        }
    }

    /// Whether an honest relay would not have sent it.
    fn is_lie(&self) -> bool {
        matches!(self, Self::Malformed(_) | Self::NotAskedFor)
    }
}
