//! A relay on a raw socket whose every word the test writes.

use std::future::Future;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use nips::RelayUrl;
use nips::relay_url::LocalRelays;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

/// Serves every connection with the same script until it is dropped.
pub(super) struct Script {
    pub(super) address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Script {
    /// Runs `serve` on each accepted TCP connection.
    pub(super) async fn tcp<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream));
            }
        });
        Self {
            address,
            _tasks: tasks,
        }
    }

    /// Runs `serve` on each connection that was upgraded to WebSocket.
    pub(super) async fn websocket<F>(serve: impl Fn(Peer) -> F + Send + Clone + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::tcp(move |stream| {
            let serve = serve.clone();
            async move {
                if let Ok(socket) = accept_async(stream).await {
                    serve(Peer { socket }).await;
                }
            }
        })
        .await
    }

    pub(super) fn url(&self) -> RelayUrl {
        let url = format!("ws://{}", self.address);
        RelayUrl::parse_with(&url, LocalRelays::Accepted).expect("a local relay")
    }
}

/// The test's end of a WebSocket.
pub(super) struct Peer {
    pub(super) socket: WebSocketStream<TcpStream>,
}

impl Peer {
    /// The next message of the client as JSON; `None` when it is gone.
    pub(super) async fn hear(&mut self) -> Option<Value> {
        while let Some(Ok(message)) = self.socket.next().await {
            if let Message::Text(text) = message {
                return Some(serde_json::from_str(&text).expect("clients speak JSON"));
            }
        }
        None
    }

    /// The subscription id of the next REQ.
    pub(super) async fn hear_req(&mut self) -> Option<String> {
        loop {
            let message = self.hear().await?;
            if message[0] == "REQ" {
                return message[1].as_str().map(str::to_owned);
            }
        }
    }

    pub(super) async fn say(&mut self, text: String) {
        // A client that has left does not fail the script; the test sees its own side.
        let _ = self.socket.send(Message::text(text)).await;
    }

    /// Waits until the client leaves.
    pub(super) async fn wait(mut self) {
        while self.hear().await.is_some() {}
    }
}
