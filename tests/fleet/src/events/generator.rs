//! The endless iterator of events.

use std::collections::VecDeque;

use nips::{Event, Kind};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::author::Author;
use super::shapes::strings;
use super::{kinds, text};

/// When the first event happens: 2023-11-14T22:13:20Z.
const START: u64 = 1_700_000_000;
/// Mean seconds between events. A million events end in the middle of 2025.
const MEAN_GAP_SECONDS: u64 = 60;
/// One event in this many shares its second with the one before.
const SAME_SECOND: u32 = 5;
/// One event in this many has an author not seen before. Real archives have 8.8 events an author.
const NEW_AUTHOR: u32 = 9;
/// How many events back replies, reactions and deletions reach.
const MEMORY: usize = 512;
/// One event in this many carries a NIP-40 expiration.
const EXPIRING: u32 = 100;

/// An endless source of signed events, in rising `created_at`, the same for the same seed.
pub struct Generator {
    pub(super) rng: StdRng,
    pub(super) authors: Vec<Author>,
    pub(super) relays: Vec<String>,
    /// The last events with their authors' places in `authors`.
    pub(super) recent: VecDeque<(usize, Event)>,
    pub(super) now: u64,
}

impl Generator {
    /// Starts at the first event of `seed`.
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let authors = vec![Author::random(&mut rng)];
        Self {
            rng,
            authors,
            relays: vec![String::from("wss://relay.nostr-lab.net")],
            recent: VecDeque::with_capacity(MEMORY),
            now: START,
        }
    }

    /// Lets relay lists, follow lists and relay hints name these URLs.
    pub fn with_relays(mut self, relays: Vec<String>) -> Self {
        if !relays.is_empty() {
            self.relays = relays;
        }
        self
    }

    /// `count` text notes of one author in the same second (B11).
    pub fn burst(&mut self, created_at: u64, count: usize) -> Vec<Event> {
        let author = Author::random(&mut self.rng);
        (0..count)
            .map(|number| author.sign(Kind::TEXT_NOTE, created_at, vec![], format!("#{number}")))
            .collect()
    }

    /// A new author who is not in the pool, for events made by hand.
    pub fn author(&mut self) -> Author {
        Author::random(&mut self.rng)
    }

    /// A text note of a known author at a chosen time.
    pub fn note_at(&mut self, created_at: u64) -> Event {
        let index = self.rng.random_range(0..self.authors.len());
        let content = text::sentence(&mut self.rng, 60);
        self.authors[index].sign(Kind::TEXT_NOTE, created_at, vec![], content)
    }

    fn step_clock(&mut self) {
        if !self.rng.random_ratio(1, SAME_SECOND) {
            self.now += self.rng.random_range(1..2 * MEAN_GAP_SECONDS);
        }
    }

    /// A newcomer now and then, else a known author; early ones write more.
    fn draw_author(&mut self) -> usize {
        if self.rng.random_ratio(1, NEW_AUTHOR) {
            self.authors.push(Author::random(&mut self.rng));
            return self.authors.len() - 1;
        }
        let share: f64 = self.rng.random();
        let index = (share * share * self.authors.len() as f64) as usize;
        index.min(self.authors.len() - 1)
    }

    fn sign(&self, author: usize, kind: Kind, tags: &[Vec<String>], content: &str) -> Event {
        self.authors[author].sign(kind, self.now, tags.to_vec(), content)
    }

    fn remember(&mut self, author: usize, event: Event) {
        if self.recent.len() == MEMORY {
            self.recent.pop_front();
        }
        self.recent.push_back((author, event));
    }
}

impl Iterator for Generator {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.step_clock();
        let author = self.draw_author();
        let drawn = kinds::draw(&mut self.rng);
        let (kind, mut tags, content) = self.draft(drawn, author);
        if self.rng.random_ratio(1, EXPIRING) {
            let days: u64 = self.rng.random_range(30..3_650);
            tags.push(strings([
                "expiration",
                &(self.now + days * 86_400).to_string(),
            ]));
        }
        let mut event = self.sign(author, kind, &tags, &content);
        // The same words in the same second would be the same event.
        while self
            .recent
            .iter()
            .any(|(_, known)| known.id() == event.id())
        {
            self.now += 1;
            event = self.sign(author, kind, &tags, &content);
        }
        self.remember(author, event.clone());
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::super::verify;
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_valid_events() {
        let events: Vec<Event> = Generator::new(7).take(300).collect();
        let again: Vec<Event> = Generator::new(7).take(300).collect();
        assert_eq!(events, again);
        assert!(events.iter().all(verify));
        assert!(events.is_sorted_by_key(Event::created_at));
        let ids: HashSet<_> = events.iter().map(Event::id).collect();
        assert_eq!(ids.len(), events.len());
        for event in &events {
            assert_eq!(&Event::from_json(&event.to_json()).unwrap(), event);
        }
    }

    #[test]
    fn kinds_and_sizes_look_like_an_archives() {
        let events: Vec<Event> = Generator::new(1).take(3_000).collect();
        let mut kinds: HashMap<u16, usize> = HashMap::new();
        for event in &events {
            *kinds.entry(event.kind().0).or_default() += 1;
        }
        assert!((1_000..1_500).contains(&kinds[&1]), "{kinds:?}");
        assert!(kinds[&7] > 400 && kinds[&10002] > 20, "{kinds:?}");
        let bytes: usize = events.iter().map(|event| event.to_json().len()).sum();
        let mean = bytes / events.len();
        assert!((600..1_500).contains(&mean), "mean size {mean}");
    }

    #[test]
    fn some_events_supersede_delete_and_expire() {
        let events: Vec<Event> = Generator::new(3).take(3_000).collect();
        let mut versions: HashMap<(Kind, nips::PublicKey), usize> = HashMap::new();
        for event in events.iter().filter(|event| event.kind().is_replaceable()) {
            *versions.entry((event.kind(), event.pubkey())).or_default() += 1;
        }
        assert!(versions.values().filter(|count| **count > 1).count() > 20);
        let deletions = events.iter().filter(|e| e.kind() == Kind::DELETION);
        assert!(deletions.count() > 20);
        let expiring = events
            .iter()
            .filter(|e| e.as_ref().first_tag("expiration").is_some());
        assert!(expiring.count() > 5);
    }
}
