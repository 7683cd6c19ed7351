//! The endless iterator of events.

use std::collections::VecDeque;

use nips::{Event, Kind};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::json;

use super::author::Author;
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
/// Longest list of followed keys. Real ones are longer; 5 % of the events would then be half the bytes.
const MAX_FOLLOWS: usize = 120;

/// An endless source of signed events, in rising `created_at`, the same for the same seed.
pub struct Generator {
    rng: StdRng,
    authors: Vec<Author>,
    relays: Vec<String>,
    recent: VecDeque<(usize, Event)>,
    now: u64,
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

    fn draft(&mut self, kind: Kind, author: usize) -> (Kind, Vec<Vec<String>>, String) {
        let (tags, content) = match kind.0 {
            0 => (vec![], self.profile()),
            1 => self.note(),
            3 => self.follows(),
            4 => self.direct_message(),
            5 => match self.deletion(author) {
                Some(tags) => (tags, String::new()),
                None => return self.draft(Kind::TEXT_NOTE, author),
            },
            6 | 16 => self.repost(),
            7 => self.reaction(),
            1059 => (vec![self.person()], text::base64(&mut self.rng, 700)),
            9735 => self.zap_receipt(),
            10002 | 10050 | 10007 => (self.relay_list(kind), String::new()),
            1111 | 42 | 1984 | 9802 | 1010 | 6300 => self.reply(kind),
            10000 => ((0..8).map(|_| self.person()).collect(), String::new()),
            30000..=39999 => self.addressable(kind),
            _ => self.application(),
        };
        (kind, tags, content)
    }

    fn profile(&mut self) -> String {
        let name = text::word(&mut self.rng);
        let number = self.rng.random_range(1..100_000);
        let about = text::sentence(&mut self.rng, 80);
        json!({
            "name": format!("{name}{number}"),
            "about": about,
            "picture": format!("https://example.com/{name}/{number}.jpg"),
            "nip05": format!("{name}{number}@example.com"),
        })
        .to_string()
    }

    fn note(&mut self) -> (Vec<Vec<String>>, String) {
        let bytes = text::note_bytes(&mut self.rng);
        let content = text::sentence(&mut self.rng, bytes);
        let mut tags = Vec::new();
        if self.rng.random_ratio(1, 2) {
            tags.extend(self.reference("reply"));
            tags.push(self.person());
        }
        if self.rng.random_ratio(1, 4) {
            tags.push(strings(["t", text::word(&mut self.rng)]));
        }
        (tags, content)
    }

    fn follows(&mut self) -> (Vec<Vec<String>>, String) {
        let count = self.rng.random_range(1..=MAX_FOLLOWS);
        let tags = (0..count).map(|_| self.person()).collect();
        let relay = self.relay();
        // The old habit of keeping one's relays in the content of the follow list.
        let content = match self.rng.random_ratio(1, 3) {
            true => json!({ relay: { "read": true, "write": true } }).to_string(),
            false => String::new(),
        };
        (tags, content)
    }

    fn direct_message(&mut self) -> (Vec<Vec<String>>, String) {
        let bytes = self.rng.random_range(32..400);
        let cipher = text::base64(&mut self.rng, bytes);
        let vector = text::base64(&mut self.rng, 16);
        (vec![self.person()], format!("{cipher}?iv={vector}"))
    }

    /// Names an own event, or an own addressable one by coordinate.
    fn deletion(&mut self, author: usize) -> Option<Vec<Vec<String>>> {
        let pubkey = self.authors[author].pubkey();
        let (_, target) = self
            .recent
            .iter()
            .rev()
            .find(|(index, event)| *index == author && event.kind() != Kind::DELETION)?;
        let kind = target.kind().to_string();
        let name = match target.as_ref().first_tag("d") {
            Some(d) if target.kind().is_replaceable() => {
                vec!["a".to_owned(), format!("{kind}:{pubkey}:{d}")]
            }
            _ => vec!["e".to_owned(), target.id().to_hex()],
        };
        Some(vec![name, vec!["k".to_owned(), kind]])
    }

    fn repost(&mut self) -> (Vec<Vec<String>>, String) {
        let mut tags: Vec<_> = self.reference("").into_iter().collect();
        tags.push(self.person());
        let content = match self.rng.random_ratio(1, 4) {
            true => self.recent.back().map(|(_, event)| event.to_json()),
            false => None,
        };
        (tags, content.unwrap_or_default())
    }

