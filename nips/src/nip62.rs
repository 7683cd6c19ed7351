//! NIP-62 requests to vanish.

use crate::relay_url::LocalRelays;
use crate::{EventRef, Kind, PublicKey, RelayUrl, tag_values};

/// The `relay` value that addresses every relay.
const ALL_RELAYS: &str = "ALL_RELAYS";

/// A request that relays forget everything of an author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VanishRequest {
    /// Whose events have to go.
    pub pubkey: PublicKey,
    /// Events up to this moment have to go, unix seconds, inclusive.
    pub until: u64,
    /// Whom the request is for.
    pub relays: VanishRelays,
}

/// The relays that a request to vanish is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VanishRelays {
    /// Every relay there is.
    All,
    /// These relays; none when no tag holds a relay URL.
    Listed(Vec<RelayUrl>),
}

impl VanishRequest {
    /// Reads a kind 62 event; `None` for other kinds.
    pub fn of(event: &EventRef<'_>) -> Option<Self> {
        if event.kind != Kind::REQUEST_TO_VANISH {
            return None;
        }
        let tags = event.tags();
        let relays = if tag_values::values(&tags, "relay").any(|value| value == ALL_RELAYS) {
            VanishRelays::All
        } else {
            let parse = |value| RelayUrl::parse_with(value, LocalRelays::Accepted).ok();
            VanishRelays::Listed(
                tag_values::values(&tags, "relay")
                    .filter_map(parse)
                    .collect(),
            )
        };
        Some(Self {
            pubkey: event.pubkey,
            until: event.created_at,
            relays,
        })
    }

    /// Whether the request is for the relay at `own`, or for all relays. A relay that does not know
    /// its URL obeys only the latter.
    pub fn concerns(&self, own: Option<&RelayUrl>) -> bool {
        match &self.relays {
            VanishRelays::All => true,
            VanishRelays::Listed(relays) => own.is_some_and(|own| relays.contains(own)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_event::{AUTHOR, event};

    fn request(tags: &[&[&str]]) -> VanishRequest {
        VanishRequest::of(&event(62, tags, "").as_ref()).unwrap()
    }

    #[test]
    fn relays_are_compared_in_canonical_form() {
        let own = RelayUrl::parse("wss://relay.example.com").unwrap();
        let other = RelayUrl::parse("wss://other.example.com").unwrap();
        let request = request(&[
            &["relay", "nonsense"],
            &["relay", "WSS://Relay.Example.com:443/"],
        ]);
        assert!(request.concerns(Some(&own)));
        assert!(!request.concerns(Some(&other)) && !request.concerns(None));
        assert_eq!((request.pubkey, request.until), (AUTHOR, 1_700_000_000));
    }

    #[test]
    fn all_relays_means_us() {
        let request = request(&[
            &["relay", "wss://other.example.com"],
            &["relay", "ALL_RELAYS"],
        ]);
        assert!(request.concerns(None));
    }

    #[test]
    fn other_kinds_are_no_requests() {
        let note = event(1, &[&["relay", "ALL_RELAYS"]], "");
        assert_eq!(VanishRequest::of(&note.as_ref()), None);
    }
}
