//! Key pairs that sign laboratory events.

use nips::event::UnsignedEvent;
use nips::{Event, Kind, PublicKey, Signature};
use rand::RngCore;
use rand::rngs::StdRng;
use secp256k1::{Keypair, Message, SECP256K1, XOnlyPublicKey, schnorr};

/// Somebody who signs events. Test keys only: they are derived from a seed.
#[derive(Clone)]
pub struct Author {
    keys: Keypair,
    pubkey: PublicKey,
}

impl Author {
    /// The author that the next bytes of `rng` make.
    pub fn random(rng: &mut StdRng) -> Self {
        let mut secret = [0; 32];
        loop {
            rng.fill_bytes(&mut secret);
            // Refused only for zero and the top of the range: about once in 2^128.
            if let Ok(keys) = Keypair::from_seckey_slice(SECP256K1, &secret) {
                let pubkey = PublicKey(keys.x_only_public_key().0.serialize());
                return Self { keys, pubkey };
            }
        }
    }

    /// The private key as hex, for a program that is to sign as this author.
    pub fn secret_hex(&self) -> String {
        self.keys.display_secret().to_string()
    }

    /// The public key.
    pub fn pubkey(&self) -> PublicKey {
        self.pubkey
    }

    /// Signs an event of this author.
    ///
    /// The signature uses no auxiliary randomness, so that the same draft gives the same event.
    pub fn sign(
        &self,
        kind: Kind,
        created_at: u64,
        tags: Vec<Vec<String>>,
        content: impl Into<String>,
    ) -> Event {
        let draft = UnsignedEvent {
            pubkey: self.pubkey,
            created_at,
            kind,
            tags,
            content: content.into(),
        };
        let id = draft.id();
        let message = Message::from_digest(id.0);
        let signature = SECP256K1.sign_schnorr_no_aux_rand(&message, &self.keys);
        Event::from_parts(id, &draft, Signature(signature.serialize()))
            .expect("the id was computed from the draft")
    }
}

/// Whether the event's signature is its author's (BIP-340). The id is right by construction.
pub fn verify(event: &Event) -> bool {
    let Ok(key) = XOnlyPublicKey::from_slice(event.pubkey().as_bytes()) else {
        return false;
    };
    let Ok(signature) = schnorr::Signature::from_slice(event.sig().as_bytes()) else {
        return false;
    };
    let message = Message::from_digest(event.id().0);
    SECP256K1.verify_schnorr(&signature, &message, &key).is_ok()
}
