//! Questions and answers over a connection that may have to be opened again.

use std::sync::Arc;
use std::time::Duration;

use nips::Filter;
use nips::nip77::SyncSet;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::debug;

use crate::archive::Door;
use crate::config::SyncProcessing;
use crate::lifecycle::Tokens;
use crate::model::Relay;
use crate::net::{
    AuthSigner, OpenOptions, Outcome, ReconcileOptions, Reconciled, RequestOptions, Session,
};
use crate::services::Context;
use crate::store::StoreError;

use super::harvest::Harvest;
use super::intake::{Intake, Pulse};
use super::pace::Pace;
use super::page::Page;

/// Bytes of one answer. A full page of ordinary events is a hundredth of it.
const MAX_ANSWER_BYTES: u64 = 32 << 20;

/// Events between socket and archive; with the session's largest frame it bounds what a hostile relay can
/// have us hold.
const CHANNEL_EVENTS: usize = 8;

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// How an answer ended, and what it consisted of.
#[derive(Debug)]
pub(super) struct Answer {
    /// `None` when the service is stopping; what came is archived all the same.
    pub outcome: Option<Outcome>,
    /// What came.
    pub page: Page,
}

/// A talk with one relay.
pub(super) struct Conversation<'a> {
    context: &'a Context,
    tokens: &'a Tokens,
    relay: &'a Relay,
    processing: &'a SyncProcessing,
    signer: Option<Arc<dyn AuthSigner>>,
    session: Option<Session>,
    /// What came of it so far.
    pub harvest: Harvest,
    /// REQs and NEG-OPENs sent so far.
    pub requests: u64,
    /// Bytes received on connections that are over.
    pub received_bytes: u64,
    /// The most events that one whole answer held.
    pub largest_answer: usize,
    /// How fast the relay is asked.
    pub pace: Pace,
}

impl<'a> Conversation<'a> {
    /// A talk that has not begun. With a signer, the relay may learn who we are (NIP-42).
    pub(super) fn new(
        context: &'a Context,
        tokens: &'a Tokens,
        relay: &'a Relay,
        processing: &'a SyncProcessing,
        signer: Option<Arc<dyn AuthSigner>>,
    ) -> Self {
        Self {
            context,
            tokens,
            relay,
            processing,
            signer,
            session: None,
            harvest: Harvest::default(),
            requests: 0,
            received_bytes: 0,
            largest_answer: 0,
            pace: Pace::remembered(Duration::ZERO, Instant::now()),
        }
    }

    /// Opens the connection unless it is open, by `deadline` at the latest.
    ///
    /// # Errors
    /// The reason why it could not be opened.
    pub(super) async fn connect(&mut self, deadline: Instant) -> Result<(), &'static str> {
        if self.session.is_some() {
            return Ok(());
        }
        let options = OpenOptions {
            auth: self.signer.clone(),
            ..OpenOptions::default()
        };
        let deadline = deadline.min(self.context.net.deadline(self.relay.network()));
        let opening = self.context.net.open(&self.relay.url, deadline, options);
        let opened = tokio::select! {
            opened = opening => opened,
            () = self.tokens.soft_stop() => return Err("stopping"),
        };
        self.session = Some(opened.map_err(|failure| failure.reason())?);
        Ok(())
    }

    /// Drops the connection, so that the next question opens another one.
    pub(super) fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            self.received_bytes += session.received_bytes();
        }
    }

    /// Asks, and archives what comes, until the relay ends the answer, is silent for too long, or the
    /// service stops. What came is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when the archive could not take the events.
    pub(super) async fn ask(
        &mut self,
        filter: &Filter,
        longest_silence: Duration,
        deadline: Instant,
    ) -> Result<Answer, StoreError> {
        let is_going_on = self.session.is_none() || self.take_turn(deadline).await;
        let Some(session) = self.session.as_mut().filter(|_| is_going_on) else {
            return Ok(Answer {
                outcome: is_going_on.then_some(Outcome::Disconnected),
                page: Page::default(),
            });
        };
        let pulse = Pulse::new();
        let archive = &self.context.archive;
        let door = Door::Crawl(self.relay.id);
        let intake = Intake::new(archive, door, filter, self.processing, &pulse);
        let (sink, events) = mpsc::channel(CHANNEL_EVENTS);
        let options = RequestOptions {
            deadline,
            max_events: filter.limit.unwrap_or(usize::MAX).saturating_mul(2),
            max_bytes: MAX_ANSWER_BYTES,
        };
        let (tokens, heard) = (self.tokens, &pulse);
        let question = async move {
            tokio::select! {
                report = session.request(std::slice::from_ref(filter), options, &sink) => {
                    Some((report.outcome, report.hint))
                }
                () = heard.silence(longest_silence) => Some((Outcome::TimedOut, None)),
                () = tokens.soft_stop() => None,
            }
        };
        let (ended, taken) = tokio::join!(question, intake.drain(events));
        let (mut page, harvest) = taken?;
        self.harvest.merge(&harvest);
        let (outcome, hint) = ended.unzip();
        // Look-ups by id are often not capped, and say nothing about what is.
        if outcome == Some(Outcome::Eose) && filter.ids.is_none() {
            self.largest_answer = self.largest_answer.max(page.frames);
        }
        page.hint = hint.flatten();
        if outcome.as_ref().is_some_and(Outcome::is_end_of_session) {
            self.hang_up();
        }
        Ok(Answer { outcome, page })
    }

    /// Compares a set with what the relay holds; `None` when the service is stopping.
    pub(super) async fn reconcile(
        &mut self,
        filter: &Filter,
        set: &Arc<SyncSet>,
        options: ReconcileOptions,
    ) -> Option<Reconciled> {
        let failed = Reconciled::Failed(Outcome::Disconnected);
        if self.connect(options.deadline).await.is_err() {
            return Some(failed);
        }
        if !self.take_turn(options.deadline).await {
            return None;
        }
        let Some(session) = &mut self.session else {
            return Some(failed);
        };
        let report = tokio::select! {
            report = session.reconcile(filter, set, options) => report,
            () = self.tokens.soft_stop() => return None,
        };
        debug!(
            outcome = report.outcome.as_str(),
            count = set.elements().len(),
            rounds = report.rounds,
            sent_bytes = report.sent_bytes,
            received_bytes = report.received_bytes,
            "set_compared"
        );
        if let Reconciled::Failed(outcome) = &report.outcome
            && outcome.is_end_of_session()
        {
            self.hang_up();
        }
        Some(report.outcome)
    }

    /// Waits until the relay may be asked again; `false` when the service stops before.
    async fn take_turn(&mut self, deadline: Instant) -> bool {
        if let Some(at) = self.pace.next_at() {
            tokio::select! {
                () = tokio::time::sleep_until(at.min(deadline)) => {}
                () = self.tokens.soft_stop() => return false,
            }
        }
        self.pace.on_asked(Instant::now());
        self.requests += 1;
        true
    }

    /// Ends the talk politely.
    pub(super) async fn say_goodbye(&mut self) {
        if let Some(session) = self.session.take() {
            self.received_bytes += session.received_bytes();
            session.close(Instant::now() + GOODBYE).await;
        }
    }
}
