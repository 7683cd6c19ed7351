//! One connection, from its first message to its end.
//!
//! A single task reads, dispatches and writes. What takes time runs beside it: batches of published
//! events in [`Ingest`], queries in [`Answers`], counts in [`Counting`],
//! sync sessions in [`Syncing`]. Their results, live events and
//! the client's messages are taken in whatever order they come, and stored answers are written in pieces
//! between them, so that a long answer holds up nothing but itself.

use std::future::{pending, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use nips::{ClientEvent, ClientMessage, Filter};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use super::answering::{Answered, Answers};
use super::authentication::Authentication;
use super::connection::{BLOCKED, Connection, Ended, GOING_AWAY, POLICY_VIOLATION, Patience};
use super::counters::count;
use super::counting::Counting;
use super::decisions::Decisions;
use super::ingest::Ingest;
use super::listener::{Delivery, Listener};
use super::manners::Manners;
use super::policy;
use super::reading::{Read, Reading};
use super::reply::Reply;
use super::server::Inner;
use super::subscription::Subscriptions;
use super::syncing::{SyncError, Syncing};

/// Time for the last answers when the relay stops, well within the grace period of the process.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(10);

/// The state of one connection.
pub(super) struct Session<'r> {
    pub(super) relay: &'r Arc<Inner>,
    pub(super) connection: Connection,
    pub(super) listener: Arc<Listener>,
    live: mpsc::Receiver<Box<Delivery>>,
    pub(super) auth: Authentication,
    pub(super) subscriptions: Subscriptions<'r>,
    pub(super) ingest: Ingest,
    pub(super) answers: Answers,
    counting: Counting,
    pub(super) reading: Reading,
    pub(super) syncing: Syncing,
    pub(super) manners: Manners<'r>,
    decisions: watch::Receiver<Arc<Decisions>>,
    peer: IpAddr,
    heard_at: Instant,
    /// What was done since others had their turn.
    wakes: u32,
    /// Until when an offender is not listened to.
    deaf_until: Option<Instant>,
}

/// What a session deals with before it lets others have their turn. Some clients never stop sending.
const WAKES_PER_TURN: u32 = 4;

/// What the session is woken by.
enum Wake {
    Message(Result<Message, Ended>),
    Read(Read),
    Replies(Vec<Reply>),
    Page(Answered),
    Live(Box<Delivery>),
    Piece,
    Tick,
    Decided,
    Forgiven,
    Stop,
}

impl<'r> Session<'r> {
    pub(super) fn new(relay: &'r Arc<Inner>, socket: WebSocket, peer: IpAddr) -> Self {
        let overrun = CancellationToken::new();
        let (listener, live) = Listener::new(overrun.clone());
        let settings = &relay.settings;
        let patience = Patience {
            at_most: settings.limits.write_patience,
            pressure: relay.queries.pressure(),
        };
        Self {
            relay,
            connection: Connection::new(socket, overrun, patience),
            subscriptions: Subscriptions::new(&relay.live, Arc::clone(&listener)),
            listener,
            live,
            auth: Authentication::default(),
            ingest: Ingest::new(Arc::clone(relay)),
            answers: Answers::default(),
            counting: Counting::new(Arc::clone(relay)),
            reading: Reading::default(),
            syncing: Syncing::new(Arc::clone(relay)),
            manners: Manners::new(&relay.crowd, settings, peer),
            decisions: relay.decided.changes(),
            peer,
            heard_at: Instant::now(),
            wakes: 0,
            deaf_until: None,
        }
    }

    /// Serves the connection until it ends or `soft` says to take no more.
    pub(super) async fn run(mut self, soft: CancellationToken) {
        let ended = self.serve(&soft).await;
        let open = self.subscriptions.len();
        self.count_subscriptions(-signed(open));
        match ended {
            Ended::Stopped => Box::pin(self.say_goodbye()).await,
            Ended::Gone => self.finish_ingest().await,
            Ended::SlowReader => {
                count(&self.relay.counters.slow_readers);
                self.finish_ingest().await;
            }
            Ended::Banned => {
                self.send_away("too many rules broken, come back later")
                    .await;
            }
            Ended::Blocked => self.send_away(BLOCKED).await,
        }
    }

