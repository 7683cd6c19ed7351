//! How readers make way for each other.
//!
//! Every reader is a thread, and threads take turns. A reader that has used up its first slice of time goes on
//! more slowly for as long as there are younger ones: it pauses after each slice, so that a look-up by id never
//! waits for the walks before it. Older ones take turns on all cores but one, slice by slice, so that whoever is quick
//! finds a core. Of whom it is clear beforehand that they need many slices, threads do the work that give way to all
//! others.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::Thread;
use std::time::{Duration, Instant};

use nips::kind::KindClass;
use nips::{Filter, Kind};

use crate::store::events::{QueryBounds, Scope, index_places};

/// A reader's first slice, and each one after it. Look-ups and timelines are done within a fraction of it.
const SLICE: Duration = Duration::from_millis(2);

/// Pause of an older reader while there are younger ones. It gets a third of its core, so it comes to its end.
const PAUSE: Duration = Duration::from_millis(4);

/// Index rows between two looks at the clock.
const ROWS_PER_LOOK: usize = 256;

/// Places of the index that are looked at, or events that are read, in a slice, about.
const STEPS_PER_SLICE: usize = 1_000;

/// Events that are looked up in next to no time.
const MAX_LOOK_UPS: usize = 32;

/// How long a reader will take, as far as one can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// A small part of a slice.
    LookUp,
    /// A slice, mostly.
    Short,
    /// Many of them.
    Long,
}

impl Length {
    /// That of a query.
    pub(super) fn of(filters: &[Filter], scope: &Scope, bounds: QueryBounds) -> Self {
        let is_look_up = filters.iter().all(|filter| is_look_up(filter, scope));
        let steps = filters.iter().map(|filter| {
            let places = index_places(filter);
            places.saturating_add(events(filter, places, bounds))
        });
        match steps.fold(0, usize::saturating_add) {
            steps if is_look_up && steps <= MAX_LOOK_UPS => Self::LookUp,
            steps if steps <= 2 * STEPS_PER_SLICE => Self::Short,
            _ => Self::Long,
        }
    }
}

/// Whether a filter leads to events that match it and hardly to any others: by their ids, or by authors and kinds,
/// as profiles are asked for.
fn is_look_up(filter: &Filter, scope: &Scope) -> bool {
    let is_served = matches!(scope, Scope::Servable { .. });
    let kinds = filter.kinds.as_ref();
    let has_public_kinds = kinds.is_some_and(|kinds| !kinds.iter().any(|kind| kind.is_private()));
    let names_authors = filter.authors.is_some() && filter.tags.is_empty();
    filter.ids.is_some() || (is_served && has_public_kinds && names_authors)
}

/// How many events a filter leads to besides those that it names. Of a replaceable kind an author has one.
fn events(filter: &Filter, places: usize, bounds: QueryBounds) -> usize {
    let is_replaced = |kind: &Kind| kind.class() == KindClass::Replaceable;
    match &filter.kinds {
        _ if filter.ids.is_some() => 0,
        Some(kinds) if kinds.iter().all(is_replaced) => bounds.limit(filter).min(places),
        _ => bounds.limit(filter),
    }
}

/// Who reads at the moment.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Readers in their first slice.
    young: AtomicUsize,
    cores: Cores,
}

/// One reader's time.
#[derive(Debug)]
pub(super) struct Turn<'p> {
    pace: &'p Pace,
    is_young: bool,
    /// Whether it may be kept waiting. A look-up may not: its thread serves clients.
    is_patient: bool,
    slice_from: Instant,
    deadline: Option<Instant>,
    looked_at: usize,
}

impl Pace {
    /// Begins to read; `deadline` is when it has to end.
    pub(super) fn begin(&self, length: Length, deadline: Option<Instant>) -> Turn<'_> {
        self.young.fetch_add(1, Ordering::Relaxed);
        Turn {
            pace: self,
            is_young: true,
            slice_from: Instant::now(),
            is_patient: length != Length::LookUp,
            deadline,
            looked_at: 0,
        }
    }
}

