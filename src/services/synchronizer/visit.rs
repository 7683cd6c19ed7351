//! One visit to one relay: for each filter, the missing ranges are compared or walked until they are
//! covered, the relay has had enough, or its share of the cycle is used up.
//!
//! What comes is archived first and counted as covered after that, so that a crash repeats work and
//! loses none.

use std::sync::Arc;
use std::time::Duration;

use nips::Filter;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::config::{SyncProcessing, SynchronizerConfig};
use crate::lifecycle::Tokens;
use crate::model::{GapReason, Method, Relay};
use crate::net::AuthSigner;
use crate::services::Context;
use crate::store::StoreError;

use super::account::Receipt;
use super::conversation::Conversation;
use super::habits::Habits;
use super::harvest::Harvest;
use super::hosts::HostPlace;
use super::ledger::Ledger;
use super::pace::Pace;
use super::paging::Stop;
use super::patience::Patience;
use super::progress::Progress;
use super::range::Range;
use super::walk::{Finding, Manner, Walk};

/// Lies in one visit, and their share of all events, from which a relay counts as a liar.
const LIES: u64 = 10;
const LIE_SHARE: u64 = 4;

/// How a visit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VisitEnd {
    /// Everything that can be covered now is covered, or waits as a gap.
    CaughtUp,
    /// Its share of time is used up; there is more.
    OutOfTime,
    /// The service is stopping.
    Stopped,
    /// It could not be connected to.
    Unreachable(&'static str),
    /// It did not go on answering.
    GaveUp(GapReason),
    /// It was not connected to at all.
    PassedOver(Reserve),
}

/// Why a relay is left alone that could be visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reserve {
    /// It asks not to be archived.
    Unwelcome,
    /// Its host has as many connections as it should.
    HostBusy,
}

/// What a visit brought.
#[derive(Debug)]
pub(super) struct VisitReport {
    /// How it ended.
    pub end: VisitEnd,
    /// What came.
    pub harvest: Harvest,
    /// Whether anything was covered.
    pub has_progress: bool,
    /// REQs and NEG-OPENs sent.
    pub requests: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// The most events that one whole answer held.
    pub largest_answer: usize,
    /// The place at the host, which whoever reads this may keep.
    pub place: Option<HostPlace>,
}

impl VisitReport {
    /// Of a visit that did not take place.
    pub(super) fn of_none(reserve: Reserve) -> Self {
        Self {
            end: VisitEnd::PassedOver(reserve),
            harvest: Harvest::default(),
            has_progress: false,
            requests: 0,
            received_bytes: 0,
            largest_answer: 0,
            place: None,
        }
    }

    /// What is added to the relay's account.
    pub(super) fn receipt(&self) -> Receipt<'_> {
        Receipt {
            harvest: &self.harvest,
            received_bytes: self.received_bytes,
            is_caught_up: match self.end {
                VisitEnd::CaughtUp => Some(true),
                VisitEnd::OutOfTime | VisitEnd::GaveUp(_) => Some(false),
                VisitEnd::Stopped | VisitEnd::Unreachable(_) | VisitEnd::PassedOver(_) => None,
            },
        }
    }

    /// Whether a good part of what the relay sent was forged or not asked for.
    pub(super) fn is_liar(&self) -> bool {
        let Harvest { lies, .. } = self.harvest;
        lies >= LIES && lies * LIE_SHARE >= self.harvest.events()
    }

    /// Whether the relay is to be left alone for longer than usual.
    pub(super) fn is_failure(&self) -> bool {
        match self.end {
            VisitEnd::Unreachable(_) => true,
            VisitEnd::GaveUp(GapReason::Unbounded) => true,
            VisitEnd::GaveUp(_) => !self.has_progress || self.is_liar(),
            VisitEnd::CaughtUp | VisitEnd::OutOfTime | VisitEnd::Stopped => self.is_liar(),
            VisitEnd::PassedOver(_) => false,
        }
    }
}

/// The visit itself.
pub(super) struct Visit<'a> {
    pub(super) context: &'a Context,
    pub(super) config: &'a SynchronizerConfig,
    pub(super) processing: &'a SyncProcessing,
    pub(super) tokens: &'a Tokens,
    pub(super) relay: &'a Relay,
    pub(super) conversation: Conversation<'a>,
    pub(super) habits: Habits,
    pub(super) patience: Patience,
    pub(super) ends_at: Instant,
    pub(super) longest_silence: Duration,
    pub(super) has_progress: bool,
    /// The first second of the last window that was compared.
    pub(super) compared_to: Option<u64>,
    pub(super) watcher: Option<&'a watch::Sender<Progress>>,
}

/// What is being walked, and where the result is written down.
pub(super) struct Target<'a> {
    pub(super) filter: &'a Filter,
    pub(super) ledger: Ledger<'a>,
}

impl<'a> Visit<'a> {
    /// A visit that begins now.
    pub(super) fn new(
        context: &'a Context,
        config: &'a SynchronizerConfig,
        processing: &'a SyncProcessing,
        tokens: &'a Tokens,
        relay: &'a Relay,
        signer: Option<Arc<dyn AuthSigner>>,
    ) -> Self {
        let now = Instant::now();
        let network_timeout = context.net.deadline(relay.network()) - now;
        let timeouts = config.timeouts_for(&relay.url, network_timeout);
        Self {
            conversation: Conversation::new(context, tokens, relay, processing, signer),
            context,
            config,
            processing,
            tokens,
            relay,
            habits: Habits::default(),
            patience: Patience::default(),
            ends_at: now + timeouts.max_duration,
            longest_silence: timeouts.idle,
            has_progress: false,
            compared_to: None,
            watcher: None,
        }
    }

