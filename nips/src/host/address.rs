//! Which IP addresses can be a relay of the public internet.
//!
//! Sources: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 blocks that are not the public internet, as (network, prefix length).
const RESERVED_IPV4: [(Ipv4Addr, u32); 18] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),       // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, cloud metadata services
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 31, 196, 0), 24), // AS112
    (Ipv4Addr::new(192, 52, 193, 0), 24), // AMT
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relay anycast, deprecated
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(192, 175, 48, 0), 24), // AS112
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarking
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, broadcast
];

/// IPv6 blocks inside global unicast (2000::/3) that are not the public internet. What lies outside
/// of 2000::/3 is not public either: loopback, unique and link local, multicast, discard-only,
/// segment routing, the local NAT64 prefix, the deprecated 0200::/7.
const RESERVED_IPV6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // Teredo, benchmarking, ORCHID
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4, deprecated, hides an IPv4 address
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // AS112
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Whether an address is outside of the public internet, so that no relay may be dialled there.
///
/// An IPv4-mapped address and one of the NAT64 prefix 64:ff9b::/96 are judged by the IPv4 address
/// inside, since that is where a packet ends up.
pub fn is_reserved(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => RESERVED_IPV4
            .into_iter()
            .any(|block| is_in_ipv4(address, block)),
        IpAddr::V6(address) => match embedded_ipv4(address) {
            Some(inner) => is_reserved(IpAddr::V4(inner)),
            None => is_reserved_ipv6(address),
        },
    }
}

/// Whether an address is loopback or private (RFC 1918, unique local): the reserved ones that a
/// laboratory may use as relays. Link-local and carrier-grade NAT addresses are not among them.
pub fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

/// Whether an IPv6 literal is another spelling of an IPv4 address.
pub(super) fn is_ipv4_in_disguise(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if embedded_ipv4(address).is_some())
}

/// The IPv4 address inside an IPv4-mapped (::ffff:0:0/96) or NAT64 (64:ff9b::/96) address.
fn embedded_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

fn is_reserved_ipv6(address: Ipv6Addr) -> bool {
    let is_global_unicast = address.segments()[0] >> 13 == 0b001;
    !is_global_unicast
        || RESERVED_IPV6
            .into_iter()
            .any(|block| is_in_ipv6(address, block))
}

fn is_in_ipv4(address: Ipv4Addr, (network, prefix): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (u32::BITS - prefix) == 0
}

fn is_in_ipv6(address: Ipv6Addr, (network, prefix): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (u128::BITS - prefix) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserved(address: &str) -> bool {
        is_reserved(address.parse().unwrap())
    }

    #[test]
    fn the_edges_of_every_ipv4_block_are_reserved() {
        for (network, prefix) in RESERVED_IPV4 {
            let last = Ipv4Addr::from_bits(network.to_bits() | (u32::MAX >> prefix));
            assert!(
                is_reserved(network.into()) && is_reserved(last.into()),
                "{network}/{prefix}"
            );
        }
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "100.128.0.0",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.255",
        ] {
            assert!(!reserved(address), "{address}");
        }
    }

    #[test]
    fn ipv6_is_public_inside_global_unicast_only() {
        for address in [
            "::",
            "::1",
            "100::1",
            "200::1",
            "fc00::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
            "64:ff9b:1::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "3fff::1",
            "4000::1",
            "::7f00:1",
            "::ffff:0:7f00:1",
        ] {
            assert!(reserved(address), "{address}");
        }
        for address in [
            "2606:4700::1",
            "2a01:4f8::1",
            "2001:200::1",
            "2001:4860:4860::8888",
        ] {
            assert!(!reserved(address), "{address}");
        }
    }

    #[test]
    fn the_embedded_ipv4_address_decides() {
        for (address, expected) in [
            ("::ffff:127.0.0.1", true),
            ("::ffff:8.8.8.8", false),
            ("64:ff9b::a9fe:a9fe", true),
            ("64:ff9b::808:808", false),
        ] {
            assert_eq!(reserved(address), expected, "{address}");
        }
    }

    #[test]
    fn local_is_a_part_of_reserved() {
        for address in [
            "127.0.0.1",
            "127.255.0.9",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "::1",
            "fd00::1",
        ] {
            assert!(
                is_local(address.parse().unwrap()) && reserved(address),
                "{address}"
            );
        }
        for address in [
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "fe80::1",
            "8.8.8.8",
            "::",
        ] {
            assert!(!is_local(address.parse().unwrap()), "{address}");
        }
    }
}
