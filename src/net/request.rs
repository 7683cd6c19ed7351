//! One REQ and everything until its outcome is known.

use std::collections::HashSet;

use nips::{EventId, Filter};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::auth::{Refusal, Step};
use super::outcome::{Answer, Budget, ClosedPrefix, Nip67Hint, Outcome, RawEvent, RequestReport};
use super::relay_message::{RelayMessage, claimed_id};
use super::session::{End, Session};

/// Messages that are not Nostr before we stop listening. Some relays send an odd one now and then.
const MAX_GARBAGE: usize = 64;
/// NOTICEs kept; the first ones say what is wrong.
const MAX_NOTICES: usize = 8;

/// Where the events of a request go. It is bounded, and while it is full the socket is not read:
/// a slow consumer slows the relay down and fills no memory.
pub type EventSink = mpsc::Sender<RawEvent>;

/// What one request may cost.
#[derive(Debug, Clone, Copy)]
pub struct RequestOptions {
    /// When waiting for the outcome ends.
    pub deadline: Instant,
    /// Events delivered at most. A relay that sends one more ends the request.
    pub max_events: usize,
    /// Bytes received at most, frames of every kind.
    pub max_bytes: u64,
}

impl Session {
    /// Sends REQ and hands the events to `events` as they come, until the outcome is known, then
    /// sends CLOSE. Not cancel-safe in the sense that a dropped future leaves the subscription
    /// open at the relay; the session can still be used.
    pub async fn request(
        &mut self,
        filters: &[Filter],
        options: RequestOptions,
        events: &EventSink,
    ) -> RequestReport {
        self.run(filters, options, Sink::Channel(events)).await
    }

    /// Like [`Session::request`], for small answers: collects the events. `max_events` and
    /// `max_bytes` bound the memory.
    pub async fn fetch(
        &mut self,
        filters: &[Filter],
        options: RequestOptions,
    ) -> (Vec<RawEvent>, RequestReport) {
        let mut events = Vec::new();
        let report = self.run(filters, options, Sink::List(&mut events)).await;
        (events, report)
    }

    async fn run(
        &mut self,
        filters: &[Filter],
        options: RequestOptions,
        mut sink: Sink<'_>,
    ) -> RequestReport {
        let mut request = Request::new(filters, options, self.received_bytes());
        let outcome = match self.exchange(&mut request, &mut sink).await {
            Ok(outcome) => outcome,
            Err(end) => self.outcome_of(&request, end),
        };
        let is_open_at_relay = !matches!(
            outcome,
            Outcome::Closed { .. } | Outcome::AuthRequired { .. }
        );
        if is_open_at_relay {
            self.send_close(&request.id);
        }
        request.into_report(outcome, self)
    }

    async fn exchange(
        &mut self,
        request: &mut Request,
        sink: &mut Sink<'_>,
    ) -> Result<Outcome, End> {
        self.ask(request).await?;
        loop {
            let wait_until = request
                .refusal
                .wait_until(request.options.deadline, &self.auth);
            let frame = match (self.receive(wait_until).await, request.refusal.message()) {
                // The deadline, or the time for a challenge that did not come.
                (Err(End::TimedOut), Some(message)) => {
                    let message = message.to_owned();
                    return Ok(Outcome::AuthRequired { message });
                }
                (received, _) => received?,
            };
            if self.received_bytes() - request.bytes_before > request.options.max_bytes {
                let budget = Budget::Bytes;
                return Ok(Outcome::BudgetExceeded { budget });
            }
            let message = frame.as_deref().and_then(RelayMessage::parse);
            if let Some(outcome) = self.on_message(request, message, sink).await? {
                return Ok(outcome);
            }
        }
    }

