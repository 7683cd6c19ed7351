//! One connection, from its first message to its end.
//!
//! A single task reads, dispatches and writes. What takes time runs beside it: batches of published
//! events in [`Ingest`], queries in a set of tasks. Their results, live events and the client's
//! messages are taken in whatever order they come, and stored answers are written in pieces between
//! them, so that a long answer holds up nothing but itself.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use nips::Filter;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, Ended, GOING_AWAY};
use super::counters::count;
use super::filter_limits::is_live_only;
use super::ingest::Ingest;
use super::live_index::{Delivery, Listener, SubscriptionKey};
use super::message::{self, ClientEvent, ClientMessage, Reply};
use super::rate::Rate;
use super::server::Inner;
use super::subscription::{Answer, Next, Subscriptions};
use crate::store::StoreError;
use crate::store::events::{BatchNumber, Page, Scope};

/// Proxies and home routers forget connections that are silent for a minute.
const PING_EVERY: Duration = Duration::from_secs(30);

/// A client that sent nothing at all for so long, not even an answer to a ping, is gone.
const SILENCE: Duration = Duration::from_secs(75);

/// Stored answers of one connection that are worked out or held in memory at the same time.
const MAX_ANSWERS: usize = 3;

/// Bytes of a stored answer written before the connection looks at anything else.
const PIECE_BYTES: usize = 64 << 10;

/// The state of one connection.
pub(super) struct Session<'r> {
    relay: &'r Arc<Inner>,
    connection: Connection,
    listener: Arc<Listener>,
    live: mpsc::Receiver<Delivery>,
    subscriptions: Subscriptions<'r>,
    ingest: Ingest,
    requests: VecDeque<Request>,
    queries: JoinSet<(SubscriptionKey, Result<Page, StoreError>)>,
    answers: VecDeque<Answer>,
    event_rate: Rate,
    request_rate: Rate,
    heard_at: Instant,
}

/// A REQ whose stored part has not been looked up yet.
struct Request {
    key: SubscriptionKey,
    filters: Vec<Filter>,
}

/// What the session is woken by.
enum Wake {
    Message(Result<Message, Ended>),
    Replies(Vec<Reply>),
    Page(SubscriptionKey, Result<Page, StoreError>),
    Live(Delivery),
    Piece,
    Tick,
    Stop,
}

impl<'r> Session<'r> {
    pub(super) fn new(relay: &'r Arc<Inner>, socket: WebSocket) -> Self {
        let overrun = CancellationToken::new();
        let (listener, live) = Listener::new(overrun.clone());
        let (rates, now) = (&relay.settings.rates, Instant::now());
        Self {
            relay,
            connection: Connection::new(socket, overrun),
            subscriptions: Subscriptions::new(&relay.live, Arc::clone(&listener)),
            listener,
            live,
            ingest: Ingest::new(relay.archive.clone()),
            requests: VecDeque::new(),
            queries: JoinSet::new(),
            answers: VecDeque::new(),
            event_rate: Rate::per_minute(rates.events_per_minute, now),
            request_rate: Rate::per_minute(rates.requests_per_minute, now),
            heard_at: now,
        }
    }

    /// Serves the connection until it ends or `soft` says to take no more.
    pub(super) async fn run(mut self, soft: CancellationToken) {
        let ended = self.serve(&soft).await;
        let open = self.subscriptions.len();
        self.count_subscriptions(-signed(open));
        match ended {
            Ended::Stopped => self.say_goodbye().await,
            Ended::Gone => self.finish_ingest().await,
            Ended::SlowReader => {
                count(&self.relay.counters.slow_readers);
                self.finish_ingest().await;
            }
        }
    }

