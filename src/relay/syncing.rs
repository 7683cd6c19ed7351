//! NIP-77: the negentropy sessions of one connection.
//!
//! A session is a snapshot of what REQ would have shown this client, and rounds of one message each
//! way. Finding the snapshot and answering run on blocking threads, few at a time over all connections,
//! and all snapshots share one allowance of memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use nips::nip77::SyncMessageError;
use nips::{Filter, PublicKey};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::connection::Ended;
use super::counters::count;
use super::filter_limits::expected_time;
use super::manners::Payer;
use super::reply::Reply;
use super::server::Inner;
use super::session::Session;
use super::shared_sets::{Moment, Question, SharedSet};
use super::snapshot::Snapshot;
use super::stored::Unanswered;
use crate::store::sets::{KeySet, SetBounds};

/// Sessions of one connection at the same time.
const MAX_SYNCS: usize = 8;

/// Sessions that are worked on at the same time, over all connections: each reads up to the whole archive, and
/// has its keys in memory before they count against the room for all.
pub(super) const CONCURRENT_WORK: usize = 2;

/// Why a session ends from our side.
#[derive(Debug)]
pub(super) enum SyncError {
    /// The set has more events than this.
    TooMany(usize),
    /// Anything else, with its prefix.
    Other(String),
}

/// What a session is about: the events that match, of those that the readers may see.
pub(super) struct Set {
    pub(super) filter: Filter,
    pub(super) readers: Vec<PublicKey>,
}

/// The sessions of one connection.
pub(super) struct Syncing {
    relay: Arc<Inner>,
    idle_timeout: Duration,
    open: HashMap<String, Sync>,
    rounds: JoinSet<Round>,
    next_number: u64,
}

/// One session. Its number tells it from an earlier one of the same id.
struct Sync {
    number: u64,
    stage: Stage,
}

enum Stage {
    /// A message is being answered.
    Working,
    /// The client's next message is waited for, since then.
    Idle(Arc<Snapshot>, Instant),
}

/// What became of one message.
struct Round {
    id: String,
    number: u64,
    result: Result<(Arc<Snapshot>, Vec<u8>), SyncError>,
}

impl Syncing {
    pub(super) fn new(relay: Arc<Inner>) -> Self {
        Self {
            idle_timeout: relay.settings.limits.sync_idle_timeout,
            relay,
            open: HashMap::new(),
            rounds: JoinSet::new(),
            next_number: 0,
        }
    }

    /// Begins a session; an open one of the same id is over.
    pub(super) fn open(
        &mut self,
        payer: Payer,
        id: String,
        set: Set,
        message: Vec<u8>,
    ) -> Result<(), SyncError> {
        self.open.remove(&id);
        // Rounds of sessions that were closed meanwhile still do their work.
        if self.open.len() >= MAX_SYNCS || self.rounds.len() >= 2 * MAX_SYNCS {
            return Err(SyncError::Other(format!(
                "rate-limited: more than {MAX_SYNCS} sync sessions are open"
            )));
        }
        self.next_number += 1;
        let number = self.next_number;
        let stage = Stage::Working;
        self.open.insert(id.clone(), Sync { number, stage });
        let relay = Arc::clone(&self.relay);
        self.rounds.spawn(async move {
            let result = relay.begin_sync(payer, set, message).await;
            Round { id, number, result }
        });
        Ok(())
    }

    /// Takes the client's next message.
    pub(super) fn take(
        &mut self,
        payer: Payer,
        id: String,
        message: Vec<u8>,
    ) -> Result<(), SyncError> {
        let Some(sync) = self.open.get_mut(&id) else {
            let why = "closed: no such sync session is open";
            return Err(SyncError::Other(why.to_owned()));
        };
        let number = sync.number;
        let stage = std::mem::replace(&mut sync.stage, Stage::Working);
        let Stage::Idle(snapshot, _) = stage else {
            self.open.remove(&id);
            let why = "invalid: the message before is still being answered";
            return Err(SyncError::Other(why.to_owned()));
        };
        let relay = Arc::clone(&self.relay);
        self.rounds.spawn(async move {
            let result = relay.go_on_with_sync(payer, snapshot, message).await;
            Round { id, number, result }
        });
        Ok(())
    }

    /// Ends a session without a word.
    pub(super) fn close(&mut self, id: &str) {
        self.open.remove(id);
    }

