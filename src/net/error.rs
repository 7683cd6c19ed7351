//! Why a connection or an HTTP exchange failed, sorted by what the caller can do about it.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use nips::Network;

use super::CertificateProblem;

/// The step during which time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Resolving the name.
    Dns,
    /// Connecting, directly or to the proxy.
    Tcp,
    /// The proxy's part: SOCKS5 greeting and the connection behind it.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// The WebSocket upgrade.
    Upgrade,
    /// Waiting for the head of an HTTP response.
    Head,
    /// Reading the body of an HTTP response.
    Body,
}

impl Phase {
    /// Stable name, e.g. `tls`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Proxy => "proxy",
            Self::Tls => "tls",
            Self::Upgrade => "upgrade",
            Self::Head => "head",
            Self::Body => "body",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How name resolution failed.
#[derive(Debug, thiserror::Error)]
pub enum ResolveFailure {
    /// The name has no address.
    #[error("it has no address")]
    NoAddress,
    /// The name belongs to an overlay network, whose proxy alone may be asked.
    #[error("it is an overlay name")]
    OverlayName,
    /// The name is no domain name.
    #[error("it is no domain name")]
    Malformed,
    /// The name servers failed or did not answer.
    #[error("the name servers failed")]
    Servers(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// How an HTTP exchange failed once connected.
#[derive(Debug, thiserror::Error)]
pub enum HttpFailure {
    /// The peer does not speak HTTP/1, or broke off.
    #[error("broken response")]
    Broken(#[source] hyper::Error),
    /// More redirects than the caller allows.
    #[error("too many redirects")]
    TooManyRedirects,
    /// A redirect to something that is not `http(s)`, leaves TLS, or changes the network.
    #[error("refused redirect")]
    RefusedRedirect,
}

/// Why there is no connection or no HTTP response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// The configuration switched the relay's network off.
    #[error("network {network} is disabled")]
    NetworkDisabled {
        /// The relay's network.
        network: Network,
    },
    /// An overlay without proxy: refused, never dialled directly.
    #[error("overlay network {network} requires a proxy")]
    ProxyMissing {
        /// The relay's network.
        network: Network,
    },
    /// The address policy forbids every address of the host.
    #[error("address {address} of {host} is not public")]
    AddressRefused {
        /// Host of the URL.
        host: String,
        /// The first refused address.
        address: IpAddr,
    },
    /// The name could not be resolved.
    #[error("could not resolve {host}")]
    Resolve {
        /// Host of the URL.
        host: String,
        /// How it failed.
        #[source]
        failure: ResolveFailure,
    },
    /// The deadline passed.
    #[error("timed out in phase {phase}")]
    TimedOut {
        /// What was being waited for.
        phase: Phase,
    },
    /// No address could be connected to, or the connection broke before it was of use.
    #[error("could not connect to {host}")]
    Connect {
        /// Host of the URL, or of the proxy.
        host: String,
        /// The last attempt's error.
        #[source]
        source: io::Error,
    },
    /// The SOCKS5 proxy refused or could not reach the name.
    #[error("proxy could not reach {host}")]
    Proxy {
        /// Host of the URL.
        host: String,
        /// The proxy's answer.
        #[source]
        source: tokio_socks::Error,
    },
    /// The certificate is not valid for this host, now, from these roots.
    #[error("certificate of {host} is invalid: {problem}")]
    Certificate {
        /// Host of the URL.
        host: String,
        /// What is wrong with it.
        problem: CertificateProblem,
    },
    /// The TLS handshake failed for another reason than the certificate.
    #[error("tls handshake with {host} failed")]
    Tls {
        /// Host of the URL.
        host: String,
        /// The TLS library's error.
        #[source]
        source: io::Error,
    },
    /// The peer did not upgrade to WebSocket.
    #[error("{host} did not upgrade to websocket (status {status:?})")]
    Upgrade {
        /// Host of the URL.
        host: String,
        /// The HTTP status, when the answer was HTTP.
        status: Option<u16>,
        /// The WebSocket library's error.
        #[source]
        source: Box<tokio_tungstenite::tungstenite::Error>,
    },
    /// The HTTP exchange failed.
    #[error("http exchange with {host} failed")]
    Http {
        /// Host of the URL.
        host: String,
        /// How it failed.
        #[source]
        failure: HttpFailure,
    },
    /// The layer itself cannot be set up as configured.
    #[error("could not use {}", path.display())]
    Setup {
        /// The file at fault.
        path: PathBuf,
        /// What went wrong with it.
        #[source]
        source: io::Error,
    },
}

impl NetError {
    /// Stable label for metrics, rows and log fields, e.g. `connect_failed`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NetworkDisabled { .. } => "network_disabled",
            Self::ProxyMissing { .. } => "proxy_missing",
            Self::AddressRefused { .. } => "address_refused",
            Self::Resolve { failure, .. } => match failure {
                ResolveFailure::NoAddress => "no_address",
                ResolveFailure::OverlayName => "overlay_name",
                ResolveFailure::Malformed => "malformed_name",
                ResolveFailure::Servers(_) => "dns_failed",
            },
            Self::TimedOut { .. } => "timed_out",
            Self::Connect { .. } => "connect_failed",
            Self::Proxy { .. } => "proxy_failed",
            Self::Certificate { problem, .. } => problem.reason(),
            Self::Tls { .. } => "tls_failed",
            Self::Upgrade {
                status: Some(429 | 500..=599),
                ..
            } => "relay_unavailable",
            Self::Upgrade { .. } => "upgrade_refused",
            Self::Http { failure, .. } => match failure {
                HttpFailure::Broken(_) => "http_broken",
                HttpFailure::TooManyRedirects => "too_many_redirects",
                HttpFailure::RefusedRedirect => "redirect_refused",
            },
            Self::Setup { .. } => "setup",
        }
    }

    /// Whether the same attempt may succeed later without anybody changing anything here.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NetworkDisabled { .. }
            | Self::ProxyMissing { .. }
            | Self::AddressRefused { .. }
            | Self::Setup { .. } => false,
            Self::Resolve { failure, .. } => !matches!(
                failure,
                ResolveFailure::OverlayName | ResolveFailure::Malformed
            ),
            Self::Http { failure, .. } => matches!(failure, HttpFailure::Broken(_)),
            Self::TimedOut { .. }
            | Self::Connect { .. }
            | Self::Proxy { .. }
            | Self::Certificate { .. }
            | Self::Tls { .. }
            | Self::Upgrade { .. } => true,
        }
    }
}
