//! How fast the archive grows, by sizes that were measured: the refresher notes one from time to time, in one row of
//! its state, and whoever shows figures compares.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::statistics::Totals;
use super::{Store, StoreError};
use crate::model::{ServiceName, ServiceState, StateType};
use crate::store::events::EventStatistics;

/// Key of the row.
const KEY: &str = "sizes";

/// Time between two measurements, seconds: often enough for a forecast after half a day, seldom enough for one row.
const EVERY: u64 = 6 * 3_600;

/// For how long measurements are kept, seconds: what was a month ago says little about the next.
const KEPT: u64 = 32 * 86_400;

/// A forecast needs that much time between its two measurements, seconds.
const SHORTEST: u64 = 3_600;

/// The size of everything at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Unix seconds.
    pub at: u64,
    /// Bytes on disk, events and everything else.
    pub bytes: u64,
}

/// What was measured, and what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// When the older of the two sizes was measured, unix seconds.
    pub since: u64,
    /// Bytes that come in a day.
    pub bytes_a_day: u64,
}

impl Size {
    /// The size that these figures tell of.
    pub fn of(events: &EventStatistics, totals: &Totals, at: u64) -> Self {
        Self {
            at,
            bytes: events.size_bytes + totals.size_bytes,
        }
    }
}

impl Growth {
    /// Between a size that was measured and a later one; `None` when they are too close. What shrinks does not grow.
    fn between(earlier: Size, later: Size) -> Option<Self> {
        let seconds = later.at.saturating_sub(earlier.at);
        let bytes = later.bytes.saturating_sub(earlier.bytes);
        (seconds >= SHORTEST).then(|| Self {
            since: earlier.at,
            bytes_a_day: scale(bytes, 86_400, seconds),
        })
    }
}

/// Measures the size at `now` unix seconds, when it is time to.
///
/// # Errors
/// [`StoreError`] when it cannot be measured or noted.
pub async fn note(store: &dyn Store, now: u64) -> Result<(), StoreError> {
    let mut sizes = noted(store).await?;
    if sizes.last().is_some_and(|last| now < last.at + EVERY) {
        return Ok(());
    }
    let (events, totals) = (store.event_statistics().await?, store.totals().await?);
    sizes.retain(|size| now < size.at + KEPT);
    sizes.push(Size::of(&events, &totals, now));
    let row = ServiceState {
        service: ServiceName::Refresher,
        state_type: StateType::Checkpoint,
        key: KEY.to_owned(),
        value: json!({ "timestamp": now, "sizes": sizes }),
        updated_at: now,
    };
    store.put_states(&[row]).await?;
    Ok(())
}

/// How fast it grew from the oldest size that is noted to the one of now; `None` before there is one.
///
/// # Errors
/// [`StoreError`] when the row cannot be read.
pub async fn growth(store: &dyn Store, now: Size) -> Result<Option<Growth>, StoreError> {
    let sizes = noted(store).await?;
    let oldest = sizes.first().copied();
    Ok(oldest.and_then(|oldest| Growth::between(oldest, now)))
}

/// Oldest first.
async fn noted(store: &dyn Store) -> Result<Vec<Size>, StoreError> {
    let row = store.state(ServiceName::Refresher, StateType::Checkpoint, KEY);
    let sizes = row.await?.and_then(|mut row| {
        let sizes = row.value.get_mut("sizes")?.take();
        serde_json::from_value(sizes).ok()
    });
    Ok(sizes.unwrap_or_default())
}

fn scale(amount: u64, times: u64, by: u64) -> u64 {
    let scaled = u128::from(amount) * u128::from(times) / u128::from(by);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Embedded, EmbeddedOptions};

    fn size(at: u64, bytes: u64) -> Size {
        Size { at, bytes }
    }

    #[test]
    fn growth_is_what_came_by_the_time_it_took() {
        let half_a_day = Growth::between(size(1_000, 500), size(1_000 + 43_200, 1_500));
        let expected = Growth {
            since: 1_000,
            bytes_a_day: 2_000,
        };
        assert_eq!(half_a_day, Some(expected));
    }

    #[tokio::test]
    async fn sizes_are_noted_now_and_then_and_compared_with_the_oldest() {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path(), EmbeddedOptions::default());
        let store = store.await.unwrap();
        let bytes = 1 << 40;
        assert_eq!(growth(&store, size(1_000, bytes)).await.unwrap(), None);
        for at in [1_000, 1_000 + EVERY - 1, 1_000 + EVERY, 1_000 + 2 * EVERY] {
            note(&store, at).await.unwrap();
        }
        let noted_at: Vec<u64> = noted(&store)
            .await
            .unwrap()
            .iter()
            .map(|size| size.at)
            .collect();
        assert_eq!(noted_at, [1_000, 1_000 + EVERY, 1_000 + 2 * EVERY]);
        let grown = growth(&store, size(1_000 + 86_400, bytes)).await.unwrap();
        let grown = grown.unwrap();
        assert_eq!(grown.since, 1_000);
        assert!(grown.bytes_a_day > bytes / 2);
        // What is too old is forgotten.
        note(&store, 1_000 + KEPT + EVERY).await.unwrap();
        assert_eq!(noted(&store).await.unwrap()[0].at, 1_000 + 2 * EVERY);
    }

    #[test]
    fn nothing_follows_from_a_moment_or_from_less() {
        assert_eq!(Growth::between(size(1_000, 0), size(1_010, 9)), None);
        assert_eq!(Growth::between(size(9_000, 0), size(1_000, 9)), None);
        let shrunk = Growth::between(size(0, 500), size(86_400, 100));
        assert_eq!(shrunk.unwrap().bytes_a_day, 0);
    }
}
