//! Documents that health checks produce, addressed by their content, and RTT as plain numbers.

use sha2::{Digest, Sha256};

use crate::model::RelayId;

/// The kinds of document that a monitor stores about a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetadataType {
    /// NIP-11 relay information document.
    Nip11Info,
    /// Round-trip times.
    Nip66Rtt,
    /// TLS certificate.
    Nip66Ssl,
    /// Geography of the address.
    Nip66Geo,
    /// Address and autonomous system.
    Nip66Net,
    /// DNS records.
    Nip66Dns,
    /// HTTP headers of the upgrade.
    Nip66Http,
    /// What was observed of the claims of the information document.
    ClaimAudit,
}

impl MetadataType {
    /// All types, in the order of the schema's documentation.
    pub const ALL: [Self; 8] = [
        Self::Nip11Info,
        Self::Nip66Rtt,
        Self::Nip66Ssl,
        Self::Nip66Geo,
        Self::Nip66Net,
        Self::Nip66Dns,
        Self::Nip66Http,
        Self::ClaimAudit,
    ];

    /// The name in SQL, configuration and metrics, e.g. `nip11_info`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nip11Info => "nip11_info",
            Self::Nip66Rtt => "nip66_rtt",
            Self::Nip66Ssl => "nip66_ssl",
            Self::Nip66Geo => "nip66_geo",
            Self::Nip66Net => "nip66_net",
            Self::Nip66Dns => "nip66_dns",
            Self::Nip66Http => "nip66_http",
            Self::ClaimAudit => "claim_audit",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|metadata_type| metadata_type.as_str() == name)
    }
}

/// A document with its content address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    id: [u8; 32],
    metadata_type: MetadataType,
    data: String,
}

impl Metadata {
    /// A document of canonical JSON: sorted keys, no spaces, no volatile fields.
    pub fn new(metadata_type: MetadataType, data: String) -> Self {
        Self {
            id: Sha256::digest(&data).into(),
            metadata_type,
            data,
        }
    }

    /// SHA-256 of the data.
    pub fn id(&self) -> [u8; 32] {
        self.id
    }

    /// What kind of document it is.
    pub fn metadata_type(&self) -> MetadataType {
        self.metadata_type
    }

    /// Canonical JSON.
    pub fn data(&self) -> &str {
        &self.data
    }
}

/// A document that was current for a relay at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayMetadata {
    /// The relay it describes.
    pub relay: RelayId,
    /// When it was observed, unix seconds.
    pub generated_at: u64,
    /// The document.
    pub metadata: Metadata,
}

/// Round-trip times of one check, in milliseconds; `None` where that phase was not measured or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RttSample {
    /// The relay.
    pub relay: RelayId,
    /// When the check began, unix seconds.
    pub checked_at: u64,
    /// Connect, TLS and WebSocket upgrade.
    pub open_ms: Option<u32>,
    /// First EVENT or EOSE.
    pub read_ms: Option<u32>,
    /// OK for a probe event.
    pub write_ms: Option<u32>,
}
