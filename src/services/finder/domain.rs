//! Whose name a relay has: what somebody had to register, or to rent, to have it.

use std::borrow::Cow;
use std::net::IpAddr;

use nips::{Network, RelayUrl};

use crate::model::AddressBlock;

/// Below this name every I2P destination has its own, made from its key.
const I2P_KEYS: &str = ".b32.i2p";

/// The part of a host's name that costs something, e.g. `example.co.uk` of `a.b.example.co.uk`, by the
/// public suffix list. Customers of a service that is on the list (`alice.github.io`) are apart. Of an
/// address it is the network that one machine may use up.
pub(super) fn of(url: &RelayUrl) -> Cow<'_, str> {
    let host = url.host();
    if let Ok(address) = host.parse::<IpAddr>() {
        return Cow::Owned(format!("{:?}", AddressBlock::of_network(address)));
    }
    if url.network() == Network::I2p
        && let Some(key) = host.strip_suffix(I2P_KEYS)
    {
        let label = key.rfind('.').map_or(0, |dot| dot + 1);
        return Cow::Borrowed(&host[label..]);
    }
    Cow::Borrowed(psl::domain_str(host).unwrap_or(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_what_somebody_registered() {
        let key = "a".repeat(52);
        let i2p = format!("ws://{key}.b32.i2p");
        for (text, domain) in [
            ("wss://relay.example.com", "example.com"),
            ("wss://a.b.relay.example.com/x", "example.com"),
            ("wss://example.com", "example.com"),
            ("wss://a.b.example.co.uk", "example.co.uk"),
            ("wss://relay.alice.github.io", "alice.github.io"),
            ("wss://github.io", "github.io"),
            ("wss://a.example.de", "example.de"),
            (&i2p, &format!("{key}.b32.i2p")),
        ] {
            let url = RelayUrl::parse(text).unwrap();
            assert_eq!(of(&url), domain, "{text}");
        }
    }

    #[test]
    fn addresses_are_counted_by_network() {
        let domain = |text: &str| of(&RelayUrl::parse(text).unwrap()).into_owned();
        assert_eq!(
            domain("wss://[2606:4700:1:2::3]"),
            domain("wss://[2606:4700:1:2:ffff::4]")
        );
        assert_ne!(
            domain("wss://[2606:4700:1:2::3]"),
            domain("wss://[2606:4700:1:3::3]")
        );
        assert_eq!(domain("wss://8.8.8.8"), domain("wss://8.8.8.9:444"));
    }
}
