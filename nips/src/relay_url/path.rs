//! The path of a relay URL in canonical form.

use super::RelayUrlError;
use super::percent::{decoded, hex_byte, push_escape};

/// The canonical path: empty, or `/` with segments that are not empty and no dot segments.
///
/// Escapes of unreserved characters are decoded and all other escapes are written in upper case
/// (RFC 3986 §6.2.2); characters outside of ASCII are escaped. Case is kept.
pub(super) fn canonical(raw: &str) -> Result<String, RelayUrlError> {
    let mut segments: Vec<String> = Vec::new();
    for segment in raw.split('/') {
        match canonical_segment(segment)?.as_str() {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment.to_owned()),
        }
    }
    Ok(segments.iter().flat_map(|segment| ["/", segment]).collect())
}

fn canonical_segment(raw: &str) -> Result<String, RelayUrlError> {
    let mut out = String::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.as_bytes().get(at) {
        at += 1;
        if byte == b'%' {
            let digits = raw.get(at..at + 2).ok_or(RelayUrlError::Path)?;
            push_escaped(&mut out, hex_byte(digits).ok_or(RelayUrlError::Path)?)?;
            at += 2;
        } else if byte >= 0x80 {
            push_escape(&mut out, byte);
        } else if is_path_character(byte) {
            out.push(char::from(byte));
        } else {
            return Err(RelayUrlError::Path);
        }
    }
    Ok(out)
}

/// Appends what was written as an escape; control characters are refused in any spelling.
fn push_escaped(out: &mut String, byte: u8) -> Result<(), RelayUrlError> {
    if byte.is_ascii_control() {
        return Err(RelayUrlError::Path);
    }
    if is_unreserved(byte) {
        out.push(char::from(byte));
    } else {
        push_escape(out, byte);
    }
    Ok(())
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The unreserved characters and sub-delimiters that RFC 3986 §3.3 allows unescaped.
fn is_path_character(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@".contains(&byte)
}

/// Whether what follows the scheme holds a second URL, as lists pasted into one field do:
/// `a.example,wss://b.example`, `a.example/%20wss://b.example`, `a.example/wss:/b.example`, `a.examplewss:`. The port of
/// a host, as in `a.wss:80`, begins none.
pub(super) fn holds_another_url(rest: &str) -> bool {
    let text = String::from_utf8_lossy(&decoded(rest)).to_ascii_lowercase();
    let is_port = |after: &str| after.starts_with(|c: char| c.is_ascii_digit());
    let is_scheme_cut_off = || text.split("wss:").skip(1).any(|after| !is_port(after));
    ["://", "ws:/", "/ws:", " ws:", "http:/", "https:/"]
        .iter()
        .any(|start| text.contains(start))
        || is_scheme_cut_off()
}
