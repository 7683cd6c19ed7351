//! A relay as a person names it on the command line.

use nips::{LocalRelays, RelayUrl};

/// Reads a relay's URL; a host is enough, e.g. `relay.example.com` for `wss://relay.example.com`.
///
/// # Errors
/// Says what is wrong; clap adds the text itself.
pub(super) fn relay_url(text: &str) -> Result<RelayUrl, String> {
    let url = match text.contains("://") {
        true => text.to_owned(),
        false => format!("wss://{text}"),
    };
    RelayUrl::parse_with(&url, LocalRelays::Accepted).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_enough() {
        for (text, url) in [
            ("relay.example.com", "wss://relay.example.com"),
            ("ws://127.0.0.1:7777", "ws://127.0.0.1:7777"),
            (
                "wss://relay.example.com/path",
                "wss://relay.example.com/path",
            ),
        ] {
            assert_eq!(relay_url(text).unwrap().as_str(), url);
        }
        for text in ["https://relay.example.com", "wss://", "no host"] {
            assert!(relay_url(text).is_err(), "{text}");
        }
    }
}
