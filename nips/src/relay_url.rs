//! Canonical relay URLs.
//!
//! Two spellings of one relay become one value, and two relays never become one value: what cannot
//! be told apart safely (a query string, credentials, a URL with another one stuck to it) is refused
//! with its reason instead of being trimmed.

mod error;
mod path;
mod percent;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Network;
use crate::host::Host;

pub use error::RelayUrlError;

/// Longest relay URL, as it arrives and in canonical form: index keys of every store hold it.
pub const MAX_URL_BYTES: usize = 2048;

/// A relay's canonical URL.
///
/// Scheme and host are lowercase, international names in punycode, IPv6 in RFC 5952 form, the default
/// port and a trailing slash dropped, the path free of dot segments and repeated slashes, its case
/// kept, its percent-escapes in RFC 3986 form. Clearnet relays are `wss`, overlay relays `ws` (the
/// network encrypts already), whatever was written; local relays keep their scheme.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayUrl {
    url: Box<str>,
    network: Network,
    port: u16,
    /// Where the host without brackets starts and ends in `url`.
    host: (u16, u16),
    /// Where the path starts; the end of `url` when there is none.
    path: u16,
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
    /// Parses the URL of a public relay.
    ///
    /// # Errors
    /// [`RelayUrlError`] naming the first rule that the text breaks.
    pub fn parse(raw: &str) -> Result<Self, RelayUrlError> {
        Self::parse_with(raw, LocalRelays::Refused)
    }

    /// Parses the URL of a relay, loopback and private addresses included if `local` says so.
    ///
    /// # Errors
    /// [`RelayUrlError`] naming the first rule that the text breaks.
    pub fn parse_with(raw: &str, local: LocalRelays) -> Result<Self, RelayUrlError> {
        let raw = raw.trim();
        check_text(raw)?;
        let (written_tls, rest) = split_scheme(raw)?;
        check_parts(rest)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_authority(authority)?;
        if host.network == Network::Local && local == LocalRelays::Refused {
            return Err(RelayUrlError::Local);
        }
        let tls = match host.network {
            Network::Clearnet => true,
            Network::Tor | Network::I2p | Network::Loki => false,
            Network::Local => written_tls,
        };
        Self::assemble(tls, &host, port, &path::canonical(path)?)
    }

    fn assemble(
        tls: bool,
        host: &Host,
        port: Option<u16>,
        path: &str,
    ) -> Result<Self, RelayUrlError> {
        let default_port = if tls { 443 } else { 80 };
        let is_ipv6 = host.text.contains(':');
        let mut url = String::from(if tls { "wss://" } else { "ws://" });
        url.push_str(if is_ipv6 { "[" } else { "" });
        let host_start = url.len();
        url.push_str(&host.text);
        let host_end = url.len();
        url.push_str(if is_ipv6 { "]" } else { "" });
        if let Some(port) = port.filter(|port| *port != default_port) {
            url.push(':');
            url.push_str(&port.to_string());
        }
        let path_start = url.len();
        url.push_str(path);
        if url.len() > MAX_URL_BYTES {
            return Err(RelayUrlError::TooLong);
        }
        let offset = |at: usize| u16::try_from(at).expect("MAX_URL_BYTES fits in 16 bits");
        Ok(Self {
            network: host.network,
            port: port.unwrap_or(default_port),
            host: (offset(host_start), offset(host_end)),
            path: offset(path_start),
            url: url.into(),
        })
    }

    /// The canonical text, e.g. `wss://relay.example.com`.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The network of the host.
    pub fn network(&self) -> Network {
        self.network
    }

    /// Whether the scheme is `wss`.
    pub fn is_tls(&self) -> bool {
        self.url.starts_with("wss:")
    }

    /// Host name or IP literal, without IPv6 brackets.
    pub fn host(&self) -> &str {
        &self.url[usize::from(self.host.0)..usize::from(self.host.1)]
    }

    /// Explicit or default port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path with its leading slash, e.g. `/inbox`; empty when there is none.
    pub fn path(&self) -> &str {
        &self.url[usize::from(self.path)..]
    }

    /// Where the NIP-11 document is served: the same URL with `https` for `wss` and `http` for `ws`.
    pub fn http_url(&self) -> String {
        format!("http{}", self.url.strip_prefix("ws").unwrap_or(&self.url))
    }
}

/// Parses the URL of a public relay, like [`RelayUrl::parse`].
impl FromStr for RelayUrl {
    type Err = RelayUrlError;
    fn from_str(raw: &str) -> Result<Self, RelayUrlError> {
        Self::parse(raw)
    }
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl fmt::Debug for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelayUrl({})", self.url)
    }
}

impl AsRef<str> for RelayUrl {
    fn as_ref(&self) -> &str {
        &self.url
    }
}

impl Serialize for RelayUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.url)
    }
}

/// Reads what was serialized, local relays included: it is meant for own rows and configuration.
/// Text from elsewhere goes through [`RelayUrl::parse`].
impl<'de> Deserialize<'de> for RelayUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse_with(&raw, LocalRelays::Accepted).map_err(de::Error::custom)
    }
}

fn check_text(raw: &str) -> Result<(), RelayUrlError> {
    if raw.len() > MAX_URL_BYTES {
        return Err(RelayUrlError::TooLong);
    }
    let is_foreign = |c: char| c.is_control() || c.is_whitespace() || c == '\\';
    if raw.contains(is_foreign) {
        return Err(RelayUrlError::Character);
    }
    Ok(())
}

fn split_scheme(raw: &str) -> Result<(bool, &str), RelayUrlError> {
    let (scheme, rest) = raw.split_once("://").ok_or(RelayUrlError::Scheme)?;
    if scheme.eq_ignore_ascii_case("wss") {
        Ok((true, rest))
    } else if scheme.eq_ignore_ascii_case("ws") {
        Ok((false, rest))
    } else {
        Err(RelayUrlError::Scheme)
    }
}

/// Refuses what follows the scheme when it has a part that no relay URL has.
fn check_parts(rest: &str) -> Result<(), RelayUrlError> {
    if path::holds_another_url(rest) {
        return Err(RelayUrlError::Concatenated);
    }
    match rest.find(['#', '?']).map(|at| rest.as_bytes()[at]) {
        Some(b'#') => Err(RelayUrlError::Fragment),
        Some(_) => Err(RelayUrlError::Query),
        None => Ok(()),
    }
}

fn split_authority(authority: &str) -> Result<(Host, Option<u16>), RelayUrlError> {
    if authority.contains('@') {
        return Err(RelayUrlError::UserInfo);
    }
    if let Some(literal) = authority.strip_prefix('[') {
        let (address, port) = literal.split_once(']').ok_or(RelayUrlError::Host)?;
        let port = match port {
            "" => None,
            _ => parse_port(port.strip_prefix(':').ok_or(RelayUrlError::Host)?)?,
        };
        return Ok((Host::parse_ipv6(address)?, port));
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    Ok((
        Host::parse_name(&percent::decoded(host))?,
        parse_port(port)?,
    ))
}

/// Reads a port; an empty one means the default, as in RFC 3986 §3.2.3.
fn parse_port(text: &str) -> Result<Option<u16>, RelayUrlError> {
    if text.is_empty() {
        return Ok(None);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(RelayUrlError::Port);
    }
    match text.parse::<u16>() {
        Ok(0) | Err(_) => Err(RelayUrlError::Port),
        Ok(port) => Ok(Some(port)),
    }
}

#[cfg(test)]
mod tests;
