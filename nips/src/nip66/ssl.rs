//! The TLS certificate of a relay.

use serde::{Deserialize, Serialize};

use super::tags::{TagWriter, first, text};
use crate::event::Tag;
use crate::tag_values;

/// What the certificate and the handshake say. Published are `valid`, `expires` and `issuer`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ssl {
    /// Whether a verifying client accepts it: chain, name and time. `None` when nobody said.
    #[serde(rename = "ssl_valid", skip_serializing_if = "Option::is_none")]
    pub valid: Option<bool>,
    /// Why it is not valid, e.g. `expired`.
    #[serde(rename = "ssl_invalid_reason", skip_serializing_if = "Option::is_none")]
    pub invalid_reason: Option<String>,
    /// Common name of the subject.
    #[serde(rename = "ssl_subject_cn", skip_serializing_if = "Option::is_none")]
    pub subject_cn: Option<String>,
    /// Organisation of the issuer.
    #[serde(rename = "ssl_issuer", skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Common name of the issuer.
    #[serde(rename = "ssl_issuer_cn", skip_serializing_if = "Option::is_none")]
    pub issuer_cn: Option<String>,
    /// End of validity, unix seconds.
    #[serde(rename = "ssl_expires", skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// Start of validity, unix seconds.
    #[serde(rename = "ssl_not_before", skip_serializing_if = "Option::is_none")]
    pub not_before: Option<u64>,
    /// DNS names it is for.
    #[serde(rename = "ssl_san", skip_serializing_if = "Vec::is_empty")]
    pub san: Vec<String>,
    /// Serial number in upper-case hex.
    #[serde(rename = "ssl_serial", skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// X.509 version as encoded: 2 means version 3.
    #[serde(rename = "ssl_version", skip_serializing_if = "Option::is_none")]
    pub version: Option<u8>,
    /// `SHA256:` and the bytes of the fingerprint in upper-case hex with colons.
    #[serde(rename = "ssl_fingerprint", skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Negotiated protocol, e.g. `TLSv1.3`.
    #[serde(rename = "ssl_protocol", skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Negotiated cipher suite.
    #[serde(rename = "ssl_cipher", skip_serializing_if = "Option::is_none")]
    pub cipher: Option<String>,
    /// Key size of the cipher, bits.
    #[serde(rename = "ssl_cipher_bits", skip_serializing_if = "Option::is_none")]
    pub cipher_bits: Option<u16>,
}

impl Ssl {
    pub(super) fn push_tags(&self, tags: &mut TagWriter) {
        tags.push_some(
            "ssl",
            self.valid
                .map(|valid| if valid { "valid" } else { "!valid" }),
        );
        tags.push_some("ssl-expires", self.expires);
        tags.push_some("ssl-issuer", self.issuer.as_deref());
    }

    pub(super) fn from_tags(tags: &[Tag<'_>]) -> Option<Self> {
        let valid = tag_values::values(tags, "ssl").find_map(|value| match value {
            "valid" => Some(true),
            "!valid" => Some(false),
            _ => None,
        });
        let ssl = Self {
            valid,
            expires: first(tags, "ssl-expires"),
            issuer: text(tags, "ssl-issuer"),
            ..Self::default()
        };
        (ssl != Self::default()).then_some(ssl)
    }
}
