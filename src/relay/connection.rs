//! One WebSocket, written to with patience but not for ever.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::{SinkExt, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::query_gate::Pressure;
use crate::background::Background;

/// How long a client may leave what we wrote unread while others are refused for want of memory.
const PRESSED_PATIENCE: Duration = Duration::from_secs(1);

/// How long the close handshake may take.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// RFC 6455: the endpoint goes away.
pub(super) const GOING_AWAY: u16 = 1001;

/// RFC 6455: what was received breaks our rules.
pub(super) const POLICY_VIOLATION: u16 = 1008;

/// RFC 6455's registry: try again later.
pub(super) const TRY_AGAIN_LATER: u16 = 1013;

/// What a client hears whose address the operator keeps out.
pub(super) const BLOCKED: &str = "your address is blocked";

/// The connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client closed it or the network did.
    Gone,
    /// The client did not read, or not fast enough for what it subscribed to.
    SlowReader,
    /// The client broke too many rules.
    Banned,
    /// The operator keeps the client's address out.
    Blocked,
    /// We are shutting down.
    Stopped,
}

/// A socket, and the token that says its reader has fallen too far behind.
pub(super) struct Connection {
    /// There is none while another thread has it.
    socket: Option<WebSocket>,
    overrun: CancellationToken,
    patience: Patience,
    /// The last message, when it was a long one.
    long: Option<Utf8Bytes>,
}

/// Messages of more bytes leave a buffer behind that is worth giving back.
const LONG_BYTES: usize = 16 << 10;

/// How long a client may leave what we wrote in the socket's buffers.
pub(super) struct Patience {
    pub(super) at_most: Duration,
    /// While this is high, [`PRESSED_PATIENCE`].
    pub(super) pressure: Pressure,
}

impl Patience {
    /// Waits until it is at its end. Cancel-safe.
    async fn end(&self) {
        let began_at = Instant::now();
        let mut left = self.at_most;
        while !left.is_zero() {
            tokio::time::sleep(left.min(PRESSED_PATIENCE)).await;
            let is_pressed = self.pressure.is_high() && began_at.elapsed() >= PRESSED_PATIENCE;
            if is_pressed {
                return;
            }
            left = self.at_most.saturating_sub(began_at.elapsed());
        }
    }
}

impl Connection {
    pub(super) fn new(socket: WebSocket, overrun: CancellationToken, patience: Patience) -> Self {
        Self {
            socket: Some(socket),
            overrun,
            patience,
            long: None,
        }
    }

    /// The next message. Cancel-safe.
    pub(super) async fn receive(&mut self) -> Result<Message, Ended> {
        let socket = self.socket.as_mut().ok_or(Ended::Gone)?;
        let next = poll_fn(|context| {
            let next = socket.poll_next_unpin(context);
            // The socket reads on into the buffer of the last message, however long that was, unless somebody still
            // holds it when reading begins.
            self.long = None;
            next
        });
        let Some(Ok(message)) = next.await else {
            return Err(Ended::Gone);
        };
        if let Message::Text(text) = &message
            && text.len() > LONG_BYTES
        {
            self.long = Some(text.clone());
        }
        Ok(message)
    }

    /// Writes text frames, made as the socket takes them, and flushes them as one.
    pub(super) async fn write(
        &mut self,
        frames: impl Iterator<Item = String>,
    ) -> Result<(), Ended> {
        self.send_all(frames.map(Message::text)).await
    }

    /// Writes text frames on a thread that keeps nobody waiting, as many as the socket takes at once, and returns the others.
    /// The last of them may be in our own buffer still: the next [`Connection::write`] flushes it, also one of nothing.
    /// When this is cancelled, the connection is over.
    pub(super) async fn write_aside<F>(
        &mut self,
        threads: &Background,
        mut frames: F,
    ) -> Result<F, Ended>
    where
        F: Iterator<Item = String> + Send + 'static,
    {
        let mut socket = self.socket.take().ok_or(Ended::Gone)?;
        let write = move || {
            let written = write_at_once(&mut socket, &mut frames);
            (socket, frames, written)
        };
        let (socket, frames, written) = threads.run(write).await.ok_or(Ended::Gone)?;
        self.socket = Some(socket);
        written.map(|()| frames)
    }

    pub(super) async fn ping(&mut self) -> Result<(), Ended> {
        let ping = Message::Ping(axum::body::Bytes::new());
        self.send_all(std::iter::once(ping)).await
    }

    /// Says why and closes.
    pub(super) async fn close(&mut self, code: u16, reason: &'static str) {
        if let Some(socket) = &mut self.socket {
            close(socket, code, reason).await;
        }
    }

    async fn send_all(&mut self, messages: impl Iterator<Item = Message>) -> Result<(), Ended> {
        let socket = self.socket.as_mut().ok_or(Ended::Gone)?;
        let send = async {
            for message in messages {
                socket.feed(message).await?;
            }
            socket.flush().await
        };
        tokio::select! {
            sent = send => sent.map_err(|_| Ended::Gone),
            () = self.patience.end() => Err(Ended::SlowReader),
            () = self.overrun.cancelled() => Err(Ended::SlowReader),
        }
    }
}

/// Writes frames until the socket has to wait for its client.
fn write_at_once(
    socket: &mut WebSocket,
    frames: &mut impl Iterator<Item = String>,
) -> Result<(), Ended> {
    let mut nobody = Context::from_waker(Waker::noop());
    while let Poll::Ready(ready) = socket.poll_ready_unpin(&mut nobody) {
        ready.map_err(|_| Ended::Gone)?;
        let Some(frame) = frames.next() else {
            return Ok(());
        };
        let taken = socket.start_send_unpin(Message::text(frame));
        taken.map_err(|_| Ended::Gone)?;
    }
    Ok(())
}

/// Says why and closes.
pub(super) async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    let handshake = async {
        if socket.send(Message::Close(Some(frame))).await.is_err() {
            return;
        }
        // Ending with unread messages would reset the connection, and with it what is on its way to the
        // client.
        while let Some(Ok(_)) = socket.recv().await {}
    };
    // Whether the client takes part makes no difference.
    let _ = tokio::time::timeout(CLOSE_PATIENCE, handshake).await;
}
