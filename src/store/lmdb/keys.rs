//! The keys of the tables: big-endian, so that byte order is number order.
//!
//! Author and id prefixes of 64 bits and tag hashes of 48 bits only choose candidates; whoever reads
//! them compares the event's own fields in full.

use std::hash::Hasher as _;

use nips::{Address, EventId, Kind, PublicKey};
use siphasher::sip::SipHasher24;

/// 48 bits of the keyed hash of a tag's letter and value.
pub(super) type TagHash = [u8; 6];
/// Bytes of a key of `by_tag`: hash, kind and event key.
pub(super) const TAG_KEY_LEN: usize = 16;
/// Author, kind and hashed identifier: what the versions of an address share.
pub(super) type AddressPrefix = [u8; 18];
/// Bytes of a key of `by_address`: what the versions share, and the event key of one.
pub(super) const ADDRESS_KEY_LEN: usize = 26;
/// A key of `by_address`.
pub(super) type AddressKey = [u8; ADDRESS_KEY_LEN];

/// The event key at the end of an index key.
pub(super) fn trailing_eid(key: &[u8]) -> u64 {
    trailing_number(key)
}

/// The number at the end of a key or a value that has one.
pub(super) fn trailing_number(bytes: &[u8]) -> u64 {
    let tail = bytes.last_chunk();
    u64::from_be_bytes(*tail.expect("the tables hold numbers of eight bytes"))
}

pub(super) fn id_prefix(id: &EventId) -> [u8; 8] {
    *id.0.first_chunk().expect("ids have 32 bytes")
}

pub(super) fn author_prefix(pubkey: &PublicKey) -> [u8; 8] {
    *pubkey.0.first_chunk().expect("keys have 32 bytes")
}

pub(super) fn author_kind_prefix(pubkey: &PublicKey, kind: Kind) -> [u8; 10] {
    join(&author_prefix(pubkey), &kind.0.to_be_bytes())
}

/// The kind in a key of `by_tag`.
pub(super) fn tag_kind(key: &[u8; TAG_KEY_LEN]) -> Kind {
    Kind(u16::from_be_bytes([key[6], key[7]]))
}

pub(super) fn tag_prefix(hash: &TagHash, kind: Kind) -> [u8; 8] {
    join(hash, &kind.0.to_be_bytes())
}

/// Bytes of a place as the value of an index row: enough for any file there is.
pub(super) const PLACE_LEN: usize = 6;

/// A place as the value of an index row.
pub(super) fn place_value(place: u64) -> [u8; PLACE_LEN] {
    let [_, _, value @ ..] = place.to_be_bytes();
    value
}

/// The place that an index row tells: those of some indexes do, and older ones of none.
pub(super) fn place_of(value: &[u8]) -> Option<u64> {
    let add = |place, byte: &u8| place << 8 | u64::from(*byte);
    (!value.is_empty()).then(|| value.iter().fold(0, add))
}

/// What stands for an address where event keys stand for events ([`KeyFilter`](super::key_filter::KeyFilter)).
pub(super) fn address_number(prefix: &AddressPrefix) -> u64 {
    let [author, identifier] = [0, 10].map(|at| trailing_number(&prefix[at..at + 8]));
    let kind = u64::from(u16::from_be_bytes([prefix[8], prefix[9]]));
    author ^ identifier.rotate_left(32) ^ (kind << 24)
}

/// A prefix followed by an event key.
pub(super) fn with_eid<const P: usize, const N: usize>(prefix: &[u8; P], eid: u64) -> [u8; N] {
    join(prefix, &eid.to_be_bytes())
}

/// Key of a deleted id: the id, who asked, and the request, so that any of the three leads there.
pub(super) fn deleted_id_key(target: &EventId, requester: &PublicKey, request: u64) -> [u8; 48] {
    with_eid(&deleted_id_prefix(target, requester), request)
}

pub(super) fn deleted_id_prefix(target: &EventId, requester: &PublicKey) -> [u8; 40] {
    join(&target.0, &author_prefix(requester))
}

/// The same, and where the event is.
pub(super) fn with_eid_and_place<const P: usize, const N: usize>(
    prefix: &[u8; P],
    eid: u64,
    place: u64,
) -> [u8; N] {
    let mut row = [0; N];
    let (key, value) = row.split_at_mut(P + 8);
    key[..P].copy_from_slice(prefix);
    key[P..].copy_from_slice(&eid.to_be_bytes());
    value.copy_from_slice(&place_value(place));
    row
}

/// Two byte strings in one array; `N` is the sum of their lengths.
fn join<const N: usize>(first: &[u8], second: &[u8]) -> [u8; N] {
    let mut joined = [0; N];
    joined[..first.len()].copy_from_slice(first);
    joined[first.len()..].copy_from_slice(second);
    joined
}

/// Hashes with a secret of this store, so that nobody can aim at collisions.
#[derive(Clone, Copy)]
pub(super) struct KeyHasher {
    hasher: SipHasher24,
}

impl KeyHasher {
    pub(super) fn new(secret: &[u8; 16]) -> Self {
        Self {
            hasher: SipHasher24::new_with_key(secret),
        }
    }

    /// The hash under which a tag is indexed.
    pub(super) fn tag_hash(&self, letter: u8, value: &str) -> TagHash {
        let hash = self.hash(letter, value.as_bytes());
        *hash.first_chunk().expect("the hash has 8 bytes")
    }

    pub(super) fn address(&self, address: &Address) -> AddressPrefix {
        let identifier = self.hash(0, address.identifier().as_bytes());
        join(
            &author_kind_prefix(&address.pubkey(), address.kind()),
            &identifier,
        )
    }

    fn hash(&self, domain: u8, bytes: &[u8]) -> [u8; 8] {
        let mut hasher = self.hasher;
        hasher.write(&[domain]);
        hasher.write(bytes);
        hasher.finish().to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_leads_to_an_event_and_may_tell_its_place() {
        let row: [u8; 16] = with_eid_and_place(b"ab", 7, (1 << 48) - 2);
        assert_eq!((&row[..2], trailing_eid(&row[..10])), (&b"ab"[..], 7));
        assert_eq!(place_of(&row[10..]), Some((1 << 48) - 2));
        assert_eq!(place_of(&9_u64.to_be_bytes()), Some(9));
        assert_eq!(place_of(&[]), None);
    }

    #[test]
    fn letters_keep_values_apart() {
        let hasher = KeyHasher::new(&[1; 16]);
        assert_ne!(hasher.tag_hash(b'e', "x"), hasher.tag_hash(b'E', "x"));
        assert_ne!(
            hasher.tag_hash(b'e', "x"),
            KeyHasher::new(&[2; 16]).tag_hash(b'e', "x")
        );
    }
}
