//! One WebSocket, written to with patience but not for ever.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt;
use tokio_util::sync::CancellationToken;

/// How long the close handshake may take.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// RFC 6455: the endpoint goes away.
pub(super) const GOING_AWAY: u16 = 1001;

/// RFC 6455: what was received breaks our rules.
pub(super) const POLICY_VIOLATION: u16 = 1008;

/// RFC 6455's registry: try again later.
pub(super) const TRY_AGAIN_LATER: u16 = 1013;

/// The connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client closed it or the network did.
    Gone,
    /// The client did not read, or not fast enough for what it subscribed to.
    SlowReader,
    /// The client broke too many rules.
    Banned,
    /// We are shutting down.
    Stopped,
}

/// A socket, and the token that says its reader has fallen too far behind.
pub(super) struct Connection {
    socket: WebSocket,
    overrun: CancellationToken,
    write_patience: Duration,
}

impl Connection {
    /// `write_patience` is how long the client may leave what we wrote in the socket's buffers.
    pub(super) fn new(
        socket: WebSocket,
        overrun: CancellationToken,
        write_patience: Duration,
    ) -> Self {
        Self {
            socket,
            overrun,
            write_patience,
        }
    }

    /// One that will only be told why it is closed.
    pub(super) fn refused(socket: WebSocket) -> Self {
        Self::new(socket, CancellationToken::new(), CLOSE_PATIENCE)
    }

    /// The next message. Cancel-safe.
    pub(super) async fn receive(&mut self) -> Result<Message, Ended> {
        match self.socket.recv().await {
            Some(Ok(message)) => Ok(message),
            Some(Err(_)) | None => Err(Ended::Gone),
        }
    }

    /// Writes text frames, made as the socket takes them, and flushes them as one.
    pub(super) async fn write(
        &mut self,
        frames: impl Iterator<Item = String>,
    ) -> Result<(), Ended> {
        self.send_all(frames.map(Message::text)).await
    }

    pub(super) async fn ping(&mut self) -> Result<(), Ended> {
        let ping = Message::Ping(axum::body::Bytes::new());
        self.send_all(std::iter::once(ping)).await
    }

    /// Says why and closes.
    pub(super) async fn close(mut self, code: u16, reason: &'static str) {
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        let socket = &mut self.socket;
        let handshake = async {
            socket.send(Message::Close(Some(frame))).await?;
            // Ending with unread messages would reset the connection, and with it what is on its way to the
            // client.
            while let Some(Ok(_)) = socket.recv().await {}
            Ok::<_, axum::Error>(())
        };
        // Whether the client takes part makes no difference.
        let _ = tokio::time::timeout(CLOSE_PATIENCE, handshake).await;
    }

    async fn send_all(&mut self, messages: impl Iterator<Item = Message>) -> Result<(), Ended> {
        let socket = &mut self.socket;
        let send = async {
            for message in messages {
                socket.feed(message).await?;
            }
            socket.flush().await
        };
        tokio::select! {
            sent = tokio::time::timeout(self.write_patience, send) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(Ended::Gone),
                Err(_) => Err(Ended::SlowReader),
            },
            () = self.overrun.cancelled() => Err(Ended::SlowReader),
        }
    }
}
