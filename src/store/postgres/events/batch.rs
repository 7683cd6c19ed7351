//! A batch on its way in: the arrays that `event_write` takes, and what the caller asked about each row.

use std::collections::HashMap;

use nips::{Event, EventId, Kind, PublicKey};

use super::PostgresRules;
use crate::model::Sighting;
use crate::store::events::{
    EventBatch, EventKey, IfDeleted, IfProtected, MAX_CREATED_AT, NewEvent, Refusal,
    SIGHTING_EPOCH, Visibility,
};
use crate::store::postgres::PostgresKeys;
use crate::store::rules::{EventKeys, Facts};

/// A batch with everything that can be known without the database.
pub(super) struct PreparedBatch {
    pub(super) events: EventArrays,
    pub(super) sightings: SightingArrays,
    /// One for each event of the batch, in its order.
    pub(super) places: Vec<Place>,
    /// One for each further sighting of the batch that can be of a stored event.
    pub(super) further: Vec<SightingPlace>,
    /// Unix seconds.
    pub(super) now: i64,
}

/// Where an event of the batch went.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Refused(Refusal),
    At {
        /// Position in [`EventArrays`].
        event: usize,
        /// Whether it is the first of several equal ones.
        is_first: bool,
        sighting: Option<SightingPlace>,
    },
}

/// Where a sighting of the batch went.
#[derive(Debug, Clone, Copy)]
pub(super) struct SightingPlace {
    /// Position in [`SightingArrays`].
    pub(super) index: usize,
    /// Whether it is the first of several of the same event and relay: if any, that one is new.
    pub(super) is_first: bool,
}

/// Different events in the order of their keys, a column each.
#[derive(Default)]
pub(super) struct EventArrays {
    pub(super) eids: Vec<i64>,
    pub(super) ids: Vec<[u8; 32]>,
    pub(super) pubkeys: Vec<[u8; 32]>,
    pub(super) kinds: Vec<i32>,
    pub(super) sigs: Vec<Option<[u8; 64]>>,
    pub(super) tags: Vec<Option<String>>,
    pub(super) contents: Vec<Option<String>>,
    /// Array literals.
    pub(super) hashes: Vec<Option<String>>,
    pub(super) addresses: Vec<Option<String>>,
    pub(super) owns: Vec<i16>,
    pub(super) expirations: Vec<Option<i64>>,
    pub(super) vanishing: Vec<bool>,
    pub(super) refusing: Vec<bool>,
}

/// Different pairs of event and relay, a column each.
#[derive(Default)]
pub(super) struct SightingArrays {
    /// Which of [`EventArrays`] it is of, from 1; otherwise the next two say which stored event.
    pub(super) places: Vec<Option<i32>>,
    pub(super) eids: Vec<Option<i64>>,
    pub(super) ids: Vec<Option<[u8; 32]>>,
    pub(super) relays: Vec<i32>,
    pub(super) seen: Vec<i32>,
    by_pair: HashMap<(EventId, i32), usize>,
}

impl PreparedBatch {
    /// Reads the facts of all events: the part of a write that needs no database.
    pub(super) fn new(rules: &PostgresRules, batch: &EventBatch) -> Self {
        let mut sightings = SightingArrays::default();
        let mut places: Vec<Place> = batch.events.iter().map(place).collect();
        let events = arrange(rules, batch, &mut places);
        for (place, new) in places.iter_mut().zip(&batch.events) {
            if let (
                Place::At {
                    event, sighting, ..
                },
                Some(seen),
            ) = (place, &new.sighting)
            {
                let of = Sighted::Event(new.event.id(), *event);
                *sighting = Some(sightings.add(of, seen));
            }
        }
        let is_possible = |(key, _): &&(EventKey, Sighting)| key.created_at <= MAX_CREATED_AT;
        let further = batch.sightings.iter().filter(is_possible);
        let further = further
            .map(|(key, sighting)| sightings.add(Sighted::Stored(*key), sighting))
            .collect();
        Self {
            events,
            sightings,
            places,
            further,
            now: seconds(batch.now),
        }
    }
}

