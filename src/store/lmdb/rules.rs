//! What the store has to know about an event besides its fields: read once from its tags.

use nips::event::Tag;
use nips::nip09::{DeletionTargets, deletion_targets};
use nips::nip40::Expiration;
use nips::nip62::VanishRequest;
use nips::nip70::is_protected;
use nips::{Address, EventRef, Kind, PublicKey, RelayUrl, tag_values};

use super::keys::{AddressPrefix, KeyHasher, TagHash};

/// How this store reads events.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) hasher: KeyHasher,
    /// Sorted; `None` keeps every kind whole.
    pub(super) whole_kinds: Option<Vec<Kind>>,
    pub(super) own_relay_urls: Vec<RelayUrl>,
}

/// What an event means to the store.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) expiration: Expiration,
    pub(super) is_protected: bool,
    /// Only the fixed part is kept.
    pub(super) is_stub: bool,
    /// Where it is a version of something.
    pub(super) version_of: Option<VersionKey>,
    /// Hashes of its indexed tags, each once; only recipients for private kinds.
    pub(super) tag_hashes: Vec<TagHash>,
    /// To whom a gift wrap is addressed.
    pub(super) recipients: Vec<PublicKey>,
    /// What a deletion request asks for.
    pub(super) deletion: DeletionTargets,
    /// Whether it is a request to vanish that concerns this store.
    pub(super) is_vanish_request: bool,
}

/// An address as the tables spell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VersionKey {
    pub(super) prefix: AddressPrefix,
    /// Author and identifier in full: what rows under the prefix are compared with.
    pub(super) identity: Vec<u8>,
}

impl Rules {
    /// Reads an event; `is_stub` says that only its fixed part is or will be kept.
    pub(super) fn facts(&self, event: &EventRef<'_>, is_stub: bool) -> Facts {
        let tags = event.tags();
        let recipients = match event.kind {
            Kind::GIFT_WRAP => recipients(&tags),
            _ => Vec::new(),
        };
        Facts {
            expiration: match Expiration::of(&tags) {
                at @ Expiration::At(_) => at,
                Expiration::Never | Expiration::Unreadable => Expiration::Never,
            },
            is_protected: is_protected(&tags),
            is_stub,
            version_of: self.version_of(event, is_stub),
            tag_hashes: self.tag_hashes(event.kind, &tags),
            recipients,
            deletion: deletion_targets(event),
            is_vanish_request: self.is_vanish_request(event),
        }
    }

    /// Requests stay whole in lightweight mode too: what they ask for outlives them.
    pub(super) fn is_whole(&self, kind: Kind) -> bool {
        let is_request = matches!(kind, Kind::DELETION | Kind::REQUEST_TO_VANISH);
        let kinds = self.whole_kinds.as_ref();
        is_request || kinds.is_none_or(|kinds| kinds.binary_search(&kind).is_ok())
    }

    pub(super) fn version_key(&self, address: &Address) -> VersionKey {
        let mut identity = address.pubkey().0.to_vec();
        identity.extend_from_slice(address.identifier().as_bytes());
        VersionKey {
            prefix: self.hasher.address(address),
            identity,
        }
    }

    fn version_of(&self, event: &EventRef<'_>, is_stub: bool) -> Option<VersionKey> {
        if is_stub || !event.kind.is_replaceable() {
            return None;
        }
        Address::of(event).map(|address| self.version_key(&address))
    }

    fn tag_hashes(&self, kind: Kind, tags: &[Tag<'_>]) -> Vec<TagHash> {
        let is_asked_for = |letter: u8| !kind.is_private() || letter == b'p';
        let mut hashes: Vec<TagHash> = tag_values::indexed(tags)
            .filter(|(letter, _)| is_asked_for(*letter))
            .map(|(letter, value)| self.hasher.tag(letter, value))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    fn is_vanish_request(&self, event: &EventRef<'_>) -> bool {
        VanishRequest::of(event).is_some_and(|request| {
            let is_for_us = |url| request.concerns(Some(url));
            request.concerns(None) || self.own_relay_urls.iter().any(is_for_us)
        })
    }
}

fn recipients(tags: &[Tag<'_>]) -> Vec<PublicKey> {
    tag_values::values(tags, "p")
        .filter_map(|value| PublicKey::from_hex(value).ok())
        .collect()
}
