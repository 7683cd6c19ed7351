//! Archiving by backward paging: one question after another, until a range is walked, and what to do when
//! an answer is none.

use nips::Filter;
use tokio::time::Instant;
use tracing::debug;

use crate::model::{GapReason, Method};
use crate::net::{ClosedPrefix, Outcome};
use crate::store::StoreError;

use super::conversation::{Answer, Conversation};
use super::known_authors::known_authors;
use super::page::{Page, Question};
use super::patience::Reaction;
use super::range::Range;
use super::visit::{Target, Visit, VisitEnd};
use super::walk::{Finding, Walk};

/// How a walk came to stop.
pub(super) enum Stop {
    /// The visit ends, or everything was walked.
    Ended(VisitEnd),
    /// The relay has shown that it compares sets: that is how the rest is done.
    Comparable,
}

impl Visit<'_> {
    /// Walks on until everything is answered or something comes between.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not keep what came.
    pub(super) async fn walk(
        &mut self,
        target: &Target<'_>,
        walk: &mut Walk,
    ) -> Result<Stop, StoreError> {
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
        if !self.processing.negentropy || !self.habits.is_trial_due(now) {
            return Ok(false);
        }
        self.try_to_compare(target, page).await;
        Ok(self.can_compare())
    }

    pub(super) async fn ask(
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
        if walk.wants_authors(&answer.page) {
            walk.meet(known_authors(self.context, self.relay).await?);
        }
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
        self.habits.has_ignored_bounds(self.context.clock.now());
        self.take_newest(target).await?;
        Ok(Some(VisitEnd::GaveUp(GapReason::Unbounded)))
    }

    /// The one page that a relay without a sense of time is good for.
    pub(super) async fn take_newest(&mut self, target: &Target<'_>) -> Result<(), StoreError> {
        let filter = Filter {
            limit: Some(self.processing.limit),
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
        self.keep_pace(outcome);
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

    /// Asks more slowly from now on, if that is what the relay wants.
    pub(super) fn keep_pace(&mut self, outcome: &Outcome) {
        if let Outcome::Closed {
            prefix: ClosedPrefix::RateLimited,
            ..
        } = outcome
        {
            self.conversation.pace.on_refused(Instant::now());
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
