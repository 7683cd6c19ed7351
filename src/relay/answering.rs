//! REQ: from the filters over the stored answer to live.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use nips::{Filter, PublicKey};
use tokio::task::JoinSet;

use super::connection::Ended;
use super::counters::count;
use super::discovery::widen;
use super::filter_limits::is_live_only;
use super::listener::Delivery;
use super::live_index::SubscriptionKey;
use super::manners::Payer;
use super::reach::{check_reach, is_partly_private};
use super::reply::Reply;
use super::server::Inner;
use super::session::Session;
use super::stored::{Stored, Unanswered};
use super::subscription::{Next, Subscription};

/// Stored answers of one connection that are worked out or held in memory at the same time.
const MAX_ANSWERS: usize = 3;

/// Bytes of a stored answer written before the connection looks at anything else.
const PIECE_BYTES: usize = 256 << 10;

/// The same of the first piece, which is written without asking anybody: most answers have no more.
const FIRST_PIECE_BYTES: usize = 64 << 10;

/// The stored answers of one connection, from waiting to half sent.
#[derive(Default)]
pub(super) struct Answers {
    requests: VecDeque<Request>,
    queries: JoinSet<Answered>,
    /// What was there as soon as it was asked for.
    at_once: VecDeque<Answered>,
    /// What was looked up and waits to be sent.
    pub(super) found: VecDeque<Answer>,
}

/// The stored part of a subscription.
pub(super) type Answered = (SubscriptionKey, Result<Stored, Unanswered>);

/// A stored answer that is being sent.
pub(super) struct Answer {
    key: SubscriptionKey,
    frame_start: Arc<str>,
    stored: Stored,
}

/// The next frames of a stored answer, made as they are taken.
struct Piece {
    answer: Answer,
    /// How many bytes more are to be taken; the last frame may have more than are left.
    bytes_left: usize,
    taken: u64,
}

impl Piece {
    fn new(answer: Answer, max_bytes: usize) -> Self {
        Self {
            answer,
            bytes_left: max_bytes,
            taken: 0,
        }
    }
}

impl Iterator for Piece {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.bytes_left == 0 {
            return None;
        }
        let event = self.answer.stored.events.events.next()?;
        let mut frame = String::from(&*self.answer.frame_start);
        event.as_ref().push_json(&mut frame);
        frame.push(']');
        self.bytes_left = self.bytes_left.saturating_sub(frame.len());
        self.taken += 1;
        Some(frame)
    }
}

/// A REQ whose stored part has not been looked up yet.
struct Request {
    key: SubscriptionKey,
    filters: Vec<Filter>,
    readers: Vec<PublicKey>,
    payer: Payer,
}

impl Answers {
    /// The next page that was looked up; `None` when none is under way. Cancel-safe.
    pub(super) async fn next_page(&mut self) -> Option<Result<Answered, Ended>> {
        if let Some(answered) = self.at_once.pop_front() {
            return Some(Ok(answered));
        }
        let answered = self.queries.join_next().await?;
        // Only a panic in the store ends a query without an answer.
        Some(answered.map_err(|_| Ended::Gone))
    }

    fn ask(&mut self, request: Request, relay: &Arc<Inner>) {
        self.requests.push_back(request);
        self.start(relay);
    }

    fn forget(&mut self, key: SubscriptionKey, relay: &Arc<Inner>) {
        self.requests.retain(|request| request.key != key);
        self.at_once.retain(|(of, _)| *of != key);
        self.found.retain(|answer| answer.key != key);
        self.start(relay);
    }

    fn start(&mut self, relay: &Arc<Inner>) {
        while self.queries.len() + self.at_once.len() + self.found.len() < MAX_ANSWERS {
            let Some(request) = self.requests.pop_front() else {
                return;
            };
            let relay = Arc::clone(relay);
            let Request {
                key,
                filters,
                readers,
                payer,
            } = request;
            let mut query = Box::pin(async move {
                let took = relay.settings.metrics.answer_duration.start_timer();
                let stored = relay.stored(payer, filters, readers).await;
                // Who closes the subscription meanwhile was not kept waiting for that long.
                took.observe_duration();
                (key, stored)
            });
            // A look-up is done by the time that a task of its own has begun.
            match query.as_mut().now_or_never() {
                Some(answered) => self.at_once.push_back(answered),
                None => _ = self.queries.spawn(query),
            }
        }
    }
}

/// What says that the stored part is over, and what arrived meanwhile.
fn end_of_stored(subscription: &mut Subscription, stored: &Stored) -> impl Iterator<Item = String> {
    let pending = subscription.go_live(stored.as_of);
    let eose = Reply::Eose {
        subscription: subscription.id.clone(),
        hint: subscription.hint(stored.has_more),
    };
    let live = pending
        .into_iter()
        .map(|live| subscription.frame(live.json()));
    std::iter::once(eose.to_frame()).chain(live)
}