impl Turn<'_> {
    /// Whether time is up after `scanned` index rows; gives way to younger readers when it is their turn.
    pub(super) fn is_over(&mut self, scanned: usize) -> bool {
        if scanned < self.looked_at + ROWS_PER_LOOK {
            return false;
        }
        self.looked_at = scanned;
        let now = Instant::now();
        if self.is_patient && now.duration_since(self.slice_from) >= SLICE {
            self.end_slice();
            if self.pace.young.load(Ordering::Relaxed) > 0 {
                std::thread::sleep(PAUSE);
            }
            self.pace.cores.take();
            self.slice_from = Instant::now();
        }
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Leaves the young ones, or gives its core to others.
    fn end_slice(&mut self) {
        if self.is_young {
            self.is_young = false;
            self.pace.young.fetch_sub(1, Ordering::Relaxed);
        } else {
            self.pace.cores.give();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.end_slice();
    }
}

/// The cores that older readers may have, in the order in which they ask.
#[derive(Debug)]
struct Cores(Mutex<Line>);

#[derive(Debug)]
struct Line {
    free: usize,
    waiting: VecDeque<Arc<Waiting>>,
}

/// A reader that waits for a core.
#[derive(Debug)]
struct Waiting {
    thread: Thread,
    is_called: AtomicBool,
}

impl Default for Cores {
    fn default() -> Self {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        Self::new(all.saturating_sub(1).max(1))
    }
}

impl Cores {
    fn new(free: usize) -> Self {
        let waiting = VecDeque::new();
        Self(Mutex::new(Line { free, waiting }))
    }

    /// Waits for one.
    fn take(&self) {
        let mut line = self.line();
        if line.free > 0 {
            line.free -= 1;
            return;
        }
        let waiting = Arc::new(Waiting {
            thread: std::thread::current(),
            is_called: AtomicBool::new(false),
        });
        line.waiting.push_back(Arc::clone(&waiting));
        drop(line);
        while !waiting.is_called.load(Ordering::Acquire) {
            std::thread::park();
        }
    }

    /// Hands it on to who has waited longest.
    fn give(&self) {
        let mut line = self.line();
        match line.waiting.pop_front() {
            Some(next) => {
                next.is_called.store(true, Ordering::Release);
                next.thread.unpark();
            }
            None => line.free += 1,
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().expect("no panic under the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What any client may see.
    fn served() -> Scope {
        Scope::Servable {
            readers: Vec::new(),
            now: 0,
            banned: Arc::default(),
        }
    }

    /// Works through so many slices and says how long it paused.
    fn pauses(turn: &mut Turn<'_>, slices: usize) -> Duration {
        let mut paused = Duration::ZERO;
        for _ in 0..slices {
            turn.slice_from = Instant::now() - SLICE;
            let since = Instant::now();
            assert!(!turn.is_over(turn.looked_at + ROWS_PER_LOOK));
            paused += since.elapsed();
        }
        paused
    }

    #[test]
    fn many_places_and_many_events_take_long() {
        let filter = |json| Filter::from_json(json).unwrap();
        let timeline = filter(r#"{"kinds":[1,6],"limit":500}"#);
        let everything = filter(r#"{"kinds":[1],"limit":5000}"#);
        let bounds = QueryBounds::default();
        let served = served();
        let length = |filters: &[Filter]| Length::of(filters, &served, bounds);
        assert_eq!(length(std::slice::from_ref(&timeline)), Length::Short);
        assert_eq!(length(&[everything]), Length::Long);
        assert_eq!(length(&vec![timeline; 5]), Length::Long);
        let ids = |count| Filter {
            ids: Some(vec![nips::EventId([1; 32]); count]),
            limit: Some(5_000),
            ..Filter::default()
        };
        assert_eq!(length(&[ids(MAX_LOOK_UPS)]), Length::LookUp);
        assert_eq!(length(&[ids(MAX_LOOK_UPS), ids(1)]), Length::Short);
        assert_eq!(length(&vec![ids(2_000); 2]), Length::Long);
    }

    #[test]
    fn profiles_are_looked_up_and_what_has_to_be_searched_is_not() {
        let author = "01".repeat(32);
        let length = |rest: &str, scope: &Scope| {
            let json = format!(r#"{{"authors":["{author}"],{rest}}}"#);
            let filter = Filter::from_json(&json).unwrap();
            Length::of(&[filter], scope, QueryBounds::default())
        };
        let served = served();
        assert_eq!(length(r#""kinds":[0,3,10002]"#, &served), Length::LookUp);
        assert_eq!(length(r#""kinds":[1],"limit":20"#, &served), Length::LookUp);
        assert_eq!(length(r#""kinds":[1]"#, &served), Length::Short);
        assert_eq!(length(r#""kinds":[4],"limit":1"#, &served), Length::Short);
        assert_eq!(length(r#""limit":1"#, &served), Length::Short);
        let tagged = r##""kinds":[1],"#t":["a"],"limit":1"##;
        assert_eq!(length(tagged, &served), Length::Short);
        assert_eq!(length(r#""kinds":[0]"#, &Scope::Stored), Length::Short);
    }

    #[test]
    fn an_older_reader_pauses_while_there_are_younger_ones() {
        let pace = Pace::default();
        let mut old = pace.begin(Length::Short, None);
        pauses(&mut old, 1);
        assert_eq!(pace.young.load(Ordering::Relaxed), 0);
        let young = pace.begin(Length::Short, None);
        assert!(pauses(&mut old, 3) >= 3 * PAUSE);
        drop(young);
        assert_eq!(pace.young.load(Ordering::Relaxed), 0);
        drop(old);
        assert_eq!(pace.young.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_look_up_waits_for_nobody() {
        let pace = Pace {
            young: AtomicUsize::default(),
            cores: Cores::new(0),
        };
        let _young = pace.begin(Length::Short, None);
        let mut turn = pace.begin(Length::LookUp, Some(Instant::now()));
        turn.slice_from = Instant::now() - SLICE;
        assert!(turn.is_over(ROWS_PER_LOOK));
        drop(turn);
        assert_eq!(pace.cores.line().free, 0);
    }

    #[test]
    fn older_readers_take_turns_on_the_cores() {
        let pace = Pace {
            young: AtomicUsize::default(),
            cores: Cores::new(1),
        };
        let mut first = pace.begin(Length::Short, None);
        pauses(&mut first, 1);
        std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                let mut turn = pace.begin(Length::Short, None);
                pauses(&mut turn, 1);
                assert_eq!(pace.cores.line().free, 0);
            });
            while pace.cores.line().waiting.is_empty() {
                std::thread::yield_now();
            }
            assert!(!second.is_finished());
            // The end of its slice is the other's turn, and it goes on when that one is done.
            pauses(&mut first, 1);
            second.join().unwrap();
        });
        drop(first);
        assert_eq!(pace.cores.line().free, 1);
    }

    #[test]
    fn time_is_looked_at_now_and_then_and_is_up_at_the_deadline() {
        let pace = Pace::default();
        let mut turn = pace.begin(Length::Short, Some(Instant::now()));
        assert!(!turn.is_over(ROWS_PER_LOOK - 1));
        assert!(turn.is_over(ROWS_PER_LOOK));
        assert!(!turn.is_over(ROWS_PER_LOOK + 1));
        assert!(!pace.begin(Length::Short, None).is_over(usize::MAX));
    }
}
