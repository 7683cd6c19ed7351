//! What a store has to know about an event besides its fields, read once from its tags.
//!
//! The same for every engine, except how it spells what events are looked up by ([`EventKeys`]).

use std::fmt;

use nips::event::Tag;
use nips::nip09::{DeletionTargets, deletion_targets};
use nips::nip40::Expiration;
use nips::nip62::VanishRequest;
use nips::nip70::{is_protected, reposts_protected};
use nips::{Address, EventRef, Kind, PublicKey, RelayUrl, tag_values};

/// How an engine spells tags and addresses in its indexes: LMDB with a secret of the store and in full,
/// PostgreSQL so that an analyst can write the same.
pub(in crate::store) trait EventKeys: Clone {
    /// A tag's letter and value.
    type Tag: Ord + Clone + fmt::Debug;
    /// What the versions of an address share.
    type Version: Clone + PartialEq + fmt::Debug;

    /// The key of a tag.
    fn tag(&self, letter: u8, value: &str) -> Self::Tag;

    /// The key of an address.
    fn version(&self, address: &Address) -> Self::Version;

    /// Whether tags of a letter are looked up among events of a kind.
    fn is_indexed(&self, kind: Kind, letter: u8) -> bool;
}

/// How a store reads events.
#[derive(Debug, Clone)]
pub(in crate::store) struct Rules<K> {
    pub(in crate::store) keys: K,
    /// Sorted; `None` keeps every kind whole.
    whole_kinds: Option<Vec<Kind>>,
    own_relay_urls: Vec<RelayUrl>,
}

/// What an event means to a store.
#[derive(Debug, Clone)]
pub(in crate::store) struct Facts<K: EventKeys> {
    pub(in crate::store) expiration: Expiration,
    /// Whether it, or the event that it reposts, is not for us to show unless its author brings it.
    pub(in crate::store) is_protected: bool,
    /// Only the fixed part is kept.
    pub(in crate::store) is_stub: bool,
    /// Where it is a version of something.
    pub(in crate::store) version_of: Option<K::Version>,
    /// Keys of its indexed tags, each once.
    pub(in crate::store) tags: Vec<K::Tag>,
    /// To whom a gift wrap is addressed.
    pub(in crate::store) recipients: Vec<PublicKey>,
    /// What a deletion request asks for.
    pub(in crate::store) deletion: DeletionTargets,
    /// Whether it is a request to vanish that concerns this store.
    pub(in crate::store) is_vanish_request: bool,
}

impl<K: EventKeys> Rules<K> {
    /// Rules of a store that keeps these kinds whole and serves at these URLs.
    pub(in crate::store) fn new(
        keys: K,
        mut whole_kinds: Option<Vec<Kind>>,
        own_relay_urls: Vec<RelayUrl>,
    ) -> Self {
        if let Some(kinds) = &mut whole_kinds {
            kinds.sort_unstable();
        }
        Self {
            keys,
            whole_kinds,
            own_relay_urls,
        }
    }

    /// Reads an event; `is_stub` says that only its fixed part is or will be kept.
    pub(in crate::store) fn facts(&self, event: &EventRef<'_>, is_stub: bool) -> Facts<K> {
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
            is_protected: is_protected(&tags) || reposts_protected(event),
            is_stub,
            version_of: self.version_of(event, is_stub),
            tags: self.tag_keys(event.kind, &tags),
            recipients,
            deletion: deletion_targets(event),
            is_vanish_request: self.is_vanish_request(event),
        }
    }

    /// Requests stay whole in lightweight mode too: what they ask for outlives them.
    pub(in crate::store) fn is_whole(&self, kind: Kind) -> bool {
        let is_request = matches!(kind, Kind::DELETION | Kind::REQUEST_TO_VANISH);
        let kinds = self.whole_kinds.as_ref();
        is_request || kinds.is_none_or(|kinds| kinds.binary_search(&kind).is_ok())
    }

    /// Kinds kept whole; `None` keeps every kind whole.
    pub(in crate::store) fn whole_kinds(&self) -> Option<&[Kind]> {
        self.whole_kinds.as_deref()
    }

    /// Whom a request to vanish may address.
    pub(in crate::store) fn own_relay_urls(&self) -> &[RelayUrl] {
        &self.own_relay_urls
    }

    /// The key of an address.
    pub(in crate::store) fn version_key(&self, address: &Address) -> K::Version {
        self.keys.version(address)
    }

    /// The address that an event is a version of.
    pub(in crate::store) fn version_of(
        &self,
        event: &EventRef<'_>,
        is_stub: bool,
    ) -> Option<K::Version> {
        if is_stub || !event.kind.is_replaceable() {
            return None;
        }
        Address::of(event).map(|address| self.version_key(&address))
    }

    fn tag_keys(&self, kind: Kind, tags: &[Tag<'_>]) -> Vec<K::Tag> {
        let mut keys: Vec<K::Tag> = tag_values::indexed(tags)
            .filter(|(letter, _)| self.keys.is_indexed(kind, *letter))
            .map(|(letter, value)| self.keys.tag(letter, value))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
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