    async fn serve(&mut self, soft: &CancellationToken) -> Ended {
        let ping_every = self.relay.settings.limits.ping_every;
        let mut ticks = interval_at(Instant::now() + ping_every, ping_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let wake = self.next_wake(&mut ticks, soft).await;
            // Most clients wait most of the time; only while one does not is there room for what it wants.
            if let Err(ended) = Box::pin(self.handle(wake)).await {
                return ended;
            }
            self.wakes += 1;
            if self.wakes.is_multiple_of(WAKES_PER_TURN) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Whether the next message may be taken.
    fn may_listen(&self) -> bool {
        self.ingest.has_room() && self.reading.is_idle() && self.deaf_until.is_none()
    }

    async fn next_wake(&mut self, ticks: &mut Interval, soft: &CancellationToken) -> Wake {
        tokio::select! {
            message = self.connection.receive(), if self.may_listen() => Wake::Message(message),
            Some(read) = self.reading.finished() => Wake::Read(read),
            Some(replies) = self.ingest.finished() => Wake::Replies(replies),
            Some(answered) = self.answers.next_page() => match answered {
                Ok(answered) => Wake::Page(answered),
                Err(ended) => Wake::Message(Err(ended)),
            },
            Some(replies) = self.counting.finished() => Wake::Replies(replies),
            Some(replies) = self.syncing.finished() => Wake::Replies(replies),
            Some(delivery) = self.live.recv() => Wake::Live(delivery),
            () = ready(()), if !self.answers.found.is_empty() => Wake::Piece,
            _ = ticks.tick() => Wake::Tick,
            () = reached(self.deaf_until) => Wake::Forgiven,
            Ok(()) = self.decisions.changed() => Wake::Decided,
            () = soft.cancelled() => Wake::Stop,
        }
    }

    async fn handle(&mut self, wake: Wake) -> Result<(), Ended> {
        match wake {
            Wake::Message(message) => self.receive(message?).await,
            Wake::Read(read) => self.take(read.length, read.message).await,
            Wake::Replies(replies) => self.reply_all(&replies).await,
            Wake::Page((key, stored)) => self.take_page(key, stored).await,
            Wake::Live(delivery) => self.send_live(delivery).await,
            Wake::Piece => self.send_next_piece().await,
            Wake::Tick if self.is_silent() => Err(Ended::Gone),
            Wake::Tick => self.connection.ping().await,
            Wake::Decided if self.relay.decided.now().blocks(self.peer) => Err(Ended::Blocked),
            Wake::Decided => Ok(()),
            Wake::Forgiven => {
                self.deaf_until = None;
                Ok(())
            }
            Wake::Stop => Err(Ended::Stopped),
        }
    }

    async fn receive(&mut self, message: Message) -> Result<(), Ended> {
        self.heard_at = Instant::now();
        match message {
            Message::Text(text) => self.receive_text(text).await,
            Message::Binary(_) => {
                let notice = Reply::Notice("invalid: messages are text, not binary".to_owned());
                self.reply(&notice).await
            }
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => Err(Ended::Gone),
        }
    }

    pub(super) async fn act_on(&mut self, message: ClientMessage<'_>) -> Result<(), Ended> {
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
        let author = policy::author(&event);
        let settings = &self.relay.settings;
        let verdict = self.manners.may_publish(author);
        let decisions = self.relay.decided.now();
        let verdict =
            verdict.and_then(|()| settings.check_write(&event, self.auth.keys(), &decisions));
        match verdict {
            Ok(()) => {
                let id = event.id.into_owned();
                self.ingest.push(id, author, event.json.into_owned().into());
                Ok(())
            }
            Err(text) => self.reply(&Reply::refused(event.id, text)).await,
        }
    }

    async fn count(&mut self, id: String, mut filters: Vec<Filter>) -> Result<(), Ended> {
        count(&self.relay.counters.counts);
        match self.check_count(&mut filters) {
            Ok(()) => {
                self.invite(&filters).await?;
                let (payer, readers) = (self.manners.payer(), self.auth.keys().to_vec());
                self.counting.push(payer, id, filters, readers);
                Ok(())
            }
            Err(text) => self.refuse(Reply::closed(id, text)).await,
        }
    }

    fn check_count(&mut self, filters: &mut [Filter]) -> Result<(), String> {
        self.check_question(filters)?;
        if !self.counting.has_room() {
            return Err("rate-limited: too many counts are waiting".to_owned());
        }
        Ok(self.manners.may_take_time(filters)?)
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
        self.connection.write(frames).await?;
        let offences = replies.iter().filter(|reply| reply.blames_client());
        match offences.count() {
            0 => Ok(()),
            offences => self.offended(offences),
        }
    }

    fn offended(&mut self, times: usize) -> Result<(), Ended> {
        if self.manners.offend(times) {
            return Err(Ended::Banned);
        }
        let pause = self.manners.unheard_for();
        self.deaf_until = pause.map(|pause| Instant::now() + pause);
        Ok(())
    }

    fn is_silent(&self) -> bool {
        self.heard_at.elapsed() > self.relay.settings.limits.max_silence
    }

    /// Says why a client has to go.
    async fn send_away(&mut self, why: &'static str) {
        count(&self.relay.counters.banned);
        self.finish_ingest().await;
        self.connection.close(POLICY_VIOLATION, why).await;
    }

    /// What was read from the client is stored even when nobody waits for the answer.
    async fn finish_ingest(&mut self) {
        while self.ingest.finished().await.is_some() {}
    }

    /// Answers what is under way and closes. A client that does not read keeps nobody waiting.
    async fn say_goodbye(&mut self) {
        let patience = self.relay.settings.limits.write_patience;
        let patience = patience.min(GOODBYE_PATIENCE);
        match tokio::time::timeout(patience, self.finish()).await {
            Ok(Ok(())) => {
                self.connection
                    .close(GOING_AWAY, "relay is shutting down")
                    .await;
            }
            Ok(Err(_)) | Err(_) => self.finish_ingest().await,
        }
    }

    /// The last answers: to every event in hand, and that each subscription and sync session is over.
    async fn finish(&mut self) -> Result<(), Ended> {
        if !self.reading.is_idle()
            && let Some(read) = self.reading.finished().await
        {
            self.take(read.length, read.message).await?;
        }
        while let Some(replies) = self.ingest.finished().await {
            self.reply_all(&replies).await?;
        }
        let why = "error: relay is shutting down";
        let closed = self.subscriptions.ids().map(|id| Reply::closed(id, why));
        let ended = self.syncing.ids().map(|id| {
            let why = "closed: relay is shutting down".to_owned();
            Reply::neg_error(id, SyncError::Other(why))
        });
        let closed: Vec<Reply> = closed.chain(ended).collect();
        self.reply_all(&closed).await
    }

    pub(super) fn count_subscriptions(&self, change: i64) {
        let open = &self.relay.counters.subscriptions;
        open.fetch_add(change, Ordering::Relaxed);
    }
}

/// Waits for a moment; for ever where there is none.
async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).expect("fewer subscriptions than 2^63")
}
