//! One standing subscription for one filter: what waits to be archived, and what may be claimed.

use std::collections::HashSet;
use std::sync::Arc;

use nips::{Event, EventId, Filter};
use tokio::time::Instant;

use crate::archive::Door;
use crate::config::SyncProcessing;
use crate::model::{GapReason, Interval, Method, NewGap, Relay};
use crate::net::{RawEvent, SubscriptionId};
use crate::store::StoreError;
use crate::store::coverage::FilterId;

use super::super::Inner;
use super::super::harvest::Harvest;
use super::super::intake::{Intake, Pulse};
use super::super::range::Range;
use super::claim::{Claim, Step, Verdict};

/// The oldest second from which on a subscription asks, before now: what is missing further back is for
/// the walk.
const LONGEST_OVERLAP_SECONDS: u64 = 600;

/// The subscription and its claim.
pub(super) struct Stream<'a> {
    inner: &'a Inner,
    relay: &'a Relay,
    /// What is archived of the relay.
    processing: Arc<SyncProcessing>,
    id: FilterId,
    /// What is asked for: the filter from some second on.
    pub(super) filter: Filter,
    /// `None` while the relay has it closed.
    pub(super) subscription: Option<SubscriptionId>,
    /// The claim.
    pub(super) claim: Claim,
    check: Option<Check>,
    waiting: Vec<RawEvent>,
}

/// A question that shows whether the relay delivers what it has.
struct Check {
    range: Range,
    subscription: SubscriptionId,
    offered: HashSet<EventId>,
    answered_at: Option<Instant>,
}

/// What came of a check.
pub(super) enum Checked {
    /// Nothing to say yet.
    Open,
    /// It was passed, or there was none.
    Passed,
    /// The relay offers what it did not deliver.
    Failed,
}

impl<'a> Stream<'a> {
    /// What is to be asked for now: from the end of what is covered on, unless that is long ago.
    ///
    /// # Errors
    /// [`StoreError`] when coverage cannot be read.
    pub(super) async fn new(
        inner: &'a Inner,
        relay: &'a Relay,
        processing: &Arc<SyncProcessing>,
        filter: &Filter,
        cap: usize,
    ) -> Result<Self, StoreError> {
        let id = FilterId::of(filter);
        let covered = inner.context.store.coverage(relay.id, id).await?;
        let now = inner.context.clock.now();
        let end = covered.last().map_or(now, |last| last.until + 1);
        let since = end.clamp(now.saturating_sub(LONGEST_OVERLAP_SECONDS), now);
        Ok(Self {
            inner,
            relay,
            processing: Arc::clone(processing),
            id,
            filter: Filter {
                since: Some(since.max(processing.since)),
                limit: Some(processing.limit),
                ..filter.clone()
            },
            subscription: None,
            claim: Claim::new(since, cap),
            check: None,
            waiting: Vec::new(),
        })
    }

    /// Whether a subscription is this stream's own.
    pub(super) fn is_on(&self, subscription: &SubscriptionId) -> bool {
        self.subscription.as_ref() == Some(subscription)
    }

    /// Whether a subscription is the check of this stream.
    pub(super) fn is_checked_by(&self, subscription: &SubscriptionId) -> bool {
        let check = self.check.as_ref();
        check.is_some_and(|check| check.subscription == *subscription)
    }

    /// Whether a check is under way.
    pub(super) fn is_checking(&self) -> bool {
        self.check.is_some()
    }

    /// An event of the subscription.
    pub(super) fn take(&mut self, event: RawEvent) {
        self.claim.note_frame();
        self.waiting.push(event);
    }

    /// The filter of a check.
    pub(super) fn check_filter(&self, range: Range) -> Filter {
        Filter {
            since: Some(range.from),
            until: Some(range.until),
            ..self.filter.clone()
        }
    }

