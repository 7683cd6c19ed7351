//! Whether the operator lets a client publish an event, judged before any work is spent on it.

use nips::nip62::VanishRequest;
use nips::{ClientEvent, Event, EventId, Kind, PublicKey, RelayUrl};

use super::decisions::{Decisions, Subject, Verdict};
use super::settings::WriteRules;
use crate::config::WriteAccess;

const AUTHOR_BLOCKED: &str = "blocked: this relay does not take events of that author";

/// The author that an event names; `None` when it cannot be read, which the archive will find.
pub(super) fn author(event: &ClientEvent<'_>) -> Option<PublicKey> {
    let pubkey = event.pubkey.as_ref()?;
    PublicKey::from_hex(pubkey).ok()
}

impl WriteRules {
    /// Whether some clients or kinds are kept out (NIP-11 `restricted_writes`).
    pub(super) fn is_restricted(&self) -> bool {
        !self.is_enabled
            || self.access != WriteAccess::Open
            || !self.kinds_allowed.is_empty()
            || !self.authors_allowed.is_empty()
    }

    /// Why an event is refused, as the text of an `OK`. `authenticated` are the keys that the client has
    /// proved to hold; what the operator decided meanwhile comes before what was configured. An event whose author
    /// or kind cannot be read passes: the archive finds it malformed.
    pub(super) fn check(
        &self,
        event: &ClientEvent<'_>,
        authenticated: &[PublicKey],
        decisions: &Decisions,
    ) -> Result<(), &'static str> {
        if !self.is_enabled {
            return Err("blocked: this relay takes no events from clients");
        }
        let kind = event.kind.and_then(|kind| u16::try_from(kind).ok());
        if kind.is_some_and(|kind| !self.allows_kind(Kind(kind), decisions)) {
            return Err("blocked: this relay does not take events of that kind");
        }
        let id = EventId::from_hex(&event.id);
        if id.is_ok_and(|id| decisions.about(Subject::Event(id)) == Some(Verdict::Banned)) {
            return Err("blocked: this relay does not take that event");
        }
        let outsider = author(event).filter(|author| !self.insiders.contains(author));
        let Some(author) = outsider else {
            return Ok(());
        };
        match decisions.about(Subject::Author(author)) {
            Some(Verdict::Allowed) => Ok(()),
            Some(Verdict::Banned) => Err(AUTHOR_BLOCKED),
            Some(Verdict::Set) | None => self.check_author(author, authenticated),
        }
    }

    fn check_author(
        &self,
        author: PublicKey,
        authenticated: &[PublicKey],
    ) -> Result<(), &'static str> {
        if self.authors_blocked.contains(&author) {
            return Err(AUTHOR_BLOCKED);
        }
        let is_listed = self.authors_allowed.contains(&author);
        match self.access {
            WriteAccess::MonitorOnly => {
                Err("blocked: this relay takes only events of its monitor and its operator")
            }
            WriteAccess::Allowlist if !is_listed => {
                Err("blocked: this relay takes only events of authors that it knows")
            }
            WriteAccess::Authed if authenticated.is_empty() => {
                Err("auth-required: this relay takes events from authenticated clients only")
            }
            _ if !self.authors_allowed.is_empty() && !is_listed => Err(AUTHOR_BLOCKED),
            _ => Ok(()),
        }
    }

    /// Whether an event asks this relay, known by `urls`, to forget its author. That is taken from
    /// everybody, whatever else the rules keep out (NIP-62).
    pub(super) fn is_owed(event: &ClientEvent<'_>, urls: &[RelayUrl]) -> bool {
        if event.kind != Some(u64::from(Kind::REQUEST_TO_VANISH.0)) {
            return false;
        }
        let event = Event::from_json(&event.json).ok();
        let request = event.and_then(|event| VanishRequest::of(&event.as_ref()));
        request.is_some_and(|request| {
            request.concerns(None) || urls.iter().any(|url| request.concerns(Some(url)))
        })
    }

    fn allows_kind(&self, kind: Kind, decisions: &Decisions) -> bool {
        match decisions.about(Subject::Kind(kind)) {
            Some(verdict) => verdict == Verdict::Allowed,
            None => self.is_configured(kind),
        }
    }

    fn is_configured(&self, kind: Kind) -> bool {
        let is_allowed = self.kinds_allowed.is_empty() || self.kinds_allowed.contains(&kind);
        is_allowed && !self.kinds_blocked.contains(&kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &WriteRules, event: &ClientEvent<'_>) -> Result<(), &'static str> {
        rules.check(event, &[], &Decisions::default())
    }

    fn event(kind: u64, author: u8) -> ClientEvent<'static> {
        ClientEvent {
            id: "x".into(),
            pubkey: Some(PublicKey([author; 32]).to_hex().into()),
            kind: Some(kind),
            json: "{}".into(),
        }
    }

    #[test]
    fn lists_allow_and_block() {
        let mut rules = WriteRules::default();
        assert!(check(&rules, &event(1, 1)).is_ok() && !rules.is_restricted());
        rules.kinds_blocked.insert(Kind(4));
        rules.authors_blocked.insert(PublicKey([9; 32]));
        assert!(check(&rules, &event(4, 1)).is_err());
        assert!(check(&rules, &event(1, 9)).is_err());
        rules.kinds_allowed.insert(Kind(1));
        assert!(check(&rules, &event(7, 1)).is_err() && rules.is_restricted());
        rules.authors_allowed.insert(PublicKey([1; 32]));
        assert!(check(&rules, &event(1, 1)).is_ok());
        assert!(check(&rules, &event(1, 2)).is_err());
        rules.is_enabled = false;
        assert!(check(&rules, &event(1, 1)).is_err());
    }

    #[test]
    fn access_decides_about_everybody_but_insiders() {
        let [insider, listed, stranger] = [1, 2, 3];
        let somebody = [PublicKey([7; 32])];
        for (access, expected) in [
            (WriteAccess::Open, [true, true, true]),
            (WriteAccess::Authed, [true, false, false]),
            (WriteAccess::Allowlist, [true, true, false]),
            (WriteAccess::MonitorOnly, [true, false, false]),
        ] {
            let mut rules = WriteRules {
                access,
                ..WriteRules::default()
            };
            rules.insiders.insert(PublicKey([insider; 32]));
            if access == WriteAccess::Allowlist {
                rules.authors_allowed.insert(PublicKey([listed; 32]));
            }
            let allowed =
                [insider, listed, stranger].map(|author| check(&rules, &event(1, author)).is_ok());
            assert_eq!(allowed, expected, "{access:?}");
            assert_eq!(rules.is_restricted(), access != WriteAccess::Open);
            if access == WriteAccess::Authed {
                let refused = check(&rules, &event(1, stranger)).unwrap_err();
                assert!(refused.starts_with("auth-required:"));
                assert!(
                    rules
                        .check(&event(1, stranger), &somebody, &Decisions::default())
                        .is_ok()
                );
            }
        }
    }
}
