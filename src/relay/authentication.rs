//! NIP-42 from the relay's side: the challenge of one connection, and whom it has proved to be.

use std::iter::once;

use data_encoding::HEXLOWER;
use nips::nip42::check_auth;
use nips::{ClientEvent, Event, PublicKey};

use super::connection::Ended;
use super::reply::Reply;
use super::session::Session;

/// Keys that one connection may prove to hold. Each is looked for in every answer.
const MAX_KEYS: usize = 16;

const CHALLENGE_BYTES: usize = 16;

/// What one connection has proved.
#[derive(Debug, Default)]
pub(super) struct Authentication {
    /// Made when something first needs it: some clients ask their user as soon as they see one.
    challenge: Option<String>,
    keys: Vec<PublicKey>,
}

impl Authentication {
    /// The challenge to send before a refusal, unless it was sent already. It holds until the
    /// connection ends.
    fn challenge(&mut self) -> Option<Reply> {
        if self.challenge.is_some() {
            return None;
        }
        let bytes: [u8; CHALLENGE_BYTES] = rand::random();
        let challenge = HEXLOWER.encode(&bytes);
        self.challenge = Some(challenge.clone());
        Some(Reply::Auth(challenge))
    }

    /// The keys that were proved.
    pub(super) fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// Whether one more key may be proved.
    fn has_room_for(&self, key: &PublicKey) -> bool {
        self.keys.len() < MAX_KEYS || self.keys.contains(key)
    }

    fn add(&mut self, key: PublicKey) {
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
    }
}

impl Session<'_> {
    /// Sends the challenge, unless it was sent before.
    pub(super) async fn challenge(&mut self) -> Result<(), Ended> {
        if !self.relay.settings.offers_authentication() {
            return Ok(());
        }
        match self.auth.challenge() {
            Some(challenge) => self.connection.write(once(challenge.to_frame())).await,
            None => Ok(()),
        }
    }

    /// Takes the client's answer to the challenge.
    pub(super) async fn authenticate(&mut self, event: ClientEvent<'_>) -> Result<(), Ended> {
        let id = event.id.into_owned();
        let reply = match self.check_answer(&event.json).await {
            Ok(key) => {
                self.auth.add(key);
                self.listener.show_to(self.auth.keys());
                self.ingest.authenticate(self.auth.keys());
                Reply::accepted(id)
            }
            Err(text) => Reply::refused(id, text),
        };
        self.reply(&reply).await
    }

    async fn check_answer(&mut self, json: &str) -> Result<PublicKey, String> {
        self.manners.may_publish(None)?;
        if !self.relay.settings.offers_authentication() {
            return Err("error: authentication is not offered".to_owned());
        }
        let event = Event::from_json(json).map_err(|error| format!("invalid: {error}"))?;
        let challenge = self.auth.challenge.as_deref();
        let challenge = challenge.ok_or("invalid: no challenge was sent")?;
        let (own, now) = (&self.relay.settings.urls, self.relay.clock.now());
        check_auth(&event.as_ref(), challenge, own, now)
            .map_err(|error| format!("invalid: {error}"))?;
        let key = event.pubkey();
        if !self.auth.has_room_for(&key) {
            return Err(format!("restricted: more than {MAX_KEYS} keys"));
        }
        match self.relay.archive.is_signed(event).await {
            Ok(true) => Ok(key),
            Ok(false) => Err("invalid: signature does not match the event".to_owned()),
            Err(_) => Err("error: the relay is shutting down".to_owned()),
        }
    }
}
