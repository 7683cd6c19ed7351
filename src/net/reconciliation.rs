//! NIP-77 from the client's side: one set compared with what a relay holds.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use nips::Filter;
use nips::nip77::{Difference, SyncMessageError, SyncSet};
use tokio::time::Instant;

use super::outcome::{Answer, Budget, ClosedPrefix, Outcome};
use super::relay_message::RelayMessage;
use super::session::{End, Session};

/// Longest message of ours, bytes; as hex it stays below the 64 KiB that careful relays accept.
const MAX_MESSAGE_BYTES: u64 = 30_000;
/// Messages to and fro before the relay counts as one that does not come to an end. A million events
/// that are all different need fewer.
const MAX_ROUNDS: usize = 2_000;
/// Messages that answer nothing before we stop listening.
const MAX_STRAY: usize = 64;
/// A relay that does not know NEG-OPEN says so with a NOTICE, if at all; an answer that is on its way
/// all the same comes within this time.
const NOTICE_GRACE: Duration = Duration::from_millis(500);

/// What one reconciliation may cost.
#[derive(Debug, Clone, Copy)]
pub struct ReconcileOptions {
    /// When it has to be finished.
    pub deadline: Instant,
    /// How long each answer is waited for.
    pub max_silence: Duration,
    /// Bytes received at most, frames of every kind.
    pub max_bytes: u64,
    /// Ids that the relay may have and we have not; one more ends it.
    pub max_missing: usize,
}

/// How a reconciliation ended. Only [`Reconciled::Finished`] says what the relay holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reconciled {
    /// Both sets are compared.
    Finished(Difference),
    /// The set is larger than the relay compares, or holds more that is new than we asked for: a
    /// smaller part of it may do.
    TooMany,
    /// The relay does not compare sets, or not for us.
    Refused {
        /// The relay's message, cleaned and cut.
        message: String,
    },
    /// It broke off.
    Failed(Outcome),
}

impl Reconciled {
    /// The stable label, e.g. `too_many`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Finished(_) => "finished",
            Self::TooMany => "too_many",
            Self::Refused { .. } => "refused",
            Self::Failed(outcome) => outcome.as_str(),
        }
    }
}

/// What became of one reconciliation.
#[derive(Debug, Clone)]
pub struct ReconcileReport {
    /// How it ended.
    pub outcome: Reconciled,
    /// Bytes received meanwhile.
    pub received_bytes: u64,
    /// Bytes of our messages.
    pub sent_bytes: u64,
    /// Answers of the relay.
    pub rounds: usize,
}

