//! Canonical relay URLs.

use crate::Network;

/// A relay's canonical URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayUrl {
    url: String,
    network: Network,
    tls: bool,
    host: String,
    port: u16,
}

/// Why a text is not a relay URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelayUrlError {
    /// Not ws or wss.
    #[error("scheme is not ws or wss")]
    Scheme,
}

/// Whether loopback and private addresses may be relays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalRelays {
    /// The rule everywhere but in laboratories.
    Refused,
    /// `networks.local` is on.
    Accepted,
}

impl RelayUrl {
    /// Parses a public relay.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn parse(raw: &str) -> Result<Self, RelayUrlError> {
        Self::parse_with(raw, LocalRelays::Refused)
    }

    /// Parses a relay.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn parse_with(raw: &str, _local: LocalRelays) -> Result<Self, RelayUrlError> {
        let (tls, rest) = match raw.split_once("://") {
            Some(("wss", rest)) => (true, rest),
            Some(("ws", rest)) => (false, rest),
            _ => return Err(RelayUrlError::Scheme),
        };
        let rest = rest.trim_end_matches('/');
        let authority = rest.split('/').next().unwrap_or_default();
        let default = if tls { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().unwrap_or(default)),
            None => (authority, default),
        };
        let network = if host.starts_with("127.") {
            Network::Local
        } else {
            Network::Clearnet
        };
        Ok(Self {
            url: raw.trim_end_matches('/').to_owned(),
            network,
            tls,
            host: host.to_owned(),
            port,
        })
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The network of the host.
    pub fn network(&self) -> Network {
        self.network
    }

    /// Whether the scheme is `wss`.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Host name or IP literal, without IPv6 brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Explicit or default port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl std::fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url)
    }
}
