//! One connection, from its first message to its end.
//!
//! A single task reads, dispatches and writes. What takes time runs beside it: batches of published
//! events in [`Ingest`], queries in [`Answers`], counts in [`Counting`],
//! sync sessions in [`Syncing`]. Their results, live events and
//! the client's messages are taken in whatever order they come, and stored answers are written in pieces
//! between them, so that a long answer holds up nothing but itself.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use nips::Filter;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::answering::{Answers, Found};
use super::authentication::Authentication;
use super::connection::{Connection, Ended, GOING_AWAY};
use super::counters::count;
use super::counting::Counting;
use super::ingest::Ingest;
use super::live_index::{Delivery, Listener, SubscriptionKey};
use super::message::{self, ClientEvent, ClientMessage};
use super::rate::Rate;
use super::reply::Reply;
use super::server::Inner;
use super::subscription::Subscriptions;
use super::syncing::{SyncError, Syncing};
use crate::store::StoreError;

/// Proxies and home routers forget connections that are silent for a minute.
const PING_EVERY: Duration = Duration::from_secs(30);

/// A client that sent nothing at all for so long, not even an answer to a ping, is gone.
const SILENCE: Duration = Duration::from_secs(75);

/// The state of one connection.
pub(super) struct Session<'r> {
    pub(super) relay: &'r Arc<Inner>,
    pub(super) connection: Connection,
    pub(super) listener: Arc<Listener>,
    live: mpsc::Receiver<Delivery>,
    pub(super) auth: Authentication,
    pub(super) subscriptions: Subscriptions<'r>,
    pub(super) ingest: Ingest,
    pub(super) answers: Answers,
    counting: Counting,
    syncing: Syncing,
    event_rate: Rate,
    request_rate: Rate,
    heard_at: Instant,
}

