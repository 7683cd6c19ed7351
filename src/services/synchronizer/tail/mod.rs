//! The live tail: standing subscriptions to the relays that bring the most new events.
//!
//! Each of these relays is worked on by one follower, which holds its lease: it visits the relay as a
//! cycle does, so that history has no hole, then listens on one connection until that breaks, and begins
//! again. So no relay ever has two connections, and one that is listened to costs no visits.

mod claim;
mod live;
mod stream;
mod yields;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{Instrument, debug_span, info, warn};

use crate::lifecycle::Tokens;
use crate::metrics::{TailMetrics, gauge};
use crate::model::{Relay, RelayId};
use crate::services::backoff::{Backoff, whole_seconds};
use crate::services::leases::Leases;
use crate::store::StoreError;
use crate::store::leases::Work;

use super::hosts::HostPlace;
use super::visit::VisitEnd;
use super::{Inner, Synchronizer};

use live::{Live, LiveEnd};
pub(super) use yields::Yields;

/// How often it is decided anew who is listened to, at the least.
const REVIEW: Duration = Duration::from_secs(15);

/// A relay that is listened to keeps its place while it is among so many times the places: one that wavers
/// at the edge is not connected to again and again.
const LOYALTY: usize = 2;

/// The pause before a connection is opened again.
const RECONNECT: Backoff = Backoff {
    base: Duration::from_secs(1),
    max: Duration::from_secs(300),
};

/// Relays that are recalled from before: more than can be listened to at all.
const MAX_REMEMBERED: usize = 1_000;

/// A connection that held this long was a good one: the next pause is a short one again.
const GOOD_CONNECTION: Duration = Duration::from_secs(60);

/// Bad connections in a row before a relay is left to its ordinary turns.
const MAX_FAILURES: u32 = 6;

/// Seconds for which a relay that cannot be listened to is passed over.
const LEFT_ALONE_SECONDS: u64 = 86_400;

/// Fewer stored events than this are taken for the whole, even of a relay that never showed that it would
/// hand out more.
const SMALLEST_CAP: usize = 20;

/// The lane.
pub struct Tail {
    inner: Arc<Inner>,
    leases: Arc<Leases>,
    metrics: TailMetrics,
}

impl Synchronizer {
    /// The live tail beside the cycles of this synchronizer, which show it whom to listen to.
    pub fn tail(&self, metrics: TailMetrics) -> Tail {
        let inner = Arc::clone(&self.0);
        let store = inner.context.store.clone();
        let leases = Leases::new(store, Work::Sync, inner.config.lease);
        Tail {
            inner,
            leases: Arc::new(leases),
            metrics,
        }
    }
}

impl Tail {
    /// Listens until the soft token is cancelled. What came until then is kept.
    ///
    /// # Errors
    /// None; the type is what a long-lived task returns.
    pub async fn run(self, tokens: Tokens) -> Result<(), Infallible> {
        let processing = &self.inner.config.processing;
        let wants_newest = processing.until.is_none() && processing.end_lag.is_zero();
        if self.inner.config.tail.max_relays > 0 && wants_newest {
            tokio::select! {
                () = self.listen(&tokens) => {}
                never = self.leases.renew() => match never {},
            }
            self.leases.release_all().await;
        }
        tokens.soft_stop().await;
        Ok(())
    }

    async fn listen(&self, tokens: &Tokens) {
        if let Err(failure) = self.remember().await {
            warn!(reason = failure.reason(), "tail_review_failed");
        }
        let mut places = HashMap::new();
        let mut followers = JoinSet::new();
        while !tokens.is_stopping() {
            self.review(tokens, &mut places, &mut followers).await;
            tokio::select! {
                Some(ended) = followers.join_next() => self.make_room(ended.ok(), &mut places).await,
                () = self.inner.yields.changed() => {}
                () = tokio::time::sleep(REVIEW) => {}
                () = tokens.soft_stop() => {}
            }
        }
        while let Some(ended) = followers.join_next().await {
            self.make_room(ended.ok(), &mut places).await;
        }
    }

    /// Recalls who brought news before this process began.
    async fn remember(&self) -> Result<(), StoreError> {
        let now = self.inner.context.clock.now();
        let store = &self.inner.context.store;
        for known in store.freshest(now, MAX_REMEMBERED).await? {
            self.inner.yields.note(known.relay, known.news, now);
        }
        Ok(())
    }

    /// Sends those away who are not among the best any more, and begins with those who are.
    async fn review(
        &self,
        tokens: &Tokens,
        places: &mut HashMap<RelayId, Tokens>,
        followers: &mut JoinSet<RelayId>,
    ) {
        let max = self.inner.config.tail.max_relays;
        let now = self.inner.context.clock.now();
        let best = self.inner.yields.best(max * LOYALTY, now);
        let leaving = places.iter().filter(|(relay, _)| !best.contains(relay));
        leaving.for_each(|(_, tokens)| tokens.stop());
        for relay in best.into_iter().take(max) {
            if places.len() >= max || places.contains_key(&relay) {
                continue;
            }
            match self.begin(tokens, relay, followers).await {
                Ok(Some(tokens)) => drop(places.insert(relay, tokens)),
                Ok(None) => {}
                Err(failure) => warn!(reason = failure.reason(), "tail_review_failed"),
            }
        }
        self.show(places.len());
    }

