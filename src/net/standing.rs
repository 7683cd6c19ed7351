//! Standing subscriptions: REQs that stay open after EOSE, for live delivery.

use std::fmt;

use nips::Filter;
use tokio::time::Instant;

use super::outcome::{Answer, ClosedPrefix, Nip67Hint, Outcome, RawEvent};
use super::relay_message::RelayMessage;
use super::session::{End, Frame, Session};

/// A subscription of one session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubscriptionId(String);

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What [`Session::next`] brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// An event for an open subscription; stored ones come before [`Incoming::Eose`], live ones
    /// after.
    Event {
        /// Whose.
        subscription: SubscriptionId,
        /// The event's JSON, unchecked.
        event: RawEvent,
    },
    /// Everything stored has been sent; what follows is live.
    Eose {
        /// Whose.
        subscription: SubscriptionId,
        /// NIP-67's third element.
        hint: Option<Nip67Hint>,
    },
    /// The relay ended a subscription, which is no longer open.
    Closed {
        /// Whose.
        subscription: SubscriptionId,
        /// The machine-readable part of the message.
        prefix: ClosedPrefix,
        /// The message, cleaned and cut.
        message: String,
    },
    /// A text for people.
    Notice(String),
    /// A NIP-42 challenge; it has been answered if the session has a signer.
    Challenge,
    /// The relay has taken or refused our answer to its challenge. Subscriptions that it closed
    /// before can be opened again.
    Authenticated {
        /// Whether it took it.
        accepted: bool,
    },
    /// A message that is not Nostr, or is for no open subscription.
    Garbage,
    /// The relay has answered the latest [`Session::ping`]: whatever it sent before has come.
    Pong,
    /// Nothing came until the deadline. The session is as good as before.
    Nothing,
    /// The session is over.
    Ended(Outcome),
}

impl Session {
    /// Opens a standing subscription.
    ///
    /// # Errors
    /// The outcome that made sending impossible. [`Outcome::TimedOut`]: the relay does not read.
    pub async fn subscribe(
        &mut self,
        filters: &[Filter],
        deadline: Instant,
    ) -> Result<SubscriptionId, Outcome> {
        let id = self.next_id();
        let json: Vec<String> = filters.iter().map(Filter::to_json).collect();
        let frame = format!(r#"["REQ","{id}",{}]"#, json.join(","));
        self.send(frame, deadline)
            .await
            .map_err(End::into_outcome)?;
        self.standing.push(SubscriptionId(id.clone()));
        Ok(SubscriptionId(id))
    }

    /// Closes a standing subscription without waiting for the relay.
    pub fn unsubscribe(&mut self, subscription: &SubscriptionId) {
        self.forget(subscription);
        self.send_close(&subscription.0);
    }

    /// Asks for a sign of life, which [`Session::next`] brings as [`Incoming::Pong`].
    ///
    /// # Errors
    /// The outcome that made sending impossible. [`Outcome::TimedOut`]: the relay does not read.
    pub async fn ping(&mut self, deadline: Instant) -> Result<(), Outcome> {
        let sent = self.send_ping(deadline).await;
        sent.map_err(End::into_outcome)
    }

    /// The next thing that concerns the standing subscriptions. Cancel-safe: no message is lost,
    /// though an answer to a challenge may be.
    pub async fn next(&mut self, deadline: Instant) -> Incoming {
        loop {
            let text = match self.receive_frame(deadline).await {
                Ok(Frame::Pong) => return Incoming::Pong,
                Ok(Frame::Text(text)) => Some(text),
                Ok(Frame::Binary) => None,
                Err(End::TimedOut) => return Incoming::Nothing,
                Err(end) => return Incoming::Ended(end.into_outcome()),
            };
            let message = text.as_deref().and_then(RelayMessage::parse);
            if let Some(incoming) = self.sort(message, deadline).await {
                return incoming;
            }
        }
    }

    /// `None` for what was in flight when its subscription was closed.
    async fn sort(
        &mut self,
        message: Option<RelayMessage<'_>>,
        deadline: Instant,
    ) -> Option<Incoming> {
        let sub = match &message {
            Some(
                RelayMessage::Event { sub, .. }
                | RelayMessage::Eose { sub, .. }
                | RelayMessage::Closed { sub, .. },
            ) => sub,
            _ => return Some(self.sort_other(message, deadline).await),
        };
        let open = self.standing.iter().find(|open| open.0 == *sub).cloned();
        let Some(subscription) = open else {
            let is_late = self.is_own_id(sub);
            return (!is_late).then_some(Incoming::Garbage);
        };
        self.answer = Answer::Subscription;
        Some(match message? {
            RelayMessage::Eose { hint, .. } => Incoming::Eose { subscription, hint },
            RelayMessage::Closed { message, .. } => {
                self.forget(&subscription);
                Incoming::Closed {
                    subscription,
                    prefix: ClosedPrefix::of(&message),
                    message,
                }
            }
            RelayMessage::Event { event, .. } => Incoming::Event {
                subscription,
                event: event.into(),
            },
            _ => Incoming::Garbage,
        })
    }

    async fn sort_other(
        &mut self,
        message: Option<RelayMessage<'_>>,
        deadline: Instant,
    ) -> Incoming {
        match message {
            Some(RelayMessage::Notice(text)) => Incoming::Notice(text),
            Some(RelayMessage::Auth(challenge)) => {
                match self.on_challenge(&challenge, deadline).await {
                    Ok(()) | Err(End::TimedOut) => Incoming::Challenge,
                    Err(end) => Incoming::Ended(end.into_outcome()),
                }
            }
            Some(RelayMessage::Ok { id, accepted, .. }) if self.auth.on_ok(id, accepted) => {
                Incoming::Authenticated { accepted }
            }
            _ => Incoming::Garbage,
        }
    }

    fn forget(&mut self, subscription: &SubscriptionId) {
        self.standing.retain(|open| open != subscription);
    }
}