/// What can be said about an event by itself.
fn place(new: &NewEvent) -> Place {
    if new.event.kind().is_ephemeral() {
        return Place::Refused(Refusal::Ephemeral);
    }
    if new.event.created_at() > MAX_CREATED_AT {
        return Place::Refused(Refusal::CreatedAtRange);
    }
    Place::At {
        event: 0,
        is_first: false,
        sighting: None,
    }
}

/// Puts each event once into the arrays, sorted.
fn arrange(rules: &PostgresRules, batch: &EventBatch, places: &mut [Place]) -> EventArrays {
    let mut order: Vec<usize> = (0..places.len())
        .filter(|&position| matches!(places[position], Place::At { .. }))
        .collect();
    order.sort_by_cached_key(|&position| {
        let event = &batch.events[position].event;
        (EventKey::of(event).eid(), event.id(), position)
    });
    let mut arrays = EventArrays::default();
    for equal in order.chunk_by(|&a, &b| batch.events[a].event.id() == batch.events[b].event.id()) {
        let at = arrays.eids.len();
        let all = || equal.iter().map(|&position| &batch.events[position]);
        let is_refused = all().all(|new| new.if_deleted == IfDeleted::Refuse);
        let is_brought = all().any(|new| new.if_protected == IfProtected::Show);
        let if_protected = match is_brought {
            true => IfProtected::Show,
            false => IfProtected::Hide,
        };
        let event = &batch.events[equal[0]].event;
        arrays.add(rules, event, if_protected, is_refused);
        for (repeat, &position) in equal.iter().enumerate() {
            places[position] = Place::At {
                event: at,
                is_first: repeat == 0,
                sighting: None,
            };
        }
    }
    arrays
}

impl EventArrays {
    fn add(
        &mut self,
        rules: &PostgresRules,
        event: &Event,
        if_protected: IfProtected,
        is_refused: bool,
    ) {
        let is_stub = !rules.is_whole(event.kind());
        let mut facts = rules.facts(&event.as_ref(), is_stub);
        facts.is_protected &= if_protected == IfProtected::Hide;
        self.eids.push(EventKey::of(event).eid().cast_signed());
        let event = event.as_ref();
        self.ids.push(event.id.0);
        self.pubkeys.push(event.pubkey.0);
        self.kinds.push(i32::from(event.kind.0));
        self.addresses.push(facts.version_of.clone());
        self.owns.push(i16::from(own(event.kind, &facts).code()));
        self.vanishing.push(facts.is_vanish_request);
        self.refusing.push(is_refused);
        if is_stub {
            self.sigs.push(None);
            self.contents.push(None);
            self.expirations.push(None);
            self.tags.push(recipient_tags(&facts.recipients));
            self.hashes
                .push(literal(&recipient_hashes(rules, &facts.recipients)));
        } else {
            self.sigs.push(Some(event.sig.0));
            self.contents.push(Some(event.content_json.to_owned()));
            self.expirations.push(facts.expiration.at().map(seconds));
            self.tags.push(Some(event.tags_json.to_owned()));
            self.hashes.push(literal(&facts.tags));
        }
    }
}

/// Which event was seen.
#[derive(Clone, Copy)]
enum Sighted {
    /// One of this batch, and its position in [`EventArrays`].
    Event(EventId, usize),
    Stored(EventKey),
}

impl SightingArrays {
    /// Keeps the oldest of several.
    fn add(&mut self, of: Sighted, sighting: &Sighting) -> SightingPlace {
        let (Sighted::Event(id, _) | Sighted::Stored(EventKey { id, .. })) = of;
        let relay = sighting.relay.0.cast_signed();
        let seen = sighting.seen_at.saturating_sub(SIGHTING_EPOCH);
        let seen = i32::try_from(seen).unwrap_or(i32::MAX);
        let next = self.relays.len();
        let index = *self.by_pair.entry((id, relay)).or_insert(next);
        let is_first = index == next;
        if is_first {
            self.point(of);
            self.relays.push(relay);
            self.seen.push(seen);
        } else {
            self.seen[index] = self.seen[index].min(seen);
        }
        SightingPlace { index, is_first }
    }

