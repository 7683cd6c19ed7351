//! NIP-98: what proves over HTTP that a request comes from whoever holds a key.
//!
//! ```text
//! Authorization: Nostr <base64 of {"kind":27235,"tags":[["u","https://relay.example.com"],
//!                                                       ["method","POST"],["payload","<sha256>"]],…}>
//! ```

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};

use crate::relay_url::LocalRelays;
use crate::{Event, EventError, Kind, RelayUrl};

/// How far `created_at` may be from now, seconds.
pub const MAX_CLOCK_DIFFERENCE: u64 = 60;

/// What stands before the event in the header.
const SCHEME: &str = "Nostr";

/// Why a request is not known to come from anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpAuthError {
    /// The header is not `Nostr` and base64.
    #[error("the Authorization header is not \"Nostr\" and an event in base64")]
    Header,
    /// What the header holds is no event.
    #[error("the Authorization header holds no event")]
    Event(#[source] EventError),
    /// It is of another kind than 27235.
    #[error("the event is not of kind 27235")]
    Kind,
    /// It was signed at another time.
    #[error("created_at is more than a minute from now")]
    CreatedAt,
    /// It was signed for another URL.
    #[error("the u tag does not name this relay as its public URL does")]
    Url,
    /// It was signed for another method.
    #[error("the method tag is not the method of the request")]
    Method,
    /// It was signed for another body, or for any.
    #[error("the payload tag is not the SHA-256 of the body")]
    Payload,
}

/// The event of an `Authorization` header. Its id is right; its signature is the caller's to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAuth(Event);

impl HttpAuth {
    /// Reads the value of the header.
    ///
    /// # Errors
    /// [`HttpAuthError::Header`] and [`HttpAuthError::Event`].
    pub fn from_header(value: &str) -> Result<Self, HttpAuthError> {
        let (scheme, event) = value.trim().split_once(' ').ok_or(HttpAuthError::Header)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(HttpAuthError::Header);
        }
        // Some clients leave out what fills up the last four characters.
        let event = event.trim().trim_end_matches('=');
        let event = BASE64_NOPAD.decode(event.as_bytes());
        let event = event.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let event = event.ok_or(HttpAuthError::Header)?;
        Event::from_json(&event)
            .map(Self)
            .map_err(HttpAuthError::Event)
    }

    /// The value of the header that carries an event.
    pub fn header(event: &Event) -> String {
        format!("{SCHEME} {}", BASE64.encode(event.to_json().as_bytes()))
    }

    /// Checks that the event was made at about `now` unix seconds for a request of that method to the
    /// relay's own HTTP endpoint, which goes by the relay's URL, `https:` or `wss:`.
    ///
    /// # Errors
    /// [`HttpAuthError`] says what is wrong first.
    pub fn check_request(
        &self,
        relay: &RelayUrl,
        method: &str,
        now: u64,
    ) -> Result<(), HttpAuthError> {
        let event = self.0.as_ref();
        if event.kind != Kind::HTTP_AUTH {
            return Err(HttpAuthError::Kind);
        }
        if event.created_at.abs_diff(now) > MAX_CLOCK_DIFFERENCE {
            return Err(HttpAuthError::CreatedAt);
        }
        if !event.first_tag("u").is_some_and(|url| names(&url, relay)) {
            return Err(HttpAuthError::Url);
        }
        match event.first_tag("method") {
            Some(named) if named.eq_ignore_ascii_case(method) => Ok(()),
            _ => Err(HttpAuthError::Method),
        }
    }

    /// Checks that the event was made for that body.
    ///
    /// # Errors
    /// [`HttpAuthError::Payload`].
    pub fn check_payload(&self, body: &[u8]) -> Result<(), HttpAuthError> {
        let hash = HEXLOWER.encode(&Sha256::digest(body));
        match self.0.as_ref().first_tag("payload") {
            Some(named) if named == hash => Ok(()),
            _ => Err(HttpAuthError::Payload),
        }
    }

    /// The event.
    pub fn event(&self) -> &Event {
        &self.0
    }
}

