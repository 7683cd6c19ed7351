//! NIP-13: proof of work in event ids.

use crate::EventId;
use crate::event::{Tag, UnsignedEvent};

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

/// Tries between two questions whether to go on: they take about a millisecond.
const TRIES_AT_ONCE: u64 = 1_024;

/// Gives a draft a `nonce` with which its id has the wanted difficulty, and says whether that was done before
/// `is_enough` said stop. A number that others choose has to be bounded first: each bit doubles the work.
pub fn mine(draft: &mut UnsignedEvent, wanted: u16, is_enough: impl Fn() -> bool) -> bool {
    let place = draft.tags.len();
    draft.tags.push(Vec::new());
    for nonce in 0_u64.. {
        if nonce % TRIES_AT_ONCE == 0 && is_enough() {
            break;
        }
        draft.tags[place] = vec!["nonce".to_owned(), nonce.to_string(), wanted.to_string()];
        if difficulty(&draft.id()) >= wanted {
            return true;
        }
    }
    draft.tags.truncate(place);
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, PublicKey};

    #[test]
    fn work_is_done_or_given_up() {
        let draft = UnsignedEvent {
            pubkey: PublicKey([7; 32]),
            created_at: 1_700_000_000,
            kind: Kind(22_456),
            tags: vec![vec!["d".to_owned(), "wss://relay.example.com".to_owned()]],
            content: String::new(),
        };
        let mut mined = draft.clone();
        assert!(mine(&mut mined, 9, || false));
        assert!(difficulty(&mined.id()) >= 9);
        assert_eq!(mined.tags[1][2], "9");
        let mut given_up = draft.clone();
        assert!(!mine(&mut given_up, 250, || true));
        assert_eq!(given_up.id(), draft.id());
    }
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
