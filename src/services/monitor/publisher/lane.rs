//! One outside relay: a connection, the queue behind it, and one event after the other.

use std::sync::Arc;
use std::time::Duration;

use nips::{Event, EventId, Filter, RelayUrl};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::standing::Standing;
use super::verdict::Verdict;
use super::{Publisher, Sendings};
use crate::lifecycle::Tokens;
use crate::model::Publication;
use crate::net::{OpenOptions, Session};
use crate::store::StoreError;
use crate::store::events::{QueryBounds, Scope};
use crate::store::publications::SendLease;

/// Publications read from the store at once.
const PAGE: usize = 100;

/// For how many of an event's times a page is leased: what a monitor that is gone has taken is sent by another one
/// after this.
const LEASED_TIMES: u32 = 6;

/// How many of them an event may take: one on a connection that is gone, and one on the next.
const SENDING_TIMES: u32 = 2;

/// How long a lane goes on once there is nothing else to do: what is left is sent in the next cycle, and relays
/// that are due for a check do not wait for it.
const DRAIN: Duration = Duration::from_secs(20);

/// How long an answer is still waited for when the process is told to stop: what was answered and not heard
/// would be sent again.
const LAST_ANSWER: Duration = Duration::from_secs(3);

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// One outside relay.
#[derive(Debug)]
pub(super) struct Lane {
    relay: RelayUrl,
    queued: Notify,
}

impl Lane {
    pub(super) fn new(relay: RelayUrl) -> Self {
        Self {
            relay,
            queued: Notify::new(),
        }
    }

    pub(super) fn relay(&self) -> &RelayUrl {
        &self.relay
    }

    /// Says that something was queued.
    pub(super) fn wake(&self) {
        self.queued.notify_one();
    }

    /// Whether something waits, and the relay is not left alone.
    pub(super) async fn has_due(&self, publisher: &Publisher) -> Result<bool, StoreError> {
        let context = &publisher.context;
        let store = context.store.as_ref();
        let waiting = store.waiting_publications(&self.relay, 1).await?;
        if waiting.is_empty() {
            return Ok(false);
        }
        let standing = Standing::load(store, &self.relay).await?;
        Ok(!standing.is_resting(context.clock.now()))
    }

    /// Sends what waits, and what is queued until the rest of the cycle `is_over`.
    pub(super) async fn run(
        &self,
        publisher: &Publisher,
        is_over: &CancellationToken,
        tokens: &Tokens,
    ) -> Result<Sendings, StoreError> {
        let store = publisher.context.store.as_ref();
        let standing = Standing::load(store, &self.relay).await?;
        let mut turn = Turn {
            publisher,
            relay: &self.relay,
            is_over,
            tokens,
            standing,
            session: None,
            leased_until: None,
            sendings: Sendings::default(),
            drained_until: None,
        };
        let ended = self.serve(&mut turn).await;
        turn.close().await;
        turn.release().await;
        ended?;
        turn.report().await
    }

    async fn serve(&self, turn: &mut Turn<'_>) -> Result<(), StoreError> {
        let clock = &turn.publisher.context.clock;
        if turn.standing.is_resting(clock.now()) {
            return Ok(());
        }
        loop {
            let is_last = turn.is_over.is_cancelled();
            if !turn.send_waiting().await? || is_last || turn.tokens.is_stopping() {
                return Ok(());
            }
            tokio::select! {
                () = self.queued.notified() => {}
                () = turn.is_over.cancelled() => {}
                () = turn.tokens.soft_stop() => {}
            }
        }
    }
}

/// A relay's part of one cycle.
struct Turn<'a> {
    publisher: &'a Publisher,
    relay: &'a RelayUrl,
    is_over: &'a CancellationToken,
    tokens: &'a Tokens,
    standing: Standing,
    session: Option<Session>,
    /// Until when what was taken is nobody else's; `None` when nothing is.
    leased_until: Option<Instant>,
    sendings: Sendings,
    /// Set once the rest of the cycle is over.
    drained_until: Option<Instant>,
}

