//! One WebSocket to one relay: frames in and out under budgets, authentication, closing.
//!
//! Requests, publications and standing subscriptions are in their own files and build on
//! [`Session::receive`] and [`Session::send`].

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{FutureExt, SinkExt, StreamExt};
use nips::RelayUrl;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{
    Error as WebSocketError, Message, Utf8Bytes, error::ProtocolError,
};

use super::auth::Auth;
use super::dialer::Stream;
use super::headers::Headers;
use super::outcome::{Answer, Budget, Outcome};
use super::standing::SubscriptionId;
use super::tls::TlsInfo;
use super::websocket::{OpenOptions, OpenSocket, PhaseTimings};

/// Politeness ends here: a relay that does not say goodbye must not hold a place any longer.
const GOODBYE: Duration = Duration::from_secs(1);
/// Smallest frame header; counted so that empty frames are not free.
const FRAME_HEADER_BYTES: u64 = 2;

/// A connection to a relay. Dropping it closes the socket; [`Session::close`] does so politely.
///
/// One thing at a time: while a request or a publication runs, what arrives for standing
/// subscriptions is dropped, so a live tail belongs on a session of its own.
pub struct Session {
    socket: WebSocketStream<Box<dyn Stream>>,
    relay: RelayUrl,
    address: SocketAddr,
    tls: Option<TlsInfo>,
    headers: Headers,
    phases: PhaseTimings,
    max_total_bytes: u64,
    received_bytes: u64,
    ids: SubscriptionIds,
    ended: Option<End>,
    /// Pings sent so far.
    pings: u64,
    pub(super) auth: Auth,
    pub(super) answer: Answer,
    pub(super) standing: Vec<SubscriptionId>,
}

/// A frame that concerns more than the connection itself.
#[derive(Debug)]
pub(super) enum Frame {
    Text(Utf8Bytes),
    Binary,
    /// The answer to our latest ping.
    Pong,
}

/// Why no further frame is to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Only for now; every other end is for good.
    TimedOut,
    Disconnected,
    Violation,
    FrameTooLarge,
    BytesSpent,
}

impl End {
    fn of(error: &WebSocketError) -> Self {
        match error {
            WebSocketError::Capacity(_) => Self::FrameTooLarge,
            WebSocketError::ConnectionClosed
            | WebSocketError::AlreadyClosed
            | WebSocketError::Io(_)
            | WebSocketError::WriteBufferFull(_)
            | WebSocketError::Protocol(
                ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing,
            ) => Self::Disconnected,
            _ => Self::Violation,
        }
    }

    pub(super) fn into_outcome(self) -> Outcome {
        match self {
            Self::TimedOut => Outcome::TimedOut,
            Self::Disconnected => Outcome::Disconnected,
            Self::Violation => Outcome::Garbage,
            Self::FrameTooLarge => Outcome::BudgetExceeded {
                budget: Budget::Frame,
            },
            Self::BytesSpent => Outcome::BudgetExceeded {
                budget: Budget::SessionBytes,
            },
        }
    }
}

impl Session {
    pub(super) fn new(open: OpenSocket, relay: RelayUrl, options: OpenOptions) -> Self {
        Self {
            socket: open.socket,
            relay,
            address: open.address,
            tls: open.tls,
            headers: open.headers,
            phases: open.phases,
            max_total_bytes: options.max_total_bytes,
            received_bytes: 0,
            ids: SubscriptionIds::new(),
            ended: None,
            pings: 0,
            auth: Auth::new(options.auth),
            answer: Answer::Nothing,
            standing: Vec::new(),
        }
    }

    /// The relay at the other end.
    pub fn relay(&self) -> &RelayUrl {
        &self.relay
    }

    /// How long each phase of opening took.
    pub fn phases(&self) -> PhaseTimings {
        self.phases
    }

    /// The address that was dialled; behind a proxy, the proxy's.
    pub fn remote_addr(&self) -> SocketAddr {
        self.address
    }

