//! The one question that tells a relay from anything else that accepts a WebSocket.

use nips::{Filter, Kind, RelayUrl};
use tokio::time::{Duration, Instant};

use crate::net::{Answer, Net, OpenOptions, Outcome, RequestOptions, RequestReport};

/// Events and bytes that the answer to a request for one event may have.
const MAX_EVENTS: usize = 8;
const MAX_BYTES: u64 = 4 << 20;

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Connects and asks for one event, all of it before the deadline.
///
/// An EVENT, EOSE or CLOSED for our own subscription shows that Nostr is spoken, and so does an
/// authentication challenge (NIP-42): a relay that serves members only is a relay.
///
/// # Errors
/// The stable label of what happened instead.
pub(super) async fn probe(
    net: &Net,
    url: &RelayUrl,
    deadline: Instant,
) -> Result<(), &'static str> {
    let options = OpenOptions {
        max_total_bytes: MAX_BYTES,
        ..OpenOptions::default()
    };
    let opened = net.open(url, deadline, options).await;
    let mut session = opened.map_err(|failure| failure.reason())?;
    let filter = Filter {
        kinds: Some(vec![Kind::TEXT_NOTE]),
        limit: Some(1),
        ..Filter::default()
    };
    let options = RequestOptions {
        deadline,
        max_events: MAX_EVENTS,
        max_bytes: MAX_BYTES,
    };
    let (_, report) = session.fetch(&[filter], options).await;
    session.close(deadline.min(Instant::now() + GOODBYE)).await;
    verdict(&report)
}

fn verdict(report: &RequestReport) -> Result<(), &'static str> {
    match (report.answer, &report.outcome) {
        (Answer::Subscription | Answer::Challenge, _) => Ok(()),
        (_, Outcome::Garbage) => Err("not_nostr"),
        (Answer::Notice, _) => Err("notice_only"),
        (Answer::Nothing, Outcome::TimedOut) => Err("no_answer"),
        (Answer::Nothing, Outcome::Disconnected) => Err("disconnected"),
        (Answer::Nothing, _) => Err("not_nostr"),
    }
}
