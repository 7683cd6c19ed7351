//! Paths that no relay has: what clients and spammers append to the URL of one that exists.
//!
//! A filtering relay that answers under `/npub1…` is one relay, not one for each of its readers, and a list
//! that was joined without a comma yields URLs with other URLs in their paths.

/// Parts of a path: the deepest that a relay is known to have are `/v1/nostr/relay` and the like.
const MAX_SEGMENTS: usize = 4;

/// Bytes of a path.
const MAX_BYTES: usize = 96;

/// How the entities of NIP-19 begin.
const ENTITIES: [&str; 6] = ["npub1", "nprofile1", "note1", "nevent1", "naddr1", "nsec1"];

/// What only stands in a path when something was glued to it; escapes as they are written and as they are
/// escaped again.
const GLUE: [&str; 8] = ["://", "wss:", "ws:", "%3a", "%20", "%2c", "%0a", ","];

/// Whether a canonical path is of that kind.
pub(super) fn is_spam(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let segments = lower.split('/').filter(|segment| !segment.is_empty());
    path.len() > MAX_BYTES
        || GLUE.iter().any(|glue| lower.contains(glue))
        || segments.clone().count() > MAX_SEGMENTS
        || segments.into_iter().any(names_somebody)
}

/// Whether a part of a path is a key, an event or an entity.
fn names_somebody(segment: &str) -> bool {
    let is_hex = segment.len() == 64 && segment.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex || ENTITIES.iter().any(|prefix| segment.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_relays_have_is_told_from_what_was_appended() {
        for path in ["", "/inbox", "/v1/nostr/relay", "/Nostr", "/outbox/private"] {
            assert!(!is_spam(path), "{path}");
        }
        let key = format!("/{}", "ab".repeat(32));
        let long = format!("/{}", "a".repeat(100));
        for path in [
            "/npub1abc",
            "/r/nprofile1xyz",
            &key,
            &long,
            "/wss://other.example.com",
            "/wss%3A//other.example.com",
            "/%20wss",
            "/a,b",
            "/a/b/c/d/e",
        ] {
            assert!(is_spam(path), "{path}");
        }
    }
}
