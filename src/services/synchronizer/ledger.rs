//! What is written down about one relay and one filter: covered ranges and gaps.

use nips::Filter;

use crate::config::SyncProcessing;
use crate::model::{Gap, GapReason, Interval, Method, NewGap, RelayId};
use crate::services::Context;
use crate::services::backoff::whole_seconds;
use crate::store::StoreError;
use crate::store::coverage::FilterId;

use super::gap_policy;
use super::range::{Range, missing};
use super::walk::Finding;

/// The newest seconds are asked for, and asked for again next time before they count as covered: an
/// event takes a while from its author to a relay, and not all clocks are right.
pub(super) const SETTLING_SECONDS: u64 = 120;

/// The record of one relay and filter, as it was when the visit began.
pub(super) struct Ledger<'a> {
    context: &'a Context,
    opened_at: u64,
    relay: RelayId,
    filter: FilterId,
    gaps: Vec<Gap>,
    /// What is covered and asked for again, because something may have arrived late.
    again: Option<Range>,
    /// Whether nothing else is asked for.
    is_resweep: bool,
}

impl<'a> Ledger<'a> {
    /// Reads the record.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub(super) async fn open(
        context: &'a Context,
        relay: RelayId,
        filter: &Filter,
    ) -> Result<Self, StoreError> {
        let filter = FilterId::of(filter);
        Ok(Self {
            context,
            opened_at: context.clock.now(),
            relay,
            filter,
            gaps: context.store.gaps(relay, filter).await?,
            again: None,
            is_resweep: false,
        })
    }

    /// What is to be asked for now, newest first; of what is covered below the newest part, `overlap`
    /// seconds are asked for again with it.
    ///
    /// # Errors
    /// [`StoreError`] when coverage cannot be read.
    pub(super) async fn missing(
        &mut self,
        processing: &SyncProcessing,
        overlap: u64,
    ) -> Result<Vec<Range>, StoreError> {
        let Some(wanted) = self.wanted(processing) else {
            return Ok(Vec::new());
        };
        let covered = self.context.store.coverage(self.relay, self.filter).await?;
        let mut ranges = missing(wanted, &covered, &self.gaps, self.opened_at);
        let newest = ranges.first_mut();
        let newest = newest.filter(|it| overlap > 0 && it.until == wanted.until);
        if let Some(newest) = newest {
            let below = |it: &&Interval| it.until.checked_add(1) == Some(newest.from);
            let covered = covered.iter().find(below);
            self.again = covered.and_then(|it| {
                let from = it.until.saturating_sub(overlap);
                Range::new(from.max(it.from).max(wanted.from), it.until)
            });
            newest.from = self.again.map_or(newest.from, |again| again.from);
        }
        Ok(ranges)
    }

    /// What is covered of what is to be archived, newest first, to be looked at again.
    ///
    /// # Errors
    /// [`StoreError`] when coverage cannot be read.
    pub(super) async fn covered(
        &mut self,
        processing: &SyncProcessing,
    ) -> Result<Vec<Range>, StoreError> {
        let covered = self.context.store.coverage(self.relay, self.filter).await?;
        let wanted = self.wanted(processing);
        let ranges = covered.iter().rev().filter_map(|it| {
            let range = Range::new(it.from, it.until)?;
            wanted?.intersection(range)
        });
        self.again = wanted;
        self.is_resweep = true;
        Ok(ranges.collect())
    }

    /// The last second that is asked for again although it is covered, with what is missing above it.
    pub(super) fn known_until(&self) -> Option<u64> {
        let again = self.again.filter(|_| !self.is_resweep);
        again.map(|again| again.until)
    }

    /// Everything that is to be archived by now.
    pub(super) fn wanted(&self, processing: &SyncProcessing) -> Option<Range> {
        let now = self.opened_at;
        let newest = processing.until.unwrap_or(now).min(now);
        let newest = newest.saturating_sub(processing.end_lag.as_secs());
        Range::new(processing.since, newest)
    }

    /// Until when what is covered stays covered: later seconds are asked for again.
    pub(super) fn settled_until(&self) -> u64 {
        self.opened_at.saturating_sub(SETTLING_SECONDS)
    }

    /// Writes down what was found out; the events are durable by now. Returns how many ranges were
    /// proven.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; what comes after it is not written either.
    pub(super) async fn keep(
        &self,
        method: Method,
        findings: &[Finding],
    ) -> Result<usize, StoreError> {
        let mut proven = 0;
        for finding in joined(findings) {
            match finding {
                Finding::Proven { range, events } => {
                    self.cover(method, range, events).await?;
                    proven += 1;
                }
                Finding::Gap { range, reason } => self.add_gap(range, reason).await?,
            }
        }
        Ok(proven)
    }

    async fn cover(&self, method: Method, range: Range, events: u64) -> Result<(), StoreError> {
        let Some(range) = Range::new(range.from, range.until.min(self.settled_until())) else {
            return Ok(());
        };
        let interval = Interval {
            from: range.from,
            until: range.until,
            method,
            covered_at: self.context.clock.now(),
            events,
        };
        self.context
            .store
            .cover(self.relay, self.filter, interval)
            .await
    }

    /// What of the range nothing was known about before.
    fn without_known(&self, range: Range) -> Option<Range> {
        match self.again {
            Some(again) if again.contains(range.from) => range.above(again.until),
            _ => Some(range),
        }
    }

    async fn add_gap(&self, range: Range, reason: GapReason) -> Result<(), StoreError> {
        let Some(range) = self.without_known(range) else {
            return Ok(());
        };
        let now = self.context.clock.now();
        // A part of an older gap is progress, and is tried again as soon as a new one.
        let is_inside = |gap: &&Gap| range.from <= gap.from && gap.until <= range.until;
        let older = self.gaps.iter().filter(is_inside);
        let attempts = older.map(|gap| gap.attempts).max().unwrap_or(0);
        let pause = gap_policy::backoff(reason).delay(attempts + 1, self.context.luck());
        let gap = NewGap {
            from: range.from,
            until: range.until,
            reason,
            found_at: now,
            next_attempt_at: now + whole_seconds(pause),
        };
        self.context
            .store
            .add_gap(self.relay, self.filter, gap)
            .await
    }
}

/// The findings, newest first, with gaps that touch made one: a relay that refuses for weeks has few
/// gaps, however often it was asked.
fn joined(findings: &[Finding]) -> Vec<Finding> {
    let mut joined: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        let whole = joined.last().and_then(|newer| join(*newer, *finding));
        if whole.is_some() {
            joined.pop();
        }
        joined.push(whole.unwrap_or(*finding));
    }
    joined
}

fn join(newer: Finding, older: Finding) -> Option<Finding> {
    let (
        Finding::Gap { range, reason },
        Finding::Gap {
            range: below,
            reason: same,
        },
    ) = (newer, older)
    else {
        return None;
    };
    let touches = below.until.checked_add(1) == Some(range.from);
    let range = Range::new(below.from, range.until)?;
    (touches && reason == same).then_some(Finding::Gap { range, reason })
}
