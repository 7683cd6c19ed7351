//! From a TCP connection to a session: TLS, the request head, and who serves what follows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;

use super::http::{self, Request};
use super::session::Session;
use super::tap::Tap;
use crate::behaviour::Behaviour;
use crate::information::{Answer, Information};
use crate::member::{Core, Engine};

/// How long a client may take for TLS and its request head.
const OPENING: Duration = Duration::from_secs(30);
/// Enough for a REQ of a few thousand ids; tungstenite's own default is 128 KiB for each connection.
const READ_BUFFER_BYTES: usize = 8 * 1024;

/// A connection with TLS behind it, or none.
pub(crate) type Wire = Box<dyn Stream>;

/// What a [`Wire`] can do.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Accepts connections until `stop`, then drops those that are open.
pub(crate) async fn serve(core: Arc<Core>, listener: TcpListener, stop: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => if let Ok((stream, peer)) = accepted {
                let core = Arc::clone(&core);
                connections.spawn(async move {
                    let _open = core.recorder.connection();
                    // A client that goes away, or is cut off by the script, is nobody's error.
                    let _ = converse(&core, stream, peer).await;
                });
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn converse(core: &Core, stream: TcpStream, peer: SocketAddr) -> Result<()> {
    stream.set_nodelay(true)?;
    match core.plan.behaviour {
        Behaviour::AcceptsThenCloses => return Ok(()),
        Behaviour::SlowTls { pace } => return slow_hello(stream, pace).await,
        _ => {}
    }
    let (wire, request) = tokio::time::timeout(OPENING, open(core, stream)).await??;
    core.recorder.request(&request.record);
    match &request.websocket_key {
        Some(key) => upgrade(core, wire, key, peer).await,
        None => answer(core, wire, &request).await,
    }
}

async fn open(core: &Core, stream: TcpStream) -> Result<(Wire, Request)> {
    let mut wire: Wire = match &core.tls {
        Some(acceptor) => Box::new(acceptor.accept(stream).await?),
        None => Box::new(stream),
    };
    let request = http::read_request(&mut wire).await?;
    Ok((wire, request))
}

/// Sends a TLS record head and then its body, one byte at a time, without ever finishing.
async fn slow_hello(mut stream: TcpStream, pace: Duration) -> Result<()> {
    const RECORD_HEAD: [u8; 5] = [0x16, 0x03, 0x03, 0x40, 0x00];
    http::drip(&mut stream, &RECORD_HEAD, pace).await?;
    http::drip(&mut stream, &[0; 0x4000], pace).await
}

async fn answer(core: &Core, mut wire: Wire, request: &Request) -> Result<()> {
    let accept = request.record.accept.as_deref().unwrap_or_default();
    let answer = match core.plan.behaviour {
        Behaviour::HttpOnly { status } => Answer::page(status),
        _ if accept.contains("application/nostr+json") => core.information(),
        _ if matches!(core.plan.information, Information::File(_)) => core.information(),
        _ => Answer::page(200),
    };
    http::write_answer(&mut wire, &answer).await
}

async fn upgrade(core: &Core, mut wire: Wire, key: &str, peer: SocketAddr) -> Result<()> {
    let response = http::switching_protocols(key);
    let pace = match core.plan.behaviour {
        Behaviour::HttpOnly { status } => {
            return http::write_answer(&mut wire, &Answer::page(status)).await;
        }
        Behaviour::SlowHandshake { pace } => pace,
        _ => Duration::ZERO,
    };
    http::drip(&mut wire, response.as_bytes(), pace).await?;
    let mut tap = Tap::new(wire, Arc::clone(&core.recorder));
    if core.plan.behaviour == Behaviour::NeverPongs {
        tap = tap.deafened();
    }
    match &core.engine {
        Engine::Builder(builder) => match builder.take_connection(tap, peer).await {
            Ok(()) => Ok(()),
            Err(error) => bail!("nostr-relay-builder ended the connection: {error}"),
        },
        Engine::Scripted(stage) => {
            let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
            let socket = WebSocketStream::from_raw_socket(tap, Role::Server, Some(config)).await;
            let recorder = Arc::clone(&core.recorder);
            Session::new(Arc::clone(stage), socket, recorder)
                .run()
                .await
        }
    }
}

/// Reads whatever comes and forgets it: for servers that only want to know who connects.
pub(crate) async fn swallow(stream: &mut TcpStream) {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}
