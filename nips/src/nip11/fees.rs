//! `fees`: what a relay charges, and `retention`: what it keeps (removed from NIP-11 in 2026).

use serde::Serialize;
use serde_json::Value;

use super::lenient::{integer, items, line, small_integers};

/// Most entries of one list of fees or of `retention`: price lists that people read have a handful.
const MAX_ENTRIES: usize = 64;

/// Most kinds named by one entry.
const MAX_KINDS: usize = 256;

/// Longest unit, bytes: `msats`, `sats`, currency codes.
const MAX_UNIT_BYTES: usize = 32;

/// What a relay charges for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Fees {
    /// Once, to be let in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub admission: Vec<Fee>,
    /// Again after each period.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subscription: Vec<Fee>,
    /// For each event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub publication: Vec<Fee>,
}

/// One price.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Fee {
    /// How many units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
    /// The unit, e.g. `msats`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What a subscription lasts, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<u64>,
    /// The kinds that a publication fee is for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<u16>,
}

/// How long, or how many, events of some kinds are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Retention {
    /// The kinds, as ranges with both ends; all kinds when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<(u16, u16)>,
    /// Seconds; 0 means that such events are not kept at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<u64>,
    /// Events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

impl Fees {
    /// Reads what can be read.
    pub(super) fn from_value(value: &Value) -> Self {
        let list = |name: &str| value.get(name).map(fees).unwrap_or_default();
        Self {
            admission: list("admission"),
            subscription: list("subscription"),
            publication: list("publication"),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn fees(value: &Value) -> Vec<Fee> {
    let entries = items(value).iter().take(MAX_ENTRIES).map(fee);
    entries.filter(|fee| *fee != Fee::default()).collect()
}

fn fee(value: &Value) -> Fee {
    let mut kinds = value.get("kinds").map(small_integers).unwrap_or_default();
    kinds.truncate(MAX_KINDS);
    Fee {
        amount: value.get("amount").and_then(integer),
        unit: value
            .get("unit")
            .and_then(|unit| line(unit, MAX_UNIT_BYTES)),
        period: value.get("period").and_then(integer),
        kinds,
    }
}

/// Reads `retention`, whose kinds are numbers or pairs of numbers.
pub(super) fn retention(value: &Value) -> Vec<Retention> {
    let entries = items(value)
        .iter()
        .take(MAX_ENTRIES)
        .map(|entry| Retention {
            kinds: entry.get("kinds").map(kind_ranges).unwrap_or_default(),
            time: entry.get("time").and_then(integer),
            count: entry.get("count").and_then(integer),
        });
    entries
        .filter(|entry| *entry != Retention::default())
        .collect()
}

fn kind_ranges(value: &Value) -> Vec<(u16, u16)> {
    let kind = |value: &Value| integer(value).and_then(|kind| u16::try_from(kind).ok());
    let range = |item: &Value| match item {
        Value::Array(ends) => match ends.as_slice() {
            [first, last] => Some((kind(first)?, kind(last)?)),
            _ => None,
        },
        single => kind(single).map(|kind| (kind, kind)),
    };
    items(value)
        .iter()
        .filter_map(range)
        .take(MAX_KINDS)
        .collect()
}