    /// What the TLS handshake showed; `None` for `ws`.
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_ref()
    }

    /// The relay's own certificate as DER; `None` for `ws`.
    pub fn peer_certificate(&self) -> Option<&[u8]> {
        let own = self.tls.as_ref()?.certificates.first()?;
        Some(own.as_ref())
    }

    /// Headers of the response that upgraded the connection.
    pub fn upgrade_headers(&self) -> &Headers {
        &self.headers
    }

    /// The strongest proof of Nostr that this session has seen.
    pub fn answer(&self) -> Answer {
        self.answer
    }

    /// Whether the relay has sent a NIP-42 challenge that was read so far.
    pub fn is_challenged(&self) -> bool {
        self.auth.is_challenged()
    }

    /// Bytes of all frames received so far.
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// Says goodbye and waits for the relay to do so too, until the deadline and no longer than a
    /// second. What arrives meanwhile is dropped.
    pub async fn close(mut self, deadline: Instant) {
        if self.ended.is_some() {
            return;
        }
        let deadline = deadline.min(Instant::now() + GOODBYE);
        let goodbye = async {
            if self.socket.close(None).await.is_ok() {
                while self.receive(deadline).await.is_ok() {}
            }
        };
        // Whatever comes of it, the socket is closed when this returns.
        let _ = timeout_at(deadline, goodbye).await;
    }

    /// The next text frame, or `None` for a binary one, which no relay has reason to send. Pings
    /// are answered on the way. Cancel-safe.
    pub(super) async fn receive(&mut self, deadline: Instant) -> Result<Option<Utf8Bytes>, End> {
        loop {
            match self.receive_frame(deadline).await? {
                Frame::Text(text) => return Ok(Some(text)),
                Frame::Binary => return Ok(None),
                Frame::Pong => {}
            }
        }
    }

    /// The same, and the answer to our latest ping. Cancel-safe.
    pub(super) async fn receive_frame(&mut self, deadline: Instant) -> Result<Frame, End> {
        loop {
            if let Some(end) = self.ended {
                return Err(end);
            }
            // A peer that never pauses keeps the socket ready, and a ready socket is preferred to
            // the timer.
            if Instant::now() >= deadline {
                return Err(End::TimedOut);
            }
            let next = timeout_at(deadline, self.socket.next()).await;
            let message = match next.map_err(|_| End::TimedOut)? {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Err(self.end(End::of(&error))),
                None => return Err(self.end(End::Disconnected)),
            };
            self.received_bytes += message.len() as u64 + FRAME_HEADER_BYTES;
            if self.received_bytes > self.max_total_bytes {
                return Err(self.end(End::BytesSpent));
            }
            match message {
                Message::Text(text) => return Ok(Frame::Text(text)),
                Message::Binary(_) => return Ok(Frame::Binary),
                Message::Close(_) => return Err(self.end(End::Disconnected)),
                Message::Pong(payload) if *payload == self.pings.to_be_bytes() => {
                    return Ok(Frame::Pong);
                }
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    pub(super) async fn send(&mut self, text: String, deadline: Instant) -> Result<(), End> {
        self.send_message(Message::text(text), deadline).await
    }

    /// Sends a ping that no other is taken for.
    pub(super) async fn send_ping(&mut self, deadline: Instant) -> Result<(), End> {
        self.pings += 1;
        let payload = self.pings.to_be_bytes().to_vec();
        self.send_message(Message::Ping(payload.into()), deadline)
            .await
    }

    async fn send_message(&mut self, message: Message, deadline: Instant) -> Result<(), End> {
        if let Some(end) = self.ended {
            return Err(end);
        }
        let sent = timeout_at(deadline, self.socket.send(message)).await;
        let sent = sent.map_err(|_| End::TimedOut)?;
        sent.map_err(|error| self.end(End::of(&error)))
    }

    /// Ends a subscription without waiting: a relay that does not read must not cost us time now.
    pub(super) fn send_close(&mut self, id: &str) {
        self.send_last(format!(r#"["CLOSE","{id}"]"#));
    }

    /// Says something that no answer is expected to, without waiting.
    pub(super) fn send_last(&mut self, text: String) {
        if self.ended.is_none() {
            // When the socket is not writable the relay is not told; its events are stray then.
            let _ = self.socket.send(Message::text(text)).now_or_never();
        }
    }

    /// Answers a challenge, if there is a signer who wants to.
    pub(super) async fn on_challenge(
        &mut self,
        challenge: &str,
        deadline: Instant,
    ) -> Result<(), End> {
        self.answer = self.answer.max(Answer::Challenge);
        match self.auth.on_challenge(&self.relay, challenge) {
            Some(frame) => self.send(frame, deadline).await,
            None => Ok(()),
        }
    }

    pub(super) fn next_id(&mut self) -> String {
        self.ids.next()
    }

    /// Whether a subscription id is one that this session has used at some time.
    pub(super) fn is_own_id(&self, id: &str) -> bool {
        id.starts_with(&self.ids.prefix)
    }

    /// Marks the session as over, for good.
    pub(super) fn end(&mut self, end: End) -> End {
        self.ended = Some(end);
        end
    }
}

/// Subscription ids of one session: a prefix that no relay can know before it has read our REQ, so
/// that a canned `["EOSE","1"]` answers nothing, and a counter.
struct SubscriptionIds {
    prefix: String,
    used: u64,
}

impl SubscriptionIds {
    fn new() -> Self {
        let random = RandomState::new().hash_one(());
        Self {
            prefix: format!("{random:016x}-"),
            used: 0,
        }
    }

    fn next(&mut self) -> String {
        self.used += 1;
        format!("{}{}", self.prefix, self.used)
    }
}
