//! Round-trip times over one connection: opening it, reading from it, and, where that is wanted,
//! writing to it.

use nips::nip66::{Phase, Rtt};
use nips::{Event, EventId, Filter, Kind, RelayUrl};
use tokio::time::Instant;

use super::retry::{Retries, may_pass};
use crate::net::{
    Answer, CertificateProblem, ClosedPrefix, Net, NetError, OpenOptions, Outcome, PhaseTimings,
    PublishOutcome, RequestOptions, RequestReport, Session,
};

/// Events and bytes that the answer to a request for one event may have.
const MAX_EVENTS: usize = 8;
const MAX_BYTES: u64 = 8 << 20;

/// An id that no event has. Relays that refuse to be read from end to end still answer a request for it.
const NO_EVENT: EventId = EventId([0; 32]);

/// What a connection showed.
#[derive(Debug, Clone, Default)]
pub struct RttCheck {
    /// The three phases.
    pub rtt: Rtt,
    /// How far the other end has shown that it speaks Nostr.
    pub answer: Answer,
    /// What opening spent its time on, where it worked.
    pub phases: Option<PhaseTimings>,
    /// What ended the time of reading, where it worked.
    pub read_by: Option<ReadBy>,
    /// Whether it refused the broad question, as relays do that do not want to be read from end to end.
    pub refuses_broad: bool,
    /// What is wrong with the certificate, where that is why there is no connection.
    pub certificate: Option<CertificateProblem>,
}

/// The first answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBy {
    /// An event.
    Event,
    /// The end of stored events: there was none.
    Eose,
}

impl ReadBy {
    /// `EVENT` or `EOSE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "EVENT",
            Self::Eose => "EOSE",
        }
    }
}

impl RttCheck {
    /// Whether there is a relay and it answers. One that only accepts connections does not count.
    pub fn is_online(&self) -> bool {
        self.rtt.is_open() && self.answer >= Answer::Challenge
    }
}

/// Opens a connection and reads; the session is handed back for writing and has to be closed. `None`
/// when there is none any more.
pub async fn open_and_read(
    net: &Net,
    relay: &RelayUrl,
    retries: Retries<'_>,
    deadline: Instant,
) -> (RttCheck, Option<Session>) {
    let mut check = RttCheck::default();
    let options = OpenOptions {
        max_total_bytes: 4 * MAX_BYTES,
        ..OpenOptions::default()
    };
    let opened = retries.run(may_pass, || net.open(relay, deadline, options.clone()));
    let mut session = match opened.await {
        Ok(session) => session,
        Err(failure) => {
            check.rtt.open = Phase::Failed(failure.reason().to_owned());
            if let NetError::Certificate { problem, .. } = failure {
                check.certificate = Some(problem);
            }
            return (check, None);
        }
    };
    check.rtt.open = Phase::took(session.phases().total);
    check.phases = Some(session.phases());
    read(&mut session, &mut check, deadline).await;
    check.answer = session.answer();
    (check, Some(session))
}

/// Sends an event and waits for the relay's verdict. That it takes the event is success: whether it
/// also keeps it is another question, and not one for an ephemeral event.
pub async fn write(session: &mut Session, event: &Event, deadline: Instant) -> Phase {
    let started = Instant::now();
    match session
        .publish(event.id(), &event.to_json(), deadline)
        .await
    {
        PublishOutcome::Answered { accepted: true, .. } => Phase::took(started.elapsed()),
        PublishOutcome::Answered { message, .. } | PublishOutcome::AuthRequired { message } => {
            Phase::Refused(message)
        }
        PublishOutcome::TimedOut => Phase::Failed("timed_out".to_owned()),
        PublishOutcome::Disconnected => Phase::Failed("disconnected".to_owned()),
        PublishOutcome::Garbage => Phase::Failed("garbage".to_owned()),
        PublishOutcome::BudgetExceeded { .. } => Phase::Failed("budget_exceeded".to_owned()),
    }
}

/// Asks for one text note, and where relays refuse so broad a question, for one event by its id.
async fn read(session: &mut Session, check: &mut RttCheck, deadline: Instant) {
    let broad = Filter {
        kinds: Some(vec![Kind::TEXT_NOTE]),
        limit: Some(1),
        ..Filter::default()
    };
    let report = ask(session, broad, deadline).await;
    (check.rtt.read, check.read_by) = verdict(&report);
    check.refuses_broad = is_too_broad(&report.outcome);
    if !check.refuses_broad {
        return;
    }
    let narrow = Filter {
        ids: Some(vec![NO_EVENT]),
        limit: Some(1),
        ..Filter::default()
    };
    let second = ask(session, narrow, deadline).await;
    if let took @ (Phase::Took(_), _) = verdict(&second) {
        (check.rtt.read, check.read_by) = took;
    }
}

async fn ask(session: &mut Session, filter: Filter, deadline: Instant) -> RequestReport {
    let options = RequestOptions {
        deadline,
        max_events: MAX_EVENTS,
        max_bytes: MAX_BYTES,
    };
    session.fetch(&[filter], options).await.1
}

fn is_too_broad(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Closed { prefix, .. } => *prefix != ClosedPrefix::RateLimited,
        _ => false,
    }
}

/// To the first EVENT, or to EOSE when there is none: an empty relay reads as well as any other.
fn verdict(report: &RequestReport) -> (Phase, Option<ReadBy>) {
    let (answered_at, by) = match (&report.outcome, report.first_event_at) {
        (_, Some(first)) => (first, ReadBy::Event),
        (Outcome::Eose, None) => (report.finished_at, ReadBy::Eose),
        (Outcome::Closed { message, .. } | Outcome::AuthRequired { message }, None) => {
            return (Phase::Refused(message.clone()), None);
        }
        (outcome, None) => return (Phase::Failed(outcome.as_str().to_owned()), None),
    };
    let took = answered_at.saturating_duration_since(report.started_at);
    (Phase::took(took), Some(by))
}