impl Turn<'_> {
    /// Sends until nothing waits any more; `false` when the turn ended before that.
    async fn send_waiting(&mut self) -> Result<bool, StoreError> {
        let store = &self.publisher.context.store;
        loop {
            let page = self.take().await?;
            if page.is_empty() {
                return Ok(true);
            }
            for publication in &page {
                if !self.has_time_to_send() {
                    // The rest is taken anew, with what came before it in the meantime.
                    break;
                }
                let Some(event) = self.publisher.event(publication.event).await? else {
                    // Superseded, deleted or banned since: our own relay does not serve it either.
                    store.settle_publication(publication).await?;
                    continue;
                };
                if self.is_out_of_time() {
                    self.sendings.has_more = true;
                    return Ok(false);
                }
                if !self.send(publication, &event).await? {
                    return Ok(false);
                }
            }
        }
    }

    /// Takes the next page, so that no other monitor sends it meanwhile.
    async fn take(&mut self) -> Result<Vec<Publication>, StoreError> {
        let lease = SendLease {
            worker: self.publisher.worker,
            length: self.publisher.timeout * LEASED_TIMES,
        };
        let store = &self.publisher.context.store;
        self.leased_until = Some(Instant::now() + lease.length);
        store.lease_publications(self.relay, PAGE, lease).await
    }

    /// Whether an event can be sent before others may take it.
    fn has_time_to_send(&self) -> bool {
        let needed = self.publisher.timeout * SENDING_TIMES;
        let until = self.leased_until;
        until.is_some_and(|until| Instant::now() + needed <= until)
    }

    /// Leaves what was not sent to others.
    async fn release(&mut self) {
        if self.leased_until.take().is_none() {
            return;
        }
        let store = &self.publisher.context.store;
        let released = store.release_publications(self.relay, self.publisher.worker);
        if let Err(failure) = released.await {
            // It ends by itself.
            debug!(relay.url = %self.relay, reason = failure.reason(), "publication_release_failed");
        }
    }

    fn is_out_of_time(&mut self) -> bool {
        if self.tokens.is_stopping() {
            return true;
        }
        let is_over = self.is_over.is_cancelled();
        let until = is_over.then(|| *self.drained_until.get_or_insert(Instant::now() + DRAIN));
        until.is_some_and(|until| Instant::now() >= until)
    }

    /// Sends one event; whether the turn goes on.
    async fn send(&mut self, publication: &Publication, event: &Event) -> Result<bool, StoreError> {
        let Some(verdict) = self.ask(event).await else {
            return Ok(false);
        };
        let (now, luck) = (
            self.publisher.context.clock.now(),
            self.publisher.context.luck(),
        );
        let store = &self.publisher.context.store;
        let goes_on = match verdict {
            Verdict::Taken => {
                store.settle_publication(publication).await?;
                self.standing.on_taken();
                self.sendings.sent += 1;
                self.count("sent");
                true
            }
            Verdict::Refused { reason, message } => {
                store.settle_publication(publication).await?;
                self.sendings.refused += 1;
                self.count("refused");
                debug!(relay.url = %self.relay, event.id = %event.id(), reason, "publication_refused");
                let has_enough = self
                    .standing
                    .on_refused(problem(reason, &message), now, luck);
                if has_enough {
                    warn!(relay.url = %self.relay, reason, message, "publications_refused");
                }
                !has_enough
            }
            Verdict::Later { reason, message } => {
                self.sendings.failed += 1;
                self.count("failed");
                self.standing
                    .on_failed(problem(reason, &message), now, luck);
                let failures = self.standing.failures;
                warn!(relay.url = %self.relay, reason, message, failures, "publication_failed");
                false
            }
        };
        Ok(goes_on)
    }

    /// Sends an event and waits for the answer; `None` when the process stops before there is one.
    async fn ask(&mut self, event: &Event) -> Option<Verdict> {
        let tokens = self.tokens;
        let stopped = async {
            tokens.soft_stop().await;
            tokio::time::sleep(LAST_ANSWER).await;
        };
        tokio::select! {
            verdict = self.converse(event) => Some(verdict),
            () = stopped => None,
        }
    }

    /// A connection that was idle may be gone without a word, so the first failure on one is not counted.
    async fn converse(&mut self, event: &Event) -> Verdict {
        let was_open = self.session.is_some();
        let verdict = self.publish(event).await;
        let is_gone = matches!(
            verdict,
            Verdict::Later {
                reason: "disconnected",
                ..
            }
        );
        if was_open && is_gone {
            return self.publish(event).await;
        }
        verdict
    }

    async fn publish(&mut self, event: &Event) -> Verdict {
        let deadline = Instant::now() + self.publisher.timeout;
        let mut session = match self.session.take() {
            Some(session) => session,
            None => match self.publisher.open(self.relay, deadline).await {
                Ok(session) => session,
                Err(verdict) => return verdict,
            },
        };
        let outcome = session
            .publish(event.id(), &event.to_json(), deadline)
            .await;
        let verdict = Verdict::of(outcome);
        if !matches!(verdict, Verdict::Later { .. }) {
            self.session = Some(session);
        }
        verdict
    }

    fn count(&self, outcome: &str) {
        self.publisher.metrics.count(self.relay.as_str(), outcome);
    }

    async fn close(&mut self) {
        if let Some(session) = self.session.take() {
            session.close(Instant::now() + GOODBYE).await;
        }
    }

    /// Writes down and tells what came of the turn.
    async fn report(self) -> Result<Sendings, StoreError> {
        let context = &self.publisher.context;
        let Sendings {
            sent,
            refused,
            failed,
            ..
        } = self.sendings;
        if sent + refused + failed > 0 {
            let store = context.store.as_ref();
            let now = context.clock.now();
            self.standing.save(store, self.relay, now).await?;
            info!(relay.url = %self.relay, sent, refused, failed, "publications_completed");
        }
        Ok(self.sendings)
    }
}

impl Publisher {
    /// An event, if our own relay serves it.
    async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        let filter = Filter {
            ids: Some(vec![id]),
            ..Filter::default()
        };
        let scope = Scope::public(self.context.clock.now());
        let store = &self.context.store;
        let found = store.query(vec![filter], scope, QueryBounds::default());
        Ok(found.await?.events.pop())
    }

    async fn open(&self, relay: &RelayUrl, deadline: Instant) -> Result<Session, Verdict> {
        let options = OpenOptions {
            auth: Some(Arc::new(self.signer.clone())),
            ..OpenOptions::default()
        };
        let opened = self.context.net.open(relay, deadline, options).await;
        opened.map_err(|failure| Verdict::Later {
            reason: failure.reason(),
            message: String::new(),
        })
    }
}

/// One line for an operator.
fn problem(reason: &str, message: &str) -> String {
    if message.is_empty() {
        return reason.to_owned();
    }
    message.to_owned()
}