    /// Ids of the open sessions.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.open.keys().map(String::as_str)
    }

    /// What to say next; `None` when nothing is open. Cancel-safe.
    pub(super) async fn finished(&mut self) -> Option<Vec<Reply>> {
        let expiry = self.next_expiry();
        let expired = async {
            match expiry {
                Some((at, _)) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(round) = self.rounds.join_next() => Some(self.settle(round.ok())),
            () = expired => expiry.and_then(|(_, number)| self.expire(number)),
            else => None,
        }
    }

    fn settle(&mut self, round: Option<Round>) -> Vec<Reply> {
        // A round that panicked or was closed meanwhile has nothing to say.
        let Some(Round { id, number, result }) = round else {
            return Vec::new();
        };
        let Some(sync) = self.open.get_mut(&id).filter(|sync| sync.number == number) else {
            return Vec::new();
        };
        match result {
            Ok((snapshot, message)) => {
                sync.stage = Stage::Idle(snapshot, Instant::now());
                vec![Reply::NegMessage { id, message }]
            }
            Err(error) => {
                self.open.remove(&id);
                vec![Reply::neg_error(id, error)]
            }
        }
    }

    /// When the session that has waited longest is given up, and its number.
    fn next_expiry(&self) -> Option<(Instant, u64)> {
        let idle = self.open.values().filter_map(|sync| match sync.stage {
            Stage::Idle(_, since) => Some((since + self.idle_timeout, sync.number)),
            Stage::Working => None,
        });
        idle.min()
    }

    fn expire(&mut self, number: u64) -> Option<Vec<Reply>> {
        let expired = self.open.iter().find(|(_, sync)| sync.number == number);
        let id = expired?.0.clone();
        self.open.remove(&id);
        let why = "closed: no message came for too long".to_owned();
        Some(vec![Reply::neg_error(id, SyncError::Other(why))])
    }
}

impl Inner {
    async fn begin_sync(
        &self,
        payer: Payer,
        set: Set,
        message: Vec<u8>,
    ) -> Result<(Arc<Snapshot>, Vec<u8>), SyncError> {
        let work = self.sync_work.acquire().await;
        let expected = expected_time(std::slice::from_ref(&set.filter));
        let began_at = Instant::now();
        let begun = self.compare(set, message).await;
        self.crowd.settle(payer, expected, began_at.elapsed());
        drop(work);
        begun
    }

    async fn compare(
        &self,
        set: Set,
        message: Vec<u8>,
    ) -> Result<(Arc<Snapshot>, Vec<u8>), SyncError> {
        let question = Question {
            filter: set.filter,
            scope: self.scope(set.readers),
        };
        let snapshot = self.snapshot(question).await?;
        answer(snapshot, message).await
    }

    /// What a session is about: the set that another one asked for, where that is still the same.
    async fn snapshot(&self, question: Question) -> Result<Arc<Snapshot>, SyncError> {
        // Asked before the set is found, so that what arrives in between ends it.
        let bounds = self.store.arrival_bounds().await;
        let (batch, _) = bounds.map_err(|error| unreadable(error.into()))?;
        let now = self.clock.now();
        if let Some(shared) = self.shared_sets.find(&question, Moment { batch, now }) {
            return Ok(shared);
        }
        let set = self.find_set(&question).await?;
        let first_expiration = set.first_expiration;
        let room = self.take_room(set.keys.len())?;
        let snapshot = tokio::task::spawn_blocking(move || Snapshot::new(set.keys, room)).await;
        let snapshot = Arc::new(snapshot.map_err(|_| unanswered())?);
        if let Some(first_expiration) = first_expiration {
            self.shared_sets.keep(SharedSet {
                question,
                snapshot: Arc::clone(&snapshot),
                batch,
                first_expiration,
                used_at: Instant::now(),
            });
        }
        Ok(snapshot)
    }

    async fn find_set(&self, question: &Question) -> Result<KeySet, SyncError> {
        let Question { filter, scope } = question.clone();
        let limits = &self.settings.limits;
        let max = limits.max_sync_events;
        let bounds = SetBounds {
            max_events: max,
            deadline: Some(std::time::Instant::now() + limits.max_sync_time),
            ..SetBounds::default()
        };
        let set = self.store.keys(filter, scope, bounds).await;
        let set = set.map_err(|error| unreadable(error.into()))?;
        if set.is_cut {
            return Err(SyncError::TooMany(max));
        }
        Ok(set)
    }

