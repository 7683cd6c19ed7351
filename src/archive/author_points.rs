//! The points on the curve that public keys stand for, kept for authors seen lately.
//!
//! A key is one coordinate of its point (BIP-340). The other one is a square root away, a tenth of what checking a
//! signature takes; whether a number is that root is told by one multiplication. So nothing but roots is kept, where the
//! key says: one that is another key's, or that two threads have written at once, is not the right one and is computed
//! anew.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use nips::PublicKey;
use secp256k1::XOnlyPublicKey;
use secp256k1::constants::{
    PUBLIC_KEY_SIZE, SCHNORR_PUBLIC_KEY_SIZE, UNCOMPRESSED_PUBLIC_KEY_SIZE,
};

/// Bytes of a coordinate.
const LEN: usize = SCHNORR_PUBLIC_KEY_SIZE;

/// First byte of a point with both coordinates (SEC 1, 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// First byte of a point whose second coordinate is the even one of two, as that of a key is.
const EVEN: u8 = 2;

/// Roots in a block: 4 KiB, which are there once one of them is needed.
const ROOTS_PER_BLOCK: usize = 128;

/// Blocks: half a million authors, 16 MiB.
const BLOCKS: usize = 4_096;

type Block = [Root; ROOTS_PER_BLOCK];

/// Half a million of them, and less memory for as long as fewer were seen.
pub(super) struct AuthorPoints(Box<[OnceLock<Box<Block>>]>);

impl Default for AuthorPoints {
    fn default() -> Self {
        Self::with_blocks(BLOCKS)
    }
}

impl AuthorPoints {
    fn with_blocks(count: usize) -> Self {
        Self((0..count).map(|_| OnceLock::new()).collect())
    }

    /// The point of a key; `None` when no point has that coordinate.
    pub(super) fn of(&self, key: PublicKey) -> Option<XOnlyPublicKey> {
        let [newer, older] = self.roots(key);
        if let Some(point) = point(key, newer.load()) {
            return Some(point);
        }
        let root = older.load();
        let (point, root) = match point(key, root) {
            Some(point) => (point, root),
            None => find(key)?,
        };
        older.store(newer.load());
        newer.store(root);
        Some(point)
    }

    /// The two places of a key's root. Its end is what looks most like chance: some search for keys that begin well.
    fn roots(&self, key: PublicKey) -> &[Root; 2] {
        let end = key.as_bytes().last_chunk().expect("a key has 32 bytes");
        let end = u64::from_be_bytes(*end) as usize;
        let block = &self.0[end % self.0.len()];
        let block = block.get_or_init(|| Box::new(std::array::from_fn(|_| Root::default())));
        let (pairs, _) = block.as_chunks();
        &pairs[end / self.0.len() % pairs.len()]
    }
}

/// The second coordinate of some point; zero, which is that of none, where none was seen yet.
#[derive(Default)]
struct Root([AtomicU64; LEN / 8]);

impl Root {
    fn load(&self) -> [u8; LEN] {
        let mut root = [0; LEN];
        let (words, _) = root.as_chunks_mut();
        for (word, part) in words.iter_mut().zip(&self.0) {
            *word = part.load(Ordering::Relaxed).to_be_bytes();
        }
        root
    }

    fn store(&self, root: [u8; LEN]) {
        let (words, _) = root.as_chunks();
        for (word, part) in words.iter().zip(&self.0) {
            part.store(u64::from_be_bytes(*word), Ordering::Relaxed);
        }
    }
}

/// The point with both coordinates, if there is one.
fn point(key: PublicKey, root: [u8; LEN]) -> Option<XOnlyPublicKey> {
    let mut bytes = [UNCOMPRESSED; UNCOMPRESSED_PUBLIC_KEY_SIZE];
    bytes[1..=LEN].copy_from_slice(key.as_bytes());
    bytes[1 + LEN..].copy_from_slice(&root);
    let point = secp256k1::PublicKey::from_slice(&bytes).ok()?;
    Some(point.x_only_public_key().0)
}

/// The point of a key, and its second coordinate.
fn find(key: PublicKey) -> Option<(XOnlyPublicKey, [u8; LEN])> {
    let mut bytes = [EVEN; PUBLIC_KEY_SIZE];
    bytes[1..].copy_from_slice(key.as_bytes());
    let point = secp256k1::PublicKey::from_slice(&bytes).ok()?;
    let both = point.serialize_uncompressed();
    let root = both.last_chunk().expect("it ends in a coordinate");
    Some((point.x_only_public_key().0, *root))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of which every second one is a coordinate of a point.
    fn key(number: u64) -> PublicKey {
        let mut bytes = [0x42; LEN];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes[24..].copy_from_slice(&number.wrapping_mul(0xD134_2543_DE82_EF95).to_be_bytes());
        PublicKey(bytes)
    }

    fn anew(key: PublicKey) -> Option<XOnlyPublicKey> {
        XOnlyPublicKey::from_slice(key.as_bytes()).ok()
    }

    #[test]
    fn points_are_the_right_ones_also_where_there_is_room_for_few() {
        let points = AuthorPoints::with_blocks(1);
        let keys: Vec<PublicKey> = (0..400).map(key).collect();
        for round in 0..3 {
            for &key in &keys {
                assert_eq!(points.of(key), anew(key), "round {round}, {key:?}");
            }
        }
        assert!(keys.iter().any(|key| anew(*key).is_none()));
    }

    #[test]
    fn what_was_found_is_found_again_without_a_search() {
        let points = AuthorPoints::default();
        let is_kept = |key| {
            let roots = points.roots(key);
            roots.iter().any(|root| point(key, root.load()).is_some())
        };
        let valid: Vec<PublicKey> = (0..100)
            .map(key)
            .filter(|key| anew(*key).is_some())
            .collect();
        assert!(!valid.iter().any(|key| is_kept(*key)));
        for &key in &valid {
            points.of(key);
        }
        assert!(valid.iter().all(|key| is_kept(*key)));
    }

    #[test]
    fn of_three_keys_in_one_place_the_one_seen_longest_ago_goes() {
        let points = AuthorPoints::with_blocks(1);
        let place = |key| std::ptr::from_ref(points.roots(key));
        let mut neighbours = (0..10_000).map(key).filter(|one| anew(*one).is_some());
        let first = neighbours.next().unwrap();
        let mut beside = neighbours.filter(|one| place(*one) == place(first));
        let (second, third) = (beside.next().unwrap(), beside.next().unwrap());
        for key in [first, second, first, third] {
            points.of(key);
        }
        let [newer, older] = points.roots(first);
        assert!(point(third, newer.load()).is_some());
        assert!(point(first, older.load()).is_some());
    }

    #[test]
    fn threads_that_write_to_one_place_do_no_harm() {
        let points = AuthorPoints::with_blocks(1);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let points = &points;
                scope.spawn(move || {
                    for number in 0..1_000 {
                        let key = key(number * (thread + 1) % 300);
                        assert_eq!(points.of(key), anew(key));
                    }
                });
            }
        });
    }
}
