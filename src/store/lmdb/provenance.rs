//! Entering sightings, and reading them.

use nips::EventId;

use super::arriving::{Arriving, Fate, PreparedBatch};
use super::changes::Sighted;
use super::fault::Fault;
use super::lately_found::LatelyFound;
use super::sightings;
use super::standing::is_brought_by_author;
use super::tables::{Location, Slot, put_sorted};
use super::transaction::Transaction;
use super::view::{Gap, View};
use crate::model::Sighting;
use crate::store::events::{EventKey, MAX_CREATED_AT};

/// A sighting of a stored event, and who wants to hear whether it was new.
struct Noted {
    at: Location,
    sighting: Sighting,
    origin: Origin,
    /// The event came in this transaction, so that no row of its sightings can be there.
    is_new_event: bool,
}

#[derive(Clone, Copy)]
enum Origin {
    /// It came with this event.
    Event(usize),
    /// It is one of the further sightings of this batch.
    Batch(usize),
}

impl Transaction<'_> {
    /// Enters all sightings, in the order of places. Returns how many of each batch's further ones are new.
    pub(super) fn note_sightings(
        &mut self,
        arriving: &mut [Arriving<'_>],
        batches: &[PreparedBatch],
    ) -> Result<Vec<u64>, Fault> {
        let mut noted = of_events(arriving);
        self.of_batches(batches, &mut noted)?;
        noted.sort_by_key(|one| one.at.place);
        let mut new_sightings = vec![0; batches.len()];
        let mut rows = Vec::new();
        for group in noted.chunk_by(|a, b| a.at == b.at) {
            let added = self.note_one_event(group, &mut rows)?;
            for (one, is_new) in group.iter().zip(added) {
                match (one.origin, is_new) {
                    (Origin::Batch(batch), true) => new_sightings[batch] += 1,
                    (Origin::Event(index), true) => arriving[index].saw_new_relay(),
                    (_, false) => {}
                }
            }
        }
        put_sorted(&self.tables.sightings, &mut self.txn, rows)?;
        Ok(new_sightings)
    }

    fn of_batches(&self, batches: &[PreparedBatch], noted: &mut Vec<Noted>) -> Result<(), Fault> {
        let mut gap = Gap::none();
        for (batch, prepared) in batches.iter().enumerate() {
            for (key, sighting) in &prepared.sightings {
                let stored = self.location(key, &mut gap)?;
                noted.extend(stored.map(|at| Noted {
                    at,
                    sighting: *sighting,
                    origin: Origin::Batch(batch),
                    is_new_event: false,
                }));
            }
        }
        Ok(())
    }

    /// Where an event is stored; where it was found lately is tried first.
    fn location(&self, key: &EventKey, gap: &mut Gap) -> Result<Option<Location>, Fault> {
        if let Some(place) = self.engine.lately_found.place(key.eid())
            && let Some(record) = self.tables.record_at(&self.txn, place)?
            && record.id() == key.id
        {
            return Ok(Some(record.location()));
        }
        location(self.view(), key, gap)
    }

    /// Returns which sightings are new, and adds the row that holds them to `rows`.
    fn note_one_event(
        &mut self,
        group: &[Noted],
        rows: &mut Vec<([u8; 8], Vec<u8>)>,
    ) -> Result<Vec<bool>, Fault> {
        let key = group[0].at.place.to_be_bytes();
        let row = match group.iter().any(|one| one.is_new_event) {
            true => None,
            false => self.tables.sightings.get(&self.txn, &key)?,
        };
        let row = row.unwrap_or_default();
        if group.iter().all(|one| sightings::holds(row, &one.sighting)) {
            return Ok(vec![false; group.len()]);
        }
        let before = sightings::relays(row);
        let mut row = row.to_vec();
        let sightings: Vec<Sighting> = group.iter().map(|one| one.sighting).collect();
        let added = sightings::merge(&mut row, &sightings);
        rows.push((key, row));
        let seen = sightings.iter().zip(&added);
        let relays = seen.filter_map(|(seen, is_new)| is_new.then_some(seen.relay.0));
        let relays: Vec<u32> = relays.collect();
        if !relays.is_empty() {
            let eid = group[0].at.eid;
            self.change.sighted.push(Sighted {
                eid,
                before,
                relays,
            });
        }
        self.counts.sightings += added.iter().map(|is_new| i64::from(*is_new)).sum::<i64>();
        Ok(added)
    }
}

impl Arriving<'_> {
    fn saw_new_relay(&mut self) {
        if let Fate::Known(at, _) = self.fate {
            self.fate = Fate::Known(at, true);
        }
    }
}

fn of_events(arriving: &[Arriving<'_>]) -> Vec<Noted> {
    let noted = arriving.iter().enumerate().filter_map(|(index, one)| {
        let (Fate::Stored(at, _) | Fate::Known(at, _) | Fate::Released(at, _)) = one.fate else {
            return None;
        };
        let origin = Origin::Event(index);
        one.prepared.sighting.map(|sighting| Noted {
            at,
            sighting,
            origin,
            is_new_event: matches!(one.fate, Fate::Stored(..)),
        })
    });
    noted.collect()
}

/// Where an event is stored.
fn location(view: View<'_>, key: &EventKey, gap: &mut Gap) -> Result<Option<Location>, Fault> {
    if key.created_at > MAX_CREATED_AT {
        return Ok(None);
    }
    Ok(match view.slot(key.eid(), &key.id, gap)? {
        Slot::Taken(at) => Some(at),
        Slot::Free(_) | Slot::None => None,
    })
}

/// Which events are stored, in the order asked. They are looked up in key order, and where they are is noted.
pub(super) fn known(
    view: View<'_>,
    lately_found: &LatelyFound,
    keys: &[EventKey],
) -> Result<Vec<bool>, Fault> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_unstable_by_key(|index| keys[*index]);
    let mut known = vec![false; keys.len()];
    let mut gap = Gap::none();
    for index in order {
        let stored = location(view, &keys[index], &mut gap)?;
        if let Some(at) = stored {
            lately_found.note(keys[index].eid(), at.place);
        }
        known[index] = stored.is_some();
    }
    Ok(known)
}

/// Which events their authors brought, in the order asked.
pub(super) fn brought_by_author(view: View<'_>, keys: &[EventKey]) -> Result<Vec<bool>, Fault> {
    let is_brought = |key: &EventKey| match location(view, key, &mut Gap::none())? {
        Some(at) => is_brought_by_author(view.tables, view.txn, at.eid),
        None => Ok(false),
    };
    keys.iter().map(is_brought).collect()
}

/// Where an event was seen, by relay.
pub(super) fn sightings_of(view: View<'_>, id: &EventId) -> Result<Vec<Sighting>, Fault> {
    let Some((record, _)) = view.find(id)? else {
        return Ok(Vec::new());
    };
    let place = record.place().to_be_bytes();
    let row = view.tables.sightings.get(view.txn, &place)?;
    Ok(row.map(sightings::decode).unwrap_or_default())
}
