//! Random histories and random filters over a universe so small that everything collides.

use bigbrotr::store::events::Banned;
use fleet::events::Author;
use nips::event::UnsignedEvent;
use nips::{Event, Filter, Kind, PublicKey};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};

use super::draft::{author, sealed};

/// Every class of kinds, the private ones, and the requests.
const KINDS: [u16; 14] = [0, 1, 1, 1, 3, 4, 5, 5, 7, 62, 1059, 10_002, 30_023, 30_023];
const AUTHORS: u8 = 5;
/// The first second, and how many there are.
pub(crate) const TIME: u64 = 1_700_000_000;
pub(crate) const SECONDS: u64 = 40;

/// A source of random events.
pub(crate) struct Dice {
    rng: StdRng,
    made: Vec<Event>,
    /// Who signs; nobody does where nobody checks.
    signers: Vec<Author>,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            made: Vec::new(),
            signers: Vec::new(),
        }
    }

    /// Dice whose events are signed.
    pub(crate) fn signing(seed: u64) -> Self {
        let mut dice = Self::new(seed);
        dice.signers = (0..AUTHORS)
            .map(|_| Author::random(&mut dice.rng))
            .collect();
        dice
    }

    /// Who signs.
    pub(crate) fn signers(&self) -> &[Author] {
        &self.signers
    }

    /// Different events that refer to each other, in the order in which they arrive.
    pub(crate) fn history(&mut self, length: usize) -> Vec<Event> {
        for _ in 0..length {
            let event = self.event();
            self.made.push(event);
        }
        self.made.sort_by_key(Event::id);
        self.made.dedup();
        self.shuffled()
    }

    /// The same history in another order.
    pub(crate) fn shuffled(&mut self) -> Vec<Event> {
        let mut events = self.made.clone();
        events.shuffle(&mut self.rng);
        events
    }

    /// Cuts a history into batches.
    pub(crate) fn batches(&mut self, mut events: Vec<Event>) -> Vec<Vec<Event>> {
        let mut batches = Vec::new();
        while !events.is_empty() {
            let length = self.rng.random_range(1..=events.len().min(40));
            batches.push(events.drain(..length).collect());
        }
        batches
    }

    /// Who asks: nobody in particular, or one or two keys.
    pub(crate) fn readers(&mut self) -> Vec<PublicKey> {
        let count = self.rng.random_range(0..=2);
        (0..count).map(|_| self.author()).collect()
    }

    /// Some of the protected events.
    pub(crate) fn brought(&mut self, history: &[Event]) -> Vec<Event> {
        let is_protected = |event: &&Event| nips::nip70::is_protected(&event.as_ref().tags());
        let protected = history.iter().filter(is_protected);
        let brought = protected.filter(|_| self.rng.random_ratio(1, 2));
        brought.cloned().collect()
    }

    /// What an operator keeps from readers: sometimes nothing, else some events and perhaps an author.
    pub(crate) fn banned(&mut self, history: &[Event]) -> Banned {
        let count = self.rng.random_range(0..=8);
        let events = history.choose_multiple(&mut self.rng, count);
        let authors = (0..self.rng.random_range(0..=1)).map(|_| self.author());
        Banned {
            authors: authors.collect(),
            events: events.map(Event::id).collect(),
        }
    }

    /// A moment at which some events have expired.
    pub(crate) fn now(&mut self) -> u64 {
        TIME + self.rng.random_range(0..SECONDS)
    }

    pub(crate) fn filters(&mut self) -> Vec<Filter> {
        let count = *[1, 1, 1, 2, 3].choose(&mut self.rng).unwrap();
        (0..count).map(|_| self.filter()).collect()
    }

    pub(crate) fn filter(&mut self) -> Filter {
        let mut filter = Filter::default();
        if self.rng.random_ratio(1, 6) {
            filter.ids = Some(self.some(|dice| dice.id()));
        }
        if self.rng.random_ratio(1, 3) {
            filter.authors = Some(self.some(Self::author));
        }
        if self.rng.random_ratio(1, 2) {
            filter.kinds = Some(self.some(Self::kind));
        }
        for letter in *b"tepda" {
            if self.rng.random_ratio(1, 8) {
                let values = self.some(|dice| dice.tag_value(letter));
                filter.tags.insert(letter, values);
            }
        }
        filter.since = self.rng.random_ratio(1, 4).then(|| self.now());
        filter.until = self.rng.random_ratio(1, 4).then(|| self.now());
        filter.limit = self
            .rng
            .random_ratio(1, 2)
            .then(|| self.rng.random_range(0..12));
        filter
    }

    /// A sorted list without repeats, now and then an empty one.
    fn some<T: Ord>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = *[0, 1, 1, 1, 2, 3, 7].choose(&mut self.rng).unwrap();
        let mut list: Vec<T> = (0..count).map(|_| one(self)).collect();
        list.sort();
        list.dedup();
        list
    }

    fn event(&mut self) -> Event {
        let kind = self.kind();
        let tags = match kind.0 {
            5 => self.deletion_tags(),
            62 => self.vanish_tags(),
            _ => self.tags(kind),
        };
        let draft = UnsignedEvent {
            pubkey: self.author(),
            created_at: self.now(),
            kind,
            tags,
            content: self.rng.random_range(0..4).to_string(),
        };
        let mut signers = self.signers.iter();
        match signers.find(|signer| signer.pubkey() == draft.pubkey) {
            Some(signer) => signer.sign(kind, draft.created_at, draft.tags, draft.content),
            None => sealed(&draft),
        }
    }

    fn tags(&mut self, kind: Kind) -> Vec<Vec<String>> {
        let mut tags = Vec::new();
        for letter in *b"tteppad" {
            let is_needed = letter == b'd' && kind.is_replaceable();
            if is_needed || self.rng.random_ratio(1, 3) {
                tags.push(vec![text(letter), self.tag_value(letter)]);
            }
        }
        if self.rng.random_ratio(1, 12) {
            tags.push(vec!["-".to_owned()]);
        }
        if self.rng.random_ratio(1, 8) {
            tags.push(vec!["expiration".to_owned(), self.now().to_string()]);
        }
        tags.shuffle(&mut self.rng);
        tags
    }

    fn deletion_tags(&mut self) -> Vec<Vec<String>> {
        let count = self.rng.random_range(1..4);
        let tag = |dice: &mut Self| match dice.rng.random_range(0..3) {
            0 => vec!["a".to_owned(), dice.tag_value(b'a')],
            _ => vec!["e".to_owned(), dice.id().to_hex()],
        };
        (0..count).map(|_| tag(self)).collect()
    }

    fn vanish_tags(&mut self) -> Vec<Vec<String>> {
        let relays = [
            "ALL_RELAYS",
            "wss://other.example.com",
            "wss://other.example.com",
        ];
        let relay = *relays.choose(&mut self.rng).unwrap();
        vec![vec!["relay".to_owned(), relay.to_owned()]]
    }

    fn tag_value(&mut self, letter: u8) -> String {
        let identifier = *["", "x", "y"].choose(&mut self.rng).unwrap();
        match letter {
            b'e' => self.id().to_hex(),
            b'p' => self.author().to_hex(),
            b'a' => {
                let kind = *[0, 10_002, 30_023, 30_023].choose(&mut self.rng).unwrap();
                let identifier = if kind < 30_000 { "" } else { identifier };
                format!("{kind}:{}:{identifier}", self.author())
            }
            b'd' => identifier.to_owned(),
            _ => (*["", "a", "A", "\"", "long"].choose(&mut self.rng).unwrap()).repeat(3),
        }
    }

    /// The id of an earlier event, or of none.
    fn id(&mut self) -> nips::EventId {
        let made = self.made.choose(&mut self.rng).map(Event::id);
        made.unwrap_or(nips::EventId([1; 32]))
    }

    fn kind(&mut self) -> Kind {
        Kind(*KINDS.choose(&mut self.rng).unwrap())
    }

    fn author(&mut self) -> PublicKey {
        match self.signers.choose(&mut self.rng) {
            Some(signer) => signer.pubkey(),
            None => author(self.rng.random_range(1..=AUTHORS)),
        }
    }
}

fn text(letter: u8) -> String {
    char::from(letter).to_string()
}
