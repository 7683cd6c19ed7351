//! A range of network addresses.

use std::fmt;
use std::net::{AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::ParseIntError;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One address, e.g. `127.0.0.1`, or a network, e.g. `10.0.0.0/8`. An IPv4 address that is written
/// as IPv6 (`::ffff:10.0.0.1`) is the IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressBlock {
    /// The lowest address.
    first: IpAddr,
    /// How many leading bits are shared.
    bits: u8,
}

/// Why a text is no block of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressBlockError {
    /// What stands before the slash is no address.
    #[error("{0:?} is no IP address")]
    Address(String, #[source] AddrParseError),
    /// What stands behind the slash is no number.
    #[error("{0:?} is no number of bits")]
    Bits(String, #[source] ParseIntError),
    /// An address does not have so many bits.
    #[error("an address has at most {max} bits, not {bits}")]
    TooManyBits {
        /// What was asked for.
        bits: u8,
        /// What there is.
        max: u8,
    },
}

impl AddressBlock {
    /// What one machine uses: an IPv4 address, or an IPv6 /64, out of which it may take any.
    pub fn of_host(address: IpAddr) -> Self {
        Self::around(address, 32, 64)
    }

    /// What one network usually has: an IPv4 /24 or an IPv6 /64.
    pub fn of_network(address: IpAddr) -> Self {
        Self::around(address, 24, 64)
    }

    /// Whether an address is one of these.
    pub fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.bits) == self.first
    }

    fn around(address: IpAddr, v4_bits: u8, v6_bits: u8) -> Self {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { v4_bits } else { v6_bits };
        Self {
            first: masked(address, bits),
            bits,
        }
    }
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

fn length(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl FromStr for AddressBlock {
    type Err = AddressBlockError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address = IpAddr::from_str(address)
            .map_err(|why| AddressBlockError::Address(address.to_owned(), why))?
            .to_canonical();
        let max = length(address);
        let bits = match bits {
            Some(bits) => bits
                .parse()
                .map_err(|why| AddressBlockError::Bits(bits.to_owned(), why))?,
            None => max,
        };
        if bits > max {
            return Err(AddressBlockError::TooManyBits { bits, max });
        }
        Ok(Self {
            first: masked(address, bits),
            bits,
        })
    }
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bits == length(self.first) {
            return self.first.fmt(f);
        }
        write!(f, "{}/{}", self.first, self.bits)
    }
}

impl Serialize for AddressBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AddressBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> AddressBlock {
        text.parse().unwrap()
    }

    #[test]
    fn a_block_holds_what_shares_its_bits() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.0.0.7", "::ffff:10.0.0.7", "10.0.0.8"),
            ("::ffff:10.0.0.7", "10.0.0.7", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("0.0.0.0/0", "255.1.1.1", "::"),
            ("::/0", "ffff::", "0.0.0.0"),
        ] {
            assert!(block(text).contains(inside.parse().unwrap()), "{text}");
            assert!(!block(text).contains(outside.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn hosts_and_networks_are_named_as_operators_write_them() {
        for (address, host, network) in [
            ("192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
            ("::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0/24"),
            (
                "2001:db8:1:2:3::4",
                "2001:db8:1:2::/64",
                "2001:db8:1:2::/64",
            ),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(AddressBlock::of_host(address), block(host));
            assert_eq!(AddressBlock::of_network(address).to_string(), network);
        }
    }

    #[test]
    fn what_is_no_block_is_named() {
        for (text, why) in [
            ("localhost", "\"localhost\" is no IP address"),
            ("10.0.0.0/x", "\"x\" is no number of bits"),
            ("10.0.0.0/33", "an address has at most 32 bits, not 33"),
        ] {
            let refused = text.parse::<AddressBlock>().unwrap_err();
            assert_eq!(refused.to_string(), why);
        }
    }
}
