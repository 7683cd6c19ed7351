//! As much HTTP/1.1 as a relay's port needs: one request head in, one response out.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::information::Answer;
use crate::seen::HttpRequest;

/// Longest request head that is read. Real ones stay under 2 kB.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Headers that every answer of every member carries, in lower case as HTTP/2-minded servers write them
/// (B29).
const SERVER_HEADERS: &str = "server: nostr-lab\r\nx-powered-by: seeded events\r\n";

/// A request head with what the handshake needs.
pub(crate) struct Request {
    pub record: HttpRequest,
    /// `Sec-WebSocket-Key`, when it asked for a WebSocket.
    pub websocket_key: Option<String>,
}

/// Reads one request head and not a byte more than the client sends with it.
///
/// # Errors
/// When the connection ends early, or what arrives is no request head.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Result<Request> {
    let mut head = Vec::with_capacity(1024);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > MAX_HEAD_BYTES {
            bail!("the request head is too long");
        }
        // A client sends nothing after the head before it has the answer, so reading on is safe.
        if stream.read_buf(&mut head).await? == 0 {
            bail!("the connection ended in the request head");
        }
    }
    parse(&String::from_utf8_lossy(&head)).context("no HTTP request")
}

fn parse(head: &str) -> Option<Request> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let header = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.clone())
    };
    let upgrade = header("upgrade").unwrap_or_default();
    let is_upgrade = upgrade.eq_ignore_ascii_case("websocket");
    Some(Request {
        websocket_key: header("sec-websocket-key").filter(|_| is_upgrade),
        record: HttpRequest {
            method,
            path,
            user_agent: header("user-agent"),
            accept: header("accept"),
            host: header("host"),
            is_upgrade,
        },
    })
}

/// The response head that opens a WebSocket.
pub(crate) fn switching_protocols(websocket_key: &str) -> String {
    let accept = derive_accept_key(websocket_key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: {accept}\r\n{SERVER_HEADERS}\r\n"
    )
}

/// Writes an answer and ends the connection's sending side.
///
/// # Errors
/// When the client is gone.
pub(crate) async fn write_answer(
    stream: &mut (impl AsyncWrite + Unpin),
    answer: &Answer,
) -> Result<()> {
    let location = match &answer.location {
        Some(location) => format!("location: {location}\r\n"),
        None => String::new(),
    };
    let head = format!(
        "HTTP/1.1 {status} {phrase}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
         access-control-allow-origin: *\r\naccess-control-allow-headers: *\r\n\
         access-control-allow-methods: GET\r\nconnection: close\r\n{location}{SERVER_HEADERS}\r\n",
        status = answer.status,
        phrase = phrase(answer.status),
        content_type = answer.content_type,
        length = answer.body.len(),
    );
    stream.write_all(head.as_bytes()).await?;
    drip(stream, &answer.body, answer.pace).await?;
    stream.shutdown().await?;
    Ok(())
}

/// Writes bytes one by one with a pause after each, or at once when the pause is zero.
///
/// # Errors
/// When the client is gone.
pub(crate) async fn drip(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    pace: Duration,
) -> Result<()> {
    if pace.is_zero() {
        stream.write_all(bytes).await?;
        return Ok(stream.flush().await?);
    }
    for byte in bytes {
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
        tokio::time::sleep(pace).await;
    }
    Ok(())
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
