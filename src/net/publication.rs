//! One EVENT and its OK.

use nips::EventId;
use tokio::time::Instant;

use super::auth::{Refusal, Step};
use super::outcome::{Answer, ClosedPrefix, Outcome, PublishOutcome};
use super::relay_message::RelayMessage;
use super::session::{End, Session};

impl Session {
    /// Sends an event and waits for the OK that bears its id, repeating it once when the relay
    /// wants NIP-42 first and there is a signer. A dropped future may leave the event sent.
    pub async fn publish(
        &mut self,
        id: EventId,
        event_json: &str,
        deadline: Instant,
    ) -> PublishOutcome {
        let mut publication = Publication {
            id,
            frame: format!(r#"["EVENT",{event_json}]"#),
            deadline,
            refusal: Refusal::default(),
        };
        match self.carry(&mut publication).await {
            Ok(outcome) => outcome,
            Err(end) => PublishOutcome::of(end),
        }
    }

    async fn carry(&mut self, publication: &mut Publication) -> Result<PublishOutcome, End> {
        let deadline = publication.deadline;
        self.send(publication.frame.clone(), deadline).await?;
        loop {
            let wait_until = publication.refusal.wait_until(deadline, &self.auth);
            let frame = match (
                self.receive(wait_until).await,
                publication.refusal.message(),
            ) {
                (Err(End::TimedOut), Some(message)) => {
                    let message = message.to_owned();
                    return Ok(PublishOutcome::AuthRequired { message });
                }
                (received, _) => received?,
            };
            let message = frame.as_deref().and_then(RelayMessage::parse);
            if let Some(outcome) = self.on_reply(publication, message).await? {
                return Ok(outcome);
            }
        }
    }

    /// Takes one message; `Some` when it was the answer. Everything that is about something else
    /// is dropped: bytes and time bound it.
    async fn on_reply(
        &mut self,
        publication: &mut Publication,
        message: Option<RelayMessage<'_>>,
    ) -> Result<Option<PublishOutcome>, End> {
        let step = match message {
            Some(RelayMessage::Ok {
                id,
                accepted,
                message,
            }) if id == publication.id => {
                self.answer = Answer::Subscription;
                let prefix = ClosedPrefix::of(&message);
                if accepted || prefix != ClosedPrefix::AuthRequired {
                    return Ok(Some(PublishOutcome::Answered {
                        accepted,
                        prefix,
                        message,
                    }));
                }
                publication.refusal.on_refused(message, &self.auth)
            }
            Some(RelayMessage::Ok { id, accepted, .. }) if self.auth.on_ok(id, accepted) => {
                publication.refusal.on_authenticated(&self.auth, false)
            }
            Some(RelayMessage::Auth(challenge)) => {
                self.on_challenge(&challenge, publication.deadline).await?;
                Step::Wait
            }
            _ => Step::Wait,
        };
        match step {
            Step::Wait => Ok(None),
            Step::Repeat => {
                self.send(publication.frame.clone(), publication.deadline)
                    .await?;
                Ok(None)
            }
            Step::GiveUp { message } => Ok(Some(PublishOutcome::AuthRequired { message })),
        }
    }
}

/// One event on its way.
struct Publication {
    id: EventId,
    frame: String,
    deadline: Instant,
    refusal: Refusal,
}

impl PublishOutcome {
    fn of(end: End) -> Self {
        match end.into_outcome() {
            Outcome::TimedOut => Self::TimedOut,
            Outcome::BudgetExceeded { budget } => Self::BudgetExceeded { budget },
            Outcome::Garbage => Self::Garbage,
            _ => Self::Disconnected,
        }
    }
}
