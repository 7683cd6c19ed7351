//! The only place that opens sockets: names, addresses, TLS, SOCKS5, WebSocket and HTTP.
//!
//! Input is a [`nips::RelayUrl`] (or an HTTP URL) and a deadline; output is a [`Session`] whose
//! every subscription ends in an [`Outcome`], or an [`HttpResponse`]. The address policy is applied
//! to the *resolved* address at connect time, overlay names go to their proxy and nowhere else, and
//! everything a peer can send is bounded by a frame, a byte and a time budget.

mod address_policy;
mod auth;
#[cfg(feature = "opentelemetry")]
mod collector;
mod conversation;
mod dialer;
mod error;
mod headers;
mod http_client;
mod http_url;
mod outcome;
mod permits;
mod publication;
mod reconciliation;
mod records;
mod relay_message;
mod request;
mod resolver;
mod session;
mod settings;
mod socks;
mod standing;
mod tls;
mod websocket;

use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderValue;
use nips::{Network, RelayUrl};
use tokio::time::Instant;

pub use auth::AuthSigner;
#[cfg(feature = "opentelemetry")]
pub use collector::{Collector, CollectorError};
pub use error::{HttpFailure, NetError, Phase, ResolveFailure};
pub use headers::Headers;
pub use http_client::{HttpOptions, HttpResponse, Validators};
pub use http_url::{HttpUrl, HttpUrlError};
pub use outcome::{
    Answer, Budget, ClosedPrefix, MAX_TEXT_BYTES, Nip67Hint, Outcome, PublishOutcome, RawEvent,
    RequestReport,
};
pub use permits::Permit;
pub use reconciliation::{ReconcileOptions, ReconcileReport, Reconciled};
pub use records::DnsRecords;
pub use relay_message::RelayMessage;
pub use request::{EventSink, RequestOptions};
pub use resolver::LOOKUP_BUDGET;
pub use session::Session;
pub use settings::{NetSettings, NetworkSettings, PerNetwork};
pub use socks::{ProxyAddress, ProxyAddressError};
pub use standing::{Incoming, SubscriptionId};
pub use tls::{CertificateProblem, TlsInfo, install_crypto_provider};
pub use websocket::{OpenOptions, PhaseTimings};

use dialer::{Dialer, Security, Target};
use permits::Permits;

/// The handle to everything that touches the network. Clones share resolver, TLS settings and
/// permits, and cost one reference count.
#[derive(Debug, Clone)]
pub struct Net {
    inner: Arc<Inner>,
    /// Whether a certificate that is not valid is looked past, besides where a call says so.
    allow_insecure: bool,
}

#[derive(Debug)]
struct Inner {
    user_agent: HeaderValue,
    settings: NetSettings,
    permits: Permits,
    dialer: Dialer,
}

impl Net {
    /// Loads the trust anchors and prepares the resolver; opens no socket.
    ///
    /// # Errors
    /// [`NetError::Setup`] when `extra_ca_file` cannot be used or the resolver cannot be built.
    /// Missing platform roots or resolver settings are only logged: a machine without them still
    /// has work to do.
    pub fn new(settings: NetSettings) -> Result<Self, NetError> {
        install_crypto_provider();
        let allow_insecure = settings.allow_insecure;
        let inner = Inner {
            user_agent: headers::user_agent(&settings.user_agent),
            permits: Permits::new(&settings.networks),
            dialer: Dialer::new(&settings)?,
            settings,
        };
        Ok(Self {
            inner: Arc::new(inner),
            allow_insecure,
        })
    }

    /// The same way out for what has to come from who it says: `allow_insecure` is about relays that are looked at,
    /// and holds for nothing that goes this way.
    pub fn verifying(&self) -> Self {
        Self {
            allow_insecure: false,
            ..self.clone()
        }
    }

    /// Waits for one of the network's `max_tasks` places. Cancel-safe.
    pub async fn permit(&self, network: Network) -> Permit {
        self.inner.permits.acquire(network).await
    }

    /// How many pieces of work may run at once on this network.
    pub fn max_tasks(&self, network: Network) -> usize {
        self.inner.settings.networks.get(network).max_tasks
    }

