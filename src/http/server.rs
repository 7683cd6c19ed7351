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

use crate::lifecycle::{Tasks, Tokens};

/// Time for the headers of a request, and for a TLS handshake. Who needs longer is not a browser.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);

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

/// An open port.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    places: Arc<Semaphore>,
}

impl Server {
    /// Opens a port for at most `max_connections` connections at a time; further ones wait.
    ///
    /// # Errors
    /// [`ServerError::Listen`].
    pub async fn bind(
        address: SocketAddr,
        max_connections: usize,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<Self, ServerError> {
        let failed = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        Ok(Self {
            address: listener.local_addr().map_err(failed)?,
            listener,
            tls: tls.map(TlsAcceptor::from),
            places: Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))),
        })
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
                    let connection = connection(stream, peer, self.tls.clone(), routes.clone());
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
    routes: Router,
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    routes: Router,
) -> Connection {
    Connection {
        stream,
        peer,
        tls,
        routes,
    }
}

impl Connection {
    async fn run(self, tokens: &Tokens) {
        let Some(acceptor) = self.tls else {
            return speak_http(self.stream, self.peer, self.routes, tokens).await;
        };
        let handshake = tokio::time::timeout(HEADER_PATIENCE, acceptor.accept(self.stream));
        match handshake.await {
            Ok(Ok(stream)) => speak_http(stream, self.peer, self.routes, tokens).await,
            Ok(Err(error)) => debug!(service = "relay", %error, "tls_handshake_failed"),
            Err(_) => debug!(service = "relay", "tls_handshake_timed_out"),
        }
    }
}

async fn speak_http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    routes: Router,
    tokens: &Tokens,
) {
    let routes = TowerToHyperService::new(routes);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        routes.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let end = tokio::select! {
        end = &mut connection => end,
        () = tokens.soft_stop() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = end {
        debug!(service = "relay", %error, "connection_broke");
    }
}
