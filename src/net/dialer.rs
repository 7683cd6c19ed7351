//! From a host to a connected stream: resolve, ask the address policy, race the addresses, or go
//! through the network's proxy; then TLS. Every step is timed, all share one deadline.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use nips::Network;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout_at};

use super::address_policy::{AddressOrigin, AddressPolicy, PermittedAddress};
use super::error::{NetError, Phase};
use super::records::DnsRecords;
use super::resolver::Resolver;
use super::settings::{NetSettings, PerNetwork};
use super::socks::{self, ProxyAddress};
use super::tls::{TlsInfo, TlsSettings};

/// Head start of each address over the next (RFC 8305 §5).
const STAGGER: Duration = Duration::from_millis(250);
/// Addresses tried for one host; a record set of hundreds must not become hundreds of SYNs.
const MAX_ADDRESSES: usize = 8;

/// What a WebSocket or an HTTP exchange runs over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A host to connect to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) network: Network,
    pub(super) security: Security,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    Plain,
    VerifiedTls,
    /// TLS whose certificate is examined but not insisted on.
    AnyTls,
}

impl Security {
    pub(super) fn of(is_tls: bool, allow_insecure: bool) -> Self {
        match (is_tls, allow_insecure) {
            (false, _) => Self::Plain,
            (true, false) => Self::VerifiedTls,
            (true, true) => Self::AnyTls,
        }
    }
}

/// A connection that is ready for the application protocol.
pub(super) struct Connection {
    pub(super) stream: Box<dyn Stream>,
    pub(super) address: SocketAddr,
    pub(super) tls_info: Option<TlsInfo>,
    pub(super) dns: Option<Duration>,
    pub(super) tcp: Duration,
    pub(super) tls: Option<Duration>,
}

/// A TCP connection and the address that answered.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) stream: TcpStream,
    pub(super) address: SocketAddr,
}

#[derive(Debug)]
pub(super) struct Dialer {
    resolver: Resolver,
    policy: AddressPolicy,
    proxies: PerNetwork<Option<ProxyAddress>>,
    tls: TlsSettings,
}

impl Dialer {
    pub(super) fn new(settings: &NetSettings) -> Result<Self, NetError> {
        let networks = &settings.networks;
        Ok(Self {
            resolver: Resolver::new(settings),
            policy: AddressPolicy {
                local: networks.local.enabled,
            },
            proxies: PerNetwork::from_fn(|network| networks.get(network).proxy.clone()),
            tls: TlsSettings::load(settings.extra_ca_file.as_deref())?,
        })
    }

    /// Connects, through the proxy for overlays and directly for everything else.
    pub(super) async fn connect(
        &self,
        target: Target<'_>,
        deadline: Instant,
    ) -> Result<Connection, NetError> {
        let start = Instant::now();
        let (connected, dns) = if target.network.is_overlay() {
            (self.connect_by_proxy(target, deadline).await?, None)
        } else {
            let addresses = self.permitted_addresses(target, deadline).await?;
            let dns = start.elapsed();
            (
                connect_direct(target, addresses, deadline).await?,
                Some(dns),
            )
        };
        let tcp = start.elapsed() - dns.unwrap_or_default();
        self.secure(target, connected, (dns, tcp), deadline).await
    }

    /// The DNS records of a host name.
    pub(super) async fn records(
        &self,
        host: &str,
        deadline: Instant,
    ) -> Result<DnsRecords, NetError> {
        self.resolver.records(host, deadline).await
    }

    async fn connect_by_proxy(
        &self,
        target: Target<'_>,
        deadline: Instant,
    ) -> Result<Connected, NetError> {
        let network = target.network;
        let proxy = self.proxies.get(network).as_ref();
        let proxy = proxy.ok_or(NetError::ProxyMissing { network })?;
        socks::connect(proxy, target.host, target.port, deadline).await
    }

    async fn permitted_addresses(
        &self,
        target: Target<'_>,
        deadline: Instant,
    ) -> Result<Vec<PermittedAddress>, NetError> {
        let resolved = self
            .resolver
            .resolve(target.host, target.port, deadline)
            .await?;
        let origin = match resolved.origin {
            AddressOrigin::Literal if target.network == Network::Local => {
                AddressOrigin::LocalLiteral
            }
            origin => origin,
        };
        let addresses = resolved.addresses.iter();
        let permitted = addresses.filter_map(|address| self.policy.permit(*address, origin));
        let permitted: Vec<_> = permitted.collect();
        match resolved.addresses.first() {
            Some(first) if permitted.is_empty() => Err(NetError::AddressRefused {
                host: target.host.to_owned(),
                address: first.ip(),
            }),
            _ => Ok(permitted),
        }
    }

