//! NIP-45: counting, and the HyperLogLog sketch that lets clients add up counts of several relays.
//!
//! A sketch tells about how many different authors a set of events has. Relays that follow the NIP sort
//! authors into its registers by the same bytes of their keys, so the larger of each two registers
//! makes the sketch of both sets.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::{Filter, PublicKey};

/// Registers of a sketch.
const REGISTERS: usize = 256;

/// Bytes after the one that picks the register, in which leading zeros are counted.
const TAIL_LEN: usize = 7;

/// Which byte of an author's key picks the register. It follows from what is asked for, so that
/// nobody can make keys that count for much under every filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SketchOffset(usize);

impl SketchOffset {
    /// The offset for a filter that a sketch is defined for: one with exactly one tag list, of one
    /// value.
    pub fn of(filter: &Filter) -> Option<Self> {
        let mut lists = filter.tags.iter();
        let (Some((letter, values)), None) = (lists.next(), lists.next()) else {
            return None;
        };
        match values.as_slice() {
            [value] => Some(Self::of_value(*letter, value)),
            _ => None,
        }
    }

    fn of_value(letter: u8, value: &str) -> Self {
        let author = (letter.eq_ignore_ascii_case(&b'a')).then(|| value.split(':').nth(1));
        let hex = PublicKey::from_hex(author.flatten().unwrap_or(value));
        let bytes = hex.map_or_else(|_| Sha256::digest(value.as_bytes()).into(), |key| key.0);
        // Hex digit 32 is the first half of byte 16.
        Self(usize::from(bytes[16] >> 4) + 8)
    }

    /// The position of the byte, 8 to 23.
    pub fn position(self) -> usize {
        self.0
    }
}

/// A HyperLogLog sketch of a set of authors.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorSketch {
    offset: SketchOffset,
    registers: Box<[u8; REGISTERS]>,
}

impl AuthorSketch {
    /// A sketch of nobody.
    pub fn new(offset: SketchOffset) -> Self {
        Self {
            offset,
            registers: Box::new([0; REGISTERS]),
        }
    }

    /// Counts an author in; again changes nothing.
    pub fn add(&mut self, author: &PublicKey) {
        let (head, tail) = author.0[self.offset.0..].split_at(1);
        let tail = tail.first_chunk().expect("the offset leaves seven bytes");
        self.raise(head[0], *tail);
    }

    /// Counts in an author of whom only the byte at the offset and the seven after it are known.
    pub fn raise(&mut self, register: u8, tail: [u8; TAIL_LEN]) {
        let zeros = leading_zeros(tail);
        let value = &mut self.registers[usize::from(register)];
        *value = (*value).max(zeros + 1);
    }

    /// The registers as 512 hex digits.
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(&self.registers[..])
    }
}

impl std::fmt::Debug for AuthorSketch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AuthorSketch({})", self.to_hex())
    }
}

/// 0 to 56.
fn leading_zeros(tail: [u8; TAIL_LEN]) -> u8 {
    let mut zeros = 0;
    for byte in tail {
        zeros += byte.leading_zeros() as u8;
        if byte != 0 {
            break;
        }
    }
    zeros
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(filter: &str) -> Option<usize> {
        SketchOffset::of(&Filter::from_json(filter).unwrap()).map(SketchOffset::position)
    }

    #[test]
    fn the_offset_follows_from_the_value() {
        let id = format!("{}a{}", "0".repeat(32), "0".repeat(31));
        for (filter, expected) in [
            (format!(r##"{{"#e":["{id}"]}}"##), Some(18)),
            (format!(r##"{{"#p":["{id}"],"kinds":[3]}}"##), Some(18)),
            (format!(r##"{{"#a":["30023:{id}:x:y"]}}"##), Some(18)),
            (format!(r##"{{"#d":["30023:{id}:x"]}}"##), Some(8 + 3)),
            // SHA-256 of "nostr" has a digit 4 at index 32.
            (r##"{"#t":["nostr"]}"##.to_owned(), Some(8 + 4)),
            (r##"{"#t":["a","b"]}"##.to_owned(), None),
            (r##"{"#t":["a"],"#d":["b"]}"##.to_owned(), None),
            (r#"{"kinds":[1]}"#.to_owned(), None),
        ] {
            assert_eq!(offset(&filter), expected, "{filter}");
        }
    }

    #[test]
    fn registers_hold_the_longest_run_of_zeros_and_one() {
        let mut sketch = AuthorSketch::new(SketchOffset(8));
        let key = |register: u8, tail: &[u8]| {
            let mut key = [0xff; 32];
            key[8] = register;
            key[9..9 + tail.len()].copy_from_slice(tail);
            PublicKey(key)
        };
        for author in [
            key(3, &[0x80]),
            key(5, &[0, 0x10]),
            key(5, &[0, 0x40]),
            key(5, &[1]),
            key(255, &[0; 7]),
        ] {
            sketch.add(&author);
        }
        let hex = sketch.to_hex();
        let register = |number: usize| &hex[2 * number..2 * number + 2];
        assert_eq!(hex.len(), 512);
        assert_eq!((register(3), register(5)), ("01", "0c"));
        assert_eq!((register(255), register(0)), ("39", "00"));
    }
}
