//! A listening port whose connections are owned by the process's tasks.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::proxies::Proxies;
use super::proxy_protocol;
use crate::lifecycle::{Tasks, Tokens};

/// Time for the headers of a request, and for a TLS handshake. Who needs longer is not a browser.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);

/// Longest life of a connection that does not become a WebSocket. A page takes one request; a client that
/// never reads what it asked for must not keep its place for ever.
const LIFETIME: Duration = Duration::from_secs(120);

/// Most bytes of request headers.
const MAX_HEADER_BYTES: usize = 16 << 10;

/// Pause after an accept that failed, e.g. for want of file descriptors, so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Why a port cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("could not listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Certificate or key cannot be used.
    #[error("could not use {}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What the clients of a port may take.
#[derive(Debug, Clone, Copy)]
pub struct ServerLimits {
    /// Connections at a time, WebSockets not counted; further ones wait.
    pub max_connections: usize,
    /// Time for the headers of a request, for a TLS handshake, and between two requests.
    pub header_patience: Duration,
    /// Longest life of a connection that does not become a WebSocket.
    pub lifetime: Duration,
}

impl ServerLimits {
    /// That many connections, and patience for the open internet.
    pub fn of(max_connections: usize) -> Self {
        Self {
            max_connections,
            header_patience: HEADER_PATIENCE,
            lifetime: LIFETIME,
        }
    }
}

/// An open port.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    limits: ServerLimits,
    places: Arc<Semaphore>,
    proxies: Arc<Proxies>,
}

impl Server {
    /// Opens a port.
    ///
    /// # Errors
    /// [`ServerError::Listen`].
    pub async fn bind(
        address: SocketAddr,
        limits: ServerLimits,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        Ok(Self {
            address: listener.local_addr().map_err(failed)?,
            listener,
            tls: tls.map(TlsAcceptor::from),
            places: Arc::new(Semaphore::new(
                limits.max_connections.min(Semaphore::MAX_PERMITS),
            )),
            limits,
            proxies: Arc::default(),
        })
    }

    /// Believes these proxies about whom they stand for.
    pub fn behind(mut self, proxies: Proxies) -> Self {
        self.proxies = Arc::new(proxies);
        self
    }

    /// The address, with the port that was taken when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until the soft token is cancelled. Connections are tasks of their own, each
    /// finishing the request it is at.
    pub async fn serve(self, routes: Router, tasks: Tasks) {
        let tokens = tasks.tokens().clone();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                () = tokens.soft_stop() => return,
            };
            match accepted {
                Ok((stream, peer, place)) => {
                    let connection = Connection {
                        stream,
                        peer,
                        tls: self.tls.clone(),
                        limits: self.limits,
                        routes: routes.clone(),
                        proxies: Arc::clone(&self.proxies),
                    };
                    let tokens = tokens.clone();
                    tasks.spawn_short("connection", async move {
                        connection.run(&tokens).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    warn!(service = "relay", %error, "accept_failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn accept(
        &self,
    ) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.expect("the semaphore is never closed");
        let (stream, peer) = self.listener.accept().await?;
        // Small frames must not wait for an acknowledgement of the last one.
        stream.set_nodelay(true)?;
        Ok((stream, peer, place))
    }
}

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    limits: ServerLimits,
    routes: Router,
    proxies: Arc<Proxies>,
}

impl Connection {
    async fn run(mut self, tokens: &Tokens) {
        if self.proxies.introduce(self.peer.ip()) {
            let header = proxy_protocol::read(&mut self.stream);
            match tokio::time::timeout(self.limits.header_patience, header).await {
                Ok(Ok(client)) => self.peer = client.unwrap_or(self.peer),
                Ok(Err(error)) => {
                    return debug!(service = "relay", %error, "proxy_header_refused");
                }
                Err(_) => return debug!(service = "relay", "proxy_header_timed_out"),
            }
        }
        let http = Http {
            peer: self.peer,
            limits: self.limits,
            routes: self.routes,
            proxies: self.proxies,
        };
        let Some(acceptor) = self.tls else {
            return http.speak(self.stream, tokens).await;
        };
        let handshake = acceptor.accept(self.stream);
        match tokio::time::timeout(self.limits.header_patience, handshake).await {
            Ok(Ok(stream)) => http.speak(stream, tokens).await,
            Ok(Err(error)) => debug!(service = "relay", %error, "tls_handshake_failed"),
            Err(_) => debug!(service = "relay", "tls_handshake_timed_out"),
        }
    }
}

struct Http {
    peer: SocketAddr,
    limits: ServerLimits,
    routes: Router,
    proxies: Arc<Proxies>,
}

impl Http {
    async fn speak(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        tokens: &Tokens,
    ) {
        let routes = TowerToHyperService::new(self.routes);
        let service = service_fn(move |mut request: hyper::Request<Incoming>| {
            let client = self.proxies.client(self.peer, request.headers());
            request.extensions_mut().insert(ConnectInfo(client));
            routes.call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_patience)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        tokio::pin!(connection);
        let out_of_time = tokio::time::sleep(self.limits.lifetime);
        let end = tokio::select! {
            end = &mut connection => end,
            () = out_of_time => return debug!(service = "relay", "connection_out_of_time"),
            () = tokens.soft_stop() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = end {
            debug!(service = "relay", %error, "connection_broke");
        }
    }
}
