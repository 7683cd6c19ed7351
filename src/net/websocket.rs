//! Opening a WebSocket to a relay, with a time for each phase.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderValue, USER_AGENT};
use nips::RelayUrl;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Error as WebSocketError;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::auth::AuthSigner;
use super::dialer::{Dialer, Security, Stream, Target};
use super::error::{NetError, Phase};
use super::headers::Headers;
use super::tls::TlsInfo;

/// The largest event that the archive takes fits in with room to spare, so that one that is a little too
/// large costs its relay an event and not the connection, and no relay its existence.
const MAX_FRAME_BYTES: usize = 2 * 1024 * 1024;
/// Allocated for every connection at once; the default of 128 KiB times thousands is gigabytes.
const READ_BUFFER_BYTES: usize = 8 * 1024;
/// A peer that does not read must not make us hoard; the largest frame we send is a REQ with some
/// thousands of ids.
const MAX_WRITE_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// What a session may cost and whom it trusts.
#[derive(Clone)]
pub struct OpenOptions {
    /// Whether an invalid certificate is good enough. The problem is kept in [`TlsInfo`].
    pub allow_insecure: bool,
    /// Largest message, in bytes; a larger one ends the session.
    pub max_frame_bytes: usize,
    /// Bytes of all frames received before the session is over.
    pub max_total_bytes: u64,
    /// Answers NIP-42 challenges. Without it nobody learns our key.
    pub auth: Option<Arc<dyn AuthSigner>>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            allow_insecure: false,
            max_frame_bytes: MAX_FRAME_BYTES,
            max_total_bytes: 256 * 1024 * 1024,
            auth: None,
        }
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOptions")
            .field("allow_insecure", &self.allow_insecure)
            .field("max_frame_bytes", &self.max_frame_bytes)
            .field("max_total_bytes", &self.max_total_bytes)
            .field("auth", &self.auth.is_some())
            .finish()
    }
}

/// How long each phase of opening took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhaseTimings {
    /// Resolving the name; `None` behind a proxy, which does that itself.
    pub dns: Option<Duration>,
    /// TCP connection; behind a proxy, until the proxy said that the other end is there.
    pub tcp: Duration,
    /// TLS handshake, for `wss`.
    pub tls: Option<Duration>,
    /// WebSocket upgrade.
    pub upgrade: Duration,
    /// All of it.
    pub total: Duration,
}

/// An open WebSocket and what was learnt on the way.
pub(super) struct OpenSocket {
    pub(super) socket: WebSocketStream<Box<dyn Stream>>,
    pub(super) address: SocketAddr,
    pub(super) tls: Option<TlsInfo>,
    pub(super) headers: Headers,
    pub(super) phases: PhaseTimings,
}

pub(super) async fn open(
    dialer: &Dialer,
    relay: &RelayUrl,
    deadline: Instant,
    options: &OpenOptions,
    user_agent: &HeaderValue,
) -> Result<OpenSocket, NetError> {
    let start = Instant::now();
    let refused = |source| upgrade_error(relay, source);
    let request = request(relay, user_agent).map_err(refused)?;
    let target = Target {
        host: relay.host(),
        port: relay.port(),
        network: relay.network(),
        security: Security::of(relay.is_tls(), options.allow_insecure),
    };
    let connection = dialer.connect(target, deadline).await?;
    let connected = Instant::now();
    let upgrade = client_async_with_config(request, connection.stream, Some(limits(options)));
    let upgraded = timeout_at(deadline, upgrade).await;
    let upgraded = upgraded.map_err(|_| NetError::TimedOut {
        phase: Phase::Upgrade,
    })?;
    let (socket, response) = upgraded.map_err(refused)?;
    Ok(OpenSocket {
        socket,
        address: connection.address,
        tls: connection.tls_info,
        headers: Headers::new(response.into_parts().0.headers),
        phases: PhaseTimings {
            dns: connection.dns,
            tcp: connection.tcp,
            tls: connection.tls,
            upgrade: connected.elapsed(),
            total: start.elapsed(),
        },
    })
}

fn request(relay: &RelayUrl, user_agent: &HeaderValue) -> Result<Request, WebSocketError> {
    let mut request = relay.as_str().into_client_request()?;
    request.headers_mut().insert(USER_AGENT, user_agent.clone());
    Ok(request)
}

fn limits(options: &OpenOptions) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_message_size(Some(options.max_frame_bytes))
        .max_frame_size(Some(options.max_frame_bytes))
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
}

fn upgrade_error(relay: &RelayUrl, source: WebSocketError) -> NetError {
    let host = relay.host().to_owned();
    let status = match source {
        // Whoever hangs up has refused nothing: a relay that is starting up or overloaded does so.
        WebSocketError::Io(source) => return NetError::Connect { host, source },
        WebSocketError::Protocol(ProtocolError::HandshakeIncomplete) => {
            let source = io::ErrorKind::UnexpectedEof.into();
            return NetError::Connect { host, source };
        }
        WebSocketError::Http(ref response) => Some(response.status().as_u16()),
        _ => None,
    };
    NetError::Upgrade {
        host,
        status,
        source: Box::new(source),
    }
}