    /// `None` when somebody else works on the relay just now.
    async fn begin(
        &self,
        tokens: &Tokens,
        relay: RelayId,
        followers: &mut JoinSet<RelayId>,
    ) -> Result<Option<Tokens>, StoreError> {
        let Some(tokens) = self.leases.take(tokens, relay).await? else {
            return Ok(None);
        };
        let follower = Follower {
            inner: Arc::clone(&self.inner),
            metrics: self.metrics.clone(),
            tokens: tokens.clone(),
            relay,
            failures: 0,
        };
        let span = debug_span!("tail", relay.id = relay.0);
        followers.spawn(follower.follow().instrument(span));
        Ok(Some(tokens))
    }

    async fn make_room(&self, ended: Option<RelayId>, places: &mut HashMap<RelayId, Tokens>) {
        let Some(relay) = ended else {
            // A follower that panicked holds its place and its lease until the process ends.
            warn!(reason = "panic", "tail_follower_failed");
            return;
        };
        places.remove(&relay);
        self.leases.release(relay).await;
        self.show(places.len());
    }

    fn show(&self, relays: usize) {
        let relays = gauge(relays as u64);
        if self.metrics.relays.get() != relays {
            info!(service = "synchronizer", count = relays, "tail_changed");
        }
        self.metrics.relays.set(relays);
    }
}

/// Who works on one relay.
struct Follower {
    inner: Arc<Inner>,
    metrics: TailMetrics,
    tokens: Tokens,
    relay: RelayId,
    failures: u32,
}

impl Follower {
    /// Visits and listens in turn, until it is told to stop or there is no point any more.
    async fn follow(mut self) -> RelayId {
        loop {
            match self.turn().await {
                Ok(true) => {}
                Ok(false) => return self.relay,
                Err(failure) => {
                    warn!(reason = failure.reason(), "tail_store_failed");
                    return self.relay;
                }
            }
        }
    }

    /// One visit and one connection. `false` when there should be no other one.
    async fn turn(&mut self) -> Result<bool, StoreError> {
        let found = self.inner.context.store.relays_by_id(&[self.relay]).await?;
        let Some(relay) = found.into_iter().next() else {
            return Ok(false);
        };
        let now = self.inner.context.clock.now();
        let Some(mut report) = self.inner.visit(&relay, &self.tokens, None).await? else {
            return Ok(false);
        };
        let due_at = self.inner.record(&relay, now, &report).await?;
        let place = report.place.take();
        match report.end {
            VisitEnd::CaughtUp => {}
            VisitEnd::OutOfTime => return Ok(true),
            VisitEnd::Unreachable(reason) => {
                drop(place);
                return Ok(self.pause(reason).await);
            }
            VisitEnd::Stopped => return Ok(false),
            VisitEnd::GaveUp(_) | VisitEnd::PassedOver(_) => return Ok(self.leave_until(due_at)),
        }
        // The host has room for no more connections that stay.
        let Some(place) = place.and_then(HostPlace::stay) else {
            return Ok(self.leave_until(due_at));
        };
        let began = Instant::now();
        let end = self.listen(&relay, report.largest_answer).await?;
        drop(place);
        self.metrics.ends.with_label_values(&[end.as_str()]).inc();
        if began.elapsed() >= GOOD_CONNECTION {
            self.failures = 0;
        }
        match end {
            LiveEnd::Stopped => Ok(false),
            LiveEnd::WorkWaits => Ok(true),
            LiveEnd::Broken(reason) => Ok(self.pause(reason).await),
            LiveEnd::Refused | LiveEnd::Undelivered => {
                let now = self.inner.context.clock.now();
                Ok(self.leave_until(now + LEFT_ALONE_SECONDS))
            }
        }
    }

    /// Nobody follows the relay until then: `false`, so that this one ends.
    fn leave_until(&self, at: u64) -> bool {
        self.inner.yields.pass_over(self.relay, at);
        false
    }

    async fn listen(&self, relay: &Relay, largest_answer: usize) -> Result<LiveEnd, StoreError> {
        let cap = largest_answer.max(SMALLEST_CAP);
        let opened = Live::open(&self.inner, relay, &self.tokens, cap, &self.metrics);
        match opened.await? {
            Ok(live) => live.listen().await,
            Err(end) => Ok(end),
        }
    }

    /// Waits before the next connection. `false` when there should be none.
    async fn pause(&mut self, reason: &'static str) -> bool {
        self.failures += 1;
        if self.failures > MAX_FAILURES {
            let now = self.inner.context.clock.now();
            let interval = self.inner.config.interval;
            return self.leave_until(now + whole_seconds(interval));
        }
        let pause = RECONNECT.delay(self.failures, self.inner.context.luck());
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(reason, pause_ms, "tail_reconnects");
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.tokens.soft_stop() => false,
        }
    }
}
