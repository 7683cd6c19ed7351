//! Archiving by comparing sets (NIP-77): what the relay holds and the archive does not is downloaded by
//! id, and what both hold is recorded as seen there without being sent.
//!
//! A window counts as covered when the comparison came to its end and everything that it showed has
//! come. Any other window is left to paging, in the same visit.

use std::sync::Arc;

use nips::Filter;
use nips::nip77::{Difference, Element, SyncSet};
use tokio::time::Instant;

use crate::model::Method;
use crate::net::{Outcome, ReconcileOptions, Reconciled};
use crate::store::StoreError;
use crate::store::events::{EventKey, Scope};
use crate::store::sets::SetBounds;

use super::habits::Failure;
use super::page::Page;
use super::range::Range;
use super::trial::Trial;
use super::visit::{Target, Visit, VisitEnd};
use super::walk::Finding;
use super::windows::Windows;

/// Keys of ours that are compared at once: with fifty visits at the same time, less than a hundred
/// megabytes.
const WINDOW_KEYS: usize = 32_768;

/// Ids that may be missing of one window; a relay that has more to give is asked for less at once.
const MAX_MISSING: usize = 32_768;

/// Bytes received for one comparison. All ids of a window that is missing whole are a tenth of it.
const MAX_BYTES: u64 = 32 << 20;

/// Windows of one visit of which a relay has named events and not sent them, before it counts as one
/// that does not mean what it names.
const MAX_WITHHELD: u32 = 8;

/// What a comparison of ranges came to.
pub(super) struct Compared {
    /// What has to be paged, newest first.
    pub(super) left: Vec<Range>,
    /// The visit is over.
    pub(super) end: Option<VisitEnd>,
}

/// What becomes of a window.
enum Verdict {
    /// It is covered, or put back in parts.
    Settled,
    /// It is too large to be compared.
    ToBePaged,
    /// The relay named events in it that it did not send.
    Withheld,
    /// The relay does not compare it, nor others.
    GivenUp,
}

/// What of ours is to be compared: all of it that lies in the range.
struct Window {
    range: Range,
    keys: Vec<EventKey>,
}

