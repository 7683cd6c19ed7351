//! A plain WebSocket client that reports everything it is sent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use fleet::{Fleet, FleetPlan, Member, MemberPlan};
use futures_util::{SinkExt, StreamExt};
use nips::{Event, EventId};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Longer than anything on loopback takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing has to come before we believe that nothing will.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);

/// One connection.
pub(crate) struct Client<S = TcpStream> {
    socket: WebSocketStream<S>,
}

/// How a subscription ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    Eose,
    Closed(String),
    Disconnected,
    Silence,
    /// Something else came.
    Other(String),
}

/// What came for one REQ.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Events as they were sent, forged ones included.
    pub(crate) sent: Vec<Value>,
    pub(crate) end: End,
}

impl Answer {
    /// Those that are events.
    pub(crate) fn events(&self) -> Vec<Event> {
        let parsed = self
            .sent
            .iter()
            .map(|value| Event::from_json(&value.to_string()));
        parsed.filter_map(Result::ok).collect()
    }

    pub(crate) fn ids(&self) -> BTreeSet<EventId> {
        self.events().iter().map(Event::id).collect()
    }
}

/// A fleet of one.
pub(crate) async fn single(member: MemberPlan, events: usize) -> Result<Fleet> {
    Fleet::start(FleetPlan::new(1).events(events).member(member)).await
}

impl Client {
    /// Connects without TLS, wherever the member says it lives.
    pub(crate) async fn connect(member: &Member) -> Result<Self> {
        let stream = TcpStream::connect(member.address()).await?;
        Self::upgrade(stream, &format!("ws://{}/", member.address())).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) async fn upgrade(stream: S, url: &str) -> Result<Self> {
        let (socket, _) = timeout(PATIENCE, client_async(url, stream)).await??;
        Ok(Self { socket })
    }

    pub(crate) async fn send(&mut self, message: Value) -> Result<()> {
        Ok(self.socket.send(Message::text(message.to_string())).await?)
    }

    /// Whether a ping is answered.
    pub(crate) async fn ping(&mut self, wait: Duration) -> Result<bool> {
        self.socket
            .send(Message::Ping(b"?".to_vec().into()))
            .await?;
        let pong = async {
            while let Some(message) = self.socket.next().await {
                if matches!(message, Ok(Message::Pong(_))) {
                    return true;
                }
            }
            false
        };
        Ok(timeout(wait, pong).await.unwrap_or(false))
    }

    /// The next text frame, or why there is none.
    pub(crate) async fn next(&mut self, wait: Duration) -> std::result::Result<String, End> {
        loop {
            match timeout(wait, self.socket.next()).await {
                Err(_) => return Err(End::Silence),
                Ok(Some(Ok(Message::Text(text)))) => return Ok(text.to_string()),
                Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return Err(End::Disconnected),
                Ok(Some(Ok(_))) => {}
            }
        }
    }

    /// The next message as JSON.
    pub(crate) async fn message(&mut self) -> Result<Value> {
        let text = self
            .next(PATIENCE)
            .await
            .map_err(|end| anyhow::anyhow!("{end:?}"))?;
        serde_json::from_str(&text).with_context(|| text)
    }

    /// Sends a REQ and collects what comes for it.
    pub(crate) async fn request(&mut self, filter: Value) -> Result<Answer> {
        self.request_within(filter, PATIENCE).await
    }

    pub(crate) async fn request_within(&mut self, filter: Value, wait: Duration) -> Result<Answer> {
        self.send(json!(["REQ", "s", filter])).await?;
        let mut sent = Vec::new();
        loop {
            let text = match self.next(wait).await {
                Ok(text) => text,
                Err(end) => return Ok(Answer { sent, end }),
            };
            let message: Value = serde_json::from_str(&text).unwrap_or_default();
            let part = |index: usize| message.get(index).and_then(Value::as_str);
            let end = match (part(0), part(1)) {
                (Some("EVENT"), Some("s")) => {
                    sent.push(message[2].clone());
                    continue;
                }
                (Some("EOSE"), Some("s")) => End::Eose,
                (Some("CLOSED"), Some("s")) => End::Closed(part(2).unwrap_or_default().into()),
                _ => End::Other(text),
            };
            return Ok(Answer { sent, end });
        }
    }
}

/// Opens TLS to a member, believing only the laboratory's authority.
pub(crate) async fn tls(fleet: &Fleet, member: &Member) -> Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(fleet.authority().der())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(member.address()).await?;
    let name = ServerName::try_from(member.host().to_owned())?;
    let connector = TlsConnector::from(Arc::new(config));
    Ok(timeout(PATIENCE, connector.connect(name, stream)).await??)
}
