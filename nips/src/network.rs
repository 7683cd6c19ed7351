//! The networks a relay can live on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The network of a relay, told from its host name. Names are NIP-66's `n` tag values and `local`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// The public internet.
    Clearnet,
    /// A Tor onion service.
    Tor,
    /// An I2P destination.
    I2p,
    /// A Lokinet address.
    Loki,
    /// Loopback or private addresses: laboratories only.
    Local,
}

impl Network {
    /// All networks, in a fixed order.
    pub const ALL: [Self; 5] = [
        Self::Clearnet,
        Self::Tor,
        Self::I2p,
        Self::Loki,
        Self::Local,
    ];

    /// The name, e.g. `clearnet`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clearnet => "clearnet",
            Self::Tor => "tor",
            Self::I2p => "i2p",
            Self::Loki => "loki",
            Self::Local => "local",
        }
    }

    /// Whether names of this network are resolved by a proxy and never locally.
    pub fn is_overlay(self) -> bool {
        matches!(self, Self::Tor | Self::I2p | Self::Loki)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown network {0:?}")]
pub struct UnknownNetwork(pub String);

impl FromStr for Network {
    type Err = UnknownNetwork;
    fn from_str(name: &str) -> Result<Self, UnknownNetwork> {
        let found = Self::ALL
            .into_iter()
            .find(|network| network.as_str() == name);
        found.ok_or_else(|| UnknownNetwork(name.to_owned()))
    }
}
