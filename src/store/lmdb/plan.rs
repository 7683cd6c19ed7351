//! Choosing the index rows that lead to a filter's answer.
//!
//! An answer is a merge of *runs*: stretches of one index under one prefix, ordered by event key.
//! Public events are reached through the narrowest list of the filter. Private ones are reached
//! only through what each reader sent or received.

use heed::types::DecodeIgnore;
use nips::{Filter, Kind, PublicKey};

use super::fault::Fault;
use super::index::Index;
use super::keys::{
    KeyHasher, TAG_KEY_LEN, TagHash, author_kind_prefix, author_prefix, tag_kind, tag_prefix,
};
use super::run::Stretch;
use super::tables::Found;
use super::view::View;
use crate::store::events::Scope;

/// Stored kinds that only their sender and recipients may read, [`Kind::is_private`].
const PRIVATE_KINDS: [Kind; 2] = [Kind::ENCRYPTED_DIRECT_MESSAGE, Kind::GIFT_WRAP];

/// Author and kind pairs up to which each gets a run of its own; with more, authors alone do.
const MAX_AUTHOR_KIND_RUNS: usize = 4_000;

/// Rows under a tag up to which they are read when a plan is made.
const MAX_FEW_ROWS: usize = 16;

/// Of how many stretches the length is estimated when a filter offers several ways.
const SAMPLED_STRETCHES: usize = 8;

/// From how many rows the length of a long stretch is estimated.
const SAMPLED_ROWS: u64 = 32;

/// An estimate that leaves room for sums.
const ESTIMATE_CEILING: u64 = 1 << 48;

/// The index rows that lead to an answer.
#[derive(Default)]
pub(super) struct Plan {
    /// Stretches to be read.
    pub(super) stretches: Vec<Stretch>,
    /// What rows lead to that were read already, in any order.
    pub(super) read: Vec<Found>,
}

impl Plan {
    /// One of stretches alone.
    pub(super) fn of(stretches: Vec<Stretch>) -> Self {
        Self {
            stretches,
            read: Vec::new(),
        }
    }
}

/// What a plan is made for.
#[derive(Clone, Copy)]
pub(super) struct Planner<'p> {
    pub(super) view: View<'p>,
    pub(super) hasher: &'p KeyHasher,
    pub(super) filter: &'p Filter,
    /// Lowest and highest event key that can match.
    pub(super) range: (u64, u64),
}

