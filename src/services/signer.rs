//! The key of this monitor: it signs what we publish, and what proves to a relay who we are.

use std::fmt;

use nips::event::UnsignedEvent;
use nips::{Event, EventId, Kind, PublicKey, RelayUrl, Signature};
use nostr::secp256k1::Message;

use crate::clock::Clock;
use crate::net::AuthSigner;

use std::sync::Arc;

/// Signs events. The secret never leaves it and is never printed.
#[derive(Clone)]
pub struct Signer {
    keys: nostr::Keys,
    clock: Arc<dyn Clock>,
}

/// A text that is no secret key.
#[derive(Debug, thiserror::Error)]
#[error("secret key is neither 64 hex digits nor nsec")]
pub struct NotASecretKey;

impl Signer {
    /// A signer with a key as hex or `nsec`.
    ///
    /// # Errors
    /// [`NotASecretKey`]; the text is not repeated.
    pub fn new(secret_key: &str, clock: Arc<dyn Clock>) -> Result<Self, NotASecretKey> {
        let keys = nostr::Keys::parse(secret_key).map_err(|_| NotASecretKey)?;
        Ok(Self { keys, clock })
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.keys.public_key().to_bytes())
    }

    /// The time of the events that are dated now, unix seconds.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Signs an event dated now.
    pub fn sign(&self, kind: Kind, tags: Vec<Vec<String>>, content: String) -> Event {
        self.sign_at(self.clock.now(), kind, tags, content)
    }

    /// Signs an event dated `created_at` unix seconds.
    pub fn sign_at(
        &self,
        created_at: u64,
        kind: Kind,
        tags: Vec<Vec<String>>,
        content: String,
    ) -> Event {
        self.finish(&UnsignedEvent {
            created_at,
            ..self.draft(kind, tags, content)
        })
    }

    /// An event dated now that is not signed yet.
    pub fn draft(&self, kind: Kind, tags: Vec<Vec<String>>, content: String) -> UnsignedEvent {
        UnsignedEvent {
            pubkey: self.public_key(),
            created_at: self.clock.now(),
            kind,
            tags,
            content,
        }
    }

    /// Signs a draft of this signer's.
    pub fn finish(&self, draft: &UnsignedEvent) -> Event {
        let id = draft.id();
        let signature = self.keys.sign_schnorr(&Message::from_digest(id.0));
        Event::from_parts(id, draft, Signature(signature.serialize()))
            .expect("the id was computed from the draft")
    }
}

impl AuthSigner for Signer {
    fn sign_auth(&self, relay: &RelayUrl, challenge: &str) -> Option<(EventId, String)> {
        let tag = |name: &str, value: &str| vec![name.to_owned(), value.to_owned()];
        let tags = vec![tag("relay", relay.as_str()), tag("challenge", challenge)];
        let event = self.sign(Kind::CLIENT_AUTH, tags, String::new());
        Some((event.id(), event.to_json()))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.public_key())
    }
}

#[cfg(test)]
mod tests {
    use crate::clock::MockClock;

    use super::*;

    #[test]
    fn signatures_verify_and_secrets_stay_secret() {
        let secret = "1f".repeat(32);
        let signer = Signer::new(&secret, Arc::new(MockClock::at(1_700_000_000))).unwrap();
        let tags = vec![vec!["d".to_owned(), "x".to_owned()]];
        let event = signer.sign(Kind::RELAY_DISCOVERY, tags, "é\n".to_owned());
        let theirs: nostr::Event = nostr::JsonUtil::from_json(event.to_json()).unwrap();
        theirs.verify().unwrap();
        assert_eq!(event.created_at(), 1_700_000_000);
        assert!(!format!("{signer:?}").contains(&secret));
        assert!(Signer::new("nsec1nonsense", Arc::new(MockClock::at(0))).is_err());
    }
}
