//! One connection that stays open: events go to the archive as they come, pings show that it is alive, and
//! what is proven by that is written down.
//!
//! The socket is not read while the archive works, so that a relay is never faster than the store.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::debug;

use crate::config::SyncProcessing;
use crate::lifecycle::Tokens;
use crate::metrics::TailMetrics;
use crate::model::{GapReason, Relay};
use crate::net::{ClosedPrefix, Incoming, OpenOptions, RawEvent, Session, SubscriptionId};
use crate::services::backoff::spread;
use crate::store::StoreError;

use super::super::Inner;
use super::super::account::Receipt;
use super::super::consent;
use super::super::harvest::Harvest;
use super::super::ledger::Ledger;
use super::claim::Step;
use super::stream::{Checked, Stream};

/// How long an event waits for others, so that they share a commit.
const BATCH_TIME: Duration = Duration::from_millis(500);

/// Bytes of events that wait at most.
const BATCH_BYTES: usize = 1 << 20;

/// Messages that are no Nostr before a connection is given up.
const MAX_GARBAGE: usize = 64;

/// Pings that may be due without anything having come.
const SILENT_INTERVALS: u32 = 2;

/// How long the relay may take to take a frame of ours.
const SEND_TIME: Duration = Duration::from_secs(10);

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a connection is not listened to any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LiveEnd {
    /// The service stops, or the relay is not among the best any more.
    Stopped,
    /// Something older is missing that can be asked for now.
    WorkWaits,
    /// The connection broke, or was never there.
    Broken(&'static str),
    /// The relay wants no standing subscription.
    Refused,
    /// The relay holds events that it did not deliver.
    Undelivered,
}

impl LiveEnd {
    /// The stable label.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::WorkWaits => "work-waits",
            Self::Broken(reason) => reason,
            Self::Refused => "refused",
            Self::Undelivered => "undelivered",
        }
    }
}

/// The connection.
pub(super) struct Live<'a> {
    inner: &'a Inner,
    relay: &'a Relay,
    tokens: &'a Tokens,
    session: Session,
    /// What is archived of this relay.
    processing: Arc<SyncProcessing>,
    streams: Vec<Stream<'a>>,
    waiting_bytes: usize,
    waiting_events: usize,
    flush_at: Option<Instant>,
    ping_at: Instant,
    /// When the ping was sent that is not answered yet, unix seconds.
    pinged_at: Option<u64>,
    /// When anything came last.
    heard_at: Instant,
    /// Until when the connection is known to have been alive, unix seconds.
    proven_at: u64,
    look_back_at: u64,
    garbage: usize,
    /// What came and is not accounted for yet.
    harvest: Harvest,
    /// Bytes of this connection that are on the relay's account already.
    accounted_bytes: u64,
    metrics: &'a TailMetrics,
}

impl<'a> Live<'a> {
    /// Connects and subscribes. `cap` is how many events the relay is known to hand out at once.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not say what is covered.
    pub(super) async fn open(
        inner: &'a Inner,
        relay: &'a Relay,
        tokens: &'a Tokens,
        cap: usize,
        metrics: &'a TailMetrics,
    ) -> Result<Result<Self, LiveEnd>, StoreError> {
        let processing = Arc::new(inner.config.processing_for(&relay.url));
        let mut streams = Vec::new();
        for filter in &processing.filters {
            streams.push(Stream::new(inner, relay, &processing, filter, cap).await?);
        }
        let options = OpenOptions {
            auth: inner.signer_for(&relay.url),
            ..OpenOptions::default()
        };
        let deadline = inner.context.net.deadline(relay.network());
        let opened = tokio::select! {
            opened = inner.context.net.open(&relay.url, deadline, options) => opened,
            () = tokens.soft_stop() => return Ok(Err(LiveEnd::Stopped)),
        };
        let session = match opened {
            Ok(session) => session,
            Err(failure) => return Ok(Err(LiveEnd::Broken(failure.reason()))),
        };
        let now = inner.context.clock.now();
        let pause = spread(inner.config.interval, inner.context.luck());
        let mut live = Self {
            inner,
            relay,
            tokens,
            session,
            processing,
            streams,
            waiting_bytes: 0,
            waiting_events: 0,
            flush_at: None,
            ping_at: Instant::now() + inner.config.tail.ping_interval,
            pinged_at: None,
            heard_at: Instant::now(),
            proven_at: 0,
            look_back_at: now + pause.as_secs(),
            garbage: 0,
            harvest: Harvest::default(),
            accounted_bytes: 0,
            metrics,
        };
        Ok(match live.subscribe().await {
            None => Ok(live),
            Some(end) => Err(end),
        })
    }

