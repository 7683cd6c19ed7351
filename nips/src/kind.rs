//! Event kinds and the classes NIP-01 sorts them into.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The `kind` of an event, 0–65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(pub u16);

/// What NIP-01 asks a relay to keep of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KindClass {
    /// Every event stands for itself. Kinds outside the named ranges belong here too.
    Regular,
    /// The newest event of an author and kind is current.
    Replaceable,
    /// Delivered to live subscribers, never stored.
    Ephemeral,
    /// The newest event of an author, kind and `d` tag is current.
    Addressable,
}

impl KindClass {
    /// The class as a metric label and log field, e.g. `addressable`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Replaceable => "replaceable",
            Self::Ephemeral => "ephemeral",
            Self::Addressable => "addressable",
        }
    }
}

impl Kind {
    /// User metadata (NIP-01).
    pub const METADATA: Self = Self(0);
    /// Short text note (NIP-10).
    pub const TEXT_NOTE: Self = Self(1);
    /// Recommended relay (deprecated, content is a URL).
    pub const RECOMMEND_RELAY: Self = Self(2);
    /// Follow list (NIP-02).
    pub const CONTACTS: Self = Self(3);
    /// Encrypted direct message (NIP-04).
    pub const ENCRYPTED_DIRECT_MESSAGE: Self = Self(4);
    /// Deletion request (NIP-09).
    pub const DELETION: Self = Self(5);
    /// Repost (NIP-18).
    pub const REPOST: Self = Self(6);
    /// Generic repost (NIP-18).
    pub const GENERIC_REPOST: Self = Self(16);
    /// Request to vanish (NIP-62).
    pub const REQUEST_TO_VANISH: Self = Self(62);
    /// Gift wrap (NIP-59).
    pub const GIFT_WRAP: Self = Self(1059);
    /// Zap receipt (NIP-57).
    pub const ZAP_RECEIPT: Self = Self(9735);
    /// Relay list (NIP-65).
    pub const RELAY_LIST: Self = Self(10002);
    /// Direct message relays (NIP-17).
    pub const DM_RELAYS: Self = Self(10050);
    /// Relay monitor announcement (NIP-66).
    pub const MONITOR_ANNOUNCEMENT: Self = Self(10166);
    /// Gift wrap that is delivered and not stored (NIP-59).
    pub const EPHEMERAL_GIFT_WRAP: Self = Self(21_059);
    /// Client authentication (NIP-42).
    pub const CLIENT_AUTH: Self = Self(22242);
    /// Write probe of this project, ephemeral.
    pub const WRITE_PROBE: Self = Self(22456);
    /// Authorisation of an HTTP request (NIP-98).
    pub const HTTP_AUTH: Self = Self(27_235);
    /// Relay discovery (NIP-66).
    pub const RELAY_DISCOVERY: Self = Self(30166);

    /// The NIP-01 class of the kind.
    pub fn class(self) -> KindClass {
        match self.0 {
            0 | 3 | 10_000..=19_999 => KindClass::Replaceable,
            20_000..=29_999 => KindClass::Ephemeral,
            30_000..=39_999 => KindClass::Addressable,
            _ => KindClass::Regular,
        }
    }

    /// Whether a newer event can supersede one of this kind.
    pub fn is_replaceable(self) -> bool {
        matches!(
            self.class(),
            KindClass::Replaceable | KindClass::Addressable
        )
    }

    /// Whether events of this kind are delivered but never stored.
    pub fn is_ephemeral(self) -> bool {
        self.class() == KindClass::Ephemeral
    }

    /// Whether only the sender and the `p`-tagged recipients may read events of this kind (NIP-04,
    /// NIP-17, NIP-59).
    pub fn is_private(self) -> bool {
        matches!(
            self,
            Self::ENCRYPTED_DIRECT_MESSAGE | Self::GIFT_WRAP | Self::EPHEMERAL_GIFT_WRAP
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_follow_nip_01() {
        for (kind, class) in [
            (0, KindClass::Replaceable),
            (1, KindClass::Regular),
            (3, KindClass::Replaceable),
            (45, KindClass::Regular),
            (9_999, KindClass::Regular),
            (10_000, KindClass::Replaceable),
            (19_999, KindClass::Replaceable),
            (20_000, KindClass::Ephemeral),
            (29_999, KindClass::Ephemeral),
            (30_000, KindClass::Addressable),
            (39_999, KindClass::Addressable),
            (40_000, KindClass::Regular),
            (65_535, KindClass::Regular),
        ] {
            assert_eq!(Kind(kind).class(), class, "kind {kind}");
        }
    }
}
