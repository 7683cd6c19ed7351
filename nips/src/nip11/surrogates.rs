//! Making JSON readable that has half a surrogate pair in a string.

use std::borrow::Cow;

/// The escape of U+FFFD, as long as any `\u` escape.
const REPLACEMENT: &str = "\\ufffd";

/// Replaces `\u` escapes of surrogates without partner, which Rust strings cannot hold, by U+FFFD.
pub(super) fn mended(json: &str) -> Cow<'_, str> {
    let mut out: Option<String> = None;
    let mut at = 0;
    while let Some(offset) = json[at..].find('\\') {
        at += offset;
        let (length, is_lone) = escape_at(&json[at..]);
        if is_lone {
            let text = out.get_or_insert_with(|| json.to_owned());
            text.replace_range(at..at + length, REPLACEMENT);
        }
        at += length;
    }
    out.map_or(Cow::Borrowed(json), Cow::Owned)
}

/// The length of the escape at the start of a text, pairs as one, and whether it is a lone surrogate.
fn escape_at(text: &str) -> (usize, bool) {
    const LENGTH: usize = 6;
    match code_unit(text) {
        Some(0xd800..=0xdbff) => match text.get(LENGTH..).and_then(code_unit) {
            Some(0xdc00..=0xdfff) => (2 * LENGTH, false),
            _ => (LENGTH, true),
        },
        Some(0xdc00..=0xdfff) => (LENGTH, true),
        Some(_) => (LENGTH, false),
        None => {
            let escaped = text.chars().nth(1).map_or(0, char::len_utf8);
            (1 + escaped, false)
        }
    }
}

fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_lone_surrogates_are_replaced() {
        for (text, expected) in [
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\ude00x""#, r#""\ufffdx""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\ud83dx\u0041\n""#, r#""\ufffdx\u0041\n""#),
            (r"\é\", r"\é\"),
            (r"\ud8", r"\ud8"),
        ] {
            assert_eq!(mended(text), expected);
        }
    }

    proptest! {
        #[test]
        fn mended_strings_can_be_read(units in proptest::collection::vec(0xd7fe_u16..0xe002, 0..8)) {
            let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let json = format!("\"{escapes}\"");
            let read: String = serde_json::from_str(&mended(&json)).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }

        #[test]
        fn any_text_is_mended(text in "[\\\\ud8c0é\"]{0,30}") {
            prop_assert_eq!(mended(&text).len(), text.len());
        }
    }
}