    /// The same visit with somebody who watches it.
    pub(super) fn watched_by(mut self, watcher: Option<&'a watch::Sender<Progress>>) -> Self {
        self.watcher = watcher;
        self
    }

    /// Visits the relay.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not keep what came.
    pub(super) async fn run(mut self) -> Result<VisitReport, StoreError> {
        let known = Habits::load(&*self.context.store, self.relay).await?;
        self.habits = known.clone();
        let pause = Duration::from_millis(known.pause_ms);
        self.conversation.pace = Pace::remembered(pause, Instant::now());
        let mut end = self.archive_filters().await?;
        if end == VisitEnd::CaughtUp {
            end = self.look_again().await?;
        }
        self.conversation.say_goodbye().await;
        self.habits.pause_ms = self.conversation.pace.pause().as_millis() as u64;
        if self.habits != known {
            let now = self.context.clock.now();
            let store = &*self.context.store;
            self.habits.save(store, self.relay, now).await?;
        }
        Ok(VisitReport {
            end,
            has_progress: self.has_progress,
            requests: self.conversation.requests,
            received_bytes: self.conversation.received_bytes,
            largest_answer: self.conversation.largest_answer,
            harvest: self.conversation.harvest,
            place: None,
        })
    }

    async fn archive_filters(&mut self) -> Result<VisitEnd, StoreError> {
        for filter in &self.processing.filters {
            match self.archive_filter(filter).await? {
                VisitEnd::CaughtUp => {}
                VisitEnd::GaveUp(reason) if may_want_authors(filter, reason) => {
                    match self.archive_by_author(filter, reason).await? {
                        VisitEnd::CaughtUp => {}
                        end => return Ok(end),
                    }
                }
                end => return Ok(end),
            }
        }
        Ok(VisitEnd::CaughtUp)
    }

    /// Archives what is missing of one filter.
    pub(super) async fn archive_filter(&mut self, filter: &Filter) -> Result<VisitEnd, StoreError> {
        let mut ledger = Ledger::open(self.context, self.relay.id, filter).await?;
        let overlap = self.config.resweep.overlap.as_secs();
        let ranges = ledger.missing(self.processing, overlap).await?;
        if ranges.is_empty() {
            return Ok(VisitEnd::CaughtUp);
        }
        let target = Target { filter, ledger };
        let now = self.context.clock.now();
        if self.habits.needs_authors(now) && may_want_authors(filter, GapReason::Restricted) {
            return refuse(&target, &ranges, GapReason::Restricted).await;
        }
        if let Err(reason) = self.conversation.connect(self.ends_at).await {
            return Ok(self.unreachable(reason));
        }
        if self.habits.ignores_bounds(now) {
            self.take_newest(&target).await?;
            return refuse(&target, &ranges, GapReason::Unbounded).await;
        }
        self.archive(&target, ranges).await
    }

    /// Archives what is missing, by comparing sets as far as that works, and by paging.
    pub(super) async fn archive(
        &mut self,
        target: &Target<'_>,
        mut ranges: Vec<Range>,
    ) -> Result<VisitEnd, StoreError> {
        let mut may_compare = self.can_compare();
        loop {
            if may_compare {
                let compared = self.compare(target, ranges).await?;
                if let Some(end) = compared.end {
                    return Ok(end);
                }
                ranges = compared.left;
            }
            let manner = self.manner(target.ledger.known_until());
            let limit = self.processing.limit;
            let mut walk = Walk::new(target.filter, ranges, limit, manner);
            let stop = self.walk(target, &mut walk).await?;
            self.remember(&walk);
            match stop {
                Stop::Ended(end) => return Ok(end),
                Stop::Comparable => {
                    ranges = walk.into_open();
                    may_compare = true;
                }
            }
        }
    }

    fn manner(&self, known_until: Option<u64>) -> Manner {
        Manner {
            cap: self.habits.cap,
            order: self.habits.order,
            known_until,
        }
    }

    fn remember(&mut self, walk: &Walk) {
        let shown = Some(walk.shown_cap());
        self.habits.cap = self.habits.cap.max(shown);
        self.habits.order = walk.checked_order().or(self.habits.order);
    }

    pub(super) fn unreachable(&self, reason: &'static str) -> VisitEnd {
        if self.tokens.is_stopping() {
            return VisitEnd::Stopped;
        }
        VisitEnd::Unreachable(reason)
    }
}

/// Whether a refusal may mean that the question was too broad: some relays answer only who names
/// authors, to keep scrapers away.
fn may_want_authors(filter: &Filter, reason: GapReason) -> bool {
    let is_broad = filter.ids.is_none() && filter.authors.is_none() && filter.tags.is_empty();
    let is_refusal = matches!(
        reason,
        GapReason::Restricted | GapReason::Blocked | GapReason::Closed
    );
    is_broad && is_refusal
}

/// Writes down as missing what need not be asked for, since the answer is known.
async fn refuse(
    target: &Target<'_>,
    ranges: &[Range],
    reason: GapReason,
) -> Result<VisitEnd, StoreError> {
    let gap = |range: &Range| Finding::Gap {
        range: *range,
        reason,
    };
    let findings: Vec<Finding> = ranges.iter().map(gap).collect();
    target.ledger.keep(Method::Paging, &findings).await?;
    Ok(VisitEnd::GaveUp(reason))
}
