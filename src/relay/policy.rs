//! Whether the operator lets a client publish an event, judged before any work is spent on it.

use nips::nip62::VanishRequest;
use nips::{Event, Kind, PublicKey, RelayUrl};

use super::message::ClientEvent;
use super::settings::WriteRules;

impl WriteRules {
    /// Whether some clients or kinds are kept out (NIP-11 `restricted_writes`).
    pub(super) fn is_restricted(&self) -> bool {
        !self.is_enabled || !self.kinds_allowed.is_empty() || !self.authors_allowed.is_empty()
    }

    /// Why an event is refused, as the text of an `OK`. An event whose author or kind cannot be read
    /// passes: the archive finds it malformed.
    pub(super) fn check(&self, event: &ClientEvent<'_>) -> Result<(), &'static str> {
        if !self.is_enabled {
            return Err("blocked: this relay takes no events from clients");
        }
        let kind = event.kind.and_then(|kind| u16::try_from(kind).ok());
        if kind.is_some_and(|kind| !self.allows_kind(Kind(kind))) {
            return Err("blocked: this relay does not take events of that kind");
        }
        let pubkey = event.pubkey.as_ref();
        let author = pubkey.and_then(|hex| PublicKey::from_hex(hex).ok());
        if author.is_some_and(|author| !self.allows_author(author)) {
            return Err("blocked: this relay does not take events of that author");
        }
        Ok(())
    }

    /// Whether an event asks this relay, known by `urls`, to forget its author. That is taken from
    /// everybody, whatever else the rules keep out (NIP-62).
    pub(super) fn is_owed(event: &ClientEvent<'_>, urls: &[RelayUrl]) -> bool {
        if event.kind != Some(u64::from(Kind::REQUEST_TO_VANISH.0)) {
            return false;
        }
        let event = Event::from_json(event.json).ok();
        let request = event.and_then(|event| VanishRequest::of(&event.as_ref()));
        request.is_some_and(|request| {
            request.concerns(None) || urls.iter().any(|url| request.concerns(Some(url)))
        })
    }

    fn allows_kind(&self, kind: Kind) -> bool {
        let is_allowed = self.kinds_allowed.is_empty() || self.kinds_allowed.contains(&kind);
        is_allowed && !self.kinds_blocked.contains(&kind)
    }

    fn allows_author(&self, author: PublicKey) -> bool {
        let is_allowed = self.authors_allowed.is_empty() || self.authors_allowed.contains(&author);
        is_allowed && !self.authors_blocked.contains(&author)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u64, author: u8) -> ClientEvent<'static> {
        ClientEvent {
            id: "x".into(),
            pubkey: Some(PublicKey([author; 32]).to_hex().into()),
            kind: Some(kind),
            json: "{}",
        }
    }

    #[test]
    fn lists_allow_and_block() {
        let mut rules = WriteRules::default();
        assert!(rules.check(&event(1, 1)).is_ok() && !rules.is_restricted());
        rules.kinds_blocked.insert(Kind(4));
        rules.authors_blocked.insert(PublicKey([9; 32]));
        assert!(rules.check(&event(4, 1)).is_err());
        assert!(rules.check(&event(1, 9)).is_err());
        rules.kinds_allowed.insert(Kind(1));
        assert!(rules.check(&event(7, 1)).is_err() && rules.is_restricted());
        rules.authors_allowed.insert(PublicKey([1; 32]));
        assert!(rules.check(&event(1, 1)).is_ok());
        assert!(rules.check(&event(1, 2)).is_err());
        rules.is_enabled = false;
        assert!(rules.check(&event(1, 1)).is_err());
    }
}
