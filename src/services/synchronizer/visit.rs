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
use tracing::debug;

use crate::config::SynchronizerConfig;
use crate::lifecycle::Tokens;
use crate::model::{GapReason, Method, Relay};
use crate::net::{AuthSigner, Outcome};
use crate::services::Context;
use crate::store::StoreError;

use super::conversation::{Answer, Conversation};
use super::habits::Habits;
use super::harvest::Harvest;
use super::ledger::Ledger;
use super::page::{Page, Question};
use super::patience::{Patience, Reaction};
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
    /// REQs sent.
    pub requests: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// The most events that one whole answer held.
    pub largest_answer: usize,
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
    pub(super) tokens: &'a Tokens,
    pub(super) relay: &'a Relay,
    pub(super) conversation: Conversation<'a>,
    pub(super) habits: Habits,
    pub(super) patience: Patience,
    pub(super) ends_at: Instant,
    pub(super) longest_silence: Duration,
    pub(super) has_progress: bool,
    pub(super) watcher: Option<&'a watch::Sender<Progress>>,
}

/// What is being walked, and where the result is written down.
pub(super) struct Target<'a> {
    pub(super) filter: &'a Filter,
    pub(super) ledger: Ledger<'a>,
}

/// How a walk came to stop.
enum Stop {
    /// The visit ends, or everything was walked.
    Ended(VisitEnd),
    /// The relay has shown that it compares sets: that is how the rest is done.
    Comparable,
}

