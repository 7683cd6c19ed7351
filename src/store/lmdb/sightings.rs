//! Where an event was seen: one row per event, eight bytes per relay.
//!
//! A row is the sorted list of `(relay, seconds since 2020)`, four bytes each. The oldest sighting of
//! a relay is the one that stays.

use crate::model::{RelayId, Sighting};
use crate::store::events::SIGHTING_EPOCH as EPOCH;

const PAIR_LEN: usize = 8;

/// Adds sightings to a row. Returns, for each, whether its relay is new to the row.
pub(super) fn merge(row: &mut Vec<u8>, sightings: &[Sighting]) -> Vec<bool> {
    sightings
        .iter()
        .map(|sighting| insert(row, sighting))
        .collect()
}

fn insert(row: &mut Vec<u8>, sighting: &Sighting) -> bool {
    let pair = encode(sighting);
    match position(row, &pair[..4]) {
        Ok(index) => {
            let stored = &mut row[index * PAIR_LEN..][..PAIR_LEN];
            if pair[4..] < stored[4..] {
                stored.copy_from_slice(&pair);
            }
            false
        }
        Err(index) => {
            let at = index * PAIR_LEN;
            row.splice(at..at, pair);
            true
        }
    }
}

/// Whether the row already says what the sighting says, or something older.
pub(super) fn holds(row: &[u8], sighting: &Sighting) -> bool {
    let pair = encode(sighting);
    position(row, &pair[..4]).is_ok_and(|index| row[index * PAIR_LEN..][4..PAIR_LEN] <= pair[4..])
}

/// Whether the event was seen on the relay.
pub(super) fn has_relay(row: &[u8], relay: RelayId) -> bool {
    position(row, &relay.0.to_be_bytes()).is_ok()
}

/// The sightings in a row, by relay.
pub(super) fn decode(row: &[u8]) -> Vec<Sighting> {
    let (pairs, _) = row.as_chunks::<PAIR_LEN>();
    pairs
        .iter()
        .map(|[r0, r1, r2, r3, s0, s1, s2, s3]| Sighting {
            relay: RelayId(u32::from_be_bytes([*r0, *r1, *r2, *r3])),
            seen_at: EPOCH + u64::from(u32::from_be_bytes([*s0, *s1, *s2, *s3])),
        })
        .collect()
}

/// The relays in a row, lowest first.
pub(super) fn relays(row: &[u8]) -> Vec<u32> {
    let (pairs, _) = row.as_chunks::<PAIR_LEN>();
    let relay = |pair: &[u8; PAIR_LEN]| u32::from_be_bytes([pair[0], pair[1], pair[2], pair[3]]);
    pairs.iter().map(relay).collect()
}

fn encode(sighting: &Sighting) -> [u8; PAIR_LEN] {
    let seconds = sighting.seen_at.saturating_sub(EPOCH);
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    let pair = (u64::from(sighting.relay.0) << 32) | u64::from(seconds);
    pair.to_be_bytes()
}

fn position(row: &[u8], relay: &[u8]) -> Result<usize, usize> {
    let (pairs, _) = row.as_chunks::<PAIR_LEN>();
    pairs.binary_search_by(|pair| pair[..4].cmp(relay))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(relay: u32, seen_at: u64) -> Sighting {
        Sighting {
            relay: RelayId(relay),
            seen_at: EPOCH + seen_at,
        }
    }

    #[test]
    fn rows_are_sorted_and_keep_the_oldest() {
        let mut row = Vec::new();
        let added = merge(
            &mut row,
            &[
                sighting(700, 5),
                sighting(3, 9),
                sighting(700, 4),
                sighting(3, 10),
            ],
        );
        assert_eq!(added, [true, true, false, false]);
        assert_eq!(decode(&row), [sighting(3, 9), sighting(700, 4)]);
        assert_eq!(relays(&row), [3, 700]);
        assert!(has_relay(&row, RelayId(700)) && !has_relay(&row, RelayId(4)));
        assert!(holds(&row, &sighting(3, 9)));
        assert!(!holds(&row, &sighting(3, 8)));
        assert!(!holds(&row, &sighting(4, 9)));
    }
}