    /// Listens until the connection is of no use any more, and says goodbye.
    ///
    /// # Errors
    /// [`StoreError`] when the store could not keep what came.
    pub(super) async fn listen(mut self) -> Result<LiveEnd, StoreError> {
        let end = loop {
            let deadline = self
                .flush_at
                .map_or(self.ping_at, |at| at.min(self.ping_at));
            let incoming = tokio::select! {
                incoming = self.session.next(deadline) => incoming,
                () = self.tokens.soft_stop() => break LiveEnd::Stopped,
            };
            if let Some(end) = self.hear(incoming).await? {
                break end;
            }
            if let Some(end) = self.keep_up().await? {
                break end;
            }
        };
        self.finish(end).await?;
        self.session.close(Instant::now() + GOODBYE).await;
        Ok(end)
    }

    /// Opens every subscription that is not open.
    async fn subscribe(&mut self) -> Option<LiveEnd> {
        for stream in &mut self.streams {
            if stream.subscription.is_some() {
                continue;
            }
            let deadline = Instant::now() + SEND_TIME;
            let filters = std::slice::from_ref(&stream.filter);
            match self.session.subscribe(filters, deadline).await {
                Ok(subscription) => stream.subscription = Some(subscription),
                Err(outcome) => return Some(LiveEnd::Broken(outcome.as_str())),
            }
        }
        None
    }

    async fn hear(&mut self, incoming: Incoming) -> Result<Option<LiveEnd>, StoreError> {
        if incoming != Incoming::Nothing {
            self.heard_at = Instant::now();
        }
        match incoming {
            Incoming::Event {
                subscription,
                event,
            } => self.take(&subscription, event),
            Incoming::Eose { subscription, .. } => self.end_stored_part(&subscription).await?,
            Incoming::Closed {
                subscription,
                prefix,
                ..
            } => return Ok(self.on_closed(&subscription, prefix)),
            Incoming::Pong => {
                self.proven_at = self.pinged_at.take().unwrap_or(self.proven_at);
                return self.claim().await;
            }
            Incoming::Authenticated { accepted: true } => return Ok(self.subscribe().await),
            Incoming::Garbage => {
                self.garbage += 1;
                if self.garbage > MAX_GARBAGE {
                    return Ok(Some(LiveEnd::Broken("garbage")));
                }
            }
            Incoming::Ended(outcome) => return Ok(Some(LiveEnd::Broken(outcome.as_str()))),
            Incoming::Notice(_)
            | Incoming::Challenge
            | Incoming::Authenticated { .. }
            | Incoming::Nothing => {}
        }
        Ok(None)
    }

    fn take(&mut self, subscription: &SubscriptionId, event: RawEvent) {
        for stream in &mut self.streams {
            if stream.is_checked_by(subscription) {
                stream.take_offered(&event);
                return;
            }
            if stream.is_on(subscription) {
                self.waiting_bytes += event.len();
                self.waiting_events += 1;
                let soon = Instant::now() + BATCH_TIME;
                self.flush_at.get_or_insert(soon);
                stream.take(event);
                return;
            }
        }
    }

    async fn end_stored_part(&mut self, subscription: &SubscriptionId) -> Result<(), StoreError> {
        self.flush().await?;
        let now = self.inner.context.clock.now();
        for stream in &mut self.streams {
            if stream.is_on(subscription) {
                stream.claim.go_live(now);
            } else if stream.is_checked_by(subscription)
                && let Some(done) = stream.end_check()
            {
                self.session.unsubscribe(&done);
            }
        }
        Ok(())
    }

    fn on_closed(
        &mut self,
        subscription: &SubscriptionId,
        prefix: ClosedPrefix,
    ) -> Option<LiveEnd> {
        let can_log_in = self.inner.signer_for(&self.relay.url).is_some();
        for stream in &mut self.streams {
            if stream.is_checked_by(subscription) {
                stream.drop_check();
            } else if stream.is_on(subscription) {
                stream.subscription = None;
                return match prefix {
                    ClosedPrefix::AuthRequired if can_log_in => None,
                    ClosedPrefix::RateLimited | ClosedPrefix::Error => {
                        Some(LiveEnd::Broken(prefix.as_str()))
                    }
                    _ => Some(LiveEnd::Refused),
                };
            }
        }
        None
    }