/// What the session is woken by.
enum Wake {
    Message(Result<Message, Ended>),
    Replies(Vec<Reply>),
    Page(SubscriptionKey, Result<Found, StoreError>),
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
            auth: Authentication::default(),
            ingest: Ingest::new(Arc::clone(relay)),
            answers: Answers::default(),
            counting: Counting::new(Arc::clone(relay)),
            syncing: Syncing::new(Arc::clone(relay)),
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
            Some(answered) = self.answers.next_page() => match answered {
                Ok((key, page)) => Wake::Page(key, page),
                Err(ended) => Wake::Message(Err(ended)),
            },
            Some(replies) = self.counting.finished() => Wake::Replies(replies),
            Some(replies) = self.syncing.finished() => Wake::Replies(replies),
            Some(delivery) = self.live.recv() => Wake::Live(delivery),
            () = ready(()), if !self.answers.found.is_empty() => Wake::Piece,
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
            Ok(message) => self.act_on(message).await,
            Err(reply) => self.reply(&reply).await,
        }
    }

    async fn act_on(&mut self, message: ClientMessage<'_>) -> Result<(), Ended> {
        match message {
            ClientMessage::Event(event) => self.publish(event).await,
            ClientMessage::Req {
                subscription,
                filters,
            } => self.request(subscription, filters).await,
            ClientMessage::Close(subscription) => {
                self.close(&subscription);
                Ok(())
            }
            ClientMessage::Count { id, filters } => self.count(id, filters).await,
            ClientMessage::Auth(event) => self.authenticate(event).await,
            ClientMessage::NegOpen {
                id,
                filter,
                message,
            } => self.open_sync(id, filter, message).await,
            ClientMessage::NegMessage { id, message } => self.go_on_with_sync(id, message).await,
            ClientMessage::NegClose(id) => {
                self.syncing.close(&id);
                Ok(())
            }
        }
    }

    async fn publish(&mut self, event: ClientEvent<'_>) -> Result<(), Ended> {
        count(&self.relay.counters.events);
        let verdict = if self.may_publish() {
            self.relay.settings.check_write(&event)
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

    async fn count(&mut self, id: String, filters: Vec<Filter>) -> Result<(), Ended> {
        count(&self.relay.counters.counts);
        let verdict = self.check_question(&filters);
        let verdict = verdict.and_then(|()| match self.counting.has_room() {
            true => Ok(()),
            false => Err("rate-limited: too many counts are waiting".to_owned()),
        });
        match verdict {
            Ok(()) => {
                self.invite(&filters).await?;
                let readers = self.auth.keys().to_vec();
                self.counting.push(id, filters, readers);
                Ok(())
            }
            Err(text) => self.reply(&Reply::closed(id, text)).await,
        }
    }

    async fn open_sync(
        &mut self,
        id: String,
        filter: Filter,
        message: Vec<u8>,
    ) -> Result<(), Ended> {
        count(&self.relay.counters.syncs);
        self.syncing.close(&id);
        let verdict = if self.relay.settings.limits.offers_sync() {
            self.check_question(std::slice::from_ref(&filter))
        } else {
            Err("unsupported: sync is not offered".to_owned())
        };
        if verdict.is_ok() {
            self.invite(std::slice::from_ref(&filter)).await?;
        }
        let readers = self.auth.keys().to_vec();
        let opened = verdict.map_err(SyncError::Other);
        let opened = opened.and_then(|()| self.syncing.open(id.clone(), filter, message, readers));
        self.answer_sync(id, opened).await
    }

    async fn go_on_with_sync(&mut self, id: String, message: Vec<u8>) -> Result<(), Ended> {
        let taken = if self.may_ask() {
            self.syncing.take(id.clone(), message)
        } else {
            self.syncing.close(&id);
            let why = "rate-limited: too many requests a minute";
            Err(SyncError::Other(why.to_owned()))
        };
        self.answer_sync(id, taken).await
    }

    async fn answer_sync(&mut self, id: String, taken: Result<(), SyncError>) -> Result<(), Ended> {
        match taken {
            Ok(()) => Ok(()),
            Err(error) => self.reply(&Reply::neg_error(id, error)).await,
        }
    }

    /// Takes one of the minute's requests, if there is one left.
    pub(super) fn may_ask(&mut self) -> bool {
        self.request_rate.take(Instant::now())
    }

    /// Takes one of the minute's events, if there is one left.
    pub(super) fn may_publish(&mut self) -> bool {
        self.event_rate.take(Instant::now())
    }

    pub(super) async fn reply(&mut self, reply: &Reply) -> Result<(), Ended> {
        self.reply_all(std::slice::from_ref(reply)).await
    }

    /// Writes replies. The challenge goes before the first that cannot be turned without it.
    async fn reply_all(&mut self, replies: &[Reply]) -> Result<(), Ended> {
        if replies.iter().any(Reply::asks_for_authentication) {
            self.challenge().await?;
        }
        let frames = replies.iter().map(Reply::to_frame);
        self.connection.write(frames).await
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
        let ended = self.syncing.ids().map(|id| {
            let why = "closed: relay is shutting down".to_owned();
            Reply::neg_error(id, SyncError::Other(why))
        });
        let closed: Vec<Reply> = closed.chain(ended).collect();
        if self.reply_all(&closed).await.is_ok() {
            self.connection
                .close(GOING_AWAY, "relay is shutting down")
                .await;
        }
    }

    pub(super) fn count_subscriptions(&self, change: i64) {
        let open = &self.relay.counters.subscriptions;
        open.fetch_add(change, Ordering::Relaxed);
    }
}

/// The refusal of a message that was read only to see whom to answer.
fn too_long(message: Result<ClientMessage<'_>, Reply>, why: String) -> Reply {
    match message {
        Ok(ClientMessage::Event(event) | ClientMessage::Auth(event)) => {
            Reply::refused(event.id, why)
        }
        Ok(ClientMessage::Req { subscription, .. }) => Reply::closed(subscription, why),
        Ok(ClientMessage::Count { id, .. }) => Reply::closed(id, why),
        Ok(ClientMessage::NegOpen { id, .. } | ClientMessage::NegMessage { id, .. }) => {
            Reply::neg_error(id, SyncError::Other(why))
        }
        Ok(ClientMessage::Close(_) | ClientMessage::NegClose(_)) | Err(_) => Reply::Notice(why),
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).expect("fewer subscriptions than 2^63")
}
