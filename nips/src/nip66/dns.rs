//! The DNS records of a relay's host.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tags::{TagWriter, all, first, text};
use crate::event::Tag;

/// Most addresses of one family read from tags.
const MAX_ADDRESSES: usize = 16;

/// What the name resolves to. Published are the first address of each family, `cname` and `ttl`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Dns {
    /// A records, ascending: resolvers shuffle them.
    #[serde(rename = "dns_ips", skip_serializing_if = "Vec::is_empty")]
    pub ips: Vec<Ipv4Addr>,
    /// AAAA records, ascending.
    #[serde(rename = "dns_ips_v6", skip_serializing_if = "Vec::is_empty")]
    pub ips_v6: Vec<Ipv6Addr>,
    /// What the name is an alias of.
    #[serde(rename = "dns_cname", skip_serializing_if = "Option::is_none")]
    pub cname: Option<String>,
    /// Reverse name of the first address.
    #[serde(rename = "dns_reverse", skip_serializing_if = "Option::is_none")]
    pub reverse: Option<String>,
    /// Name servers of the domain, ascending.
    #[serde(rename = "dns_ns", skip_serializing_if = "Vec::is_empty")]
    pub ns: Vec<String>,
    /// Time to live of the A records, seconds.
    #[serde(rename = "dns_ttl", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
    /// How long the address lookup took; not part of the document, being new every time.
    #[serde(skip)]
    pub query_time: Option<Duration>,
}

impl Dns {
    pub(super) fn push_tags(&self, tags: &mut TagWriter) {
        tags.push_some("dns-ip", self.ips.first());
        tags.push_some("dns-ip6", self.ips_v6.first());
        tags.push_some("dns-cname", self.cname.as_deref());
        tags.push_some("dns-ttl", self.ttl);
    }

    pub(super) fn from_tags(tags: &[Tag<'_>]) -> Option<Self> {
        let dns = Self {
            ips: all(tags, "dns-ip", MAX_ADDRESSES),
            ips_v6: all(tags, "dns-ip6", MAX_ADDRESSES),
            cname: text(tags, "dns-cname"),
            ttl: first(tags, "dns-ttl"),
            ..Self::default()
        };
        (dns != Self::default()).then_some(dns)
    }
}
