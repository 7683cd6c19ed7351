//! Who asks the questions: one at a time, with a pause between them, until the deadline, and none after the
//! relay has had enough.

use std::time::Duration;

use nips::{Filter, Kind};
use tokio::time::{Instant, sleep_until};

use super::AuditOptions;
use super::exchange::{Ended, Exchange};
use super::transcript::Transcript;
use crate::net::{Outcome, RelayMessage, Session};

/// Messages and bytes of one answer that are taken in. The longest answer that is asked for has 501 events.
const MAX_REPLIES: usize = 1_100;
const MAX_BYTES: usize = 4 << 20;

/// A relay that does not know a message says so with a NOTICE, if at all; an answer that is on its way all
/// the same comes within this time.
const NOTICE_GRACE: Duration = Duration::from_secs(1);

/// Shares of the time that one answer may take, so that one that does not come leaves time for others.
const PATIENCE_SHARE: u32 = 4;

/// Notes that are newer, seconds, may arrive while the relay answers: they would break its order, and come
/// on top of a limit that it keeps.
const TOO_NEW: u64 = 60;

/// The conversation with one relay.
pub(super) struct Interview<'a> {
    session: &'a mut Session,
    deadline: Instant,
    patience: Duration,
    pause: Duration,
    /// The latest moment that is asked about, unix seconds.
    until: u64,
    asked_at: Option<Instant>,
    /// Why nothing more is asked.
    over: Option<&'static str>,
    transcript: Transcript,
}

impl<'a> Interview<'a> {
    /// One that ends at the deadline.
    pub(super) fn new(session: &'a mut Session, options: &AuditOptions<'_>) -> Self {
        let left = options.deadline.saturating_duration_since(Instant::now());
        Self {
            session,
            deadline: options.deadline,
            patience: left / PATIENCE_SHARE,
            pause: options.pause,
            until: options.now.saturating_sub(TOO_NEW),
            asked_at: None,
            over: None,
            transcript: Transcript::default(),
        }
    }

    /// The newest text notes, but for those of the last minute.
    pub(super) fn notes(&self, limit: Option<usize>) -> Filter {
        Filter {
            kinds: Some(vec![Kind::TEXT_NOTE]),
            until: Some(self.until),
            limit,
            ..Filter::default()
        }
    }

    /// An id that was not used yet.
    pub(super) fn unused_id(&mut self) -> String {
        self.session.unused_id()
    }

    /// Whether the relay has sent a challenge (NIP-42), whenever it did.
    pub(super) fn is_challenged(&self) -> bool {
        self.session.is_challenged()
    }

    /// Says something and listens until `is_last` says that a message was the answer.
    pub(super) async fn ask(
        &mut self,
        messages: Vec<String>,
        mut is_last: impl FnMut(&RelayMessage<'_>) -> bool,
    ) -> Exchange {
        if let Some(reason) = self.why_not().await {
            return Exchange {
                replies: Vec::new(),
                ended: Ended::NotAsked(reason),
            };
        }
        self.transcript.note('>', &messages);
        let mut exchange = Exchange {
            replies: Vec::new(),
            ended: Ended::Silence,
        };
        exchange.ended = match self.say(messages).await {
            Ok(()) => self.listen(&mut exchange.replies, &mut is_last).await,
            Err(ended) => ended,
        };
        self.transcript.note('<', &exchange.replies);
        self.asked_at = Some(Instant::now());
        self.over = exchange.last_word();
        exchange
    }

    /// Asks for events and hangs up. The id that the answer bears comes with it.
    pub(super) async fn request(&mut self, filters: &[Filter]) -> (String, Exchange) {
        let id = self.unused_id();
        let exchange = self.request_as(&id, &[json_of(filters)]).await;
        (id, exchange)
    }

    /// The same, with an id and the message's end of one's own; several ends make several messages, of
    /// which the last is to be answered.
    pub(super) async fn request_as(&mut self, id: &str, ends: &[String]) -> Exchange {
        let messages = ends.iter().map(|end| format!(r#"["REQ","{id}",{end}]"#));
        let is_last = |message: &RelayMessage<'_>| match message {
            RelayMessage::Eose { sub, .. } | RelayMessage::Closed { sub, .. } => sub == id,
            _ => false,
        };
        let exchange = self.ask(messages.collect(), is_last).await;
        self.session.hang_up(id);
        exchange
    }

    /// Ends a comparison of sets, if the relay still listens.
    pub(super) async fn hang_up_comparison(&mut self, id: &str) {
        if self.over.is_none() {
            let goodbye = format!(r#"["NEG-CLOSE","{id}"]"#);
            // Whoever does not listen any more has ended it already.
            let _ = self.session.tell(goodbye, self.deadline).await;
        }
    }

    /// Ends a subscription.
    pub(super) fn hang_up(&mut self, id: &str) {
        self.session.hang_up(id);
    }

    /// Says that nothing more is to be asked.
    pub(super) fn end(&mut self, reason: &'static str) {
        self.over.get_or_insert(reason);
    }

    /// What was said.
    pub(super) fn into_transcript(self) -> Vec<String> {
        self.transcript.into_lines()
    }

    /// Waits for the time to ask, or says why there is none.
    async fn why_not(&mut self) -> Option<&'static str> {
        let ask_at = self.asked_at.map(|last| last + self.pause);
        if ask_at.is_some_and(|at| at >= self.deadline) || Instant::now() >= self.deadline {
            self.end("there was no time left");
        }
        if self.over.is_none()
            && let Some(at) = ask_at
        {
            sleep_until(at).await;
        }
        self.over
    }

    async fn say(&mut self, messages: Vec<String>) -> Result<(), Ended> {
        for message in messages {
            match self.session.tell(message, self.deadline).await {
                Ok(()) => {}
                Err(Outcome::TimedOut) => return Err(Ended::Silence),
                // What the relay said before it hung up is still to be read.
                Err(_) => break,
            }
        }
        Ok(())
    }

    async fn listen(
        &mut self,
        replies: &mut Vec<String>,
        is_last: &mut impl FnMut(&RelayMessage<'_>) -> bool,
    ) -> Ended {
        let mut until = self.deadline.min(Instant::now() + self.patience);
        let mut bytes = 0;
        loop {
            let text = match self.session.hear(until).await {
                Ok(Some(text)) => text,
                Ok(None) => continue,
                Err(Outcome::TimedOut) => return Ended::Silence,
                Err(_) => return Ended::Disconnected,
            };
            bytes += text.len();
            if bytes > MAX_BYTES || replies.len() >= MAX_REPLIES {
                return Ended::TooMuch;
            }
            let message = RelayMessage::parse(&text);
            let is_answer = message.as_ref().is_some_and(&mut *is_last);
            if matches!(message, Some(RelayMessage::Notice(_))) {
                until = until.min(Instant::now() + NOTICE_GRACE);
            }
            replies.push(text);
            if is_answer {
                return Ended::Answered;
            }
        }
    }
}

/// Filters as they stand in a message.
pub(super) fn json_of(filters: &[Filter]) -> String {
    let filters: Vec<String> = filters.iter().map(Filter::to_json).collect();
    filters.join(",")
}
