//! How this engine spells what events are looked up by ([`crate::store::rules`]).

use nips::{Address, Kind};

use super::keys::{AddressPrefix, KeyHasher, TagHash};
use crate::store::rules::{self, EventKeys};

/// How this store reads events.
pub(super) type Rules = rules::Rules<KeyHasher>;
/// What an event means to it.
pub(super) type Facts = rules::Facts<KeyHasher>;

/// An address as the tables spell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VersionKey {
    pub(super) prefix: AddressPrefix,
    /// Author and identifier in full: what rows under the prefix are compared with.
    pub(super) identity: Vec<u8>,
}

/// What tells an address from others of its kind.
pub(super) fn identity(address: &Address) -> Vec<u8> {
    let mut identity = address.pubkey().0.to_vec();
    identity.extend_from_slice(address.identifier().as_bytes());
    identity
}

impl EventKeys for KeyHasher {
    type Tag = TagHash;
    type Version = VersionKey;

    fn tag(&self, letter: u8, value: &str) -> TagHash {
        self.tag_hash(letter, value)
    }

    fn version(&self, address: &Address) -> VersionKey {
        VersionKey {
            prefix: self.address(address),
            identity: identity(address),
        }
    }

    /// Private events are reached through their parties alone, so that no walk for others meets them.
    fn is_indexed(&self, kind: Kind, letter: u8) -> bool {
        !kind.is_private() || letter == b'p'
    }
}
