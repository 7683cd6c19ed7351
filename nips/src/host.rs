//! The host of a relay URL: which network it names and its one canonical spelling.
//!
//! A host is an IP literal, a public DNS name, or a name of an overlay network. Everything that a
//! resolver would send somewhere else than the public internet is refused here by its spelling; what
//! a public name *resolves* to is checked with [`is_reserved`] when a connection is opened.

mod address;
mod overlay;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::{Network, RelayUrlError};

pub use address::{is_local, is_reserved};

/// Longest DNS name in text form (RFC 1035 §2.3.4, without the root dot).
const MAX_NAME_BYTES: usize = 253;

/// Longest label of a DNS name (RFC 1035 §2.3.4).
const MAX_LABEL_BYTES: usize = 63;

/// Last labels that never lead to a relay of the public internet: the special-use registry of
/// RFC 6761 and its later entries, ICANN's reserved and collision names, and what home routers use.
const SPECIAL_USE: [&str; 15] = [
    "alt",
    "arpa",
    "corp",
    "example",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mail",
    "private",
    "test",
];

/// A host in canonical form with the network it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// Lowercase ASCII name or IP literal, IPv6 without brackets.
    pub(crate) text: String,
    /// The network the host belongs to.
    pub(crate) network: Network,
}

impl Host {
    /// Parses what stands between the square brackets of an IPv6 literal.
    pub(crate) fn parse_ipv6(text: &str) -> Result<Self, RelayUrlError> {
        if text.contains('%') {
            return Err(RelayUrlError::ZoneId);
        }
        let address: Ipv6Addr = text.parse().map_err(|_| RelayUrlError::Host)?;
        Self::from_address(IpAddr::V6(address))
    }

    /// Parses a name or an IPv4 literal, as UTF-8 bytes with percent-escapes already decoded.
    pub(crate) fn parse_name(raw: &[u8]) -> Result<Self, RelayUrlError> {
        if raw.contains(&b'*') {
            return Err(RelayUrlError::Wildcard);
        }
        let name = to_ascii(raw)?;
        let name = name.strip_suffix('.').unwrap_or(&name);
        check_labels(name)?;
        if let Ok(address) = name.parse::<Ipv4Addr>() {
            return Self::from_address(IpAddr::V4(address));
        }
        let network = network_of_name(name)?;
        Ok(Self {
            text: name.to_owned(),
            network,
        })
    }

    fn from_address(address: IpAddr) -> Result<Self, RelayUrlError> {
        let network = if is_local(address) {
            Network::Local
        } else if is_reserved(address) || address::is_ipv4_in_disguise(address) {
            return Err(RelayUrlError::Reserved);
        } else {
            Network::Clearnet
        };
        Ok(Self {
            text: address.to_string(),
            network,
        })
    }
}

/// UTS-46, nontransitional; ASCII labels may hold underscores, which [`check_labels`] decides about.
fn to_ascii(name: &[u8]) -> Result<String, RelayUrlError> {
    Uts46::new()
        .to_ascii(
            name,
            AsciiDenyList::EMPTY,
            Hyphens::Allow,
            DnsLength::Ignore,
        )
        .map(Cow::into_owned)
        .map_err(|_| RelayUrlError::Host)
}

fn check_labels(name: &str) -> Result<(), RelayUrlError> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.split('.').all(is_label) {
        return Err(RelayUrlError::Host);
    }
    Ok(())
}

fn is_label(label: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    let has_hyphen_at_an_end = label.starts_with('-') || label.ends_with('-');
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && label.bytes().all(is_allowed)
        && !has_hyphen_at_an_end
}

fn network_of_name(name: &str) -> Result<Network, RelayUrlError> {
    if name == "localhost" || name.ends_with(".localhost") {
        return Ok(Network::Local);
    }
    let (rest, last) = name.rsplit_once('.').unwrap_or(("", name));
    if is_number(last) {
        return Err(RelayUrlError::NumericHost);
    }
    if rest.is_empty() {
        return Err(RelayUrlError::SingleLabel);
    }
    match last {
        "onion" => overlay::check_onion(rest).map(|()| Network::Tor),
        "i2p" => overlay::check_i2p(rest).map(|()| Network::I2p),
        "loki" => overlay::check_loki(rest).map(|()| Network::Loki),
        _ if SPECIAL_USE.contains(&last) => Err(RelayUrlError::SpecialUse),
        _ => Ok(Network::Clearnet),
    }
}

/// Whether C libraries would read a name that ends in this label as an IPv4 address: `127.1`,
/// `0x7f.0.0.1`, `2130706433`, `1.2.3.0x4`.
fn is_number(label: &str) -> bool {
    let is_digits = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    let is_hex = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_digits(label) || label.strip_prefix("0x").is_some_and(is_hex)
}
