//! A second that holds more events than the relay hands out at once, taken apart by kind and by authors.
//!
//! Only a list that the filter itself fixes can be exhausted. Of open lists, the values that were seen, and authors
//! that are known there, are asked for, which archives all that can be reached, and the second stays a gap.

use std::collections::{BTreeSet, HashSet, VecDeque};

use nips::{Kind, PublicKey};

use crate::model::GapReason;

use super::page::{Page, Question};
use super::range::Range;
use super::walk::{Cap, Finding};

/// Fewer events than this in one second are taken for the whole, even when the relay has never shown
/// that it would hand out more: otherwise a relay that holds little would never be complete.
pub(super) const SMALLEST_CAP: usize = 20;

/// Questions about one second at most: beyond that, the relay's patience is worth more.
const MAX_QUESTIONS: usize = 256;

/// Authors in one question: few enough for relays that count them.
const BATCH: usize = 50;

/// The second, and the questions about it that are still open.
#[derive(Debug)]
pub(super) struct CrowdedSecond {
    at: u64,
    kinds: Option<Vec<Kind>>,
    authors: Option<Vec<PublicKey>>,
    /// Whom to ask about where the filter does not say.
    known: Vec<PublicKey>,
    open: VecDeque<Part>,
    asked: usize,
    is_complete: bool,
    seen: BTreeSet<nips::EventId>,
}

/// A part of the second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Part {
    kind: Option<Kind>,
    authors: Option<Vec<PublicKey>>,
}

impl CrowdedSecond {
    /// A second about which nothing but the question about all of it has been asked.
    pub(super) fn new(at: u64, kinds: Option<&[Kind]>, authors: Option<&[PublicKey]>) -> Self {
        Self {
            at,
            kinds: kinds.map(<[Kind]>::to_vec),
            authors: authors.map(<[PublicKey]>::to_vec),
            known: Vec::new(),
            open: VecDeque::from([Part::default()]),
            asked: 0,
            is_complete: true,
            seen: BTreeSet::new(),
        }
    }

    /// The same second on a relay where these authors are known.
    pub(super) fn among(mut self, known: &[PublicKey]) -> Self {
        self.known = known.to_vec();
        self
    }

    /// The second as a range.
    pub(super) fn range(&self) -> Range {
        Range {
            from: self.at,
            until: self.at,
        }
    }

    /// The next question about it.
    pub(super) fn question(&self, limit: usize) -> Question {
        let part = self.open.front().cloned().unwrap_or_default();
        Question {
            kind: part.kind,
            authors: part.authors,
            ..Question::about(self.range(), limit)
        }
    }

    /// Takes the answer; a finding once there is nothing more to ask.
    pub(super) fn answer(&mut self, cap: Cap, limit: usize, page: &Page) -> Option<Finding> {
        let part = self.open.pop_front().unwrap_or_default();
        self.asked += 1;
        self.seen.extend(page.events.iter().map(|event| event.id));
        if !cap.is_whole(page, limit, SMALLEST_CAP) {
            self.take_apart(part, page);
        }
        if self.asked >= MAX_QUESTIONS && !self.open.is_empty() {
            self.is_complete = false;
            self.open.clear();
        }
        self.open.is_empty().then(|| self.finding())
    }

    /// Asks for parts instead, first along a list that the filter fixes, if it fixes one.
    fn take_apart(&mut self, part: Part, page: &Page) {
        let authors = part.authors.as_deref().or(self.authors.as_deref());
        let can_split_authors = !has_one(authors);
        let can_split_kinds = part.kind.is_none() && !has_one(self.kinds.as_deref());
        let prefers_authors = self.authors.is_some() && self.kinds.is_none();
        if can_split_kinds && !(can_split_authors && prefers_authors) {
            self.split_by_kind(&part, page);
        } else if can_split_authors {
            self.split_by_authors(&part, page);
        } else {
            self.is_complete = false;
        }
    }

    fn split_by_kind(&mut self, part: &Part, page: &Page) {
        self.is_complete &= self.kinds.is_some();
        let seen: BTreeSet<Kind> = page.events.iter().map(|event| event.kind).collect();
        let kinds = self.kinds.clone();
        let kinds = kinds.unwrap_or_else(|| seen.into_iter().collect());
        self.open.extend(kinds.into_iter().map(|kind| Part {
            kind: Some(kind),
            ..part.clone()
        }));
    }

    /// Halves the authors that were asked about, or asks about batches of those who may have written here.
    fn split_by_authors(&mut self, part: &Part, page: &Page) {
        let fixed = part.authors.clone().or_else(|| self.authors.clone());
        self.is_complete &= fixed.is_some();
        let authors = fixed.unwrap_or_else(|| self.likely_authors(page));
        let batch = authors.len().div_ceil(2).clamp(1, BATCH);
        self.open.extend(authors.chunks(batch).map(|batch| Part {
            authors: Some(batch.to_vec()),
            ..part.clone()
        }));
    }

    /// Those in the answer, then those who are known.
    fn likely_authors(&self, page: &Page) -> Vec<PublicKey> {
        let mut met = HashSet::new();
        let seen = page.events.iter().map(|event| event.author);
        let likely = seen.chain(self.known.iter().copied());
        likely.filter(|author| met.insert(*author)).collect()
    }

    fn finding(&self) -> Finding {
        if self.is_complete {
            return Finding::from((self.range(), self.seen.len() as u64));
        }
        Finding::Gap {
            range: self.range(),
            reason: GapReason::OverfullSecond,
        }
    }
}

fn has_one<T>(list: Option<&[T]>) -> bool {
    list.is_some_and(|list| list.len() == 1)
}
