//! One text for every JSON value, so that equal documents have equal hashes.
//!
//! Keys are sorted by code point, there is no white space, everything is UTF-8 with the shortest
//! escapes, and what says nothing is left out: `null`, `{}`, `[]`, bottom-up, in objects and lists,
//! while `false`, `0` and `""` stay. U+0000 is removed from strings and keys, because PostgreSQL
//! cannot store it.
//!
//! Numbers are printed as Python prints them, which keeps the hashes of documents that the Python
//! system stored: integers plainly, floats with the fewest digits that read back as the same float,
//! `.0` behind whole ones, and an exponent of at least two digits below 1e-4 and from 1e16 on. Integers
//! outside of 64 bits are floats to begin with.

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::json::push_string;

/// Containers nested deeper are left out: no document of a relay needs more, and stores recurse too.
const MAX_DEPTH: usize = 50;

/// The canonical text of a value; `null` for one that says nothing at all, `{}` for an object.
pub fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    match pruned(value, 0) {
        Some(value) => push_value(&mut out, &value),
        None => out.push_str(match value {
            Value::Object(_) => "{}",
            Value::Array(_) => "[]",
            _ => "null",
        }),
    }
    out
}

/// The canonical text of anything that serializes to JSON.
///
/// # Errors
/// What `serde_json` says of values that JSON cannot express, e.g. maps whose keys are not text.
pub fn to_canonical_json<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    serde_json::to_value(value).map(|value| canonical_json(&value))
}

/// The content address of a canonical text: SHA-256 of its UTF-8 bytes.
pub fn content_id(canonical: &str) -> [u8; 32] {
    Sha256::digest(canonical).into()
}

/// The value without what says nothing; `None` when nothing is left.
fn pruned(value: &Value, depth: usize) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        Value::String(text) => Some(Value::String(without_nul(text))),
        Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => None,
        Value::Array(items) => {
            let kept: Vec<_> = items
                .iter()
                .filter_map(|item| pruned(item, depth + 1))
                .collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| {
                Some((without_nul(key), pruned(value, depth + 1)?))
            };
            let kept: Map<_, _> = entries.iter().filter_map(entry).collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
    }
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

fn push_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => push_number(out, number),
        Value::String(text) => push_string(out, text),
        Value::Array(items) => push_array(out, items),
        Value::Object(entries) => push_object(out, entries),
    }
}

fn push_array(out: &mut String, items: &[Value]) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        push_value(out, item);
    }
    out.push(']');
}

fn push_object(out: &mut String, entries: &Map<String, Value>) {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    out.push('{');
    for (index, (key, value)) in entries.into_iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        push_string(out, key);
        out.push(':');
        push_value(out, value);
    }
    out.push('}');
}

fn push_number(out: &mut String, number: &serde_json::Number) {
    if number.is_f64() {
        let float = number.as_f64().expect("a number that is a float has one");
        out.push_str(&python_float(float));
    } else {
        out.push_str(&number.to_string());
    }
}

fn python_float(float: f64) -> String {
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific
        .split_once('e')
        .expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is an integer");
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let mut plain = float.to_string();
    if !plain.contains('.') {
        plain.push_str(".0");
    }
    plain
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn hashes_are_those_of_the_python_system() {
        for (value, id) in [
            (
                json!({}),
                "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            ),
            (
                json!({"name": "test"}),
                "7d9fd2051fc32b32feab10946fab6bb91426ab7e39aa5439289ed892864aa91d",
            ),
            (
                json!({"a": {"b": [1, 2, 3]}}),
                "345cbac42064615b5c54e4b502193eb847ce94a9c62ad47a463fe43d99226e3c",
            ),
            (
                json!({"b": 2, "a": 1}),
                "43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777",
            ),
            (
                json!({"lat": 37.751, "lon": -97.822}),
                "2903420b0ac00eb282d22b720079dbfcbeffb4db9a4b3c356a8c1273f6f3fda8",
            ),
            (
                json!({"z": {"n": null, "e": [], "s": "", "f": false, "zero": 0}}),
                "760617bf0cff590fc829c03e77b7b97be97cea7427c02c20b36223e4ba8fbbad",
            ),
        ] {
            let text = canonical_json(&value);
            assert_eq!(HEXLOWER.encode(&content_id(&text)), id, "{text}");
        }
    }

    #[test]
    fn floats_are_printed_as_python_does() {
        for (float, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1.5e-4, "0.00015"),
            (1e-7, "1e-07"),
            (1.25e-5, "1.25e-05"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1e22, "1e+22"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(python_float(float), text);
        }
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        let value =
            json!({"b": [null, {}, [[]], 1], "a": "x\u{0}y", "c": {"d": null}, "\u{0}e": ""});
        assert_eq!(canonical_json(&value), r#"{"a":"xy","b":[1],"e":""}"#);
        assert_eq!(canonical_json(&json!([null])), "[]");
        assert_eq!(canonical_json(&Value::Null), "null");
        let mut deep = json!(1);
        for _ in 0..=MAX_DEPTH {
            deep = json!([deep]);
        }
        assert_eq!(canonical_json(&deep), "[]");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|entries| entries.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_canonical_text_is_its_own_canonical_text(value in any_json()) {
            let text = canonical_json(&value);
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(canonical_json(&read), text);
        }
    }
}