/// Whether an absolute URL, of HTTP or WebSocket, is the relay's. A relay URL has no query, so that one that
/// has is another.
fn names(url: &str, relay: &RelayUrl) -> bool {
    let as_relay = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => format!("wss://{rest}"),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => format!("ws://{rest}"),
        _ => url.to_owned(),
    };
    RelayUrl::parse_with(&as_relay, LocalRelays::Accepted).is_ok_and(|url| url == *relay)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_event::event;

    /// When test events are made.
    const NOW: u64 = 1_700_000_000;

    fn check(kind: u16, tags: &[&[&str]], now: u64) -> Result<(), HttpAuthError> {
        let relay = RelayUrl::parse("wss://relay.example.com").unwrap();
        HttpAuth(event(kind, tags, "")).check_request(&relay, "POST", now)
    }

    #[test]
    fn the_url_is_the_public_one_in_any_spelling() {
        for (url, expected) in [
            ("https://relay.example.com", Ok(())),
            ("https://relay.example.com/", Ok(())),
            ("wss://relay.example.com:443/", Ok(())),
            ("HTTPS://Relay.Example.com", Ok(())),
            ("https://relay.example.com/other", Err(HttpAuthError::Url)),
            ("https://relay.example.com/?a=b", Err(HttpAuthError::Url)),
            (
                "https://evil.net/relay.example.com",
                Err(HttpAuthError::Url),
            ),
            ("relay.example.com", Err(HttpAuthError::Url)),
            ("", Err(HttpAuthError::Url)),
        ] {
            let tags: &[&[&str]] = &[&["u", url], &["method", "POST"]];
            assert_eq!(check(27_235, tags, NOW), expected, "{url}");
        }
    }

    #[test]
    fn kind_time_and_method_have_to_be_right() {
        let url: &[&str] = &["u", "https://relay.example.com"];
        let tags: &[&[&str]] = &[url, &["method", "POST"]];
        for (kind, tags, now, expected) in [
            (27_235, tags, NOW + 60, Ok(())),
            (27_235, tags, NOW - 60, Ok(())),
            (27_235, tags, NOW + 61, Err(HttpAuthError::CreatedAt)),
            (27_235, tags, NOW - 61, Err(HttpAuthError::CreatedAt)),
            (22_242, tags, NOW, Err(HttpAuthError::Kind)),
            (27_235, &[url], NOW, Err(HttpAuthError::Method)),
            (
                27_235,
                &[url, &["method", "GET"]],
                NOW,
                Err(HttpAuthError::Method),
            ),
            (27_235, &[&["method", "POST"]], NOW, Err(HttpAuthError::Url)),
        ] {
            assert_eq!(check(kind, tags, now), expected, "{kind} {tags:?} {now}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_header_says_is_read_or_refused(value in "\\PC{0,80}") {
            let _ = HttpAuth::from_header(&value);
            let _ = HttpAuth::from_header(&format!("Nostr {value}"));
        }

        #[test]
        fn headers_round_trip(content in "\\PC{0,40}", is_padded: bool) {
            let event = event(27_235, &[], &content);
            let header = HttpAuth::header(&event);
            let header = if is_padded { &header } else { header.trim_end_matches('=') };
            let read = HttpAuth::from_header(header);
            prop_assert_eq!(read.as_ref().map(HttpAuth::event), Ok(&event));
        }

        #[test]
        fn an_event_is_for_one_body(body: Vec<u8>, other: Vec<u8>) {
            let hash = HEXLOWER.encode(&Sha256::digest(&body));
            let auth = HttpAuth(event(27_235, &[&["payload", &hash]], ""));
            prop_assert_eq!(auth.check_payload(&body), Ok(()));
            prop_assert_eq!(auth.check_payload(&other).is_ok(), other == body);
            let unbound = HttpAuth(event(27_235, &[], ""));
            prop_assert_eq!(unbound.check_payload(&body), Err(HttpAuthError::Payload));
        }
    }
}
