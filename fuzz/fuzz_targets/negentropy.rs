//! The decoder of NIP-77 messages, and whether sessions find what they should.
//!
//! The first byte says how large the set is and where its events are; the rest is a message of a stranger, or the events
//! of a client that compares its set with ours.

#![no_main]

use std::collections::{BTreeSet, HashSet};

use libfuzzer_sys::fuzz_target;
use nips::EventId;
use nips::nip77::{Difference, Element, SyncSet};

/// The least that a message may be limited to.
const MAX_BYTES: u64 = 4_096;

/// More rounds than any session of sets of this size takes.
const MAX_ROUNDS: usize = 200;

fuzz_target!(|data: &[u8]| {
    let Some((&shape, rest)) = data.split_first() else {
        return;
    };
    let ours = ours(shape);
    if shape & 1 == 0 {
        answer_stranger(&ours, rest);
        hear_stranger(&ours, rest);
    } else {
        compare_sets(&ours, rest);
    }
});

/// Up to 186 events in few seconds: enough for buckets and for answers that are cut, ids close together, as is worst for
/// bounds.
fn ours(shape: u8) -> Vec<Element> {
    let size = u32::from(shape >> 3) * 6;
    let events_a_second = 1 + u32::from(shape >> 1 & 3) * 20;
    let element = |number: u32| {
        element(
            u64::from(number / events_a_second),
            number.wrapping_mul(0x9e37_79b9),
        )
    };
    (0..size).map(element).collect()
}

fn element(created_at: u64, number: u32) -> Element {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    id[30] = 1;
    let id = EventId(id);
    Element { created_at, id }
}

fn answer_stranger(ours: &[Element], message: &[u8]) {
    let server = set(ours);
    let is_orderly = listed_ids(message).is_some();
    let whole = server.answer(message, 0);
    let cut = server.answer(message, MAX_BYTES);
    let (Ok(whole), Ok(cut)) = (whole, cut) else {
        return;
    };
    assert!(cut.len() as u64 <= MAX_BYTES, "{}", cut.len());
    for answer in [whole, cut] {
        // Bounds are those of the question; where they are out of order, so are those of the answer.
        let listed = listed_ids(&answer);
        assert!(listed.is_some() || !is_orderly);
        assert!(listed.is_none_or(|listed| listed.is_subset(&ids(ours))));
    }
}

/// What a relay of strangers answers to us.
fn hear_stranger(ours: &[Element], message: &[u8]) {
    let mut difference = Difference::default();
    let next = set(ours).compare(message, MAX_BYTES, &mut difference);
    let has_ours = |id: &EventId| ours.iter().any(|it| it.id == *id);
    assert!(difference.missing_there.iter().all(has_ours));
    if let Ok(Some(next)) = next {
        assert!(next.len() as u64 <= MAX_BYTES, "{}", next.len());
    }
}

fn ids(elements: &[Element]) -> BTreeSet<EventId> {
    elements.iter().map(|it| it.id).collect()
}

/// The ids in a message; `None` when it is none of the protocol, or its bounds are out of order.
fn listed_ids(message: &[u8]) -> Option<BTreeSet<EventId>> {
    let (0x61, mut rest) = message
        .split_first()
        .map(|(version, rest)| (*version, rest))?
    else {
        return None;
    };
    let mut ids = BTreeSet::new();
    let (mut last_time, mut last_bound) = (0u64, (0u64, Vec::new()));
    while !rest.is_empty() {
        let time = match varint(&mut rest)? {
            0 => u64::MAX,
            delta => last_time.checked_add(delta - 1)?,
        };
        let length = usize::try_from(varint(&mut rest)?)
            .ok()
            .filter(|length| *length <= 32)?;
        let bound = (time, rest.split_off(..length)?.to_vec());
        if bound < last_bound {
            return None;
        }
        (last_time, last_bound) = (time, bound);
        match varint(&mut rest)? {
            0 => {}
            1 => drop(rest.split_off(..16)?),
            2 => {
                for _ in 0..varint(&mut rest)? {
                    ids.insert(EventId(rest.split_off(..32)?.try_into().ok()?));
                }
            }
            _ => return None,
        }
    }
    Some(ids)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    loop {
        let byte = *rest.split_off_first()?;
        value = value.checked_mul(128)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
}

/// A client whose set is ours less some events and with others, as the bytes say, learns exactly that.
fn compare_sets(ours: &[Element], bytes: &[u8]) {
    let theirs = theirs(ours, bytes);
    let ours: BTreeSet<Element> = ours.iter().copied().collect();
    let found = compared(&set(&theirs), &set(&ours));
    let ids = |elements: &mut dyn Iterator<Item = &Element>| elements.map(|it| it.id).collect();
    let (there, here): (HashSet<_>, HashSet<_>) = (
        ids(&mut theirs.difference(&ours)),
        ids(&mut ours.difference(&theirs)),
    );
    assert_eq!(found.missing_there, there);
    assert_eq!(found.missing_here, here);
}

fn set<'e>(elements: impl IntoIterator<Item = &'e Element>) -> SyncSet {
    SyncSet::new(elements.into_iter().copied().collect())
}

fn theirs(ours: &[Element], bytes: &[u8]) -> BTreeSet<Element> {
    let mut theirs: BTreeSet<Element> = ours.iter().copied().collect();
    for change in bytes.chunks_exact(3) {
        let number = u32::from(u16::from_be_bytes([change[0], change[1]]));
        match ours.get(number as usize) {
            Some(element) => drop(theirs.remove(element)),
            // The last byte of the id tells it from every one of ours.
            None => {
                let mut other = element(u64::from(change[2]), number << 16);
                other.id.0[31] = 1;
                theirs.insert(other);
            }
        }
    }
    theirs
}

fn compared(theirs: &SyncSet, ours: &SyncSet) -> Difference {
    let mut difference = Difference::default();
    let mut next = theirs.first_message(MAX_BYTES).ok();
    for _ in 0..MAX_ROUNDS {
        let Some(message) = next else { break };
        let answer = ours.answer(&message, MAX_BYTES).expect("an answer");
        next = theirs
            .compare(&answer, MAX_BYTES, &mut difference)
            .expect("an answer of the protocol");
    }
    assert!(next.is_none(), "the session does not end");
    difference
}
