//! Whether the filters of a request are within what the relay offers, and what they will cost.

use std::time::{Duration, Instant};

use nips::Filter;

use super::discovery::is_discovery;
use super::settings::RelayLimits;
use crate::store::events::{QueryBounds, index_places};

/// Ids, keys, kinds and tag values in the open filters of one connection. The live index has an
/// entry for many of them; at about 100 bytes each this is 10 MB.
pub(super) const MAX_FILTER_VALUES: usize = 100_000;

/// Bytes of events in one large answer: 20,000 relays with their NIP-11 documents.
const MAX_LARGE_ANSWER_BYTES: usize = 64 << 20;

/// Large answers that are held in memory at the same time, over all connections.
pub(super) const LARGE_ANSWERS: usize = 4;

/// What one place of the index costs, measured on feeds of hundreds of authors.
const TIME_OF_LOOK_UP: Duration = Duration::from_micros(2);

impl RelayLimits {
    /// What is wrong with the filters, as the text of a `CLOSED`.
    pub(super) fn check(&self, filters: &[Filter]) -> Result<(), String> {
        if filters.len() > self.max_filters {
            return Err(format!("invalid: more than {} filters", self.max_filters));
        }
        let max = self.max_filter_values;
        if filters.iter().any(|filter| longest_list(filter) > max) {
            return Err(format!("invalid: a filter lists more than {max} values"));
        }
        if filters.iter().any(|filter| filter.search.is_some()) {
            return Err("unsupported: search is not offered".to_owned());
        }
        Ok(())
    }

    /// Whether clients may compare sets with ours (NIP-77).
    pub(super) fn offers_sync(&self) -> bool {
        self.max_sync_events > 0
    }

    /// The bounds of a stored answer to what was asked then.
    pub(super) fn query_bounds(&self, filters: &[Filter], asked_at: Instant) -> QueryBounds {
        let deadline = Some(asked_at + self.max_query_time);
        if is_large(filters) {
            return QueryBounds {
                default_limit: self.max_discovery_limit,
                max_limit: self.max_discovery_limit,
                max_bytes: MAX_LARGE_ANSWER_BYTES,
                max_scanned: self.max_scanned,
                deadline,
            };
        }
        QueryBounds {
            default_limit: self.default_limit,
            max_limit: self.max_limit,
            max_bytes: self.max_answer_bytes,
            max_scanned: self.max_scanned,
            deadline,
        }
    }
}

/// Whether an answer may be larger than others: it is made of relay discovery events alone. Where nothing stored
/// is asked for, it is empty.
pub(super) fn is_large(filters: &[Filter]) -> bool {
    !filters.is_empty() && filters.iter().all(is_discovery)
}

/// How many values a filter lists.
pub(super) fn values(filter: &Filter) -> usize {
    filter.ids.as_ref().map_or(0, Vec::len)
        + filter.authors.as_ref().map_or(0, Vec::len)
        + filter.kinds.as_ref().map_or(0, Vec::len)
        + filter.tags.values().map(Vec::len).sum::<usize>()
}

fn longest_list(filter: &Filter) -> usize {
    let lists = [
        filter.ids.as_ref().map(Vec::len),
        filter.authors.as_ref().map(Vec::len),
        filter.kinds.as_ref().map(Vec::len),
    ];
    let tags = filter.tags.values().map(Vec::len);
    lists.into_iter().flatten().chain(tags).max().unwrap_or(0)
}

/// Time that answering will take, as far as the filters tell: by how many places of the index have to be
/// looked at, not by how much is found there.
pub(super) fn expected_time(filters: &[Filter]) -> Duration {
    let stored = filters.iter().filter(|filter| !is_live_only(filter));
    let look_ups: usize = stored.map(|filter| 1 + index_places(filter)).sum();
    TIME_OF_LOOK_UP * u32::try_from(look_ups).unwrap_or(u32::MAX)
}

/// Whether a filter asks for nothing that is stored, or can match nothing.
pub(super) fn is_live_only(filter: &Filter) -> bool {
    filter.limit == Some(0) || filter.is_empty()
}

/// Whether a filter asks for nothing of what may be stored.
pub(super) fn is_unasked(filter: &Filter) -> bool {
    filter.limit == Some(0) && !filter.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_of_discovery_events_alone_is_large() {
        let filter = |json| Filter::from_json(json).unwrap();
        let discovery = filter(r#"{"kinds":[30166]}"#);
        let mixed = filter(r#"{"kinds":[1,30166]}"#);
        assert!(is_large(std::slice::from_ref(&discovery)));
        assert!(!is_large(&[discovery, mixed]));
        // What asks for nothing stored must not wait for one of a few places.
        assert!(!is_large(&[]));
    }
}
