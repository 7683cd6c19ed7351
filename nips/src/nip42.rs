//! NIP-42: what proves to a relay that a client holds a key.

use crate::relay_url::LocalRelays;
use crate::{EventRef, Kind, RelayUrl};

/// How far the clock of a client may be off, seconds.
const MAX_CLOCK_DIFFERENCE: u64 = 600;

/// Why an event proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It is of another kind than 22242.
    #[error("authentication events are of kind 22242")]
    Kind,
    /// It was signed at another time.
    #[error("created_at is more than ten minutes from now")]
    CreatedAt,
    /// It answers another challenge, or none.
    #[error("the challenge is not the one that was sent")]
    Challenge,
    /// It was signed for another relay.
    #[error("the relay tag names another relay")]
    Relay,
}

/// Checks everything about an authentication event but its signature: that it answers `challenge`, for
/// a relay that is known by one of the `own` URLs, at `now` unix seconds.
///
/// Relays are told apart by host, as the NIP allows: behind proxies scheme, port and path get lost.
///
/// # Errors
/// [`AuthError`] says what is wrong first.
pub fn check_auth(
    event: &EventRef<'_>,
    challenge: &str,
    own: &[RelayUrl],
    now: u64,
) -> Result<(), AuthError> {
    if event.kind != Kind::CLIENT_AUTH {
        return Err(AuthError::Kind);
    }
    if event.created_at.abs_diff(now) > MAX_CLOCK_DIFFERENCE {
        return Err(AuthError::CreatedAt);
    }
    let answered = event.first_tag("challenge");
    if answered.is_none_or(|answered| answered != challenge) {
        return Err(AuthError::Challenge);
    }
    let relay = event.first_tag("relay").unwrap_or_default();
    let relay = RelayUrl::parse_with(&relay, LocalRelays::Accepted);
    let is_ours = |relay: RelayUrl| own.iter().any(|own| own.host() == relay.host());
    if relay.is_ok_and(is_ours) {
        Ok(())
    } else {
        Err(AuthError::Relay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_event::event;

    /// When test events are made.
    const NOW: u64 = 1_700_000_000;

    fn check(kind: u16, tags: &[&[&str]], now: u64) -> Result<(), AuthError> {
        let own = RelayUrl::parse("wss://relay.example.com").unwrap();
        check_auth(&event(kind, tags, "").as_ref(), "abc", &[own], now)
    }

    #[test]
    fn relays_are_told_apart_by_host() {
        for (relay, expected) in [
            ("wss://relay.example.com", Ok(())),
            ("WSS://Relay.Example.COM:443/", Ok(())),
            ("ws://relay.example.com:7777/path", Ok(())),
            ("wss://example.com", Err(AuthError::Relay)),
            ("wss://relay.example.com.evil.net", Err(AuthError::Relay)),
            ("wss://evil.net/relay.example.com", Err(AuthError::Relay)),
            ("relay.example.com@evil.net", Err(AuthError::Relay)),
            ("", Err(AuthError::Relay)),
        ] {
            let tags: &[&[&str]] = &[&["relay", relay], &["challenge", "abc"]];
            assert_eq!(check(22_242, tags, NOW), expected, "{relay}");
        }
    }

    #[test]
    fn kind_time_and_challenge_have_to_be_right() {
        let relay: &[&str] = &["relay", "wss://relay.example.com"];
        let tags: &[&[&str]] = &[relay, &["challenge", "abc"]];
        for (kind, tags, now, expected) in [
            (22_242, tags, NOW + 600, Ok(())),
            (22_242, tags, NOW - 600, Ok(())),
            (22_242, tags, NOW + 601, Err(AuthError::CreatedAt)),
            (22_242, tags, NOW - 601, Err(AuthError::CreatedAt)),
            (1, tags, NOW, Err(AuthError::Kind)),
            (22_242, &[relay], NOW, Err(AuthError::Challenge)),
            (
                22_242,
                &[relay, &["challenge", "abcd"]],
                NOW,
                Err(AuthError::Challenge),
            ),
        ] {
            assert_eq!(check(kind, tags, now), expected, "{kind} {tags:?} {now}");
        }
    }
}
