//! What a relay states about itself in its NIP-11 document, as statistics count it.
//!
//! The document is a stranger's: texts are cut to what an index can hold, anything of another type counts for
//! nothing, and a document that cannot be read states nothing. PostgreSQL's view `nip11_latest` and what is made
//! of it read documents alike.

use std::collections::BTreeSet;

use serde_json::Value;

/// Longest text that counts, in characters.
const MAX_CHARS: usize = 200;

/// Most digits of a NIP.
const MAX_NIP_DIGITS: usize = 5;

/// The part of a document that is counted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Statement {
    pub(super) name: Option<String>,
    pub(super) software: Option<String>,
    pub(super) version: Option<String>,
    pub(super) nips: BTreeSet<u32>,
}

impl Statement {
    /// Reads a document, whatever it is.
    pub(super) fn read(document: &str) -> Self {
        let read = serde_json::from_str(document);
        let read = read.or_else(|_| serde_json::from_str(&with_whole_surrogates(document)));
        let Ok(Value::Object(document)) = read else {
            return Self::default();
        };
        let text = |name: &str| text(document.get(name)?.as_str()?);
        let nips = document.get("supported_nips").and_then(Value::as_array);
        Self {
            name: text("name"),
            software: text("software"),
            version: text("version"),
            nips: nips.into_iter().flatten().filter_map(nip).collect(),
        }
    }
}

/// A text as it counts; U+0000 is left out, since PostgreSQL cannot hold it.
fn text(text: &str) -> Option<String> {
    let text: String = text
        .chars()
        .filter(|one| *one != '\0')
        .take(MAX_CHARS)
        .collect();
    (!text.is_empty()).then_some(text)
}

fn nip(entry: &Value) -> Option<u32> {
    let text = match entry {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let is_nip = text.len() <= MAX_NIP_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_nip)
}

/// Half a surrogate pair in an escape becomes U+FFFD.
fn with_whole_surrogates(document: &str) -> String {
    let mut whole = String::with_capacity(document.len());
    let mut rest = document;
    while let Some(place) = rest.find('\\') {
        let (before, escape) = rest.split_at(place);
        whole.push_str(before);
        let unit = surrogate(escape);
        let is_pair = matches!(unit, Some(0xd800..=0xdbff))
            && matches!(escape.get(6..).and_then(surrogate), Some(0xdc00..=0xdfff));
        let taken = match unit {
            Some(_) if is_pair => 12,
            Some(_) => 6,
            None => escape
                .len()
                .min(1 + escape[1..].chars().next().map_or(0, char::len_utf8)),
        };
        match unit {
            Some(_) if !is_pair => whole.push_str("\\ufffd"),
            _ => whole.push_str(&escape[..taken]),
        }
        rest = &escape[taken..];
    }
    whole.push_str(rest);
    whole
}

/// The surrogate that an escape at the beginning of a text stands for.
fn surrogate(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let unit = u32::from_str_radix(digits, 16).ok()?;
    (0xd800..=0xdfff).contains(&unit).then_some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_documents_state_what_they_can() {
        let long = format!(r#"{{"software":"{}"}}"#, "ä".repeat(300));
        for (document, software, nips) in [
            (
                r#"{"software":"strfry","supported_nips":[1,"11","x",-1,1.5,100000,null,[9],"01"]}"#,
                "strfry",
                vec![1, 11],
            ),
            (
                r#"{"software":"a\u0000b","supported_nips":{"1":1}}"#,
                "ab",
                vec![],
            ),
            (
                r#"{"software":"a\ud800b\ud83e\uddc0\udc00\\ud800"}"#,
                "a\u{fffd}b\u{1f9c0}\u{fffd}\\ud800",
                vec![],
            ),
            (&long, &"ä".repeat(200), vec![]),
            (r#"{"software":""}"#, "", vec![]),
            (r#"{"software":7}"#, "", vec![]),
            (r#"["software"]"#, "", vec![]),
            ("{", "", vec![]),
            ("\\", "", vec![]),
            ("", "", vec![]),
        ] {
            let read = Statement::read(document);
            assert_eq!(read.software.unwrap_or_default(), software, "{document}");
            assert_eq!(
                read.nips.into_iter().collect::<Vec<_>>(),
                nips,
                "{document}"
            );
        }
    }
}
