//! A writer of small databases in MaxMind's format (version 2.0): a tree of IPv6 networks, IPv4 below `::/96`,
//! and records as JSON.

use std::net::IpAddr;
use std::path::Path;

use serde_json::{Value, json};

/// Bits of a tree of IPv6 addresses.
const BITS: u8 = 128;

/// What stands between tree and records, and in front of the metadata.
const SEPARATOR: [u8; 16] = [0; 16];
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";

/// How fractions are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fractions {
    /// As MaxMind does.
    Double,
    /// As small files do.
    Single,
}

#[derive(Clone, Copy, PartialEq)]
enum Branch {
    Empty,
    Node(usize),
    Record(usize),
}

/// A database that calls itself `database_type`.
pub(crate) struct Database<'a> {
    pub(crate) database_type: &'a str,
    pub(crate) fractions: Fractions,
    /// Networks in CIDR form, none within another, with what is to be said about them.
    pub(crate) networks: &'a [(&'a str, Value)],
}

impl Database<'_> {
    /// Writes the file beside its place and renames it, as an operator should.
    pub(crate) fn install(&self, path: &Path) {
        let new = path.with_extension("part");
        std::fs::write(&new, self.to_bytes()).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut tree = vec![[Branch::Empty; 2]];
        let mut records = Vec::new();
        for (network, record) in self.networks {
            let (address, length) = parse(network);
            insert(&mut tree, address, length, records.len());
            self.write(&mut records, record);
        }
        let mut bytes = Vec::new();
        for branch in tree.iter().flatten() {
            let number = match branch {
                Branch::Empty => tree.len(),
                Branch::Node(node) => *node,
                Branch::Record(offset) => tree.len() + SEPARATOR.len() + offset,
            };
            bytes.extend_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
        }
        bytes.extend_from_slice(&SEPARATOR);
        bytes.extend_from_slice(&records);
        bytes.extend_from_slice(MARKER);
        self.write_metadata(&mut bytes, tree.len());
        bytes
    }

    /// Unlike records, metadata has numbers of prescribed sizes.
    fn write_metadata(&self, out: &mut Vec<u8>, nodes: usize) {
        let texts = json!({
            "database_type": self.database_type, "description": {"en": "laboratory"},
            "languages": ["en"], "node_count": nodes,
        });
        let texts = texts.as_object().unwrap();
        let short = [
            ("binary_format_major_version", 2_u16),
            ("binary_format_minor_version", 0),
            ("ip_version", 6),
            ("record_size", 32),
        ];
        head(out, 7, texts.len() + short.len() + 1);
        for (key, value) in texts {
            self.write(out, &Value::from(key.as_str()));
            self.write(out, value);
        }
        for (key, value) in short {
            self.write(out, &Value::from(key));
            head(out, 5, 2);
            out.extend_from_slice(&value.to_be_bytes());
        }
        self.write(out, &Value::from("build_epoch"));
        head(out, 9, 8);
        out.extend_from_slice(&1_750_000_000_u64.to_be_bytes());
    }

    fn write(&self, out: &mut Vec<u8>, value: &Value) {
        match value {
            Value::Object(map) => {
                head(out, 7, map.len());
                for (key, value) in map {
                    self.write(out, &Value::from(key.as_str()));
                    self.write(out, value);
                }
            }
            Value::Array(items) => {
                head(out, 11, items.len());
                items.iter().for_each(|item| self.write(out, item));
            }
            Value::String(text) => {
                head(out, 2, text.len());
                out.extend_from_slice(text.as_bytes());
            }
            Value::Bool(flag) => head(out, 14, usize::from(*flag)),
            Value::Number(number) => match (number.as_u64(), self.fractions) {
                (Some(whole), _) => {
                    head(out, 6, 4);
                    out.extend_from_slice(&u32::try_from(whole).unwrap().to_be_bytes());
                }
                (None, Fractions::Double) => {
                    head(out, 3, 8);
                    out.extend_from_slice(&number.as_f64().unwrap().to_be_bytes());
                }
                (None, Fractions::Single) => {
                    head(out, 15, 4);
                    out.extend_from_slice(&(number.as_f64().unwrap() as f32).to_be_bytes());
                }
            },
            Value::Null => panic!("the format has no null"),
        }
    }
}

fn parse(network: &str) -> (u128, u8) {
    let (address, length) = network.split_once('/').unwrap();
    let length: u8 = length.parse().unwrap();
    match address.parse().unwrap() {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), length + 96),
        IpAddr::V6(v6) => (v6.to_bits(), length),
    }
}

fn insert(tree: &mut Vec<[Branch; 2]>, address: u128, length: u8, offset: usize) {
    let mut node = 0;
    for depth in 0..length {
        let side = usize::from(address >> (BITS - 1 - depth) & 1 == 1);
        if depth + 1 == length {
            tree[node][side] = Branch::Record(offset);
            return;
        }
        node = match tree[node][side] {
            Branch::Node(next) => next,
            Branch::Empty => {
                tree.push([Branch::Empty; 2]);
                tree[node][side] = Branch::Node(tree.len() - 1);
                tree.len() - 1
            }
            Branch::Record(_) => panic!("one network within another"),
        };
    }
}

/// The type in the upper three bits and the size in the lower five, either of them with bytes more.
fn head(out: &mut Vec<u8>, kind: u8, size: usize) {
    let (low, rest) = match size {
        0..29 => (size, None),
        29..285 => (29, Some(u8::try_from(size - 29).unwrap())),
        _ => panic!("small databases only"),
    };
    let low = u8::try_from(low).unwrap();
    match kind {
        0..8 => out.push(kind << 5 | low),
        _ => out.extend_from_slice(&[low, kind - 7]),
    }
    out.extend(rest);
}