impl Session {
    /// Compares `set` with the events of the relay that match `filter`, then closes the subscription.
    /// A dropped future leaves it open at the relay; the session can still be used.
    pub async fn reconcile(
        &mut self,
        filter: &Filter,
        set: &Arc<SyncSet>,
        options: ReconcileOptions,
    ) -> ReconcileReport {
        let mut exchange = Exchange {
            id: self.next_id(),
            set,
            options,
            bytes_before: self.received_bytes(),
            sent_bytes: 0,
            rounds: 0,
            stray: 0,
            difference: Difference::default(),
            answer_by: options.deadline,
            notice: None,
        };
        let outcome = match self.negotiate(filter, &mut exchange).await {
            Ok(outcome) => outcome,
            Err(End::TimedOut) => exchange.on_silence(),
            Err(end) => Reconciled::Failed(end.into_outcome()),
        };
        if !matches!(outcome, Reconciled::Refused { .. }) {
            self.send_last(format!(r#"["NEG-CLOSE","{}"]"#, exchange.id));
        }
        ReconcileReport {
            outcome,
            received_bytes: self.received_bytes() - exchange.bytes_before,
            sent_bytes: exchange.sent_bytes,
            rounds: exchange.rounds,
        }
    }

    async fn negotiate(
        &mut self,
        filter: &Filter,
        exchange: &mut Exchange<'_>,
    ) -> Result<Reconciled, End> {
        let Ok(first) = exchange.set.first_message(MAX_MESSAGE_BYTES) else {
            return Ok(Reconciled::Failed(Outcome::Garbage));
        };
        let (id, hex) = (&exchange.id, HEXLOWER.encode(&first));
        let open = format!(r#"["NEG-OPEN","{id}",{},"{hex}"]"#, filter.to_json());
        self.say(exchange, open).await?;
        loop {
            let frame = self.receive(exchange.answer_by).await?;
            if self.received_bytes() - exchange.bytes_before > exchange.options.max_bytes {
                return Ok(Reconciled::TooMany);
            }
            let message = frame.as_deref().and_then(RelayMessage::parse);
            if let Some(outcome) = self.on_sync_message(exchange, message).await? {
                return Ok(outcome);
            }
        }
    }

    async fn say(&mut self, exchange: &mut Exchange<'_>, frame: String) -> Result<(), End> {
        exchange.sent_bytes += frame.len() as u64;
        exchange.answer_by = exchange.patience();
        self.send(frame, exchange.options.deadline).await
    }

    /// Takes one message; `Some` when it was the last.
    async fn on_sync_message(
        &mut self,
        exchange: &mut Exchange<'_>,
        message: Option<RelayMessage<'_>>,
    ) -> Result<Option<Reconciled>, End> {
        match message {
            Some(RelayMessage::NegMessage { sub, hex }) if sub == exchange.id => {
                self.answer = Answer::Subscription;
                return self.on_ranges(exchange, &hex).await;
            }
            Some(RelayMessage::NegError { sub, message }) if sub == exchange.id => {
                self.answer = Answer::Subscription;
                return Ok(Some(refused(message)));
            }
            // What does not know NIP-77 takes it for a subscription.
            Some(RelayMessage::Closed { sub, message }) if sub == exchange.id => {
                self.answer = Answer::Subscription;
                return Ok(Some(Reconciled::Refused { message }));
            }
            Some(RelayMessage::Notice(text)) => exchange.on_notice(text),
            Some(RelayMessage::Auth(challenge)) => {
                let deadline = exchange.options.deadline;
                self.on_challenge(&challenge, deadline).await?;
            }
            Some(RelayMessage::Ok { id, accepted, .. }) => {
                self.auth.on_ok(id, accepted);
            }
            Some(
                RelayMessage::Event { sub, .. }
                | RelayMessage::Eose { sub, .. }
                | RelayMessage::Closed { sub, .. }
                | RelayMessage::NegMessage { sub, .. }
                | RelayMessage::NegError { sub, .. },
            ) if self.is_own_id(&sub) => {} // An earlier request's.
            _ => {
                exchange.stray += 1;
                if exchange.stray > MAX_STRAY {
                    return Err(self.end(End::Violation));
                }
            }
        }
        Ok(None)
    }

    async fn on_ranges(
        &mut self,
        exchange: &mut Exchange<'_>,
        hex: &str,
    ) -> Result<Option<Reconciled>, End> {
        exchange.rounds += 1;
        exchange.notice = None;
        let Ok(message) = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()) else {
            return Ok(Some(Reconciled::Failed(Outcome::Garbage)));
        };
        let next = match exchange.compare(message).await {
            Ok(next) => next,
            Err(_) => return Ok(Some(Reconciled::Failed(Outcome::Garbage))),
        };
        if exchange.difference.missing_here.len() > exchange.options.max_missing {
            return Ok(Some(Reconciled::TooMany));
        }
        let Some(next) = next else {
            let difference = std::mem::take(&mut exchange.difference);
            return Ok(Some(Reconciled::Finished(difference)));
        };
        if exchange.rounds >= MAX_ROUNDS {
            let budget = Budget::Bytes;
            let outcome = Outcome::BudgetExceeded { budget };
            return Ok(Some(Reconciled::Failed(outcome)));
        }
        let frame = format!(
            r#"["NEG-MSG","{}","{}"]"#,
            exchange.id,
            HEXLOWER.encode(&next)
        );
        self.say(exchange, frame).await?;
        Ok(None)
    }
}

/// `blocked:` is what NIP-77 has a relay say about a set that is too large for it.
fn refused(message: String) -> Reconciled {
    match ClosedPrefix::of(&message) {
        ClosedPrefix::Blocked => Reconciled::TooMany,
        ClosedPrefix::RateLimited => Reconciled::Failed(Outcome::Closed {
            prefix: ClosedPrefix::RateLimited,
            message,
        }),
        ClosedPrefix::AuthRequired => Reconciled::Failed(Outcome::AuthRequired { message }),
        _ => Reconciled::Refused { message },
    }
}

/// One reconciliation under way.
struct Exchange<'a> {
    id: String,
    set: &'a Arc<SyncSet>,
    options: ReconcileOptions,
    bytes_before: u64,
    sent_bytes: u64,
    rounds: usize,
    stray: usize,
    difference: Difference,
    /// When the relay has to have answered what was said last.
    answer_by: Instant,
    /// The relay's word about a message that it does not know, perhaps.
    notice: Option<String>,
}

impl Exchange<'_> {
    fn patience(&self) -> Instant {
        self.options
            .deadline
            .min(Instant::now() + self.options.max_silence)
    }

    fn on_notice(&mut self, text: String) {
        if self.rounds == 0 && self.notice.is_none() {
            self.answer_by = self.answer_by.min(Instant::now() + NOTICE_GRACE);
            self.notice = Some(text);
        }
    }

    fn on_silence(&mut self) -> Reconciled {
        match self.notice.take() {
            Some(message) => Reconciled::Refused { message },
            None => Reconciled::Failed(Outcome::TimedOut),
        }
    }

    /// Large sets take a while to compare, which is no work for a thread that serves sockets.
    async fn compare(&mut self, message: Vec<u8>) -> Result<Option<Vec<u8>>, Incomparable> {
        let set = Arc::clone(self.set);
        let mut difference = std::mem::take(&mut self.difference);
        let compared = tokio::task::spawn_blocking(move || {
            let next = set.compare(&message, MAX_MESSAGE_BYTES, &mut difference);
            (next, difference)
        });
        let (next, difference) = compared.await.map_err(|_| Incomparable)?;
        self.difference = difference;
        next.map_err(|_: SyncMessageError| Incomparable)
    }
}

/// What came is none of the protocol, or the process ends.
struct Incomparable;
