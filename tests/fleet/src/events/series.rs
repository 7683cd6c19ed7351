//! A series of events of any length, made when somebody asks for one: ten million take no memory.
//!
//! Signing takes as long as verifying does, and what is measured against a laboratory should not wait for it. So the
//! authors of a series use one nonce each for everything, and a signature costs one multiplication of numbers. It
//! is valid; it also gives the key away, which is a test key.

use std::fmt;
use std::sync::Arc;

use nips::event::UnsignedEvent;
use nips::{Event, EventId, Kind, PublicKey, Signature};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use secp256k1::{Keypair, Parity, SECP256K1, Scalar, SecretKey};
use sha2::{Digest, Sha256};

/// When the first event was written.
const BEGINNING: u64 = 1_600_000_000;
/// Seconds from one event to the next.
const STEP: u64 = 3;
/// Who writes; not so many that they would be noticed in memory.
const AUTHORS: u64 = 1_000;
/// Letters of an event's text are a multiple of this: six lines of hexadecimal digits at most.
const LINE: usize = 64;

/// Numbered events, in rising time.
pub struct Series {
    authors: Vec<Haste>,
    length: u64,
}

/// An author who signs fast.
struct Haste {
    secret: SecretKey,
    pubkey: PublicKey,
    nonce: Scalar,
    /// The nonce's point, as it begins each signature.
    point: [u8; 32],
}

/// The events of a series that one of several relays holds: its own, and every eighth of its neighbour's.
#[derive(Clone)]
pub struct Share {
    series: Arc<Series>,
    relay: u64,
    relays: u64,
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({} of {})", self.relay, self.relays)
    }
}

impl Series {
    /// The series that a seed makes. A length that all relays can share equally leaves none over.
    pub fn new(seed: u64, length: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let authors = (0..AUTHORS).map(|_| Haste::random(&mut rng)).collect();
        Self { authors, length }
    }

    /// The event of a number, the same whenever it is asked for.
    pub fn event(&self, number: u64) -> Event {
        let (author, draft) = self.draft(number);
        let id = draft.id();
        Event::from_parts(id, &draft, author.sign(&id)).expect("the id was computed from the draft")
    }

    /// Its id, which costs less.
    pub fn id(&self, number: u64) -> EventId {
        self.draft(number).1.id()
    }

    /// What each of so many relays holds.
    pub fn shares(self: &Arc<Self>, relays: u64) -> Vec<Share> {
        let share = |relay| Share {
            series: Arc::clone(self),
            relay,
            relays,
        };
        (0..relays).map(share).collect()
    }

    fn draft(&self, number: u64) -> (&Haste, UnsignedEvent) {
        let mark = data_encoding::HEXLOWER.encode(&Sha256::digest(number.to_be_bytes()));
        let lines = usize::from(mark.as_bytes()[0] % 6);
        let author = &self.authors[(number.wrapping_mul(7_919) % AUTHORS) as usize];
        let draft = UnsignedEvent {
            pubkey: author.pubkey,
            created_at: created_at(number),
            kind: Kind::TEXT_NOTE,
            tags: Vec::new(),
            content: mark.repeat(1 + lines)[..LINE * (1 + lines)].to_owned(),
        };
        (author, draft)
    }
}

impl Share {
    /// The events between two seconds, both inclusive, newest first.
    pub fn newest(&self, since: u64, until: u64) -> impl Iterator<Item = Event> + '_ {
        self.numbers(since, until)
            .rev()
            .map(|it| self.series.event(it))
    }

    /// The same, oldest first.
    pub fn oldest(&self, since: u64, until: u64) -> impl Iterator<Item = Event> + '_ {
        self.numbers(since, until).map(|it| self.series.event(it))
    }

    fn numbers(&self, since: u64, until: u64) -> impl DoubleEndedIterator<Item = u64> + '_ {
        let rounds = self.series.length / self.relays;
        let round_at = |second: u64| second.saturating_sub(BEGINNING) / STEP / self.relays;
        let first = round_at(since);
        let end = rounds.min(round_at(until) + 1);
        let of_round = move |round| {
            let begin = round * self.relays;
            let own = begin + self.relay;
            let neighbours = begin + (self.relay + 1) % self.relays;
            let is_shared = round % 8 == 0 && neighbours != own;
            let mut both = [Some(own), is_shared.then_some(neighbours)];
            both.sort_unstable();
            both.into_iter().flatten()
        };
        let numbers = (first..end).flat_map(of_round);
        numbers.filter(move |it| (since..=until).contains(&created_at(*it)))
    }
}

fn created_at(number: u64) -> u64 {
    BEGINNING + number * STEP
}

impl Haste {
    fn random(rng: &mut StdRng) -> Self {
        let (secret, pubkey) = even(rng);
        let (nonce, point) = even(rng);
        Self {
            secret,
            pubkey: PublicKey(pubkey),
            nonce: Scalar::from(nonce),
            point,
        }
    }

    /// BIP-340: the challenge binds point, key and message.
    fn sign(&self, id: &EventId) -> Signature {
        let tag = Sha256::digest("BIP0340/challenge");
        let mut challenge = Sha256::new();
        for part in [&tag[..], &tag[..], &self.point, &self.pubkey.0, &id.0] {
            challenge.update(part);
        }
        let challenge: [u8; 32] = challenge.finalize().into();
        let challenge = Scalar::from_be_bytes(challenge).expect("but for one hash in 2^128");
        let product = self.secret.mul_tweak(&challenge);
        let sum = product.and_then(|product| product.add_tweak(&self.nonce));
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&self.point);
        let sum = sum.expect("a sum is zero once in 2^256");
        signature[32..].copy_from_slice(&sum.secret_bytes());
        Signature(signature)
    }
}

/// A secret whose point has an even y, as BIP-340 wants it, and the x of the point.
fn even(rng: &mut StdRng) -> (SecretKey, [u8; 32]) {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    let keys = Keypair::from_seckey_slice(SECP256K1, &bytes);
    let keys = keys.expect("but for one secret in 2^128");
    let (point, parity) = keys.x_only_public_key();
    let secret = match parity {
        Parity::Even => keys.secret_key(),
        Parity::Odd => keys.secret_key().negate(),
    };
    (secret, point.serialize())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::verify;
    use super::*;

    #[test]
    fn events_are_valid_and_always_the_same() {
        let (series, again) = (Series::new(1, 100), Series::new(1, 100));
        for number in 0..100 {
            let event = series.event(number);
            assert!(verify(&event));
            assert_eq!(event, again.event(number));
            assert_eq!(event.id(), series.id(number));
        }
    }

    #[test]
    fn relays_share_everything_in_order() {
        let series = Arc::new(Series::new(1, 400));
        let mut all = BTreeSet::new();
        for share in series.shares(5) {
            let newest: Vec<Event> = share.newest(0, u64::MAX).collect();
            assert_eq!(newest.len(), 80 + 10);
            assert!(newest.is_sorted_by_key(|event| u64::MAX - event.created_at()));
            let mut oldest: Vec<Event> = share.oldest(0, u64::MAX).collect();
            oldest.reverse();
            assert_eq!(newest, oldest);
            let (since, until) = (BEGINNING + 100, BEGINNING + 777);
            let within = |event: &&Event| (since..=until).contains(&event.created_at());
            let some: Vec<Event> = share.newest(since, until).collect();
            assert!(newest.iter().filter(within).eq(&some));
            all.extend(newest.iter().map(Event::id));
        }
        let expected: BTreeSet<EventId> = (0..400).map(|number| series.id(number)).collect();
        assert_eq!(all, expected);
    }
}
