//! One question to a relay and what its answer looked like.

use std::collections::{BTreeMap, HashSet};

use nips::nip67::Nip67Hint;
use nips::{EventId, Filter, Kind, PublicKey};
use serde::{Deserialize, Serialize};

use crate::model::GapReason;

use super::range::Range;

/// One REQ: a range of the filter being archived, possibly narrowed down to a kind and to authors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// `since` and `until`.
    pub(super) range: Range,
    /// Only this kind.
    pub(super) kind: Option<Kind>,
    /// Only these authors.
    pub(super) authors: Option<Vec<PublicKey>>,
    /// At most so many events.
    pub(super) limit: usize,
}

impl Question {
    /// The whole of a range.
    pub(super) fn about(range: Range, limit: usize) -> Self {
        Self {
            range,
            kind: None,
            authors: None,
            limit,
        }
    }

    /// The filter to send.
    pub(super) fn to_filter(&self, base: &Filter) -> Filter {
        let mut filter = self.range.narrow(base);
        filter.limit = Some(self.limit);
        if let Some(kind) = self.kind {
            filter.kinds = Some(vec![kind]);
        }
        if let Some(authors) = &self.authors {
            // Filters have their lists sorted.
            let mut authors = authors.clone();
            authors.sort_unstable();
            filter.authors = Some(authors);
        }
        filter
    }
}

/// What the walk has to know of an event that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// Unix seconds.
    pub(super) created_at: u64,
    /// As claimed; checked by the archive.
    pub(super) id: EventId,
    /// The kind.
    pub(super) kind: Kind,
    /// The author.
    pub(super) author: PublicKey,
}

/// An answer that ended with EOSE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Distinct events that answer the question, in the order in which they came.
    pub(super) events: Vec<Seen>,
    /// All EVENT frames of the answer, whatever was in them.
    pub(super) frames: usize,
    /// Events that would have answered the question but for their `created_at`.
    pub(super) out_of_range: usize,
    /// Seconds with an event that answers the question and that the archive did not take for a reason
    /// of its own.
    pub(super) not_kept: BTreeMap<u64, GapReason>,
    /// What the relay said about whether there is more (NIP-67).
    pub(super) hint: Option<Nip67Hint>,
}

/// In which order a relay answers, told from a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Order {
    /// As NIP-01 wants it: what a capped answer leaves out is older.
    NewestFirst,
    /// What a capped answer leaves out is newer.
    OldestFirst,
    /// What a capped answer leaves out can be anywhere.
    Unordered,
}

impl Page {
    /// The order of the page; `None` when all its events share one second.
    pub(super) fn order(&self) -> Option<Order> {
        let times = || self.events.iter().map(|event| event.created_at);
        let falls = times().zip(times().skip(1)).all(|(a, b)| a >= b);
        let rises = times().zip(times().skip(1)).all(|(a, b)| a <= b);
        match (falls, rises) {
            (true, true) => None,
            (true, false) => Some(Order::NewestFirst),
            (false, true) => Some(Order::OldestFirst),
            (false, false) => Some(Order::Unordered),
        }
    }

    /// The first and the last second that occurs.
    pub(super) fn span(&self) -> Option<Range> {
        let times = || self.events.iter().map(|event| event.created_at);
        Range::new(times().min()?, times().max()?)
    }

    /// `created_at` at the given rank, oldest first; the page is not empty.
    pub(super) fn time_at(&self, rank: usize) -> u64 {
        let mut times: Vec<u64> = self.events.iter().map(|event| event.created_at).collect();
        times.sort_unstable();
        times[rank.min(times.len() - 1)]
    }

    /// The ids inside a range.
    pub(super) fn ids_within(&self, range: Range) -> HashSet<EventId> {
        let inside = self.events.iter().filter(|e| range.contains(e.created_at));
        inside.map(|event| event.id).collect()
    }

    /// How many events are inside a range.
    pub(super) fn count_within(&self, range: Range) -> u64 {
        let inside = self.events.iter().filter(|e| range.contains(e.created_at));
        inside.count() as u64
    }

    /// Whether the relay said that there is no more.
    pub(super) fn is_finished(&self) -> bool {
        self.hint == Some(Nip67Hint::Finish)
    }

    /// Whether most of the answer lies outside what was asked for: the relay ignores the bounds.
    pub(super) fn is_unbounded(&self) -> bool {
        self.out_of_range > self.events.len()
    }
}