    async fn secure(
        &self,
        target: Target<'_>,
        connected: Connected,
        (dns, tcp): (Option<Duration>, Duration),
        deadline: Instant,
    ) -> Result<Connection, NetError> {
        let start = Instant::now();
        let (stream, tls_info): (Box<dyn Stream>, _) = match target.security {
            Security::Plain => (Box::new(connected.stream), None),
            security => {
                let handshake = self.tls.handshake(target.host, security, connected.stream);
                let secured = timeout_at(deadline, handshake).await;
                let (stream, info) =
                    secured.map_err(|_| NetError::TimedOut { phase: Phase::Tls })??;
                (Box::new(stream), Some(info))
            }
        };
        Ok(Connection {
            stream,
            address: connected.address,
            tls: tls_info.is_some().then(|| start.elapsed()),
            tls_info,
            dns,
            tcp,
        })
    }
}

async fn connect_direct(
    target: Target<'_>,
    addresses: Vec<PermittedAddress>,
    deadline: Instant,
) -> Result<Connected, NetError> {
    let addresses = addresses.into_iter().map(PermittedAddress::get).collect();
    let connected = timeout_at(deadline, race(addresses)).await;
    let connected = connected.map_err(|_| NetError::TimedOut { phase: Phase::Tcp })?;
    connected.map_err(|source| NetError::Connect {
        host: target.host.to_owned(),
        source,
    })
}

/// Happy eyeballs: IPv6 and IPv4 in turn, each a little after the one before, the first to
/// connect wins. A machine without an IPv6 route loses no time, since those attempts fail at once.
pub(super) async fn race(addresses: Vec<SocketAddr>) -> io::Result<Connected> {
    let mut waiting = interleave(addresses).into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        attempts.extend(waiting.next().map(connect_one));
        let has_more = waiting.len() > 0;
        tokio::select! {
            biased;
            finished = attempts.next() => match finished {
                Some(Ok(connected)) => return Ok(connected),
                Some(Err(error)) => failure = error,
                None => return Err(failure),
            },
            () = sleep(STAGGER), if has_more => {}
        }
    }
}

async fn connect_one(address: SocketAddr) -> io::Result<Connected> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the home of outgoing connections"
    )]
    let stream = TcpStream::connect(address).await?;
    // Requests are small and answered: with Nagle's algorithm each pair would cost 40 ms.
    stream.set_nodelay(true)?;
    Ok(Connected { stream, address })
}

fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let (v6, v4): (Vec<_>, Vec<_>) = addresses.into_iter().partition(SocketAddr::is_ipv6);
    let (mut v6, mut v4) = (v6.into_iter(), v4.into_iter());
    let mut order = Vec::new();
    while order.len() < MAX_ADDRESSES {
        let before = order.len();
        order.extend(v6.next());
        order.extend(v4.next());
        if order.len() == before {
            break;
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};
    use tokio::time::timeout;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns() {
        let (a, b, c) = (
            address("1.1.1.1:1"),
            address("2.2.2.2:1"),
            address("[1::]:1"),
        );
        assert_eq!(interleave(vec![a, b, c]), [c, a, b]);
        assert_eq!(interleave(vec![a; 100]).len(), MAX_ADDRESSES);
        assert!(interleave(Vec::new()).is_empty());
    }

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    #[tokio::test]
    async fn a_closed_port_costs_no_time() {
        let (_listener, alive) = listener().await;
        let (closed, dead) = listener().await;
        drop(closed);
        let start = Instant::now();
        let connected = race(vec![dead, dead, alive]).await.unwrap();
        assert_eq!(connected.address, alive);
        assert!(connected.stream.nodelay().unwrap());
        assert!(start.elapsed() < STAGGER * 2);
    }

    #[tokio::test]
    async fn a_silent_address_costs_one_stagger() {
        let (_listener, alive) = listener().await;
        // Linux drops connections to a listener whose queue is full, like a firewall would.
        let full = TcpSocket::new_v4().unwrap();
        full.bind(address("127.0.0.1:0")).unwrap();
        let silent = full.local_addr().unwrap();
        let _queue = full.listen(0).unwrap();
        let mut queued = Vec::new();
        while let Ok(connected) = timeout(STAGGER, connect_one(silent)).await {
            queued.push(connected.unwrap());
        }
        let start = Instant::now();
        let connected = race(vec![silent, alive]).await.unwrap();
        assert_eq!(connected.address, alive);
        assert!(start.elapsed() >= STAGGER);
    }

    #[tokio::test]
    async fn no_address_is_an_error() {
        assert!(race(Vec::new()).await.is_err());
    }
}
