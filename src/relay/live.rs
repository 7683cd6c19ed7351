//! Live delivery: follows the archive's announcements and hands each event to the connections whose
//! subscriptions it matches.
//!
//! One task does this for all connections. When it falls behind the feed it reads the log of
//! arrivals from a little before where it stood, and delivers only what it has not delivered yet.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use nips::nip40::Expiration;
use tokio::sync::Notify;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::counters::count;
use super::listener::{Delivery, Listener};
use super::live_index::LiveIndex;
use super::seen::Seen;
use super::server::Inner;
use crate::archive::{Announcement, LiveEvent};
use crate::store::StoreError;
use crate::store::events::{BatchNumber, Visibility};

/// Events read from the log in one step.
const CATCH_UP_EVENTS: usize = 1_000;

/// The one task of live delivery.
pub(super) struct LiveDelivery {
    relay: Arc<Inner>,
    feed: Receiver<Arc<Announcement>>,
    seen: Seen,
}

impl LiveDelivery {
    pub(super) fn new(relay: Arc<Inner>, feed: Receiver<Arc<Announcement>>) -> Self {
        Self {
            relay,
            feed,
            seen: Seen::default(),
        }
    }

    /// Delivers until told to stop. Each time `others` is notified, the log of arrivals is read as well:
    /// other processes write into the same store, and announce nothing here.
    pub(super) async fn run(mut self, others: Arc<Notify>, soft: CancellationToken) {
        self.start_at_newest().await;
        loop {
            let announced = tokio::select! {
                announced = self.feed.recv() => announced,
                () = others.notified() => {
                    self.read_on().await;
                    continue;
                }
                () = soft.cancelled() => return,
            };
            match announced {
                Ok(announcement) => self.announced(&announcement),
                Err(RecvError::Lagged(_)) => self.catch_up().await,
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// What was stored before this process delivers anything is not live.
    async fn start_at_newest(&mut self) {
        match self.relay.store.arrival_bounds().await {
            Ok((newest, _)) => self.seen.caught_up(newest),
            Err(error) => {
                tracing::warn!(reason = error.reason(), %error, "live delivery does not know where it starts")
            }
        }
    }

    /// What is in the log by now is nobody's to hear, if nobody has asked for anything yet. Gives whether that is so.
    async fn skip_unasked(&mut self) -> Result<bool, StoreError> {
        if !self.relay.has_no_subscriptions() {
            return Ok(false);
        }
        let (newest, _) = self.relay.store.arrival_bounds().await?;
        // Whoever has asked meanwhile may have been answered from before that.
        let is_unasked = self.relay.has_no_subscriptions();
        if is_unasked {
            self.seen.caught_up(newest);
        }
        Ok(is_unasked)
    }

    fn announced(&mut self, announcement: &Announcement) {
        let events = &announcement.events;
        match announcement.batch {
            None => self.relay.deliver(None, events),
            Some(batch) => self.deliver_unseen(batch, events),
        }
    }

    fn deliver_unseen(&mut self, batch: BatchNumber, events: &[Arc<LiveEvent>]) {
        let unseen: Vec<Arc<LiveEvent>> = events
            .iter()
            .filter(|live| self.seen.is_first(batch, live.event.id()))
            .cloned()
            .collect();
        self.relay.deliver(Some(batch), &unseen);
    }

    async fn catch_up(&mut self) {
        count(&self.relay.counters.feed_lags);
        self.read_on().await;
    }

    async fn read_on(&mut self) {
        if let Err(error) = self.read_log().await {
            tracing::warn!(reason = error.reason(), %error, "live delivery could not read the log of arrivals");
        }
    }

    async fn read_log(&mut self) -> Result<(), StoreError> {
        let mut after = self.seen.resume_after();
        loop {
            if self.skip_unasked().await? {
                return Ok(());
            }
            let batches = self
                .relay
                .store
                .arrivals_after(after, CATCH_UP_EVENTS)
                .await?;
            let Some(last) = batches.last() else {
                return Ok(());
            };
            after = last.number;
            for batch in batches {
                let servable = batch.events.into_iter();
                let servable = servable.filter(|arrival| arrival.visibility.is_servable());
                let events: Vec<Arc<LiveEvent>> = servable
                    .map(|arrival| Arc::new(LiveEvent::new(arrival.event, arrival.visibility)))
                    .collect();
                self.deliver_unseen(batch.number, &events);
            }
            self.seen.caught_up(after);
        }
    }
}

/// The open subscriptions of all connections.
pub(super) type SharedIndex = RwLock<LiveIndex>;

impl Inner {
    pub(super) fn has_no_subscriptions(&self) -> bool {
        self.live
            .read()
            .expect("no panic under the lock")
            .is_empty()
    }

    /// Hands events to everybody who may read them and asked for them.
    fn deliver(&self, batch: Option<BatchNumber>, events: &[Arc<LiveEvent>]) {
        let index = self.live.read().expect("no panic under the lock");
        if index.is_empty() {
            return;
        }
        let mut deliveries: HashMap<*const Listener, (Arc<Listener>, Delivery)> = HashMap::new();
        for live in events {
            let audience = Audience::of(live, self);
            for (key, listener) in index.matches(live) {
                if !audience.includes(&listener) {
                    continue;
                }
                let (_, delivery) = deliveries
                    .entry(Arc::as_ptr(&listener))
                    .or_insert_with(|| (listener, Delivery::of(batch)));
                delivery.push(key, live);
            }
        }
        drop(index);
        for (listener, delivery) in deliveries.into_values() {
            listener.deliver(delivery);
        }
    }
}

/// Who may read an event now. That is asked once for everybody, and of each client only when the
/// event is for some of them.
enum Audience<'e> {
    Everybody,
    Nobody,
    Parties {
        live: &'e LiveEvent,
        relay: &'e Inner,
        expiration: Expiration,
    },
}

impl<'e> Audience<'e> {
    fn of(live: &'e LiveEvent, relay: &'e Inner) -> Self {
        let event = live.event.as_ref();
        let expiration = if event.tags_json.contains("expiration") {
            Expiration::of(&event.tags())
        } else {
            Expiration::Never
        };
        let is_public = relay.scope(Vec::new());
        if is_public.admits(&event, live.visibility, expiration) {
            return Self::Everybody;
        }
        match live.visibility {
            Visibility::Private => Self::Parties {
                live,
                relay,
                expiration,
            },
            _ => Self::Nobody,
        }
    }

    fn includes(&self, listener: &Listener) -> bool {
        match self {
            Self::Everybody => true,
            Self::Nobody => false,
            Self::Parties {
                live,
                relay,
                expiration,
            } => {
                let scope = relay.scope(listener.readers());
                scope.admits(&live.event.as_ref(), live.visibility, *expiration)
            }
        }
    }
}