impl<'a> Visit<'a> {
    /// A visit that begins now.
    pub(super) fn new(
        context: &'a Context,
        config: &'a SynchronizerConfig,
        tokens: &'a Tokens,
        relay: &'a Relay,
        signer: Option<Arc<dyn AuthSigner>>,
    ) -> Self {
        let now = Instant::now();
        let network_timeout = context.net.deadline(relay.network()) - now;
        let timeouts = config.timeouts_for(&relay.url, network_timeout);
        Self {
            conversation: Conversation::new(context, tokens, relay, &config.processing, signer),
            context,
            config,
            tokens,
            relay,
            habits: Habits::default(),
            patience: Patience::default(),
            ends_at: now + timeouts.max_duration,
            longest_silence: timeouts.idle,
            has_progress: false,
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
        let end = self.archive_filters().await?;
        self.conversation.say_goodbye().await;
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
        })
    }

    async fn archive_filters(&mut self) -> Result<VisitEnd, StoreError> {
        for filter in &self.config.processing.filters {
            let mut ledger = Ledger::open(self.context, self.relay.id, filter).await?;
            let overlap = self.config.resweep.overlap.as_secs();
            let ranges = ledger.missing(&self.config.processing, overlap).await?;
            if ranges.is_empty() {
                continue;
            }
            if let Err(reason) = self.conversation.connect(self.ends_at).await {
                return Ok(self.unreachable(reason));
            }
            let target = Target { filter, ledger };
            match self.archive(&target, ranges).await? {
                VisitEnd::CaughtUp => {}
                end => return Ok(end),
            }
        }
        Ok(VisitEnd::CaughtUp)
    }

    /// Archives what is missing, by comparing sets as far as that works, and by paging.
    async fn archive(
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
            let limit = self.config.processing.limit;
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

    fn unreachable(&self, reason: &'static str) -> VisitEnd {
        if self.tokens.is_stopping() {
            return VisitEnd::Stopped;
        }
        VisitEnd::Unreachable(reason)
    }

    async fn walk(&mut self, target: &Target<'_>, walk: &mut Walk) -> Result<Stop, StoreError> {
        while let Some(question) = walk.question() {
            if self.tokens.is_stopping() {
                return Ok(Stop::Ended(VisitEnd::Stopped));
            }
            if Instant::now() >= self.ends_at {
                let end = self.out_of_time(target, walk, GapReason::TimedOut).await?;
                return Ok(Stop::Ended(end));
            }
            let answer = self.ask(target, &question).await?;
            let end = match &answer.outcome {
                None => Some(VisitEnd::Stopped),
                Some(Outcome::Eose) => self.learn(target, walk, &answer).await?,
                Some(outcome) => self.react(target, walk, outcome, &answer).await?,
            };
            if let Some(end) = end {
                return Ok(Stop::Ended(end));
            }
            let is_whole = answer.outcome == Some(Outcome::Eose);
            if is_whole
                && walk.question().is_some()
                && self.is_comparable(target, &answer.page).await?
            {
                return Ok(Stop::Comparable);
            }
        }
        Ok(Stop::Ended(VisitEnd::CaughtUp))
    }

    /// Whether it is worth finding out if sets can be compared, and they can.
    async fn is_comparable(
        &mut self,
        target: &Target<'_>,
        page: &Page,
    ) -> Result<bool, StoreError> {
        let now = self.context.clock.now();
        if !self.config.processing.negentropy || !self.habits.is_trial_due(now) {
            return Ok(false);
        }
        self.try_to_compare(target, page).await;
        Ok(self.can_compare())
    }

    async fn ask(
        &mut self,
        target: &Target<'_>,
        question: &Question,
    ) -> Result<Answer, StoreError> {
        if let Err(reason) = self.conversation.connect(self.ends_at).await {
            debug!(reason, "connect_failed");
            self.conversation.hang_up();
        }
        let silence = self.longest_silence * (1 + self.patience.failures());
        let filter = question.to_filter(target.filter);
        self.show(Method::Paging, question.range);
        let answer = self.conversation.ask(&filter, silence, self.ends_at).await;
        self.show(Method::Paging, question.range);
        answer
    }

    /// Tells the watcher, if there is one, what is asked for and what came so far.
    pub(super) fn show(&self, method: Method, range: Range) {
        if let Some(watcher) = self.watcher {
            let Conversation {
                requests, harvest, ..
            } = &self.conversation;
            watcher.send_modify(|progress| progress.note(method, range, *requests, harvest));
        }
    }

    /// Takes an answer that is whole.
    async fn learn(
        &mut self,
        target: &Target<'_>,
        walk: &mut Walk,
        answer: &Answer,
    ) -> Result<Option<VisitEnd>, StoreError> {
        self.patience.restore();
        self.habits.gives_hints |= answer.page.hint.is_some();
        let findings = walk.answer(&answer.page);
        let proven = target.ledger.keep(Method::Paging, &findings).await?;
        self.has_progress |= proven > 0;
        let is_unbounded = |finding: &Finding| {
            matches!(
                finding,
                Finding::Gap {
                    reason: GapReason::Unbounded,
                    ..
                }
            )
        };
        if !findings.iter().any(is_unbounded) {
            return Ok(None);
        }
        self.take_newest(target).await?;
        Ok(Some(VisitEnd::GaveUp(GapReason::Unbounded)))
    }

    /// The one page that a relay without a sense of time is good for.
    async fn take_newest(&mut self, target: &Target<'_>) -> Result<(), StoreError> {
        let filter = Filter {
            limit: Some(self.config.processing.limit),
            ..target.filter.clone()
        };
        self.conversation
            .ask(&filter, self.longest_silence, self.ends_at)
            .await?;
        Ok(())
    }

    /// Deals with an answer that broke off.
    async fn react(
        &mut self,
        target: &Target<'_>,
        walk: &mut Walk,
        outcome: &Outcome,
        answer: &Answer,
    ) -> Result<Option<VisitEnd>, StoreError> {
        debug!(
            reason = outcome.as_str(),
            count = answer.page.frames,
            "request_failed"
        );
        let is_out_of_time = *outcome == Outcome::TimedOut && Instant::now() >= self.ends_at;
        if is_out_of_time {
            return Ok(Some(
                self.out_of_time(target, walk, GapReason::TimedOut).await?,
            ));
        }
        match self.patience.react(outcome, self.context.luck()) {
            Reaction::Retry { pause, reason, .. } if Instant::now() + pause >= self.ends_at => {
                Ok(Some(self.out_of_time(target, walk, reason).await?))
            }
            Reaction::Retry {
                pause,
                is_smaller,
                is_reconnecting,
                ..
            } => {
                if is_smaller {
                    walk.shrink_limit(answer.page.frames);
                }
                if is_reconnecting {
                    self.conversation.hang_up();
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.tokens.soft_stop() => {}
                }
                Ok(None)
            }
            Reaction::Split => {
                if !walk.shrink_limit(answer.page.frames) {
                    let findings = walk.split(GapReason::BudgetExceeded);
                    target.ledger.keep(Method::Paging, &findings).await?;
                }
                Ok(None)
            }
            Reaction::GiveUp(reason) => Ok(Some(give_up(target, walk, reason).await?)),
        }
    }

    /// Its share of time is used up. What got on goes on in its next turn. A relay that could prove
    /// nothing in all that time has failed, and one that asks us to slow down is not to be asked again
    /// at once.
    async fn out_of_time(
        &mut self,
        target: &Target<'_>,
        walk: &mut Walk,
        reason: GapReason,
    ) -> Result<VisitEnd, StoreError> {
        if self.has_progress && reason != GapReason::RateLimited {
            return Ok(VisitEnd::OutOfTime);
        }
        give_up(target, walk, reason).await
    }
}

/// Writes everything down as missing that is still open.
async fn give_up(
    target: &Target<'_>,
    walk: &mut Walk,
    reason: GapReason,
) -> Result<VisitEnd, StoreError> {
    let findings = walk.give_up(reason);
    target.ledger.keep(Method::Paging, &findings).await?;
    Ok(VisitEnd::GaveUp(reason))
}
