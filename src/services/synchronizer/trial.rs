//! A small set with known differences, to see whether a relay really compares sets.
//!
//! Claims lie both ways: some relays list NIP-77 and answer everything with "the same", others do it
//! without listing it. So a relay is given the ids of a page that it has just sent, without a few of
//! them and with a few that do not exist, and has to find exactly those.

use std::collections::HashSet;
use std::sync::Arc;

use nips::nip77::{Difference, Element, SyncSet};
use nips::{EventId, Filter};
use sha2::{Digest, Sha256};

use super::page::{Order, Page};
use super::range::Range;

/// With fewer events nothing is learnt that paging would not be cheaper for.
const MIN_EVENTS: usize = 8;

/// Every so many events one is left out, and one is made up: few enough to be cheap, and spread so that
/// some fall into each part that the relay compares.
const STRIDE: usize = 50;

/// The set and what is wrong with it.
#[derive(Debug)]
pub(super) struct Trial {
    range: Range,
    set: Arc<SyncSet>,
    left_out: HashSet<EventId>,
    made_up: HashSet<EventId>,
}

impl Trial {
    /// A trial with the events of a page; of those after `settled_until` more may arrive while it is
    /// going on. `None` when the page does not show all that the relay holds in some range.
    pub(super) fn of(page: &Page, settled_until: u64) -> Option<Self> {
        let span = page.span()?;
        // The last second of a capped page may hold more than came.
        let whole = match page.order()? {
            Order::NewestFirst => span.above(span.from)?,
            Order::OldestFirst => span.below(span.until)?,
            Order::Unordered => return None,
        };
        let range = Range::new(whole.from, whole.until.min(settled_until))?;
        let events = page.events.iter().map(|event| Element {
            created_at: event.created_at,
            id: event.id,
        });
        let events: Vec<Element> = events.filter(|e| range.contains(e.created_at)).collect();
        (events.len() >= MIN_EVENTS).then(|| Self::with(range, events))
    }

    fn with(range: Range, events: Vec<Element>) -> Self {
        let mut elements = Vec::with_capacity(events.len() + 1);
        let (mut left_out, mut made_up) = (HashSet::new(), HashSet::new());
        for (position, event) in events.into_iter().enumerate() {
            match position % STRIDE {
                3 => {
                    left_out.insert(event.id);
                    continue;
                }
                6 => {
                    let id = EventId(Sha256::digest(event.id.0).into());
                    made_up.insert(id);
                    elements.push(Element { id, ..event });
                }
                _ => {}
            }
            elements.push(event);
        }
        Self {
            range,
            set: Arc::new(SyncSet::new(elements)),
            left_out,
            made_up,
        }
    }

    /// What to compare the set with.
    pub(super) fn filter(&self, base: &Filter) -> Filter {
        self.range.narrow(base)
    }

    /// What to compare.
    pub(super) fn set(&self) -> &Arc<SyncSet> {
        &self.set
    }

    /// Whether the relay found what is wrong, and nothing else.
    pub(super) fn is_passed(&self, found: &Difference) -> bool {
        found.missing_here == self.left_out && found.missing_there == self.made_up
    }
}

#[cfg(test)]
mod tests {
    use nips::{Kind, PublicKey};

    use super::super::page::Seen;
    use super::*;

    fn page(times: impl Iterator<Item = u64>) -> Page {
        let events = times.enumerate().map(|(number, created_at)| Seen {
            created_at,
            id: EventId(Sha256::digest(number.to_be_bytes()).into()),
            kind: Kind(1),
            author: PublicKey([1; 32]),
        });
        Page {
            events: events.collect(),
            ..Page::default()
        }
    }

    #[test]
    fn only_who_finds_everything_passes() {
        let trial = Trial::of(&page((100..300).rev()), 250).unwrap();
        assert_eq!((trial.range.from, trial.range.until), (101, 250));
        assert_eq!(trial.set.elements().len(), 150);
        let right = Difference {
            missing_here: trial.left_out.clone(),
            missing_there: trial.made_up.clone(),
        };
        assert_eq!(right.missing_here.len(), 3);
        assert!(trial.is_passed(&right));
        assert!(!trial.is_passed(&Difference::default()));
        let mut inventive = right;
        inventive.missing_here.insert(EventId([0; 32]));
        assert!(!trial.is_passed(&inventive));
    }

    #[test]
    fn a_page_that_shows_nothing_whole_is_no_trial() {
        assert!(Trial::of(&page(std::iter::repeat_n(100, 200)), 250).is_none());
        assert!(Trial::of(&page((0..200).map(|n| n * 7_919 % 211)), 250).is_none());
        assert!(Trial::of(&page((300..500).rev()), 250).is_none());
        assert!(Trial::of(&page((100..105).rev()), 250).is_none());
        assert!(Trial::of(&page(100..300), 1_000).is_some());
    }
}
