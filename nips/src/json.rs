//! JSON strings as NIP-01 writes them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserializer, Visitor};

/// Appends `text` as a JSON string, escaped exactly as NIP-01 asks: the seven short escapes, other
/// control characters as `\u00xx` in lowercase, everything else verbatim.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut clean_from = 0;
    for (index, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0x00..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[clean_from..index]);
        clean_from = index + 1;
        if escape.is_empty() {
            out.push_str("\\u00");
            out.push(char::from(b'0' + (byte >> 4)));
            out.push(char::from_digit(u32::from(byte & 0xf), 16).expect("four bits are a digit"));
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[clean_from..]);
    out.push('"');
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
}