    async fn ask(&mut self, request: &mut Request) -> Result<(), End> {
        request.id = self.next_id();
        let frame = format!(r#"["REQ","{}",{}]"#, request.id, request.filters);
        self.send(frame, request.options.deadline).await
    }

    /// Takes one message; `Some` when it was the last.
    async fn on_message(
        &mut self,
        request: &mut Request,
        message: Option<RelayMessage<'_>>,
        sink: &mut Sink<'_>,
    ) -> Result<Option<Outcome>, End> {
        match message {
            Some(RelayMessage::Event { sub, event }) if sub == request.id => {
                self.on_answer(request);
                return Ok(request.deliver(event, sink).await);
            }
            Some(RelayMessage::Eose { sub, hint }) if sub == request.id => {
                self.on_answer(request);
                request.hint = hint;
                return Ok(Some(Outcome::Eose));
            }
            Some(RelayMessage::Closed { sub, message }) if sub == request.id => {
                self.on_answer(request);
                return self.on_closed(request, message).await;
            }
            Some(
                RelayMessage::Event { sub, .. }
                | RelayMessage::Eose { sub, .. }
                | RelayMessage::Closed { sub, .. },
            ) if self.is_own_id(&sub) => {} // An earlier request's.
            Some(RelayMessage::Notice(text)) => {
                self.answer = self.answer.max(Answer::Notice);
                request.keep_notice(text);
            }
            Some(RelayMessage::Auth(challenge)) => {
                self.on_challenge(&challenge, request.options.deadline)
                    .await?;
            }
            Some(RelayMessage::Ok { id, accepted, .. }) => {
                // Any other OK is a late answer to an earlier publication.
                if self.auth.on_ok(id, accepted) {
                    let is_answered = request.is_answered;
                    let step = request.refusal.on_authenticated(&self.auth, is_answered);
                    return self.take_step(request, step).await;
                }
            }
            _ => {
                request.garbage += 1;
                if request.garbage > MAX_GARBAGE {
                    return Err(self.end(End::Violation));
                }
            }
        }
        Ok(None)
    }

    fn on_answer(&mut self, request: &mut Request) {
        self.answer = Answer::Subscription;
        request.is_answered = true;
    }

    async fn on_closed(
        &mut self,
        request: &mut Request,
        message: String,
    ) -> Result<Option<Outcome>, End> {
        let prefix = ClosedPrefix::of(&message);
        if prefix != ClosedPrefix::AuthRequired {
            return Ok(Some(Outcome::Closed { prefix, message }));
        }
        let step = request.refusal.on_refused(message, &self.auth);
        self.take_step(request, step).await
    }

    async fn take_step(
        &mut self,
        request: &mut Request,
        step: Step,
    ) -> Result<Option<Outcome>, End> {
        match step {
            Step::Wait => Ok(None),
            Step::Repeat => {
                // Under a new id: an EOSE for the old one would speak of what a stranger may see.
                self.send_close(&request.id);
                self.ask(request).await?;
                Ok(None)
            }
            Step::GiveUp { message } => Ok(Some(Outcome::AuthRequired { message })),
        }
    }

    /// Silence after nothing but noise is noise.
    fn outcome_of(&self, request: &Request, end: End) -> Outcome {
        let only_noise = request.garbage > 0 && self.answer == Answer::Nothing;
        match end {
            End::Disconnected | End::TimedOut if only_noise => Outcome::Garbage,
            end => end.into_outcome(),
        }
    }
}

/// One request under way.
struct Request {
    id: String,
    /// The filters as JSON objects, separated by commas.
    filters: String,
    options: RequestOptions,
    bytes_before: u64,
    started_at: Instant,
    first_event_at: Option<Instant>,
    events: usize,
    garbage: usize,
    notices: Vec<String>,
    hint: Option<Nip67Hint>,
    is_answered: bool,
    refusal: Refusal,
    /// The ids asked for and not yet received; `None` unless every filter has ids.
    missing_ids: Option<HashSet<EventId>>,
}

impl Request {
    fn new(filters: &[Filter], options: RequestOptions, bytes_before: u64) -> Self {
        let json: Vec<String> = filters.iter().map(Filter::to_json).collect();
        let ids = filters.iter().map(|filter| filter.ids.as_deref());
        let missing_ids: Option<Vec<&[EventId]>> = ids.collect();
        Self {
            id: String::new(),
            filters: json.join(","),
            options,
            bytes_before,
            started_at: Instant::now(),
            first_event_at: None,
            events: 0,
            garbage: 0,
            notices: Vec::new(),
            hint: None,
            is_answered: false,
            refusal: Refusal::default(),
            missing_ids: missing_ids.map(|ids| ids.concat().into_iter().collect()),
        }
    }

    async fn deliver(&mut self, event: &str, sink: &mut Sink<'_>) -> Option<Outcome> {
        if self.events >= self.options.max_events {
            let budget = Budget::Events;
            return Some(Outcome::BudgetExceeded { budget });
        }
        self.first_event_at.get_or_insert_with(Instant::now);
        if let Some(missing) = &mut self.missing_ids
            && let Some(id) = claimed_id(event)
        {
            missing.remove(&id);
        }
        match timeout_at(self.options.deadline, sink.put(event.into())).await {
            Err(_) => Some(Outcome::TimedOut),
            Ok(Err(budget)) => Some(Outcome::BudgetExceeded { budget }),
            Ok(Ok(())) => {
                self.events += 1;
                None
            }
        }
    }

    fn keep_notice(&mut self, text: String) {
        if self.notices.len() < MAX_NOTICES {
            self.notices.push(text);
        }
    }

    fn into_report(self, outcome: Outcome, session: &Session) -> RequestReport {
        RequestReport {
            outcome,
            answer: session.answer,
            events: self.events,
            bytes: session.received_bytes() - self.bytes_before,
            garbage: self.garbage,
            started_at: self.started_at,
            first_event_at: self.first_event_at,
            finished_at: Instant::now(),
            hint: self.hint,
            notices: self.notices,
            has_all_ids: self.missing_ids.is_some_and(|missing| missing.is_empty()),
        }
    }
}

enum Sink<'a> {
    Channel(&'a EventSink),
    List(&'a mut Vec<RawEvent>),
}

impl Sink<'_> {
    async fn put(&mut self, event: RawEvent) -> Result<(), Budget> {
        match self {
            Self::Channel(channel) => channel.send(event).await.map_err(|_| Budget::Consumer),
            Self::List(list) => {
                list.push(event);
                Ok(())
            }
        }
    }
}