    fn point(&mut self, of: Sighted) {
        let (place, key) = match of {
            Sighted::Event(_, position) => (i32::try_from(position + 1).ok(), None),
            Sighted::Stored(key) => (None, Some(key)),
        };
        self.places.push(place);
        self.eids.push(key.map(|key| key.eid().cast_signed()));
        self.ids.push(key.map(|key| key.id.0));
    }
}

/// What an event would be if nothing else were stored.
fn own(kind: Kind, facts: &Facts<PostgresKeys>) -> Visibility {
    if facts.is_stub {
        Visibility::Stub
    } else if facts.is_protected {
        Visibility::Protected
    } else if kind.is_private() {
        Visibility::Private
    } else {
        Visibility::Public
    }
}

/// What a stub of a gift wrap keeps of its tags: whoever it is for can vanish.
fn recipient_tags(recipients: &[PublicKey]) -> Option<String> {
    let tags: Vec<String> = recipients
        .iter()
        .map(|key| format!(r#"["p","{key}"]"#))
        .collect();
    (!tags.is_empty()).then(|| format!("[{}]", tags.join(",")))
}

fn recipient_hashes(rules: &PostgresRules, recipients: &[PublicKey]) -> Vec<i32> {
    let hash = |key: &PublicKey| rules.keys.tag(b'p', &key.to_hex());
    let mut hashes: Vec<i32> = recipients.iter().map(hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// An array as PostgreSQL writes it; arrays of arrays have to be rectangular there.
fn literal(hashes: &[i32]) -> Option<String> {
    let texts: Vec<String> = hashes.iter().map(i32::to_string).collect();
    (!texts.is_empty()).then(|| format!("{{{}}}", texts.join(",")))
}

/// Seconds as PostgreSQL has them.
pub(super) fn seconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use nips::Signature;
    use nips::event::UnsignedEvent;

    use super::*;
    use crate::model::RelayId;

    fn event(kind: u16, created_at: u64) -> Event {
        let draft = UnsignedEvent {
            pubkey: PublicKey([7; 32]),
            created_at,
            kind: Kind(kind),
            tags: vec![vec!["t".into(), "x".into()]],
            content: String::new(),
        };
        Event::from_parts(draft.id(), &draft, Signature([9; 64])).unwrap()
    }

    fn seen(event: &Event, relay: u32, seen_at: u64) -> NewEvent {
        NewEvent {
            event: event.clone(),
            sighting: Some(Sighting {
                relay: RelayId(relay),
                seen_at: SIGHTING_EPOCH + seen_at,
            }),
            if_deleted: IfDeleted::Keep,
            if_protected: IfProtected::Hide,
        }
    }

    #[test]
    fn rows_are_sorted_and_come_once() {
        let rules = PostgresRules::new(PostgresKeys, None, Vec::new());
        let (old, new, refused) = (event(1, 10), event(1, 20), event(20_001, 5));
        let batch = EventBatch {
            events: vec![
                seen(&new, 1, 9),
                seen(&refused, 1, 9),
                seen(&old, 1, 9),
                seen(&new, 1, 7),
                seen(&new, 2, 8),
            ],
            sightings: vec![(
                EventKey::of(&old),
                Sighting {
                    relay: RelayId(1),
                    seen_at: SIGHTING_EPOCH + 11,
                },
            )],
            now: 100,
            rows_to_come: 0,
        };
        let prepared = PreparedBatch::new(&rules, &batch);
        assert_eq!(prepared.events.ids, [old.id().0, new.id().0]);
        assert!(prepared.events.eids.is_sorted());
        assert_eq!(prepared.sightings.relays, [1, 1, 2]);
        assert_eq!(prepared.sightings.seen, [7, 9, 8]);
        assert!(matches!(
            prepared.places[1],
            Place::Refused(Refusal::Ephemeral)
        ));
        let is_first = |position: usize| match prepared.places[position] {
            Place::At { is_first, .. } => is_first,
            Place::Refused(_) => false,
        };
        assert_eq!([0, 2, 3, 4].map(is_first), [true, true, false, false]);
        assert!(!prepared.further[0].is_first);
    }
}