    async fn serve(&mut self, soft: &CancellationToken) -> Ended {
        let mut ticks = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let wake = self.next_wake(&mut ticks, soft).await;
            if let Err(ended) = self.handle(wake).await {
                return ended;
            }
        }
    }

    async fn next_wake(&mut self, ticks: &mut Interval, soft: &CancellationToken) -> Wake {
        tokio::select! {
            message = self.connection.receive(), if self.ingest.has_room() => Wake::Message(message),
            Some(replies) = self.ingest.finished() => Wake::Replies(replies),
            Some(answered) = self.queries.join_next() => match answered {
                Ok((key, page)) => Wake::Page(key, page),
                // Only a panic in the store ends a query without an answer.
                Err(_) => Wake::Message(Err(Ended::Gone)),
            },
            Some(delivery) = self.live.recv() => Wake::Live(delivery),
            () = ready(()), if !self.answers.is_empty() => Wake::Piece,
            _ = ticks.tick() => Wake::Tick,
            () = soft.cancelled() => Wake::Stop,
        }
    }

    async fn handle(&mut self, wake: Wake) -> Result<(), Ended> {
        match wake {
            Wake::Message(message) => self.receive(message?).await,
            Wake::Replies(replies) => self.reply_all(&replies).await,
            Wake::Page(key, page) => self.take_page(key, page).await,
            Wake::Live(delivery) => self.send_live(delivery).await,
            Wake::Piece => self.send_piece().await,
            Wake::Tick if self.heard_at.elapsed() > SILENCE => Err(Ended::Gone),
            Wake::Tick => self.connection.ping().await,
            Wake::Stop => Err(Ended::Stopped),
        }
    }

    async fn receive(&mut self, message: Message) -> Result<(), Ended> {
        self.heard_at = Instant::now();
        match message {
            Message::Text(text) => self.receive_text(text.as_str()).await,
            Message::Binary(_) => {
                let notice = Reply::Notice("invalid: messages are text, not binary".to_owned());
                self.reply(&notice).await
            }
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => Err(Ended::Gone),
        }
    }

    async fn receive_text(&mut self, text: &str) -> Result<(), Ended> {
        let message = message::parse(text);
        let max_length = self.relay.settings.limits.max_message_length;
        if text.len() > max_length {
            let why = format!("invalid: message is longer than {max_length} bytes");
            return self.reply(&too_long(message, why)).await;
        }
        match message {
            Ok(ClientMessage::Event(event)) => self.publish(event).await,
            Ok(ClientMessage::Req {
                subscription,
                filters,
            }) => self.request(subscription, filters).await,
            Ok(ClientMessage::Close(subscription)) => {
                self.close(&subscription);
                Ok(())
            }
            Err(reply) => self.reply(&reply).await,
        }
    }

    async fn publish(&mut self, event: ClientEvent<'_>) -> Result<(), Ended> {
        count(&self.relay.counters.events);
        let verdict = if self.event_rate.take(Instant::now()) {
            self.relay.settings.write.check(&event)
        } else {
            Err("rate-limited: too many events a minute")
        };
        match verdict {
            Ok(()) => {
                self.ingest.push(event.id.into_owned(), event.json.into());
                Ok(())
            }
            Err(text) => self.reply(&Reply::refused(event.id, text)).await,
        }
    }

    async fn request(&mut self, id: String, filters: Vec<Filter>) -> Result<(), Ended> {
        count(&self.relay.counters.requests);
        self.close(&id);
        if let Err(text) = self.check_request(&filters) {
            return self.reply(&Reply::closed(id, text)).await;
        }
        let key = self.subscriptions.open(id, &filters);
        self.count_subscriptions(1);
        let is_finished = filters.iter().all(Filter::is_empty);
        let mut filters = filters;
        filters.retain(|filter| !is_live_only(filter));
        if filters.is_empty() {
            let hint = is_finished.then_some("finish");
            return self.finish_stored(key, BatchNumber(0), hint).await;
        }
        self.requests.push_back(Request { key, filters });
        self.start_queries();
        Ok(())
    }

    fn check_request(&mut self, filters: &[Filter]) -> Result<(), String> {
        let limits = &self.relay.settings.limits;
        if !self.request_rate.take(Instant::now()) {
            return Err("rate-limited: too many requests a minute".to_owned());
        }
        limits.check(filters)?;
        if self.subscriptions.len() >= limits.max_subscriptions {
            let max = limits.max_subscriptions;
            return Err(format!("error: more than {max} subscriptions are open"));
        }
        if !self.subscriptions.has_room_for(filters) {
            return Err("error: the open filters list too many values".to_owned());
        }
        Ok(())
    }

    /// Closes a subscription, and forgets whatever was on its way to it.
    fn close(&mut self, id: &str) {
        if let Some(key) = self.subscriptions.close_id(id) {
            self.count_subscriptions(-1);
            self.requests.retain(|request| request.key != key);
            self.answers.retain(|answer| answer.key != key);
            self.start_queries();
        }
    }

    fn start_queries(&mut self) {
        while self.queries.len() + self.answers.len() < MAX_ANSWERS {
            let Some(request) = self.requests.pop_front() else {
                return;
            };
            let relay = Arc::clone(self.relay);
            self.queries
                .spawn(async move { (request.key, relay.stored(request.filters).await) });
        }
    }

    async fn take_page(
        &mut self,
        key: SubscriptionKey,
        page: Result<Page, StoreError>,
    ) -> Result<(), Ended> {
        let result = match page {
            // Closed or replaced in the meantime.
            _ if self.subscriptions.get_mut(key).is_none() => Ok(()),
            Ok(page) => {
                self.answers.push_back(Answer {
                    key,
                    as_of: page.as_of,
                    hint: Some(if page.has_more { "more" } else { "finish" }),
                    events: page.events.into_iter(),
                });
                self.send_piece().await
            }
            Err(error) => {
                tracing::warn!(reason = error.reason(), %error, "a client's request could not be answered");
                self.drop_subscription(key, "error: could not read the archive")
                    .await
            }
        };
        self.start_queries();
        result
    }

    /// Writes a piece of the answer that waits longest; the next piece is another one's, if any.
    async fn send_piece(&mut self) -> Result<(), Ended> {
        let Some(mut answer) = self.answers.pop_front() else {
            return Ok(());
        };
        let Some(subscription) = self.subscriptions.get_mut(answer.key) else {
            return Ok(());
        };
        let mut bytes = 0;
        let piece = std::iter::from_fn(|| {
            let event = (bytes < PIECE_BYTES).then(|| answer.events.next())??;
            let frame = subscription.stored_frame(&event);
            bytes += frame.len();
            count(&self.relay.counters.stored_sent);
            Some(frame)
        });
        self.connection.write(piece).await?;
        if answer.events.as_slice().is_empty() {
            self.finish_stored(answer.key, answer.as_of, answer.hint)
                .await?;
            self.start_queries();
        } else {
            self.answers.push_back(answer);
        }
        Ok(())
    }

    /// Says that the stored part is over, and sends what arrived meanwhile.
    async fn finish_stored(
        &mut self,
        key: SubscriptionKey,
        as_of: BatchNumber,
        hint: Option<&'static str>,
    ) -> Result<(), Ended> {
        let Some(subscription) = self.subscriptions.get_mut(key) else {
            return Ok(());
        };
        let pending = subscription.go_live(as_of);
        let eose = Reply::Eose {
            subscription: subscription.id.clone(),
            hint,
        };
        let live = pending.iter().map(|live| subscription.frame(live.json()));
        let frames = std::iter::once(eose.to_frame()).chain(live);
        self.connection.write(frames).await
    }

    async fn send_live(&mut self, delivery: Delivery) -> Result<(), Ended> {
        let Delivery {
            batch,
            events,
            bytes,
        } = delivery;
        let mut overflown = Vec::new();
        let subscriptions = &mut self.subscriptions;
        let counters = &self.relay.counters;
        let frames = events.iter().filter_map(|(key, live)| {
            match subscriptions.take_live(*key, batch, live) {
                Next::Send(frame) => {
                    count(&counters.live_sent);
                    Some(frame)
                }
                Next::Nothing => None,
                Next::Overflow => {
                    overflown.push(*key);
                    None
                }
            }
        });
        self.connection.write(frames).await?;
        self.listener.relieve(bytes);
        for key in overflown {
            self.drop_subscription(key, "error: too many new events while answering")
                .await?;
        }
        Ok(())
    }

    /// Closes a subscription from our side.
    async fn drop_subscription(&mut self, key: SubscriptionKey, why: &str) -> Result<(), Ended> {
        self.answers.retain(|answer| answer.key != key);
        match self.subscriptions.close(key) {
            Some(id) => {
                self.count_subscriptions(-1);
                self.reply(&Reply::closed(id, why)).await
            }
            None => Ok(()),
        }
    }

    async fn reply(&mut self, reply: &Reply) -> Result<(), Ended> {
        self.reply_all(std::slice::from_ref(reply)).await
    }

    async fn reply_all(&mut self, replies: &[Reply]) -> Result<(), Ended> {
        self.connection
            .write(replies.iter().map(Reply::to_frame))
            .await
    }

    /// What was read from the client is stored even when nobody waits for the answer.
    async fn finish_ingest(&mut self) {
        while self.ingest.finished().await.is_some() {}
    }

    /// Answers what is under way and closes.
    async fn say_goodbye(mut self) {
        while let Some(replies) = self.ingest.finished().await {
            if self.reply_all(&replies).await.is_err() {
                return self.finish_ingest().await;
            }
        }
        let why = "error: relay is shutting down";
        let closed = self.subscriptions.ids().map(|id| Reply::closed(id, why));
        let closed: Vec<Reply> = closed.collect();
        if self.reply_all(&closed).await.is_ok() {
            self.connection
                .close(GOING_AWAY, "relay is shutting down")
                .await;
        }
    }

    fn count_subscriptions(&self, change: i64) {
        let open = &self.relay.counters.subscriptions;
        open.fetch_add(change, Ordering::Relaxed);
    }
}

impl Inner {
    /// The stored part of a subscription.
    async fn stored(&self, filters: Vec<Filter>) -> Result<Page, StoreError> {
        let permit = self.queries.acquire().await;
        let scope = Scope::public(self.clock.now());
        let bounds = self.settings.limits.query_bounds();
        let page = self.store.query(filters, scope, bounds).await;
        drop(permit);
        page
    }
}

/// The refusal of a message that was read only to see whom to answer.
fn too_long(message: Result<ClientMessage<'_>, Reply>, why: String) -> Reply {
    match message {
        Ok(ClientMessage::Event(event)) => Reply::refused(event.id, why),
        Ok(ClientMessage::Req { subscription, .. }) => Reply::closed(subscription, why),
        Ok(ClientMessage::Close(_)) | Err(_) => Reply::Notice(why),
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).expect("fewer subscriptions than 2^63")
}