impl Visit<'_> {
    /// Whether sets are compared with this relay.
    pub(super) fn can_compare(&self) -> bool {
        self.processing.negentropy && self.habits.can_compare(self.context.clock.now())
    }

    /// Has the relay show with a page of its own whether it compares sets as it should.
    pub(super) async fn try_to_compare(&mut self, target: &Target<'_>, page: &Page) {
        let Some(trial) = Trial::of(page, target.ledger.settled_until()) else {
            return;
        };
        let filter = trial.filter(target.filter);
        let outcome = self.reconcile(&filter, trial.set()).await;
        match outcome {
            None => {}
            Some(Reconciled::Finished(found)) if trial.is_passed(&found) => {
                self.habits.passed_trial(self.context.clock.now());
            }
            Some(Reconciled::Finished(_)) => self.note_failure(Failure::Refusal, "wrong"),
            Some(outcome) => self.note_failure(Failure::of(&outcome), outcome.as_str()),
        }
    }

    /// Compares the ranges, given newest first, window by window.
    pub(super) async fn compare(
        &mut self,
        target: &Target<'_>,
        ranges: Vec<Range>,
    ) -> Result<Compared, StoreError> {
        let mut windows = Windows::new(ranges);
        let (mut left, mut withheld) = (Vec::new(), 0);
        while let Some(range) = windows.next() {
            if let Some(end) = self.has_to_end() {
                let end = Some(end);
                return Ok(Compared { left, end });
            }
            let Some(window) = self.window(target, range, &mut windows).await? else {
                continue;
            };
            self.show(Method::Negentropy, window.range);
            let verdict = self.compare_window(target, &window, &mut windows).await?;
            self.show(Method::Negentropy, window.range);
            match verdict {
                Verdict::Settled => {}
                Verdict::ToBePaged => left.push(window.range),
                Verdict::Withheld => {
                    left.push(window.range);
                    withheld += 1;
                }
                Verdict::GivenUp => {
                    left.push(window.range);
                    break;
                }
            }
            if withheld >= MAX_WITHHELD {
                self.note_failure(Failure::Refusal, "withheld");
                break;
            }
        }
        left.extend(windows.rest());
        Ok(Compared { left, end: None })
    }

    async fn compare_window(
        &mut self,
        target: &Target<'_>,
        window: &Window,
        windows: &mut Windows,
    ) -> Result<Verdict, StoreError> {
        let filter = window.range.narrow(target.filter);
        Ok(match self.reconcile(&filter, &window.set()).await {
            // Whether it goes on is asked before the next window.
            None => Verdict::ToBePaged,
            Some(Reconciled::Finished(found)) => self.take_over(target, window, found).await?,
            Some(Reconciled::TooMany) if windows.halve(window.range) => Verdict::Settled,
            Some(Reconciled::TooMany) => Verdict::ToBePaged,
            Some(outcome) => {
                self.note_failure(Failure::of(&outcome), outcome.as_str());
                Verdict::GivenUp
            }
        })
    }

    fn has_to_end(&self) -> Option<VisitEnd> {
        if self.tokens.is_stopping() {
            return Some(VisitEnd::Stopped);
        }
        let is_out_of_time = self.has_progress && Instant::now() >= self.ends_at;
        is_out_of_time.then_some(VisitEnd::OutOfTime)
    }

    /// What of ours lies in the newest part of the range; the rest is put back.
    async fn window(
        &mut self,
        target: &Target<'_>,
        range: Range,
        windows: &mut Windows,
    ) -> Result<Option<Window>, StoreError> {
        let mut keys = self.keys(target, range, Some(WINDOW_KEYS + 1)).await?;
        if keys.len() <= WINDOW_KEYS {
            return Ok(Some(Window { range, keys }));
        }
        // Of the last second perhaps not all has come.
        let cut = keys[WINDOW_KEYS].created_at;
        if let Some(newer) = range.above(cut) {
            keys.retain(|key| key.created_at > cut);
            windows.put_back(Range {
                until: cut,
                ..range
            });
            return Ok(Some(Window { range: newer, keys }));
        }
        let second = Range { from: cut, ..range };
        if let Some(older) = range.below(cut) {
            windows.put_back(older);
        }
        let keys = self.keys(target, second, None).await?;
        Ok(Some(Window {
            range: second,
            keys,
        }))
    }

    async fn keys(
        &mut self,
        target: &Target<'_>,
        range: Range,
        limit: Option<usize>,
    ) -> Result<Vec<EventKey>, StoreError> {
        let filter = Filter {
            limit,
            ..range.narrow(target.filter)
        };
        let set = self
            .context
            .store
            .keys(filter, Scope::Known, SetBounds::default());
        Ok(set.await?.keys)
    }

    /// `None` when the service is stopping.
    async fn reconcile(&mut self, filter: &Filter, set: &Arc<SyncSet>) -> Option<Reconciled> {
        let options = ReconcileOptions {
            deadline: self.ends_at,
            max_silence: self.longest_silence,
            max_bytes: MAX_BYTES,
            max_missing: MAX_MISSING,
        };
        self.conversation.reconcile(filter, set, options).await
    }

    /// Archives what only the relay holds, and records what both hold.
    async fn take_over(
        &mut self,
        target: &Target<'_>,
        window: &Window,
        found: Difference,
    ) -> Result<Verdict, StoreError> {
        let is_there = |key: &&EventKey| !found.missing_there.contains(&key.id);
        let known: Vec<EventKey> = window.keys.iter().filter(is_there).copied().collect();
        let first_seen = self.context.archive.sight(&known, self.relay.id).await?;
        self.conversation.harvest.known += known.len() as u64;
        self.conversation.harvest.first_seen += first_seen;
        let downloaded = self.download(found.missing_here).await?;
        if downloaded.is_short {
            return Ok(Verdict::Withheld);
        }
        let proven = Finding::Proven {
            range: window.range,
            events: (known.len() + downloaded.events) as u64,
        };
        let findings = proven.as_kept(&downloaded.not_kept);
        let proven = target.ledger.keep(Method::Negentropy, &findings).await?;
        self.has_progress |= proven > 0;
        self.compared_to = Some(window.range.from);
        Ok(Verdict::Settled)
    }

    fn note_failure(&mut self, failure: Failure, reason: &str) {
        let (now, luck) = (self.context.clock.now(), self.context.luck());
        self.habits.failed_to_compare(failure, reason, now, luck);
    }
}

impl Failure {
    fn of(outcome: &Reconciled) -> Self {
        match outcome {
            Reconciled::Failed(
                Outcome::TimedOut | Outcome::Disconnected | Outcome::Closed { .. },
            ) => Self::Trouble,
            _ => Self::Refusal,
        }
    }
}

impl Window {
    fn set(&self) -> Arc<SyncSet> {
        let elements = self.keys.iter().copied().map(Element::from);
        Arc::new(SyncSet::new(elements.collect()))
    }
}
