//! How this engine spells what events are looked up by, so that SQL can write the same (`tag_hash`,
//! `address_key`).

use nips::{Address, Kind};
use sha2::{Digest, Sha256};

use crate::store::rules::EventKeys;

/// Hashes without a secret: analysts compute them too. Whoever aims at a collision makes rows that are
/// looked at and passed over, as many as with tags of the value itself.
#[derive(Debug, Clone, Copy)]
pub(in crate::store::postgres) struct PostgresKeys;

impl EventKeys for PostgresKeys {
    /// An element of `event.tag_hashes`.
    type Tag = i32;
    /// `event_standing.address` as text. 128 bits of SHA-256, so nobody takes another's address.
    type Version = String;

    fn tag(&self, letter: u8, value: &str) -> i32 {
        let mut hasher = Sha256::new();
        hasher.update([letter]);
        hasher.update(escaped(value));
        let [a, b, c, d, ..]: [u8; 32] = hasher.finalize().into();
        i32::from_be_bytes([a, b, c, d])
    }

    fn version(&self, address: &Address) -> String {
        let identifier = escaped(address.identifier());
        let identifier = &identifier[1..identifier.len() - 1];
        let text = format!("{}:{}:{identifier}", address.kind(), address.pubkey());
        let hash = Sha256::digest(text);
        data_encoding::HEXLOWER.encode(&hash[..16])
    }

    fn is_indexed(&self, _: Kind, _: u8) -> bool {
        true
    }
}

/// A text as NIP-01 writes it in JSON, with its quotes; serde_json escapes the same.
pub(super) fn escaped(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use nips::PublicKey;

    use super::*;

    #[test]
    fn hashes_are_what_sql_computes() {
        // SELECT tag_hash('t', 'nostr')
        assert_eq!(PostgresKeys.tag(b't', "nostr"), 353_410_325);
    }

    #[test]
    fn identifiers_are_escaped_without_quotes() {
        let key = PublicKey([0xab; 32]);
        let address: Address = format!("30023:{key}:a\"\u{0}").parse().unwrap();
        let text = format!("30023:{key}:a\\\"\\u0000");
        let expected = data_encoding::HEXLOWER.encode(&Sha256::digest(text)[..16]);
        assert_eq!(PostgresKeys.version(&address), expected);
    }
}