    /// A check was asked for.
    pub(super) fn begin_check(&mut self, range: Range, subscription: SubscriptionId) {
        self.check = Some(Check {
            range,
            subscription,
            offered: HashSet::new(),
            answered_at: None,
        });
    }

    /// An event of the check: not archived from here, so that nobody takes it for delivered.
    pub(super) fn take_offered(&mut self, event: &str) {
        let Some(check) = &mut self.check else {
            return;
        };
        let event = Event::from_json(event).ok();
        let event = event.filter(|event| {
            let event = event.as_ref();
            self.filter.matches(&event, &event.indexed_tags())
                && check.range.contains(event.created_at)
        });
        check.offered.extend(event.map(|event| event.id()));
    }

    /// The relay has answered the check. Returns its subscription, to be closed.
    pub(super) fn end_check(&mut self) -> Option<SubscriptionId> {
        let check = self.check.as_mut()?;
        check.answered_at = Some(Instant::now());
        Some(check.subscription.clone())
    }

    /// The relay does not answer checks.
    pub(super) fn drop_check(&mut self) {
        self.check = None;
    }

    /// Looks whether what the check offered has come, and writes down what that proves.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub(super) async fn settle_check(&mut self) -> Result<Checked, StoreError> {
        let Some(check) = &self.check else {
            return Ok(Checked::Passed);
        };
        let Some(answered_at) = check.answered_at else {
            return Ok(Checked::Open);
        };
        if let Verdict::Missing(_) = self.claim.judge(&check.offered) {
            // What was only on its way comes before the next pong but one.
            let is_late = answered_at.elapsed() > self.inner.config.tail.ping_interval;
            return Ok(if is_late {
                Checked::Failed
            } else {
                Checked::Open
            });
        }
        let (range, offered) = (check.range, check.offered.len());
        self.check = None;
        if let Step::Cover(range, events) = self.claim.pass(range, offered) {
            self.cover(range, events).await?;
        }
        Ok(Checked::Passed)
    }

    /// Archives what waits. Events are durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when the archive could not take them.
    pub(super) async fn flush(&mut self) -> Result<Harvest, StoreError> {
        if self.waiting.is_empty() {
            return Ok(Harvest::default());
        }
        let events = std::mem::take(&mut self.waiting);
        let context = &self.inner.context;
        let pulse = Pulse::new();
        let door = Door::Crawl(self.relay.id);
        let asked = Filter {
            limit: None,
            ..self.filter.clone()
        };
        let intake = Intake::new(&context.archive, door, &asked, &self.processing, &pulse);
        let (page, harvest) = intake.admit(events).await?;
        self.claim.note(&page.events);
        for (second, reason) in page.not_kept {
            self.add_gap(second, second, reason).await?;
        }
        Ok(harvest)
    }

    /// Writes down that a range is covered; its events are durable.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub(super) async fn cover(&mut self, range: Range, events: u64) -> Result<(), StoreError> {
        let interval = Interval {
            from: range.from,
            until: range.until,
            method: Method::Live,
            covered_at: self.inner.context.clock.now(),
            events,
        };
        let store = &self.inner.context.store;
        store.cover(self.relay.id, self.id, interval).await?;
        self.claim.advance(range);
        Ok(())
    }

    /// Writes down that what is not claimed was not seen, to be asked for at once.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub(super) async fn record_break(&self, reason: GapReason) -> Result<(), StoreError> {
        let now = self.inner.context.clock.now();
        match self.claim.next() {
            Some(from) if from <= now => self.add_gap(from, now, reason).await,
            _ => Ok(()),
        }
    }

    async fn add_gap(&self, from: u64, until: u64, reason: GapReason) -> Result<(), StoreError> {
        let now = self.inner.context.clock.now();
        let gap = NewGap {
            from,
            until,
            reason,
            found_at: now,
            next_attempt_at: now,
        };
        let store = &self.inner.context.store;
        store.add_gap(self.relay.id, self.id, gap).await
    }
}
