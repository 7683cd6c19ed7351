//! Which checks: one switch each, under the names of the documents that they produce.

use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};
use crate::model::MetadataType;

/// One switch for each check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChecksIncluded {
    /// NIP-11 relay information document.
    pub nip11_info: bool,
    /// Round-trip times.
    pub nip66_rtt: bool,
    /// TLS certificate.
    pub nip66_ssl: bool,
    /// Place of the address.
    pub nip66_geo: bool,
    /// Autonomous system of the address.
    pub nip66_net: bool,
    /// DNS records.
    pub nip66_dns: bool,
    /// HTTP headers of the upgrade.
    pub nip66_http: bool,
    /// Whether the relay does what its document claims.
    pub claim_audit: bool,
}

/// The name of each switch and what it stands for.
const SWITCHES: [(MetadataType, &str); 8] = [
    (MetadataType::Nip11Info, "Relay information document."),
    (MetadataType::Nip66Rtt, "Round-trip times."),
    (MetadataType::Nip66Ssl, "TLS certificate."),
    (
        MetadataType::Nip66Geo,
        "Place of the address; clearnet only, from geo.city_database_path.",
    ),
    (
        MetadataType::Nip66Net,
        "Autonomous system of the address; clearnet only, from geo.asn_database_path.",
    ),
    (MetadataType::Nip66Dns, "DNS records; clearnet only."),
    (MetadataType::Nip66Http, "HTTP headers of the upgrade."),
    (
        MetadataType::ClaimAudit,
        "Whether relays do what their document claims; see processing.audit.",
    ),
];

/// Where the switches of a section are, in the order of [`SWITCHES`].
pub(super) type SwitchPaths = [&'static str; SWITCHES.len()];

impl Default for ChecksIncluded {
    fn default() -> Self {
        Self::ALL
    }
}

impl ChecksIncluded {
    /// Every check.
    pub const ALL: Self = Self::same(true);

    /// No check.
    pub const NONE: Self = Self::same(false);

    const fn same(value: bool) -> Self {
        Self {
            nip11_info: value,
            nip66_rtt: value,
            nip66_ssl: value,
            nip66_geo: value,
            nip66_net: value,
            nip66_dns: value,
            nip66_http: value,
            claim_audit: value,
        }
    }

    /// Whether the check that makes these documents is on.
    pub fn includes(&self, document: MetadataType) -> bool {
        match document {
            MetadataType::Nip11Info => self.nip11_info,
            MetadataType::Nip66Rtt => self.nip66_rtt,
            MetadataType::Nip66Ssl => self.nip66_ssl,
            MetadataType::Nip66Dns => self.nip66_dns,
            MetadataType::Nip66Http => self.nip66_http,
            MetadataType::ClaimAudit => self.claim_audit,
            MetadataType::Nip66Geo => self.nip66_geo,
            MetadataType::Nip66Net => self.nip66_net,
        }
    }

    /// The checks that are on here and off in `other`.
    pub(super) fn without(self, other: Self) -> Vec<&'static str> {
        let only_here = MetadataType::ALL
            .into_iter()
            .filter(|check| self.includes(*check) && !other.includes(*check));
        only_here.map(MetadataType::as_str).collect()
    }
}

/// The keys of a section of switches.
pub(super) fn keys(section: Key, paths: SwitchPaths) -> Vec<Key> {
    let switches = paths.into_iter().zip(SWITCHES);
    let switches = switches.map(|(path, (_, doc))| Key::new(path, Accepts::Flag, doc));
    std::iter::once(section).chain(switches).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_is_a_field_and_switches_its_check() {
        for (check, _) in SWITCHES {
            let switched = format!(r#"{{"{}": false}}"#, check.as_str());
            let read: ChecksIncluded = serde_json::from_str(&switched).unwrap();
            assert!(!read.includes(check));
            assert_eq!(ChecksIncluded::ALL.without(read), [check.as_str()]);
            assert_eq!(read.without(ChecksIncluded::ALL), [""; 0]);
        }
    }
}
