//! Events shaped like the network's: kinds, tags, sizes and popularity as the public
//! archive's statistics of 2025 have them. Signatures are not real; the store does not look at them.

use nips::event::UnsignedEvent;
use nips::{Event, EventId, Kind, PublicKey, Signature};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Authors; a few write most.
const AUTHORS: usize = 50_000;
/// The first second, and the seconds that follow: two years.
const TIME: u64 = 1_690_000_000;
const SECONDS: u64 = 2 * 365 * 86_400;

/// Kinds with their share in thousandths.
const KINDS: [(u16, u32); 16] = [
    (1, 390),
    (7, 190),
    (4, 56),
    (0, 47),
    (3, 45),
    (6, 44),
    (5, 31),
    (9735, 28),
    (1000, 26),
    (1059, 22),
    (9041, 21),
    (10_002, 19),
    (42, 15),
    (30_023, 20),
    (30_078, 26),
    (1984, 20),
];

/// A source of events that refer to each other.
pub(crate) struct Network {
    rng: StdRng,
    /// How many events will be made.
    size: usize,
    /// Ids of notes, for reactions to point at.
    notes: Vec<EventId>,
}

impl Network {
    /// A network of `size` events.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            rng: StdRng::seed_from_u64(7),
            size,
            notes: vec![EventId([0; 32])],
        }
    }

    /// The author of a rank; low ranks write and are mentioned most.
    pub(crate) fn author(rank: usize) -> PublicKey {
        let mut rng = StdRng::seed_from_u64(rank as u64);
        PublicKey(rng.random())
    }

    /// The next event; time goes on evenly with a little disorder.
    pub(crate) fn event(&mut self, number: usize) -> Event {
        let kind = self.kind();
        let elapsed = SECONDS * number as u64 / self.size as u64;
        let draft = UnsignedEvent {
            pubkey: Self::author(self.rank()),
            created_at: TIME + elapsed + self.rng.random_range(0..3_600),
            kind: Kind(kind),
            tags: self.tags(kind),
            content: self.content(kind),
        };
        let mut sig = [0; 64];
        self.rng.fill(&mut sig);
        let event =
            Event::from_parts(draft.id(), &draft, Signature(sig)).expect("the id is its own");
        if kind == 1 {
            self.notes.push(event.id());
        }
        event
    }

    fn kind(&mut self) -> u16 {
        let mut dice = self.rng.random_range(0..1_000);
        for (kind, share) in KINDS {
            if dice < share {
                return kind;
            }
            dice -= share;
        }
        1
    }

    /// Ranks follow a power law.
    fn rank(&mut self) -> usize {
        let dice: f64 = self.rng.random();
        ((AUTHORS as f64).powf(dice) - 1.0) as usize
    }

    fn note(&mut self) -> EventId {
        let dice: f64 = self.rng.random();
        let back = ((self.notes.len() as f64).powf(dice) - 1.0) as usize;
        self.notes[self.notes.len() - 1 - back]
    }

    fn tags(&mut self, kind: u16) -> Vec<Vec<String>> {
        let mut tags = Vec::new();
        let mut mentions = 1;
        match kind {
            0 | 1000 | 9041 => mentions = 0,
            1 => {
                mentions = self.rng.random_range(0..3);
                for _ in 0..self.rng.random_range(0..3) {
                    tags.push(own(&[
                        "e",
                        &self.note().to_hex(),
                        "wss://relay.example.com",
                        "reply",
                    ]));
                }
                if self.rng.random_ratio(1, 4) {
                    tags.push(own(&["t", &format!("topic{}", self.rank() % 2_000)]));
                }
            }
            3 => mentions = 2_f64.powf(self.rng.random_range(0.0..9.0)) as usize,
            10_002 => {
                mentions = 0;
                for _ in 0..self.rng.random_range(2..8) {
                    let relay = format!("wss://relay{}.example.com", self.rank() % 900);
                    tags.push(own(&["r", &relay]));
                }
            }
            30_000.. => {
                mentions = 0;
                tags.push(own(&["d", &format!("{}", self.rank() % 500)]));
            }
            _ => tags.push(own(&["e", &self.note().to_hex()])),
        }
        for _ in 0..mentions {
            let mentioned = Self::author(self.rank());
            tags.push(own(&["p", &mentioned.to_hex()]));
        }
        tags
    }

    fn content(&mut self, kind: u16) -> String {
        let length = match kind {
            3 | 5 | 6 | 10_002 => 0,
            7 => 1,
            30_023 => self.rng.random_range(500..6_000),
            _ => self.rng.random_range(10..500),
        };
        (0..length)
            .map(|_| char::from(self.rng.random_range(b'a'..=b'z')))
            .collect()
    }
}

fn own(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
