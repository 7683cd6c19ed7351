//! Arithmetic of event keys ([`EventKey::eid`](super::events::EventKey::eid)).

use super::events::MAX_CREATED_AT;

/// Bits of an event key below the seconds.
pub(in crate::store) const SUB_SECOND_BITS: u32 = 30;
/// The largest value of those bits.
pub(in crate::store) const SUB_SECOND_MASK: u64 = (1 << SUB_SECOND_BITS) - 1;

/// Event keys in one second that an id may take: its own, or one nearby when another id with the same
/// leading 30 bits came first. Ordinary traffic needs the second slot about once in 10^8 events.
pub(in crate::store) const SLOTS: u64 = 16;

/// The seconds in an event key.
pub(in crate::store) fn created_at(eid: u64) -> u64 {
    eid >> SUB_SECOND_BITS
}

/// The first of the slots that belong to a wanted key; all lie in its second.
pub(in crate::store) fn first_slot(wanted: u64) -> u64 {
    wanted.min((wanted | SUB_SECOND_MASK) - (SLOTS - 1))
}

/// The lowest and highest event key of the closed interval of seconds; `None` when it is empty.
pub(in crate::store) fn eid_range(since: Option<u64>, until: Option<u64>) -> Option<(u64, u64)> {
    let since = since.unwrap_or(0);
    let until = until.unwrap_or(MAX_CREATED_AT).min(MAX_CREATED_AT);
    let is_empty = since > until;
    (!is_empty).then_some((
        since << SUB_SECOND_BITS,
        (until << SUB_SECOND_BITS) | SUB_SECOND_MASK,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_inclusive_and_clamped() {
        assert_eq!(eid_range(Some(2), Some(1)), None);
        assert_eq!(eid_range(Some(MAX_CREATED_AT + 1), None), None);
        let (low, high) = eid_range(Some(5), Some(5)).unwrap();
        assert_eq!((created_at(low), created_at(high)), (5, 5));
        assert_eq!(high - low, SUB_SECOND_MASK);
        assert_eq!(eid_range(None, Some(u64::MAX)), eid_range(None, None));
    }

    #[test]
    fn slots_stay_within_the_second() {
        let second = 7 << SUB_SECOND_BITS;
        for (wanted, first) in [
            (second, second),
            (second + 5, second + 5),
            (second | SUB_SECOND_MASK, (second | SUB_SECOND_MASK) - 15),
        ] {
            assert_eq!(first_slot(wanted), first);
            assert_eq!(created_at(first_slot(wanted) + SLOTS - 1), 7);
        }
    }
}
