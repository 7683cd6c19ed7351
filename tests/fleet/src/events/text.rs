//! Made-up words, sentences and base64.

use data_encoding::BASE64;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngCore};

const WORDS: [&str; 64] = [
    "the",
    "a",
    "relay",
    "note",
    "and",
    "is",
    "of",
    "to",
    "in",
    "zap",
    "key",
    "good",
    "morning",
    "client",
    "it",
    "this",
    "that",
    "was",
    "on",
    "for",
    "we",
    "they",
    "you",
    "people",
    "network",
    "event",
    "signed",
    "again",
    "today",
    "never",
    "always",
    "sats",
    "block",
    "open",
    "source",
    "coffee",
    "why",
    "not",
    "with",
    "about",
    "music",
    "photo",
    "city",
    "rain",
    "running",
    "code",
    "new",
    "version",
    "thanks",
    "friend",
    "ありがとう",
    "größer",
    "привет",
    "é",
    "night",
    "sun",
    "follow",
    "list",
    "read",
    "write",
    "fast",
    "slow",
    "home",
    "gm",
];

/// What a text ends in, now and then: emoji with joiners, links, line breaks, quotes, escapes.
const ORNAMENTS: [&str; 8] = [
    "🤙",
    "👩‍💻",
    "#nostr",
    "https://example.com/p/1?x=\"y\"",
    "\n\n",
    "\\o/",
    "\t— tab",
    "⚡️",
];

/// A text of about `bytes` bytes, at least one word.
pub(crate) fn sentence(rng: &mut StdRng, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        if !text.is_empty() {
            text.push(' ');
        }
        let ornament = rng.random_ratio(1, 20);
        let word = if ornament {
            ORNAMENTS.choose(rng)
        } else {
            WORDS.choose(rng)
        };
        text.push_str(word.expect("the lists are not empty"));
    }
    text
}

/// The size of a typical note: most are short, one in fifty is an essay. The mean is about 280.
pub(crate) fn note_bytes(rng: &mut StdRng) -> usize {
    match rng.random_range(0..50) {
        0 => rng.random_range(1_000..6_000),
        1..=15 => rng.random_range(200..700),
        _ => rng.random_range(5..200),
    }
}

/// A lowercase word.
pub(crate) fn word(rng: &mut StdRng) -> &'static str {
    WORDS[..50].choose(rng).expect("the list is not empty")
}

/// `bytes` random bytes as base64, as ciphertexts look.
pub(crate) fn base64(rng: &mut StdRng, bytes: usize) -> String {
    let mut raw = vec![0; bytes];
    rng.fill_bytes(&mut raw);
    BASE64.encode(&raw)
}

/// 32 random bytes in hex.
pub(crate) fn hex32(rng: &mut StdRng) -> String {
    let mut raw = [0; 32];
    rng.fill_bytes(&mut raw);
    data_encoding::HEXLOWER.encode(&raw)
}