    fn reaction(&mut self) -> (Vec<Vec<String>>, String) {
        let mut tags: Vec<_> = self.reference("").into_iter().collect();
        tags.push(self.person());
        let content = ["+", "+", "🤙", "❤️", "-", ":soapbox:"].choose(&mut self.rng);
        (tags, (*content.expect("not empty")).to_owned())
    }

    fn zap_receipt(&mut self) -> (Vec<Vec<String>>, String) {
        let sender = self.rng.random_range(0..self.authors.len());
        let person = self.person();
        let (amount, relay) = (self.rng.random_range(1..100_000) * 1_000, self.relay());
        let request = self.authors[sender].sign(
            Kind(9734),
            self.now,
            vec![
                strings(["relays", &relay]),
                strings(["amount", &amount.to_string()]),
                person.clone(),
            ],
            "",
        );
        let invoice = text::hex32(&mut self.rng);
        let mut tags = vec![
            person,
            strings(["bolt11", &format!("lnbc{amount}n1p{invoice}")]),
            strings(["description", &request.to_json()]),
            strings(["preimage", &text::hex32(&mut self.rng)]),
        ];
        tags.extend(self.reference(""));
        (tags, String::new())
    }

    fn relay_list(&mut self, kind: Kind) -> Vec<Vec<String>> {
        let name = if kind == Kind::RELAY_LIST {
            "r"
        } else {
            "relay"
        };
        let count = self.rng.random_range(1..6);
        (0..count)
            .map(|_| {
                let mut tag = strings([name, &self.relay()]);
                match self.rng.random_range(0..4) {
                    0 if name == "r" => tag.push("read".to_owned()),
                    1 if name == "r" => tag.push("write".to_owned()),
                    _ => {}
                }
                tag
            })
            .collect()
    }

    fn reply(&mut self, kind: Kind) -> (Vec<Vec<String>>, String) {
        let marker = if kind == Kind(42) { "root" } else { "" };
        let mut tags: Vec<_> = self.reference(marker).into_iter().collect();
        tags.push(self.person());
        let bytes = self.rng.random_range(10..300);
        (tags, text::sentence(&mut self.rng, bytes))
    }

    fn addressable(&mut self, kind: Kind) -> (Vec<Vec<String>>, String) {
        // Few identifiers, so that newer versions supersede older ones.
        let identifier = format!("{}-{}", kind.0, self.rng.random_range(0..3));
        let mut tags = vec![strings(["d", &identifier])];
        if kind == Kind(30000) {
            tags.extend((0..self.rng.random_range(1..40)).map(|_| self.person()));
        } else {
            tags.push(strings(["title", text::word(&mut self.rng)]));
            tags.push(strings(["t", text::word(&mut self.rng)]));
        }
        let bytes = self.rng.random_range(50..2_500);
        (tags, text::sentence(&mut self.rng, bytes))
    }

    fn application(&mut self) -> (Vec<Vec<String>>, String) {
        let (param, value) = (text::word(&mut self.rng), text::hex32(&mut self.rng));
        let tags = vec![
            strings(["param", param, &value]),
            strings(["alt", "an application's event"]),
            self.person(),
        ];
        let bytes = self.rng.random_range(20..500);
        (tags, text::sentence(&mut self.rng, bytes))
    }

    fn person(&mut self) -> Vec<String> {
        let index = self.rng.random_range(0..self.authors.len());
        vec!["p".to_owned(), self.authors[index].pubkey().to_hex()]
    }

    fn relay(&mut self) -> String {
        self.relays
            .choose(&mut self.rng)
            .expect("never empty")
            .clone()
    }

    fn reference(&mut self, marker: &str) -> Option<Vec<String>> {
        let index = self.rng.random_range(0..self.recent.len().max(1));
        let id = self.recent.get(index)?.1.id().to_hex();
        let mut tag = vec!["e".to_owned(), id];
        if !marker.is_empty() {
            tag.extend([self.relay(), marker.to_owned()]);
        }
        Some(tag)
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

fn strings<const N: usize>(parts: [&str; N]) -> Vec<String> {
    parts.map(str::to_owned).to_vec()
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
