//! Which addresses may be dialled: the one rule for WebSocket, HTTP and TLS alike.
//!
//! It is asked with the address that is about to be dialled, not with a name, so that no name that
//! resolves to an inner network gets through, whatever it resolved to a moment ago.

use std::net::SocketAddr;

use nips::host::{is_local, is_reserved};

/// Where an address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressOrigin {
    /// The operator's `hosts` setting.
    Operator,
    /// Written out in the URL of a relay of the `local` network.
    LocalLiteral,
    /// Written out in any other URL.
    Literal,
    /// Resolved from a name.
    Resolved,
}

/// An address that the policy has let through; the dialer takes nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PermittedAddress(SocketAddr);

impl PermittedAddress {
    /// The address itself.
    pub(super) fn get(self) -> SocketAddr {
        self.0
    }
}

/// The rule: public addresses only, except where the operator said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AddressPolicy {
    /// Whether loopback and private addresses may be dialled when a relay URL spells them out.
    pub(super) local: bool,
}

impl AddressPolicy {
    /// Lets an address through, or not.
    pub(super) fn permit(
        self,
        address: SocketAddr,
        origin: AddressOrigin,
    ) -> Option<PermittedAddress> {
        let is_permitted = match origin {
            AddressOrigin::Operator => true,
            AddressOrigin::LocalLiteral => self.local && is_local(address.ip()),
            AddressOrigin::Literal | AddressOrigin::Resolved => !is_reserved(address.ip()),
        };
        is_permitted.then_some(PermittedAddress(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INNER: [&str; 9] = [
        "127.0.0.1:80",
        "10.0.0.1:80",
        "192.168.1.1:80",
        "100.64.0.1:80",
        "169.254.169.254:80",
        "[::1]:80",
        "[fd00::1]:80",
        "[::ffff:127.0.0.1]:80",
        "[2002:7f00:1::]:80",
    ];

    fn is_permitted(address: &str, origin: AddressOrigin, local: bool) -> bool {
        let policy = AddressPolicy { local };
        policy.permit(address.parse().unwrap(), origin).is_some()
    }

    #[test]
    fn names_never_lead_inside() {
        for address in INNER {
            for local in [false, true] {
                assert!(
                    !is_permitted(address, AddressOrigin::Resolved, local),
                    "{address}"
                );
                assert!(
                    !is_permitted(address, AddressOrigin::Literal, local),
                    "{address}"
                );
            }
            assert!(is_permitted(address, AddressOrigin::Operator, false));
        }
        for address in ["9.9.9.9:443", "[2620:fe::fe]:443"] {
            assert!(
                is_permitted(address, AddressOrigin::Resolved, false),
                "{address}"
            );
        }
    }

    #[test]
    fn local_literals_need_the_switch() {
        for (address, with_switch) in [
            ("127.0.0.7:80", true),
            ("10.0.0.1:80", true),
            ("[::1]:80", true),
            ("169.254.169.254:80", false),
            ("9.9.9.9:80", false),
        ] {
            assert!(!is_permitted(address, AddressOrigin::LocalLiteral, false));
            let with = is_permitted(address, AddressOrigin::LocalLiteral, true);
            assert_eq!(with, with_switch, "{address}");
        }
    }
}
