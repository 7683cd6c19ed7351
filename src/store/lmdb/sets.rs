//! Counting and naming what matches, over the same walk that answers filters.

use std::ops::ControlFlow;

use nips::Filter;
use nips::nip40::Expiration;
use nips::nip45::{AuthorSketch, SketchOffset};

use super::engine::Engine;
use super::fault::Fault;
use super::matcher::Matcher;
use super::pace::Length;
use super::query::Walker;
use super::record::Record;
use super::view::View;
use crate::store::eid::created_at;
use crate::store::events::{EventKey, Scope};
use crate::store::sets::{AuthorCount, KeySet, SetBounds};

/// How many events match, and whether that many rows were looked at that there may be more.
///
/// What an earlier filter matches was counted there, so that nothing has to be remembered.
pub(super) fn count(
    engine: &Engine,
    view: View<'_>,
    filters: &[Filter],
    scope: &Scope,
    bounds: SetBounds,
) -> Result<(u64, bool), Fault> {
    let mut walker = walker(engine, view, scope, bounds);
    let mut earlier: Vec<Matcher<'_>> = Vec::new();
    let (mut events, mut is_cut) = (0, false);
    for filter in filters.iter().filter(|filter| filter.search.is_none()) {
        let mut failed = Ok(());
        let is_stopped =
            walker.walk_in_time(filter, &mut |record| match is_among(&record, &earlier) {
                Ok(true) => ControlFlow::Continue(()),
                Ok(false) if events >= bounds.max_events as u64 => ControlFlow::Break(()),
                Ok(false) => {
                    events += 1;
                    ControlFlow::Continue(())
                }
                Err(fault) => {
                    failed = Err(fault);
                    ControlFlow::Break(())
                }
            });
        is_cut |= is_stopped?;
        failed?;
        earlier.push(Matcher::new(filter));
    }
    Ok((events, is_cut))
}

fn is_among(record: &Record<'_>, filters: &[Matcher<'_>]) -> Result<bool, Fault> {
    for filter in filters {
        if filter.matches(record)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The same for one filter, with a sketch of the authors.
pub(super) fn count_authors(
    engine: &Engine,
    view: View<'_>,
    filter: &Filter,
    scope: &Scope,
    offset: SketchOffset,
    bounds: SetBounds,
) -> Result<AuthorCount, Fault> {
    let mut authors = AuthorSketch::new(offset);
    let mut events = 0;
    let mut walker = walker(engine, view, scope, bounds);
    let is_stopped = walker.walk_in_time(filter, &mut |record| {
        if events >= bounds.max_events as u64 {
            return ControlFlow::Break(());
        }
        authors.add(&record.pubkey());
        events += 1;
        ControlFlow::Continue(())
    });
    Ok(AuthorCount {
        is_cut: is_stopped?,
        events,
        authors,
    })
}

/// The keys of what matches, up to the filter's limit.
pub(super) fn keys(
    engine: &Engine,
    view: View<'_>,
    filter: &Filter,
    scope: &Scope,
    bounds: SetBounds,
) -> Result<KeySet, Fault> {
    let limit = filter.limit.unwrap_or(usize::MAX);
    let mut keys: Vec<EventKey> = Vec::new();
    let mut expires_at: Option<u64> = None;
    let mut is_limited = false;
    let mut walker = walker(engine, view, scope, bounds);
    let is_stopped = walker.walk_in_time(filter, &mut |record| {
        is_limited = keys.len() >= limit;
        if is_limited || keys.len() >= bounds.max_events {
            return ControlFlow::Break(());
        }
        keys.push(EventKey {
            created_at: created_at(record.eid()),
            id: record.id(),
        });
        if let Some(at) = record.expiration().at() {
            expires_at = Some(expires_at.map_or(at, |soonest| soonest.min(at)));
        }
        ControlFlow::Continue(())
    });
    let is_cut = is_stopped? && !is_limited;
    Ok(KeySet {
        keys,
        first_expiration: Some(expires_at.map_or(Expiration::Never, Expiration::At)),
        is_cut,
    })
}

/// A walk within bounds, but for the number of events, which the visitor counts.
fn walker<'w, 't>(
    engine: &'w Engine,
    view: View<'t>,
    scope: &'w Scope,
    bounds: SetBounds,
) -> Walker<'w, 't> {
    let turn = engine.pace.begin(Length::Long, bounds.deadline);
    Walker::new(engine, view, scope, bounds.max_scanned, turn)
}