impl Planner<'_> {
    /// Rows that lead to every event that the filter can match in the scope.
    pub(super) fn plan(&self, scope: &Scope) -> Result<Plan, Fault> {
        let Scope::Servable { readers, .. } = scope else {
            return Ok(Plan::of(vec![Stretch::new(Index::All, &[])]));
        };
        let mut plan = self.public()?;
        for reader in readers {
            self.private(reader, &mut plan.stretches);
        }
        Ok(plan)
    }

    /// The cheapest of the ways to all public events.
    fn public(&self) -> Result<Plan, Fault> {
        let mut ways = Vec::new();
        for (letter, values) in &self.filter.tags {
            ways.push(self.by_tag(*letter, values)?);
        }
        if let Some(authors) = &self.filter.authors {
            ways.push(Plan::of(self.by_author(authors)));
        }
        match (ways.len(), &self.filter.kinds) {
            (0, Some(kinds)) => Ok(Plan::of(self.by_kind(kinds))),
            (0, None) => Ok(Plan::of(vec![Stretch::new(Index::Time, &[])])),
            (1, _) => Ok(ways.remove(0)),
            _ => self.shortest(ways),
        }
    }

    fn by_tag(&self, letter: u8, values: &[String]) -> Result<Plan, Fault> {
        let mut plan = Plan::default();
        let kinds = self.filter.kinds.as_deref();
        // Of one kind a stretch takes no more than one search either.
        let may_read = kinds.is_none_or(|kinds| kinds.len() > 1);
        for value in values {
            let hash = self.hasher.tag_hash(letter, value);
            if may_read && self.read_few_under_tag(&hash, &mut plan.read)? {
                continue;
            }
            match kinds {
                Some(kinds) => plan.stretches.extend(self.tag_stretches(&hash, kinds)),
                None => self.kinds_under_tag(&hash, &mut plan.stretches)?,
            }
        }
        Ok(plan)
    }

    /// Reads what is under a tag if there is little, whatever its kinds: one search instead of one for each kind. Most of
    /// what clients ask for is a note with a few answers and reactions. Returns whether it was read.
    fn read_few_under_tag(&self, hash: &TagHash, read: &mut Vec<Found>) -> Result<bool, Fault> {
        let View {
            tables,
            txn,
            backlog,
            ..
        } = self.view;
        let (already, mut rows) = (read.len(), 0);
        let mut take = |(key, value): (&[u8], &[u8])| {
            rows += 1;
            read.extend(self.found_under_tag(key, value));
            rows <= MAX_FEW_ROWS
        };
        let mut are_few = true;
        let mut in_table = tables.by_tag.prefix_iter(txn, hash)?;
        while are_few && let Some(row) = in_table.next().transpose()? {
            are_few = take(row);
        }
        let mut last = [u8::MAX; TAG_KEY_LEN];
        last[..hash.len()].copy_from_slice(hash);
        for waiting in backlog.stretches(Index::Tag, hash, &last) {
            let mut waiting = waiting.iter().map(|row| row.split_at(TAG_KEY_LEN));
            are_few = are_few && waiting.all(&mut take);
        }
        if !are_few {
            read.truncate(already);
        }
        Ok(are_few)
    }

    /// What a row of the tag index leads to, if that can match.
    fn found_under_tag(&self, key: &[u8], value: &[u8]) -> Option<Found> {
        let kind = tag_kind(key.first_chunk()?);
        let found = Found::new(key, value);
        let kinds = self.filter.kinds.as_ref();
        let is_asked_for = kinds.is_none_or(|kinds| kinds.contains(&kind)) && !kind.is_private();
        let is_in_range = (self.range.0..=self.range.1).contains(&found.eid);
        (is_asked_for && is_in_range).then_some(found)
    }

    fn tag_stretches(&self, hash: &TagHash, kinds: &[Kind]) -> impl Iterator<Item = Stretch> {
        let public = kinds.iter().filter(|kind| !kind.is_private());
        public.map(|kind| self.tag_stretch(hash, *kind))
    }

    /// Finds the kinds that carry a tag, by jumping from one to the next in the index.
    fn kinds_under_tag(&self, hash: &TagHash, stretches: &mut Vec<Stretch>) -> Result<(), Fault> {
        let mut from = Some(Kind(0));
        while let Some(kind) = from {
            let found = self.first_tag_from(&tag_prefix(hash, kind))?;
            let found = found.filter(|row| row.starts_with(hash));
            let Some(key) = found.and_then(|row| row.first_chunk()) else {
                break;
            };
            let kind = tag_kind(key);
            if !kind.is_private() {
                stretches.push(self.tag_stretch(hash, kind));
            }
            from = kind.0.checked_add(1).map(Kind);
        }
        Ok(())
    }

    /// The lowest row of the tag index that is not below `key`, wherever it is.
    fn first_tag_from(&self, key: &[u8; 8]) -> Result<Option<&[u8]>, Fault> {
        let View {
            tables,
            txn,
            backlog,
            ..
        } = self.view;
        let by_tag = tables.by_tag.remap_data_type::<DecodeIgnore>();
        let in_table = by_tag.get_greater_than_or_equal_to(txn, key)?;
        let in_table = in_table.map(|(row, ())| row);
        let waiting = backlog.first_from(Index::Tag, key);
        Ok(in_table.into_iter().chain(waiting).min())
    }

    fn tag_stretch(&self, hash: &TagHash, kind: Kind) -> Stretch {
        Stretch::new(Index::Tag, &tag_prefix(hash, kind))
    }

    fn by_author(&self, authors: &[PublicKey]) -> Vec<Stretch> {
        match &self.filter.kinds {
            Some(kinds) if authors.len() * kinds.len() <= MAX_AUTHOR_KIND_RUNS => {
                let public = kinds.iter().filter(|kind| !kind.is_private());
                let pairs = public.flat_map(|kind| authors.iter().map(move |key| (key, *kind)));
                pairs
                    .map(|(key, kind)| self.author_kind_stretch(key, kind))
                    .collect()
            }
            _ => {
                let stretch = |key| Stretch::new(Index::Author, &author_prefix(key));
                authors.iter().map(stretch).collect()
            }
        }
    }

    fn author_kind_stretch(&self, author: &PublicKey, kind: Kind) -> Stretch {
        Stretch::new(Index::AuthorKind, &author_kind_prefix(author, kind))
    }

    fn by_kind(&self, kinds: &[Kind]) -> Vec<Stretch> {
        let stretch = |kind: &Kind| Stretch::new(Index::Kind, &kind.0.to_be_bytes());
        kinds.iter().map(stretch).collect()
    }

    /// What one reader sent and received, if the filter can ask for it.
    fn private(&self, reader: &PublicKey, stretches: &mut Vec<Stretch>) {
        let (kinds, authors) = (&self.filter.kinds, &self.filter.authors);
        let is_author = authors
            .as_ref()
            .is_none_or(|keys| keys.binary_search(reader).is_ok());
        let received = self.hasher.tag_hash(b'p', &reader.to_hex());
        for kind in PRIVATE_KINDS {
            if kinds.as_ref().is_some_and(|kinds| !kinds.contains(&kind)) {
                continue;
            }
            stretches.push(self.tag_stretch(&received, kind));
            if is_author {
                stretches.push(self.author_kind_stretch(reader, kind));
            }
        }
    }

    fn shortest(&self, ways: Vec<Plan>) -> Result<Plan, Fault> {
        let mut best: Option<(u64, Plan)> = None;
        for way in ways {
            let length = self.estimate(&way.stretches)? + way.read.len() as u64;
            if best.as_ref().is_none_or(|(shortest, _)| length < *shortest) {
                best = Some((length, way));
            }
        }
        Ok(best.map(|(_, way)| way).unwrap_or_default())
    }

    /// About how many rows a way has in the range, from a few of its stretches.
    fn estimate(&self, way: &[Stretch]) -> Result<u64, Fault> {
        let step = way.len().div_ceil(SAMPLED_STRETCHES).max(1);
        let mut rows = 0;
        for stretch in way.iter().step_by(step) {
            rows += self.estimate_stretch(stretch)?;
        }
        Ok(rows * step as u64)
    }

    /// Counts a short stretch; of a long one the newest rows tell how dense it is. What is not in the
    /// table yet is few beside.
    fn estimate_stretch(&self, stretch: &Stretch) -> Result<u64, Fault> {
        let mut rows = stretch.rows(&self.view, self.range)?;
        let (mut newest, mut oldest, mut count) = (0, 0, 0);
        while count < SAMPLED_ROWS {
            let Some(found) = rows.next().transpose()? else {
                return Ok(count);
            };
            newest = newest.max(found.eid);
            oldest = found.eid;
            count += 1;
        }
        let start = stretch.oldest(&self.view, self.range)?.unwrap_or(oldest);
        let density = u128::from(newest - start) / u128::from((newest - oldest).max(1));
        let density = u64::try_from(density).unwrap_or(u64::MAX);
        Ok(count.saturating_mul(density).clamp(count, ESTIMATE_CEILING))
    }
}
