//! Which of the events that match are sent or counted, by a script.

use std::collections::HashSet;
use std::sync::Arc;

use nips::{Event, Filter, Kind};
use serde_json::{Value, json};

use super::script::{Order, Script, TimeBounds};
use super::session::Stage;
use super::shelf::{Shelf, newest_first};
use crate::conduct::{Counting, Searching};
use crate::seen;

/// The events of one answer: for each filter the first `min(limit, cap)` in the script's order.
pub(crate) fn select(script: &Script, stage: &Stage, filters: &[Filter]) -> Vec<Arc<Event>> {
    let mut page: Vec<Arc<Event>> = Vec::new();
    for filter in filters {
        let mut filter = filter.clone();
        if script.time_bounds == TimeBounds::Ignored {
            (filter.since, filter.until) = (None, None);
        }
        let most = filter.limit.unwrap_or(usize::MAX).min(script.cap);
        // What is hidden, or comes in another order, is known only once all are there.
        let is_plain = script.order == Order::NewestFirst
            && !script.conduct.keeps_rules
            && filter.search.is_none();
        let mut events = match is_plain {
            true => stage.shelf.newest(&filter, most),
            false => stage.shelf.matching(&filter),
        };
        if stage.shelf.has_series() {
            events.extend(stage.shelf.made(&filter, script.order, most));
            events.sort_by(|a, b| newest_first(a, b));
        }
        hide(script, &stage.shelf, &filter, &mut events);
        match script.order {
            Order::NewestFirst => {}
            Order::OldestFirst => events.reverse(),
            Order::Random => stage.lies.shuffle(&mut events),
        }
        events.truncate(most);
        page.extend(events);
    }
    if filters.len() > 1 {
        let mut known = HashSet::new();
        page.retain(|event| known.insert(event.id()));
    }
    page
}

/// The answer to a COUNT, if there is one.
pub(crate) fn count(script: &Script, shelf: &Shelf, name: &str, message: &Value) -> Option<Value> {
    let count = match script.conduct.counting {
        Counting::Rightly => {
            let filters = seen::filters(message);
            let matching = filters.iter().map(|filter| shelf.matching(filter).len());
            matching.sum::<usize>() as u64
        }
        Counting::Always(count) => count,
        Counting::Puzzled => return Some(json!(["NOTICE", "could not parse command"])),
        Counting::Refused => return Some(unsupported(name)),
        Counting::Mute => return None,
    };
    Some(json!(["COUNT", name, { "count": count }]))
}

/// The answer to what a member does not know.
pub(crate) fn unsupported(name: &str) -> Value {
    json!(["CLOSED", name, "unsupported: not on this relay"])
}

/// Drops what the script's rules hide, and what a search does not find.
fn hide(script: &Script, shelf: &Shelf, filter: &Filter, events: &mut Vec<Arc<Event>>) {
    let conduct = script.conduct;
    if conduct.keeps_rules {
        let deletion = Filter {
            kinds: Some(vec![Kind::DELETION]),
            ..Filter::default()
        };
        let deletions = shelf.matching(&deletion);
        events.retain(|event| !conduct.hides(event, deletions.iter().map(|it| &**it)));
    }
    if let Some(text) = &filter.search {
        let has_text = |event: &Event| event.as_ref().content().to_lowercase().contains(text);
        events.retain(|event| match conduct.searching {
            Searching::Honest => has_text(event),
            Searching::Ignored => true,
            Searching::Blind => false,
        });
    }
}