    /// Whether relays of this network may be dialled, and can be: an overlay needs its proxy.
    ///
    /// # Errors
    /// [`NetError::NetworkDisabled`] or [`NetError::ProxyMissing`].
    pub fn check_network(&self, network: Network) -> Result<(), NetError> {
        self.inner.settings.check_network(network)
    }

    /// Whether the proxy of an overlay network takes connections; returns its address.
    ///
    /// # Errors
    /// [`NetError`] as for a relay of that network.
    pub async fn probe_proxy(
        &self,
        network: Network,
        deadline: Instant,
    ) -> Result<ProxyAddress, NetError> {
        self.check_network(network)?;
        let proxy = self.inner.settings.networks.get(network).proxy.clone();
        let proxy = proxy.ok_or(NetError::ProxyMissing { network })?;
        let reached = tokio::time::timeout_at(deadline, socks::reach_proxy(&proxy)).await;
        reached.map_err(|_| NetError::TimedOut { phase: Phase::Tcp })??;
        Ok(proxy)
    }

    /// The moment at which one piece of work on this network, started now, is out of time.
    pub fn deadline(&self, network: Network) -> Instant {
        Instant::now() + self.timeout(network)
    }

    /// How long one piece of work on this network may take.
    pub fn timeout(&self, network: Network) -> Duration {
        self.inner.settings.networks.get(network).timeout
    }

    /// Connects to a relay: name, TCP (or SOCKS5), TLS and WebSocket upgrade under one deadline.
    ///
    /// # Errors
    /// [`NetError`] of the phase that failed. Cancel-safe: dropping the future closes the socket.
    pub async fn open(
        &self,
        relay: &RelayUrl,
        deadline: Instant,
        mut options: OpenOptions,
    ) -> Result<Session, NetError> {
        self.check_network(relay.network())?;
        options.allow_insecure |= self.allow_insecure;
        let socket = websocket::open(
            &self.inner.dialer,
            relay,
            deadline,
            &options,
            &self.inner.user_agent,
        )
        .await?;
        Ok(Session::new(socket, relay.clone(), options))
    }

    /// Asks the name servers for the records of a host, past every cache of ours.
    ///
    /// # Errors
    /// [`NetError::Resolve`] when it has no address, [`NetError::TimedOut`]. An overlay name is refused.
    pub async fn dns_records(&self, host: &str, deadline: Instant) -> Result<DnsRecords, NetError> {
        self.inner.dialer.records(host, deadline).await
    }

    /// Makes a TLS handshake with whatever certificate a `wss` relay has, tells what was seen, and hangs up.
    ///
    /// # Errors
    /// [`NetError`] of the phase that failed. Cancel-safe.
    pub async fn examine_tls(
        &self,
        relay: &RelayUrl,
        deadline: Instant,
    ) -> Result<TlsInfo, NetError> {
        self.check_network(relay.network())?;
        let target = Target {
            host: relay.host(),
            port: relay.port(),
            network: relay.network(),
            security: Security::AnyTls,
        };
        let connection = self.inner.dialer.connect(target, deadline).await?;
        Ok(connection.tls_info.expect("the connection is one over tls"))
    }

    /// Fetches an HTTP document, following as many redirects as allowed, each checked like the
    /// first. The body is cut at `max_bytes` and says so. Sends no cookies and no referrer.
    ///
    /// # Errors
    /// [`NetError`]; an HTTP error status is a response, not an error.
    pub async fn http_get(
        &self,
        url: &HttpUrl,
        options: HttpOptions<'_>,
    ) -> Result<HttpResponse, NetError> {
        self.http_get_unless_current(url, &Validators::default(), options)
            .await
    }

    /// [`Self::http_get`] of a document of which a version is known: one that is still current is
    /// answered with status 304 and no body.
    ///
    /// # Errors
    /// As [`Self::http_get`].
    pub async fn http_get_unless_current(
        &self,
        url: &HttpUrl,
        validators: &Validators,
        mut options: HttpOptions<'_>,
    ) -> Result<HttpResponse, NetError> {
        options.allow_insecure |= self.allow_insecure;
        http_client::get(
            &self.inner.dialer,
            &self.inner.settings,
            &self.inner.user_agent,
            url.clone(),
            validators,
            options,
        )
        .await
    }
}
