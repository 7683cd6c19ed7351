//! The network that a relay's address belongs to.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::labels::{self, Labels};
use super::tags::{TagWriter, first, text};
use crate::event::Tag;

/// Address and autonomous system. Published is all but the prefixes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Net {
    /// IPv4 address.
    #[serde(rename = "net_ip", skip_serializing_if = "Option::is_none")]
    pub ip: Option<Ipv4Addr>,
    /// IPv6 address.
    #[serde(rename = "net_ipv6", skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Ipv6Addr>,
    /// Number of the autonomous system.
    #[serde(rename = "net_asn", skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Organisation of the autonomous system.
    #[serde(rename = "net_asn_org", skip_serializing_if = "Option::is_none")]
    pub asn_org: Option<String>,
    /// Announced IPv4 prefix in CIDR form.
    #[serde(rename = "net_network", skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// Announced IPv6 prefix in CIDR form.
    #[serde(rename = "net_network_v6", skip_serializing_if = "Option::is_none")]
    pub network_v6: Option<String>,
}

impl Net {
    pub(super) fn push_tags(&self, tags: &mut TagWriter) {
        tags.push_some("net-ip", self.ip);
        tags.push_some("net-ipv6", self.ipv6);
        tags.push_some("net-asn", self.asn);
        tags.push_some("net-asn-org", self.asn_org.as_deref());
    }

    pub(super) fn collect_labels(&self, labels: &mut Labels) {
        labels.add_some(labels::ASN, self.asn);
        labels.add_some(labels::ASN_ORGANISATION, self.asn_org.as_deref());
    }

    pub(super) fn from_tags(tags: &[Tag<'_>]) -> Option<Self> {
        let label = |namespace: &str| labels::values(tags, namespace, 1).pop();
        let net = Self {
            ip: first(tags, "net-ip"),
            ipv6: first(tags, "net-ipv6"),
            asn: first(tags, "net-asn").or_else(|| label(labels::ASN)?.parse().ok()),
            asn_org: text(tags, "net-asn-org").or_else(|| label(labels::ASN_ORGANISATION)),
            ..Self::default()
        };
        (net != Self::default()).then_some(net)
    }
}
