//! SOCKS5 for the overlay networks. Names are handed to the proxy and never resolved here.

use std::fmt;
use std::str::FromStr;

use tokio::net::lookup_host;
use tokio::time::{Instant, timeout_at};
use tokio_socks::tcp::Socks5Stream;

use super::dialer::{Connected, race};
use super::error::{NetError, Phase};

/// Tor's port, used when a proxy URL names none.
const DEFAULT_PORT: u16 = 9050;

/// The password beside the user that names the relay. It keeps no secret: Tor takes any, and gives streams
/// of different credentials circuits of their own.
const ISOLATION: &str = "bigbrotr";

/// Where a SOCKS5 proxy listens, e.g. `socks5://127.0.0.1:9050`. The operator wrote it, so that no
/// address policy applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyAddress {
    host: String,
    port: u16,
}

/// A text that is no `socks5://host:port`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("proxy {0:?} is not socks5://host:port")]
pub struct ProxyAddressError(pub String);

impl ProxyAddress {
    /// A proxy by host (name or literal, IPv6 without brackets) and port.
    pub fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
        }
    }
}

impl FromStr for ProxyAddress {
    type Err = ProxyAddressError;
    fn from_str(text: &str) -> Result<Self, ProxyAddressError> {
        let error = || ProxyAddressError(text.to_owned());
        let url = url::Url::parse(text).map_err(|_| error())?;
        let is_socks = matches!(url.scheme(), "socks5" | "socks5h");
        let has_more = !matches!(url.path(), "" | "/") || url.query().is_some();
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        if !is_socks || has_more || has_credentials {
            return Err(error());
        }
        let host = url.host_str().ok_or_else(error)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self::new(host, url.port().unwrap_or(DEFAULT_PORT)))
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "socks5://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "socks5://{}:{}", self.host, self.port)
        }
    }
}

/// Connects to `host:port` through the proxy, as the user of that name: no relay shares a circuit with
/// another, so that none learns what else is visited. A proxy that knows no users does not ask for one.
/// One that stalls is cut off by the deadline like anything else.
pub(super) async fn connect(
    proxy: &ProxyAddress,
    host: &str,
    port: u16,
    deadline: Instant,
) -> Result<Connected, NetError> {
    let reached = timeout_at(deadline, reach_proxy(proxy)).await;
    let reached = reached.map_err(|_| NetError::TimedOut { phase: Phase::Tcp })??;
    let greeting = Socks5Stream::connect_with_password_and_socket(
        reached.stream,
        (host, port),
        host,
        ISOLATION,
    );
    let behind = timeout_at(deadline, greeting).await;
    let behind = behind.map_err(|_| NetError::TimedOut {
        phase: Phase::Proxy,
    })?;
    let stream = behind.map_err(|source| NetError::Proxy {
        host: host.to_owned(),
        source,
    })?;
    Ok(Connected {
        stream: stream.into_inner(),
        address: reached.address,
    })
}

/// The proxy's own name may be one that only the system knows (`localhost`, a container's name),
/// so the system's resolver is asked, unlike for relays.
pub(super) async fn reach_proxy(proxy: &ProxyAddress) -> Result<Connected, NetError> {
    reach_named(&proxy.host, proxy.port).await
}

/// Connects to what the operator named, past the address policy.
pub(super) async fn reach_named(host: &str, port: u16) -> Result<Connected, NetError> {
    let failed = |source| NetError::Connect {
        host: host.to_owned(),
        source,
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "only the system knows the name of what the operator has beside the program"
    )]
    let addresses = lookup_host((host, port)).await;
    race(addresses.map_err(failed)?.collect())
        .await
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxy_urls() {
        for (text, host, port) in [
            ("socks5://127.0.0.1:9050", "127.0.0.1", 9050),
            ("socks5://tor", "tor", 9050),
            ("socks5h://[::1]:4447/", "::1", 4447),
        ] {
            let parsed: ProxyAddress = text.parse().unwrap();
            assert_eq!(parsed, ProxyAddress::new(host, port));
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
        for text in [
            "127.0.0.1:9050",
            "http://127.0.0.1:1",
            "socks5://",
            "socks5://u:p@h:1",
            "socks5://h/x",
        ] {
            assert!(text.parse::<ProxyAddress>().is_err(), "{text}");
        }
    }
}
