//! Looking again at what is covered: events reach relays long after they were written.
//!
//! Where sets can be compared, that costs next to nothing: all of the recent past often, all of the past
//! now and then. Paging would send everything again, so that only a sample is taken, and the whole of
//! the recent past only when the sample has brought something.

use std::time::Duration;

use nips::Filter;
use tracing::debug;

use crate::net::Outcome;
use crate::store::StoreError;
use crate::store::coverage::FilterId;

use super::ledger::Ledger;
use super::page::Question;
use super::range::Range;
use super::visit::{Target, Visit, VisitEnd};

/// A sample of the recent past is this part of it.
const SAMPLES: u64 = 16;

/// November 2020: what is dated earlier is not worth a sample.
const NOSTR_BEGAN: u64 = 1_604_188_800;

/// How far back to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    Recent,
    Full,
}

impl Visit<'_> {
    /// Looks for late arrivals, if it is time to. Whatever comes of that, the relay has been caught up with;
    /// only time and the end of the service end this otherwise.
    ///
    /// # Errors
    /// [`StoreError`] when the store did not do its part.
    pub(super) async fn look_again(&mut self) -> Result<VisitEnd, StoreError> {
        let Some(depth) = self.due_depth() else {
            return Ok(VisitEnd::CaughtUp);
        };
        debug!(?depth, "looking_again");
        self.compared_to = None;
        for filter in &self.processing.filters {
            match self.look_again_at(filter, depth).await? {
                VisitEnd::CaughtUp => {}
                end @ (VisitEnd::OutOfTime | VisitEnd::Stopped) => return Ok(end),
                VisitEnd::Unreachable(_) | VisitEnd::GaveUp(_) | VisitEnd::PassedOver(_) => {
                    self.put_off(depth);
                    return Ok(VisitEnd::CaughtUp);
                }
            }
        }
        self.note_done(depth);
        Ok(VisitEnd::CaughtUp)
    }

    /// The time of the first look is counted from when the relay was first caught up with.
    fn due_depth(&mut self) -> Option<Depth> {
        let (now, resweep) = (self.context.clock.now(), &self.config.resweep);
        let sweeps = &mut self.habits.sweeps;
        let is_due = |last: u64, interval: Duration| {
            !interval.is_zero() && now >= last.saturating_add(interval.as_secs())
        };
        let full_at = *sweeps.full_at.get_or_insert(now);
        let recent_at = *sweeps.recent_at.get_or_insert(now);
        if is_due(full_at, resweep.full_interval) {
            return Some(Depth::Full);
        }
        is_due(recent_at, resweep.interval).then_some(Depth::Recent)
    }

    fn note_done(&mut self, depth: Depth) {
        let now = self.context.clock.now();
        let sweeps = &mut self.habits.sweeps;
        sweeps.recent_at = Some(now);
        if depth == Depth::Full {
            sweeps.full_at = Some(now);
            sweeps.unfinished.clear();
        }
    }

    /// The relay did not play along: after one interval it may.
    fn put_off(&mut self, depth: Depth) {
        let (now, resweep) = (self.context.clock.now(), &self.config.resweep);
        let sweeps = &mut self.habits.sweeps;
        sweeps.recent_at = Some(now);
        if depth == Depth::Full {
            let earlier = resweep.full_interval.saturating_sub(resweep.interval);
            sweeps.full_at = Some(now.saturating_sub(earlier.as_secs()));
        }
    }

    async fn look_again_at(
        &mut self,
        filter: &Filter,
        depth: Depth,
    ) -> Result<VisitEnd, StoreError> {
        let mut ledger = Ledger::open(self.context, self.relay.id, filter).await?;
        let covered = ledger.covered(self.processing).await?;
        let Some(newest) = covered.first().map(|range| range.until) else {
            return Ok(VisitEnd::CaughtUp);
        };
        if let Err(reason) = self.conversation.connect(self.ends_at).await {
            return Ok(self.unreachable(reason));
        }
        let target = Target { filter, ledger };
        self.renew_trial(&target, newest).await?;
        if self.can_compare() {
            return self.compare_again(&target, &covered, depth).await;
        }
        self.sample_again(&target, &covered, depth).await
    }

    /// Has the relay show again whether it compares sets, if it is time to.
    async fn renew_trial(&mut self, target: &Target<'_>, newest: u64) -> Result<(), StoreError> {
        let is_due = self.habits.is_trial_due(self.context.clock.now());
        if !self.processing.negentropy || !is_due {
            return Ok(());
        }
        let everything = Range {
            from: 0,
            until: newest,
        };
        let question = Question::about(everything, self.processing.limit);
        let answer = self.ask(target, &question).await?;
        if answer.outcome == Some(Outcome::Eose) {
            self.try_to_compare(target, &answer.page).await;
        }
        Ok(())
    }

    /// A sample by paging, and the whole of the recent past when it has brought something.
    async fn sample_again(
        &mut self,
        target: &Target<'_>,
        covered: &[Range],
        depth: Depth,
    ) -> Result<VisitEnd, StoreError> {
        let newest = covered.first().map_or(0, |range| range.until);
        let recent_seconds = self.config.resweep.recent.as_secs();
        let recent = Range {
            from: newest.saturating_sub(recent_seconds),
            until: newest,
        };
        let sample = match depth {
            Depth::Recent => self.sample(recent, recent_seconds / SAMPLES),
            Depth::Full => {
                let from = NOSTR_BEGAN.min(newest);
                self.sample(Range { from, ..recent }, recent_seconds)
            }
        };
        let before = self.conversation.harvest.first_seen;
        let end = self.archive(target, clipped(covered, sample)).await?;
        let has_found = self.conversation.harvest.first_seen > before;
        if end == VisitEnd::CaughtUp && has_found {
            return self.archive(target, clipped(covered, recent)).await;
        }
        Ok(end)
    }

    /// A stretch of so many seconds, somewhere.
    fn sample(&self, of: Range, seconds: u64) -> Range {
        let room = of.seconds().saturating_sub(seconds);
        let from = of.from + (room as f64 * self.context.luck()) as u64;
        Range {
            from,
            until: of.until.min(from.saturating_add(seconds)),
        }
    }

    /// All of it, from where the last visit was interrupted.
    async fn compare_again(
        &mut self,
        target: &Target<'_>,
        covered: &[Range],
        depth: Depth,
    ) -> Result<VisitEnd, StoreError> {
        let key = format!("{:016x}", FilterId::of(target.filter).0);
        let newest = covered.first().map_or(0, |range| range.until);
        let (from, until) = match depth {
            Depth::Recent => {
                let recent = self.config.resweep.recent.as_secs();
                (newest.saturating_sub(recent), newest)
            }
            Depth::Full => {
                let unfinished = self.habits.sweeps.unfinished.get(&key).copied();
                (0, unfinished.unwrap_or(newest))
            }
        };
        let ranges = clipped(covered, Range { from, until });
        let end = self.archive(target, ranges).await?;
        if let (Depth::Full, Some(reached)) = (depth, self.compared_to.take()) {
            let below = reached.saturating_sub(1);
            self.habits.sweeps.unfinished.insert(key, below);
        }
        Ok(end)
    }
}

/// The parts of the ranges that lie in another.
fn clipped(ranges: &[Range], to: Range) -> Vec<Range> {
    let parts = ranges.iter().filter_map(|range| range.intersection(to));
    parts.collect()
}
