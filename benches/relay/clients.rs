//! Clients: one that says what it is told, and many that subscribe and wait.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// How long any answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The read buffer of a client; ten thousand of tungstenite's own would be more than a gigabyte.
const BUFFER_BYTES: usize = 1 << 10;

/// What a client that stays connected waits for: notes of one author.
const REQUEST: &str = r#"["REQ","feed",{"kinds":[1],"authors":["79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"],"limit":10}]"#;

/// One connection.
pub(crate) struct Client(WebSocketStream<TcpStream>);

/// All that are connected.
pub(crate) struct Clients {
    address: SocketAddr,
    open: Vec<Client>,
}

impl Clients {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let open = Vec::new();
        Self { address, open }
    }

    /// Connects until there are so many, each with one subscription.
    pub(crate) async fn connect(&mut self, count: usize) {
        while self.open.len() < count {
            let mut client = Client::connect(self.address).await;
            client.subscribe().await;
            self.open.push(client);
        }
    }

    /// Checks that the relay still answers each of them, which also shows that none was closed.
    pub(crate) async fn all_are_served(&mut self) {
        for client in &mut self.open {
            client.subscribe().await;
        }
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("files may be opened; see ulimit -n");
        let stream = socket.connect(address).await.expect("the relay listens");
        stream.set_nodelay(true).expect("it is a TCP stream");
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(0);
        let url = format!("ws://{address}/");
        let connected = client_async_with_config(url, stream, Some(config)).await;
        Self(connected.expect("the relay takes every client").0)
    }

    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        let sent = self.0.send(Message::text(text.into())).await;
        sent.expect("the relay reads");
    }

    /// What the relay says next.
    pub(crate) async fn next(&mut self) -> String {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
            match next.expect("the relay answers") {
                Some(Ok(Message::Text(text))) => return text.as_str().to_owned(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("expected text, got {other:?}"),
            }
        }
    }

    async fn subscribe(&mut self) {
        self.send(REQUEST).await;
        let next = self.next().await;
        assert!(next.starts_with("[\"EOSE\""), "{next}");
    }
}