    async fn go_on_with_sync(
        &self,
        payer: Payer,
        snapshot: Arc<Snapshot>,
        message: Vec<u8>,
    ) -> Result<(Arc<Snapshot>, Vec<u8>), SyncError> {
        let work = self.sync_work.acquire().await;
        let began_at = Instant::now();
        let answered = answer(snapshot, message).await;
        self.crowd.settle(payer, Duration::ZERO, began_at.elapsed());
        drop(work);
        answered
    }

    /// Room for so many keys; sessions come before sets that are only kept.
    fn take_room(&self, keys: usize) -> Result<OwnedSemaphorePermit, SyncError> {
        let keys = u32::try_from(keys).unwrap_or(u32::MAX);
        let take = || Arc::clone(&self.room_for_keys).try_acquire_many_owned(keys);
        let room = take().or_else(|_| {
            self.shared_sets.make_room();
            take()
        });
        room.map_err(|_| {
            let why = "rate-limited: too many sync sessions are open, try again later";
            SyncError::Other(why.to_owned())
        })
    }
}

/// The answer to a client's message, worked out on a thread that may take its time.
async fn answer(
    snapshot: Arc<Snapshot>,
    message: Vec<u8>,
) -> Result<(Arc<Snapshot>, Vec<u8>), SyncError> {
    let answered = tokio::task::spawn_blocking(move || {
        let answer = snapshot.answer(&message);
        (snapshot, answer)
    });
    let (snapshot, answer) = answered.await.map_err(|_| unanswered())?;
    Ok((snapshot, answer.map_err(|error| malformed(&error))?))
}

impl Session<'_> {
    pub(super) async fn open_sync(
        &mut self,
        id: String,
        mut filter: Filter,
        message: Vec<u8>,
    ) -> Result<(), Ended> {
        count(&self.relay.counters.syncs);
        self.syncing.close(&id);
        let verdict = self.check_sync(std::slice::from_mut(&mut filter));
        if verdict.is_ok() {
            self.invite(std::slice::from_ref(&filter)).await?;
        }
        let set = Set {
            filter,
            readers: self.auth.keys().to_vec(),
        };
        let payer = self.manners.payer();
        let opened = verdict.map_err(SyncError::Other);
        let opened = opened.and_then(|()| self.syncing.open(payer, id.clone(), set, message));
        self.answer_sync(id, opened).await
    }

    fn check_sync(&mut self, filters: &mut [Filter]) -> Result<(), String> {
        if !self.relay.settings.limits.offers_sync() {
            return Err("unsupported: sync is not offered".to_owned());
        }
        self.check_question(filters)?;
        Ok(self.manners.may_take_time(filters)?)
    }

    pub(super) async fn go_on_with_sync(
        &mut self,
        id: String,
        message: Vec<u8>,
    ) -> Result<(), Ended> {
        let verdict = self.manners.may_ask();
        // What a round takes is not known before; it must only not begin in debt.
        let verdict = verdict.and_then(|()| self.manners.may_take_time(&[]));
        let taken = match verdict {
            Ok(()) => {
                let payer = self.manners.payer();
                self.syncing.take(payer, id.clone(), message)
            }
            Err(why) => {
                self.syncing.close(&id);
                Err(SyncError::Other(why.to_owned()))
            }
        };
        self.answer_sync(id, taken).await
    }

    async fn answer_sync(&mut self, id: String, taken: Result<(), SyncError>) -> Result<(), Ended> {
        match taken {
            Ok(()) => Ok(()),
            Err(error) => self.reply(&Reply::neg_error(id, error)).await,
        }
    }
}

fn unreadable(why: Unanswered) -> SyncError {
    if let Unanswered::Store(error) = &why {
        tracing::warn!(reason = error.reason(), %error, "a client's set of events could not be read");
    }
    SyncError::Other(why.message().to_owned())
}

fn malformed(error: &SyncMessageError) -> SyncError {
    SyncError::Other(format!("invalid: {error}"))
}

/// The blocking thread panicked or the process ends.
fn unanswered() -> SyncError {
    SyncError::Other("error: could not answer".to_owned())
}
