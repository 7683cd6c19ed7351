//! Whether event keys may be among many, answered mostly without looking at them.
//!
//! A Bloom filter with all bits of a key in one word, so that an answer takes one look into memory. Keys that
//! an event may have instead of its own lie side by side (`SLOTS`), so it knows groups of as many.

use crate::store::eid::SLOTS;

/// Keys for which there is a word of 64 bits: of keys that are not there, it lets one of a hundred pass.
const KEYS_PER_WORD: usize = 5;

/// Bits that a key sets in its word.
const BITS_PER_KEY: u32 = 5;

/// An odd number whose bits look random: what it multiplies is spread over all bits (2⁶⁴ by the golden ratio).
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// The groups of the keys of a chunk.
pub(super) struct KeyFilter(Box<[u64]>);

impl KeyFilter {
    /// Of these keys, of which there are about `count`.
    pub(super) fn of(count: usize, eids: impl Iterator<Item = u64>) -> Self {
        let mut words = vec![0; count / KEYS_PER_WORD + 1].into_boxed_slice();
        for eid in eids {
            let (word, bits) = place_of(eid / SLOTS, words.len());
            words[word] |= bits;
        }
        Self(words)
    }

    /// Whether a key between two, which are fewer than [`SLOTS`] apart, may be among them. It never denies one
    /// that is.
    pub(super) fn may_hold(&self, low: u64, high: u64) -> bool {
        let may_hold = |group: u64| {
            let (word, bits) = place_of(group, self.0.len());
            self.0[word] & bits == bits
        };
        let (first, last) = (low / SLOTS, high / SLOTS);
        may_hold(first) || (last != first && may_hold(last))
    }
}

/// The word of a group, and its bits there.
fn place_of(group: u64, words: usize) -> (usize, u64) {
    let spread = group.wrapping_mul(SPREAD);
    let spread = (spread ^ (spread >> 32)).wrapping_mul(SPREAD);
    let word = (u128::from(spread) * words as u128) >> 64;
    let bits = (0..BITS_PER_KEY).map(|number| 1 << ((spread >> (6 * number)) & 63));
    (word as usize, bits.fold(0, |all, bit: u64| all | bit))
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
}