impl Session<'_> {
    pub(super) async fn request(
        &mut self,
        id: String,
        mut filters: Vec<Filter>,
    ) -> Result<(), Ended> {
        count(&self.relay.counters.requests);
        self.close(&id);
        if let Err(text) = self.check_request(&mut filters) {
            return self.reply(&Reply::closed(id, text)).await;
        }
        self.invite(&filters).await?;
        let watched = self.subscriptions.watch(filters, &self.relay.background);
        let (mut filters, watched) = watched.await.ok_or(Ended::Gone)?;
        let key = self.subscriptions.open(id, watched).await;
        self.count_subscriptions(1);
        // Where nothing stored is asked for, the answer still says from which batch on events are new: live
        // delivery may be behind what others have published already.
        filters.retain(|filter| !is_live_only(filter));
        let readers = self.auth.keys().to_vec();
        let request = Request {
            key,
            filters,
            readers,
            payer: self.manners.payer(),
        };
        self.answers.ask(request, self.relay);
        Ok(())
    }

    /// Lets somebody unknown say who they are before an answer that leaves out private events.
    pub(super) async fn invite(&mut self, filters: &[Filter]) -> Result<(), Ended> {
        if self.auth.keys().is_empty() && is_partly_private(filters) {
            return self.challenge().await;
        }
        Ok(())
    }

    fn check_request(&mut self, filters: &mut [Filter]) -> Result<(), String> {
        self.check_question(filters)?;
        let limits = &self.relay.settings.limits;
        if self.subscriptions.len() >= limits.max_subscriptions {
            let max = limits.max_subscriptions;
            return Err(format!("error: more than {max} subscriptions are open"));
        }
        if !self.subscriptions.has_room_for(filters) {
            return Err("error: the open filters list too many values".to_owned());
        }
        Ok(self.manners.may_take_time(filters)?)
    }

    /// What REQ, COUNT and NEG-OPEN have in common. Filters are widened only once they are within the limits:
    /// what we add does not count.
    pub(super) fn check_question(&mut self, filters: &mut [Filter]) -> Result<(), String> {
        self.manners.may_ask()?;
        self.relay.settings.limits.check(filters)?;
        filters.iter_mut().for_each(widen);
        if self.relay.settings.offers_authentication() {
            check_reach(filters, self.auth.keys())?;
        }
        Ok(())
    }

    /// Closes a subscription, and forgets whatever was on its way to it.
    pub(super) fn close(&mut self, id: &str) {
        if let Some(key) = self.subscriptions.close_id(id) {
            self.count_subscriptions(-1);
            self.answers.forget(key, self.relay);
        }
    }

    pub(super) async fn take_page(
        &mut self,
        key: SubscriptionKey,
        stored: Result<Stored, Unanswered>,
    ) -> Result<(), Ended> {
        let result = match (stored, self.subscriptions.get_mut(key)) {
            // Closed or replaced in the meantime.
            (_, None) => Ok(()),
            (Ok(stored), Some(subscription)) => {
                let frame_start = Arc::clone(&subscription.frame_start);
                let answer = Answer {
                    key,
                    frame_start,
                    stored,
                };
                let mut piece = Piece::new(answer, FIRST_PIECE_BYTES);
                let frames = piece.by_ref().collect();
                self.end_piece(piece, frames).await
            }
            (Err(why), Some(_)) => {
                if let Unanswered::Store(error) = &why {
                    tracing::warn!(reason = error.reason(), %error, "a client's request could not be answered");
                }
                self.drop_subscription(key, why.message()).await
            }
        };
        self.answers.start(self.relay);
        result
    }

    /// Writes the next piece of the answer that waits longest; the piece after it is another one's, if any.
    pub(super) async fn send_next_piece(&mut self) -> Result<(), Ended> {
        let Some(answer) = self.answers.found.pop_front() else {
            return Ok(());
        };
        let piece = Piece::new(answer, PIECE_BYTES);
        let piece = self.connection.write_aside(&self.relay.writers, piece);
        let piece = piece.await?;
        self.end_piece(piece, Vec::new()).await
    }

    /// Writes the last frames of a piece, and what comes after the last piece.
    async fn end_piece(&mut self, piece: Piece, frames: Vec<String>) -> Result<(), Ended> {
        let Piece { answer, taken, .. } = piece;
        let sent = &self.relay.counters.stored_sent;
        sent.fetch_add(taken, Ordering::Relaxed);
        let frames = frames.into_iter();
        if !answer.stored.events.is_empty() {
            self.answers.found.push_back(answer);
            return self.connection.write(frames).await;
        }
        let Some(subscription) = self.subscriptions.get_mut(answer.key) else {
            return self.connection.write(frames).await;
        };
        // In one write with the last events, so that their client is woken once.
        let end = end_of_stored(subscription, &answer.stored);
        self.connection.write(frames.chain(end)).await?;
        // Its memory is for the next one.
        drop(answer);
        self.answers.start(self.relay);
        Ok(())
    }

    pub(super) async fn send_live(&mut self, delivery: Box<Delivery>) -> Result<(), Ended> {
        let Delivery {
            batch,
            events,
            bytes,
        } = *delivery;
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
        self.answers.forget(key, self.relay);
        match self.subscriptions.close(key) {
            Some(id) => {
                self.count_subscriptions(-1);
                self.reply(&Reply::closed(id, why)).await
            }
            None => Ok(()),
        }
    }
}
