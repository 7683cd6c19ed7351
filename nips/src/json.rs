//! JSON strings as NIP-01 writes them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, Visitor};

/// Appends `text` as a JSON string, escaped exactly as NIP-01 asks: the seven short escapes, other
/// control characters as `\u00xx` in lowercase, everything else verbatim.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    loop {
        let (clean, escaped) = rest.split_at(clean_len(rest.as_bytes()));
        out.push_str(clean);
        let Some(&byte) = escaped.as_bytes().first() else {
            break;
        };
        push_escape(out, byte);
        rest = &escaped[1..];
    }
    out.push('"');
}

/// How many bytes come before the first that has to be escaped. Whole steps are looked at without
/// branches, which the compiler turns into a few wide instructions.
fn clean_len(bytes: &[u8]) -> usize {
    const STEP: usize = 32;
    let is_escaped = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
    let has_escaped =
        |step: &[u8; STEP]| step.iter().fold(false, |any, byte| any | is_escaped(*byte));
    let (steps, _) = bytes.as_chunks::<STEP>();
    let clean_steps = steps.iter().position(has_escaped).unwrap_or(steps.len());
    let rest = &bytes[clean_steps * STEP..];
    let clean_rest = rest.iter().position(|byte| is_escaped(*byte));
    clean_steps * STEP + clean_rest.unwrap_or(rest.len())
}

fn push_escape(out: &mut String, byte: u8) {
    let short = match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        0x08 => "\\b",
        0x0c => "\\f",
        _ => "",
    };
    out.push_str(short);
    if short.is_empty() {
        out.push_str("\\u00");
        out.push(char::from(b'0' + (byte >> 4)));
        out.push(char::from_digit(u32::from(byte & 0xf), 16).expect("four bits are a digit"));
    }
}

/// Reads a JSON string, borrowing from the input when it holds no escape.
pub(crate) fn deserialize_cow<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Cow<'de, str>, D::Error> {
    struct CowVisitor;
    impl<'de> Visitor<'de> for CowVisitor {
        type Value = Cow<'de, str>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Cow::Borrowed(text))
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text.to_owned()))
        }
        fn visit_string<E: de::Error>(self, text: String) -> Result<Self::Value, E> {
            Ok(Cow::Owned(text))
        }
    }
    deserializer.deserialize_str(CowVisitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_nip_01_does() {
        let mut out = String::new();
        push_string(&mut out, "a\"\\\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}é/");
        assert_eq!(out, "\"a\\\"\\\\\\n\\r\\t\\b\\f\\u0000\\u001f\u{7f}é/\"");
    }

    #[test]
    fn escapes_wherever_they_are_in_a_long_text() {
        for special in ["\"", "\\", "\n", "\u{0}", "\u{1f}"] {
            for at in 0..100 {
                let text = format!("{}{special}{}é", "x".repeat(at), " ".repeat(99 - at));
                let mut out = String::new();
                push_string(&mut out, &text);
                assert_eq!(out, serde_json::to_string(&text).unwrap());
            }
        }
    }
}
