//! Whether event keys may be among many, answered mostly without looking at them.
//!
//! A Bloom filter with all bits of a key in one word, so that an answer takes one look into memory. Keys that
//! an event may have instead of its own lie side by side (`SLOTS`), so it knows groups of as many, and those of
//! neighbouring groups are mostly in the same word.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::eid::SLOTS;

/// Keys for which there is a word of 64 bits: of keys that are not there, it lets one of a hundred pass.
const KEYS_PER_WORD: usize = 5;

/// Bits that a key sets in its word.
const BITS_PER_KEY: u32 = 5;

/// Neighbouring groups that share a word. Chance puts no two events of a second so close together.
const GROUPS_PER_WORD: u64 = 64;

/// An odd number whose bits look random: what it multiplies is spread over all bits (2⁶⁴ by the golden ratio).
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// The groups of many keys.
pub(super) struct KeyFilter(Box<[AtomicU64]>);

impl Default for KeyFilter {
    fn default() -> Self {
        Self::with_room(0)
    }
}

impl KeyFilter {
    /// Of none yet, with room for about `count` keys: more can be inserted, and the more do, the more often it is wrong.
    pub(super) fn with_room(count: usize) -> Self {
        let words = (0..=count / KEYS_PER_WORD).map(|_| AtomicU64::new(0));
        Self(words.collect())
    }

    /// Of these keys, of which there are about `count`.
    pub(super) fn of(count: usize, eids: impl Iterator<Item = u64>) -> Self {
        let filter = Self::with_room(count);
        filter.insert_all(eids);
        filter
    }

    /// Adds keys. Whoever is to find them has to hear of them some other way, which orders what threads see.
    pub(super) fn insert_all(&self, eids: impl Iterator<Item = u64>) {
        for eid in eids {
            let group = eid / SLOTS;
            self.word(group).fetch_or(bits(group), Ordering::Relaxed);
        }
    }

    /// Whether a key between two, which are fewer than [`SLOTS`] apart, may be among them. It never denies one
    /// that is.
    pub(super) fn may_hold(&self, low: u64, high: u64) -> bool {
        let may_hold = |group: u64| {
            let bits = bits(group);
            self.word(group).load(Ordering::Relaxed) & bits == bits
        };
        let (first, last) = (low / SLOTS, high / SLOTS);
        may_hold(first) || (last != first && may_hold(last))
    }

    /// The word of a group.
    fn word(&self, group: u64) -> &AtomicU64 {
        let spread = spread(group / GROUPS_PER_WORD);
        let word = (u128::from(spread) * self.0.len() as u128) >> 64;
        &self.0[word as usize]
    }
}

/// The bits of a group in its word.
fn bits(group: u64) -> u64 {
    let spread = spread(group);
    let bits = (0..BITS_PER_KEY).map(|number| 1 << ((spread >> (6 * number)) & 63));
    bits.fold(0, |all, bit: u64| all | bit)
}

/// Spreads a number over all bits.
fn spread(number: u64) -> u64 {
    let spread = number.wrapping_mul(SPREAD);
    (spread ^ (spread >> 32)).wrapping_mul(SPREAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without an order, each another one.
    fn key(number: u64) -> u64 {
        number.wrapping_mul(0xD134_2543_DE82_EF95)
    }

    #[test]
    fn none_is_denied_and_few_pass_by_mistake() {
        let filter = KeyFilter::of(10_000, (0..10_000).map(key));
        assert!((0..10_000).all(|number| filter.may_hold(key(number), key(number))));
        let passed = (10_000..20_000).filter(|number| filter.may_hold(key(*number), key(*number)));
        assert!(passed.count() < 300);
    }

    #[test]
    fn neighbours_are_found() {
        let filter = KeyFilter::of(1, [SLOTS * 8].into_iter());
        assert!(filter.may_hold(SLOTS * 7 + 1, SLOTS * 8));
        assert!(filter.may_hold(SLOTS * 8 + 1, SLOTS * 9));
        assert!(!KeyFilter::of(0, std::iter::empty()).may_hold(0, SLOTS));
    }

    #[test]
    fn keys_are_found_as_soon_as_they_are_inserted_and_also_beyond_the_room() {
        let filter = KeyFilter::with_room(10);
        for number in 0..1_000 {
            filter.insert_all(std::iter::once(key(number)));
            assert!(filter.may_hold(key(number), key(number)));
        }
        assert!((0..1_000).all(|number| filter.may_hold(key(number), key(number))));
    }
}
