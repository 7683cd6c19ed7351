//! Relay URLs: the canonical form is its own, and another parser of URLs finds the same parts in it.

#![no_main]

use std::str::from_utf8;

use libfuzzer_sys::fuzz_target;
use nips::relay_url::{LocalRelays, MAX_URL_BYTES};
use nips::{Network, RelayUrl};
use url::Url;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = from_utf8(data) else { return };
    let Ok(relay) = RelayUrl::parse_with(text, LocalRelays::Accepted) else {
        assert!(RelayUrl::parse(text).is_err());
        return;
    };
    assert_eq!(
        RelayUrl::parse(text).is_ok(),
        relay.network() != Network::Local
    );
    let canonical = relay.as_str();
    assert_eq!(
        RelayUrl::parse_with(canonical, LocalRelays::Accepted).as_ref(),
        Ok(&relay)
    );
    assert!(canonical.len() <= MAX_URL_BYTES);
    assert!(
        canonical.bytes().all(|byte| byte.is_ascii_graphic()),
        "{canonical}"
    );
    let other = Url::parse(canonical).expect("a canonical URL is a URL");
    assert_eq!(other.scheme(), if relay.is_tls() { "wss" } else { "ws" });
    assert_eq!(
        other.host_str().map(|host| host.trim_matches(['[', ']'])),
        Some(relay.host())
    );
    assert_eq!(other.port_or_known_default(), Some(relay.port()));
    assert_eq!(other.path().trim_end_matches('/'), relay.path());
    assert_eq!((other.query(), other.fragment()), (None, None));
    assert_eq!((other.username(), other.password()), ("", None));
});
