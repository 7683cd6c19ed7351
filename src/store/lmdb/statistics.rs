//! Size and number of what is stored, from counters.

use nips::Kind;

use super::engine::Engine;
use super::fault::Fault;
use super::keys::trailing_number;
use super::tables::{EVENT_COUNT, SIGHTING_COUNT};
use super::view::View;
use crate::store::eid::created_at;
use crate::store::events::EventStatistics;

/// The counters, the file size, and the ends of what is stored.
pub(super) fn statistics(engine: &Engine, view: View<'_>) -> Result<EventStatistics, Fault> {
    let View { tables, txn, .. } = view;
    let ends = view.ends()?;
    let mut by_kind = Vec::new();
    for entry in tables.kind_counts.iter(txn)? {
        let (key, count) = entry?;
        let (&[high, low], count) = (key.as_array().ok_or_else(damaged)?, trailing_number(count));
        if count > 0 {
            by_kind.push((Kind(u16::from_be_bytes([high, low])), count));
        }
    }
    Ok(EventStatistics {
        events: tables.number(txn, EVENT_COUNT)?,
        sightings: tables.number(txn, SIGHTING_COUNT)?,
        by_kind,
        size_bytes: engine.env.real_disk_size()?,
        oldest_created_at: ends.map(|(oldest, _)| created_at(oldest)),
        newest_created_at: ends.map(|(_, newest)| created_at(newest)),
    })
}

fn damaged() -> Fault {
    Fault::Damaged("count of a kind".to_owned())
}