    /// What is to be done whatever came.
    async fn keep_up(&mut self) -> Result<Option<LiveEnd>, StoreError> {
        let is_time = self.flush_at.is_some_and(|at| at <= Instant::now());
        let is_full =
            self.waiting_bytes >= BATCH_BYTES || self.waiting_events >= self.processing.batch_size;
        if is_time || is_full {
            self.flush().await?;
        }
        if Instant::now() < self.ping_at {
            return Ok(None);
        }
        let interval = self.inner.config.tail.ping_interval;
        self.ping_at = Instant::now() + interval;
        if self.pinged_at.is_some() {
            // While events come, the pong may be behind them.
            let is_silent = self.heard_at.elapsed() >= SILENT_INTERVALS * interval;
            return Ok(is_silent.then_some(LiveEnd::Broken("silent")));
        }
        self.pinged_at = Some(self.inner.context.clock.now());
        let pinged = self.session.ping(Instant::now() + SEND_TIME).await;
        if let Err(outcome) = pinged {
            return Ok(Some(LiveEnd::Broken(outcome.as_str())));
        }
        Ok(self.work_waits().await?.then_some(LiveEnd::WorkWaits))
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        (self.flush_at, self.waiting_bytes, self.waiting_events) = (None, 0, 0);
        let began = Instant::now();
        for stream in &mut self.streams {
            self.harvest.merge(&stream.flush().await?);
        }
        // What the archive needs is not the relay's silence.
        self.heard_at += began.elapsed();
        Ok(())
    }

    /// Counts what came, and lets it speak for the relay.
    async fn account(&mut self) -> Result<(), StoreError> {
        let harvest = std::mem::take(&mut self.harvest);
        let fates = [("stored", harvest.stored), ("known", harvest.known)];
        let refused = harvest.refused.iter().map(|(why, count)| (*why, *count));
        for (outcome, count) in fates.into_iter().chain(refused) {
            let counter = self.metrics.events.with_label_values(&[outcome]);
            counter.inc_by(count);
        }
        let received_bytes = self.session.received_bytes() - self.accounted_bytes;
        self.accounted_bytes += received_bytes;
        let receipt = Receipt {
            harvest: &harvest,
            received_bytes,
            is_caught_up: None,
        };
        self.inner.account(self.relay.id, receipt).await
    }

    /// Writes down what the connection has proven until now; whatever came before is durable first.
    async fn claim(&mut self) -> Result<Option<LiveEnd>, StoreError> {
        self.flush().await?;
        if self.harvest.events() > 0 {
            self.account().await?;
        }
        for stream in &mut self.streams {
            match stream.settle_check().await? {
                Checked::Failed => return Ok(Some(LiveEnd::Undelivered)),
                Checked::Open => continue,
                Checked::Passed => {}
            }
            match stream.claim.step(self.proven_at) {
                Some(Step::Cover(range, events)) => stream.cover(range, events).await?,
                Some(Step::Check(range)) if !stream.is_checking() => {
                    let filter = [stream.check_filter(range)];
                    let deadline = Instant::now() + SEND_TIME;
                    match self.session.subscribe(&filter, deadline).await {
                        Ok(subscription) => stream.begin_check(range, subscription),
                        Err(outcome) => return Ok(Some(LiveEnd::Broken(outcome.as_str()))),
                    }
                }
                Some(Step::Check(_)) | None => {}
            }
        }
        Ok(None)
    }

    /// Once in an interval, as often as the relay would be visited: whether a visit has something to do, because
    /// something is missing that was never claimed here, or because the relay does not want us any more.
    async fn work_waits(&mut self) -> Result<bool, StoreError> {
        let now = self.inner.context.clock.now();
        if now < self.look_back_at {
            return Ok(false);
        }
        let pause = spread(self.inner.config.interval, self.inner.context.luck());
        self.look_back_at = now + pause.as_secs().max(1);
        if !consent::is_welcome(&self.inner.context, self.relay).await? {
            return Ok(true);
        }
        let processing = &self.processing;
        for (filter, stream) in processing.filters.iter().zip(&self.streams) {
            let Some(next) = stream.claim.next() else {
                continue;
            };
            let mut ledger = Ledger::open(&self.inner.context, self.relay.id, filter).await?;
            let missing = ledger.missing(processing, 0).await?;
            if missing.iter().any(|range| range.from < next) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Nothing that came is lost, and nothing that was not seen is called covered.
    async fn finish(&mut self, end: LiveEnd) -> Result<(), StoreError> {
        self.flush().await?;
        for stream in &mut self.streams {
            if end != LiveEnd::Undelivered
                && let Some(Step::Cover(range, events)) = stream.claim.last_step(self.proven_at)
            {
                stream.cover(range, events).await?;
            }
            if let LiveEnd::Broken(_) = end {
                stream.record_break(GapReason::Disconnected).await?;
            }
        }
        self.account().await?;
        debug!(reason = end.as_str(), "tail_ended");
        Ok(())
    }
}
