//! Who a client is when a reverse proxy stands between us.
//!
//! A proxy that the operator trusts may say so in two ways: by PROXY protocol in front of the connection, or
//! by `X-Forwarded-For` in each request. What anybody else says about it is not believed.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::ProxyConfig;
use crate::model::AddressBlock;

/// Each proxy on the way adds the address that it was asked by.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The proxies in front of us.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    trusted: Vec<AddressBlock>,
    /// Whether they begin each connection with a header of PROXY protocol.
    speak_protocol: bool,
}

impl From<&ProxyConfig> for Proxies {
    fn from(config: &ProxyConfig) -> Self {
        Self {
            trusted: config.trusted.clone(),
            speak_protocol: config.protocol,
        }
    }
}

impl Proxies {
    /// Whether a connection from there has to begin with a header of PROXY protocol.
    pub(super) fn introduce(&self, peer: IpAddr) -> bool {
        self.speak_protocol && self.trusts(peer)
    }

    /// Who sent a request that came from `peer` with these headers. Every address that a trusted proxy
    /// names was seen by it, and the first that is not itself trusted is the client: what stands to the left
    /// of it is what that client said.
    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.trusts(peer.ip()) {
            return peer;
        }
        let mut client = peer;
        for named in forwarded_for(headers) {
            let Some(address) = named else { break };
            client = SocketAddr::new(address, 0);
            if !self.trusts(address) {
                break;
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|block| block.contains(address))
    }
}

/// The addresses that were named, the nearest first; `None` for what is no address.
fn forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let values = headers.get_all(FORWARDED_FOR).iter();
    let lines: Vec<&str> = values
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    let names = lines.into_iter().rev().flat_map(|line| line.rsplit(','));
    names.map(|name| address(name.trim()))
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`.
fn address(name: &str) -> Option<IpAddr> {
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let address = bare.unwrap_or(name).parse::<IpAddr>();
    let with_port = || name.parse::<SocketAddr>().map(|address| address.ip());
    address.or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, lines: &[&str]) -> String {
        let proxies = Proxies {
            trusted: ["10.0.0.0/8", "::1"]
                .map(|text| text.parse().unwrap())
                .into(),
            speak_protocol: false,
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let peer = peer.parse().unwrap();
        proxies.client(peer, &headers).ip().to_string()
    }

    #[test]
    fn only_what_trusted_proxies_saw_is_believed() {
        for (peer, lines, expected) in [
            ("192.0.2.9:1", &["198.51.100.1"][..], "192.0.2.9"),
            ("10.0.0.1:1", &[], "10.0.0.1"),
            ("10.0.0.1:1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1:1", &["203.0.113.7, 198.51.100.1"], "198.51.100.1"),
            (
                "10.0.0.1:1",
                &["203.0.113.7", "198.51.100.1, 10.2.2.2"],
                "198.51.100.1",
            ),
            ("[::1]:1", &["[2001:db8::1]:80"], "2001:db8::1"),
            ("[::ffff:10.0.0.1]:1", &["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1:1", &["198.51.100.1:4711"], "198.51.100.1"),
            (
                "10.0.0.1:1",
                &["198.51.100.1, unknown, 10.2.2.2"],
                "10.2.2.2",
            ),
            ("10.0.0.1:1", &["10.1.1.1, 10.2.2.2"], "10.1.1.1"),
            ("10.0.0.1:1", &[""], "10.0.0.1"),
        ] {
            assert_eq!(client(peer, lines), expected, "{peer} {lines:?}");
        }
    }
}
