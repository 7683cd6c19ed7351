//! Messages word for word, for who wants to know how a relay talks and not only what it has.

use tokio::time::Instant;

use super::outcome::Outcome;
use super::relay_message::RelayMessage;
use super::session::{End, Session};

impl Session {
    /// An id that no subscription of this session had, and that no relay can have known.
    pub fn unused_id(&mut self) -> String {
        self.next_id()
    }

    /// Sends one message.
    ///
    /// # Errors
    /// The outcome that made sending impossible. [`Outcome::TimedOut`]: the relay does not read.
    pub async fn tell(&mut self, message: String, deadline: Instant) -> Result<(), Outcome> {
        let sent = self.send(message, deadline).await;
        sent.map_err(End::into_outcome)
    }

    /// Ends a subscription without waiting.
    pub fn hang_up(&mut self, subscription: &str) {
        self.send_close(subscription);
    }

    /// The next message as it came; `None` for a binary one. A NIP-42 challenge among them is answered
    /// if the session has a signer. Cancel-safe.
    ///
    /// # Errors
    /// [`Outcome::TimedOut`] when none came until the deadline, which leaves the session as good as
    /// before, or the outcome that ended it.
    pub async fn hear(&mut self, deadline: Instant) -> Result<Option<String>, Outcome> {
        let frame = self.receive(deadline).await.map_err(End::into_outcome)?;
        let Some(text) = frame else {
            return Ok(None);
        };
        match RelayMessage::parse(&text) {
            Some(RelayMessage::Auth(challenge)) => {
                let answered = self.on_challenge(&challenge, deadline).await;
                answered.map_err(End::into_outcome)?;
            }
            Some(RelayMessage::Ok { id, accepted, .. }) => {
                self.auth.on_ok(id, accepted);
            }
            _ => {}
        }
        Ok(Some(text.as_str().to_owned()))
    }
}
