//! What dishonest members make up: forged events, intruders, events without end, random order.
//!
//! Everything is made from a seed, and every id that must never be archived is written down.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nips::event::UnsignedEvent;
use nips::{Event, EventId, Filter, Kind};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use crate::events::Author;
use crate::relay::shelf::matches;

/// Every n-th true event of a liar is accompanied by one lie of each sort.
const TRUTHS_PER_LIE: usize = 5;
/// Far outside the time that crawlers ask for: 2009-01-09 and 2106-02-07.
const INTRUDER_TIMES: [u64; 2] = [1_231_500_000, 4_294_967_295];
/// How many ids are written down; an endless stream may outlive it.
const MAX_RECORDED: usize = 1_000_000;

/// One member's source of lies.
pub(crate) struct Lies {
    state: Mutex<State>,
    intruders: Vec<Event>,
}

struct State {
    rng: StdRng,
    author: Author,
    serial: u64,
    streamed: BTreeSet<EventId>,
    forged: BTreeSet<EventId>,
}

impl Lies {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let author = Author::random(&mut rng);
        let intruders = INTRUDER_TIMES
            .map(|time| author.sign(Kind(1), time, vec![], "nobody asked for this"))
            .to_vec();
        let state = State {
            rng,
            author,
            serial: 0,
            streamed: BTreeSet::new(),
            forged: BTreeSet::new(),
        };
        Self {
            state: Mutex::new(state),
            intruders,
        }
    }

    /// The true events with lies among them: wrong ids, bad signatures, events that do not match.
    pub(crate) fn mix(&self, truth: &[Arc<Event>], filters: &[Filter]) -> Vec<String> {
        let mut state = self.lock();
        let mut mixed = Vec::with_capacity(truth.len() + truth.len() / 2 + 2);
        for (index, event) in truth.iter().enumerate() {
            if index % TRUTHS_PER_LIE == 0 {
                mixed.push(wrong_id(event));
                mixed.push(state.bad_signature(event));
            }
            mixed.push(event.to_json());
        }
        let is_wanted = |event: &Event| filters.iter().any(|filter| matches(filter, event));
        let intruders = self.intruders.iter().filter(|event| !is_wanted(event));
        mixed.extend(intruders.map(Event::to_json));
        mixed
    }

    /// A valid event that nobody has seen, matching the filter's kinds and times.
    pub(crate) fn fresh(&self, filter: &Filter) -> Event {
        let mut state = self.lock();
        state.serial += 1;
        let kinds = filter.kinds.as_deref().unwrap_or(&[Kind::TEXT_NOTE]);
        let kind = kinds.first().copied().unwrap_or(Kind::TEXT_NOTE);
        let since = filter.since.unwrap_or(1_700_000_000);
        let until = filter.until.unwrap_or(since + 86_400).max(since);
        let created_at = state.rng.random_range(since..=until);
        let content = format!("event {} without end", state.serial);
        let event = state.author.sign(kind, created_at, vec![], content);
        if state.streamed.len() < MAX_RECORDED {
            state.streamed.insert(event.id());
        }
        event
    }

    /// Puts events into a random order.
    pub(crate) fn shuffle(&self, events: &mut [Arc<Event>]) {
        events.shuffle(&mut self.lock().rng);
    }

    /// A challenge for NIP-42.
    pub(crate) fn challenge(&self) -> String {
        format!("{:032x}", self.lock().rng.random::<u128>())
    }

    /// Ids of the valid events that were streamed.
    pub(crate) fn streamed(&self) -> BTreeSet<EventId> {
        self.lock().streamed.clone()
    }

    /// Ids that were sent and must never be archived.
    pub(crate) fn forged(&self) -> BTreeSet<EventId> {
        let mut forged = self.lock().forged.clone();
        forged.extend(self.intruders.iter().map(Event::id));
        forged
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A changed event with the right id for its new content and the old signature.
    fn bad_signature(&mut self, event: &Event) -> String {
        let event_ref = event.as_ref();
        let tags = event_ref.tags().into_iter();
        let draft = UnsignedEvent {
            pubkey: event.pubkey(),
            created_at: event.created_at(),
            kind: event.kind(),
            tags: tags
                .map(|tag| tag.into_iter().map(|text| text.into_owned()).collect())
                .collect(),
            content: format!("{} (forged)", event_ref.content()),
        };
        let forged = Event::from_parts(draft.id(), &draft, event.sig());
        let forged = forged.expect("the id was computed from the draft");
        self.forged.insert(forged.id());
        forged.to_json()
    }
}

/// A changed event under the id of the true one.
fn wrong_id(event: &Event) -> String {
    let at = format!("\"created_at\":{},", event.created_at());
    let later = format!("\"created_at\":{},", event.created_at() + 1);
    event.to_json().replacen(&at, &later, 1)
}
