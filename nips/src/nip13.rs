//! NIP-13: proof of work in event ids.

use crate::EventId;
use crate::event::Tag;

/// The difficulty of an id: its leading zero bits, 0 to 256.
pub fn difficulty(id: &EventId) -> u16 {
    let mut bits = 0;
    for byte in id.0 {
        bits += byte.leading_zeros() as u16;
        if byte != 0 {
            break;
        }
    }
    bits
}

/// The difficulty that an author set out to reach: the third element of the first `nonce` tag.
pub fn committed_difficulty(tags: &[Tag<'_>]) -> Option<u16> {
    let is_nonce = |tag: &&Tag<'_>| tag.first().is_some_and(|name| name == "nonce");
    tags.iter().find(is_nonce)?.get(2)?.parse().ok()
}

/// Whether an event has at least this difficulty, and has it on purpose: without the commitment, a spammer
/// who aims low is lucky now and then.
pub fn is_difficult(id: &EventId, tags: &[Tag<'_>], wanted: u16) -> bool {
    wanted == 0
        || difficulty(id) >= wanted
            && committed_difficulty(tags).is_some_and(|committed| committed >= wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_event::event;

    #[test]
    fn difficulty_counts_leading_zero_bits() {
        let hex = "000000000e9d97a1ab09fc381030b346cdd7a142ad57e6df0b46dc9bef6c7e2d";
        assert_eq!(difficulty(&EventId::from_hex(hex).unwrap()), 36);
        assert_eq!(difficulty(&EventId([0; 32])), 256);
        assert_eq!(difficulty(&EventId([0xff; 32])), 0);
    }

    #[test]
    fn work_counts_only_where_it_was_aimed_at() {
        let mut id = [0xff; 32];
        id[..3].copy_from_slice(&[0, 0, 0x0f]);
        for (nonce, wanted, expected) in [
            (&["nonce", "776797", "20"][..], 20, true),
            (&["nonce", "776797", "20"], 21, false),
            (&["nonce", "776797", "25"], 20, true),
            (&["nonce", "776797", "8"], 20, false),
            (&["nonce", "776797"], 20, false),
            (&["nonce", "776797", "x"], 20, false),
            (&["t", "1", "20"], 20, false),
            (&["t"], 0, true),
        ] {
            let tags = event(1, &[nonce], "");
            let tags = tags.as_ref().tags();
            assert_eq!(
                is_difficult(&EventId(id), &tags, wanted),
                expected,
                "{nonce:?} {wanted}"
            );
        }
    }
}
