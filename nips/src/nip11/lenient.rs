//! Reading JSON that does not keep to the types it should have.
//!
//! Every function gives `None` (or nothing) for what cannot be read, and never more than its bound.

use serde_json::Value;

/// Largest integer that every JSON reader keeps exactly (2^53 − 1). Larger limits say nothing.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// How deep lists in lists are followed.
const MAX_LIST_DEPTH: usize = 4;

/// A text field of one line: control characters become spaces, the ends are trimmed, what is longer
/// than `max_bytes` is cut at a character. Numbers count as text. Empty text is none.
pub(super) fn line(value: &Value, max_bytes: usize) -> Option<String> {
    text(value, max_bytes, |c| if c.is_control() { ' ' } else { c })
}

/// Like [`line()`], but line feeds stay.
pub(super) fn paragraph(value: &Value, max_bytes: usize) -> Option<String> {
    text(value, max_bytes, |c| match c {
        '\n' => c,
        _ if c.is_control() => ' ',
        _ => c,
    })
}

fn text(value: &Value, max_bytes: usize, replace: impl Fn(char) -> char) -> Option<String> {
    let raw = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let clean: String = raw.chars().filter(|c| *c != '\0').map(replace).collect();
    let clean = clean.trim();
    let cut = clean[..clean.floor_char_boundary(max_bytes)].trim_end();
    (!cut.is_empty()).then(|| cut.to_owned())
}

/// A non-negative integer, also written as text or as a whole float.
pub(super) fn integer(value: &Value) -> Option<u64> {
    let integer = match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?))?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (integer <= MAX_INTEGER).then_some(integer)
}

fn whole(float: f64) -> Option<u64> {
    let is_whole = float.fract() == 0.0 && (0.0..=MAX_INTEGER as f64).contains(&float);
    is_whole.then_some(float as u64)
}

/// A boolean, also written as text or as 0 and 1.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Number(number) => match number.as_u64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A list of short lines; a single text counts as a list of one. At most `max_items` are kept.
pub(super) fn lines(value: &Value, max_items: usize, max_bytes: usize) -> Vec<String> {
    items(value)
        .iter()
        .filter(|item| item.is_string())
        .filter_map(|item| line(item, max_bytes))
        .take(max_items)
        .collect()
}

/// The distinct integers from 0 to 65535 in a number, a text, or a list of those, lists in lists
/// included, in ascending order. Texts may hold several, as in `"1, 11"`, and the prefix `NIP-`.
pub(super) fn small_integers(value: &Value) -> Vec<u16> {
    let mut found = Vec::new();
    collect_small_integers(value, MAX_LIST_DEPTH, &mut found);
    found.sort_unstable();
    found.dedup();
    found
}

fn collect_small_integers(value: &Value, depth: usize, found: &mut Vec<u16>) {
    match value {
        Value::Array(items) if depth > 0 => {
            for item in items {
                collect_small_integers(item, depth - 1, found);
            }
        }
        Value::String(text) => found.extend(text.split([',', ' ']).filter_map(small_integer)),
        Value::Number(_) => found.extend(integer(value).and_then(|n| u16::try_from(n).ok())),
        _ => {}
    }
}

fn small_integer(text: &str) -> Option<u16> {
    let digits = text
        .strip_prefix("NIP-")
        .or_else(|| text.strip_prefix("nip-"))
        .unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

/// The elements of a list; a value that is no list and not null is a list of itself.
pub(super) fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Null => &[],
        single => std::slice::from_ref(single),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_clean_and_cut_at_a_character() {
        assert_eq!(line(&json!(" a\u{0}b\nc\u{7f} "), 99).unwrap(), "ab c");
        assert_eq!(paragraph(&json!("a\nb\tc"), 99).unwrap(), "a\nb c");
        assert_eq!(line(&json!("ééé"), 5).unwrap(), "éé");
        assert_eq!(line(&json!(1.5), 9).unwrap(), "1.5");
        for none in [
            json!(""),
            json!(" \u{0}"),
            json!(null),
            json!([]),
            json!(true),
        ] {
            assert_eq!(line(&none, 9), None);
        }
    }

    #[test]
    fn integers_have_several_spellings() {
        for value in [json!(7), json!("7"), json!(7.0), json!(" 7 ")] {
            assert_eq!(integer(&value), Some(7));
        }
        for value in [
            json!(-1),
            json!(7.5),
            json!("x"),
            json!(1e20),
            json!(u64::MAX),
            json!(true),
        ] {
            assert_eq!(integer(&value), None, "{value}");
        }
    }

    #[test]
    fn booleans_have_several_spellings() {
        for value in [
            json!(true),
            json!("true"),
            json!("TRUE"),
            json!(1),
            json!("yes"),
        ] {
            assert_eq!(boolean(&value), Some(true));
        }
        for value in [json!(null), json!(2), json!("maybe"), json!([true])] {
            assert_eq!(boolean(&value), None, "{value}");
        }
    }

    #[test]
    fn small_integers_are_found_in_any_shape() {
        for (value, expected) in [
            (json!([42, -1, 11, 1, -5, 42]), vec![1, 11, 42]),
            (json!(1), vec![1]),
            (json!("1,2, 3"), vec![1, 2, 3]),
            (
                json!([[1, ["11"]], "NIP-42", "5A", "C7", 4.5, true, 9.0]),
                vec![1, 9, 11, 42],
            ),
            (json!([99_999_999_999_u64, 65_536, 65_535]), vec![65_535]),
            (json!({"nip": 1}), vec![]),
            (json!(null), vec![]),
        ] {
            assert_eq!(small_integers(&value), expected, "{value}");
        }
    }
}
