//! A client that sends what it is told and looks at every frame that comes back.

use std::net::SocketAddr;
use std::time::Duration;

use fleet::events::Author;
use futures_util::{SinkExt, StreamExt};
use nips::{Event, Kind};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::archive::given::{NOW, tags};

/// Longer than anything a healthy relay needs, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a client is what this is")]
        let connected = tokio_tungstenite::connect_async(format!("ws://{address}")).await;
        let (socket, _) = connected.unwrap();
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_nodelay(true).unwrap();
        }
        Self(socket)
    }

    /// A client with an address of its own, one of 127.0.0.0/8.
    pub(super) async fn connect_from(from: [u8; 4], address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        let stream = socket.connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let stream = MaybeTlsStream::Plain(stream);
        let connected = tokio_tungstenite::client_async(format!("ws://{address}"), stream).await;
        Self(connected.unwrap().0)
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.send_text(&message.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send_message(Message::text(text)).await;
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// The next text frame.
    pub(crate) async fn next_text(&mut self) -> String {
        loop {
            match self.next_message().await {
                Some(Message::Text(text)) => return text.as_str().to_owned(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("expected a text frame, got {other:?}"),
            }
        }
    }

    /// The next frame, parsed.
    pub(crate) async fn next(&mut self) -> Value {
        serde_json::from_str(&self.next_text().await).unwrap()
    }

    /// The close frame that ends the connection, whatever comes before it.
    pub(crate) async fn closing(&mut self) -> Option<CloseFrame> {
        loop {
            match self.next_message().await {
                Some(Message::Close(frame)) => return frame,
                Some(_) => {}
                None => return None,
            }
        }
    }

    /// The end of the connection, however rude.
    pub(crate) async fn ended(&mut self) {
        let end = async { while let Some(Ok(_)) = self.0.next().await {} };
        let ended = tokio::time::timeout(PATIENCE, end).await;
        ended.expect("the relay ends the connection");
    }

    pub(crate) async fn next_message(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
        next.expect("the relay answers")
            .map(|message| message.unwrap())
    }

    /// Whether the next thing that the relay says is a message, and not goodbye.
    pub(super) async fn answers(&mut self) -> bool {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
        matches!(next, Ok(Some(Ok(Message::Text(_)))))
    }

    /// Publishes an event and gives the verdict.
    pub(crate) async fn publish(&mut self, event: &Event) -> (bool, String) {
        self.send_text(&format!("[\"EVENT\",{}]", event.to_json()))
            .await;
        self.verdict(&event.id().to_hex()).await
    }

    pub(crate) async fn verdict(&mut self, id: &str) -> (bool, String) {
        let ok = self.next().await;
        assert_eq!(ok[0], "OK", "{ok}");
        assert_eq!(ok[1], id, "{ok}");
        assert_eq!(ok.as_array().unwrap().len(), 4, "{ok}");
        (ok[2].as_bool().unwrap(), ok[3].as_str().unwrap().to_owned())
    }

    /// Asks and reads the stored part: the ids in the order they came, and the hint of the EOSE.
    pub(crate) async fn ask(
        &mut self,
        id: &str,
        filters: &[Value],
    ) -> (Vec<String>, Option<Value>) {
        self.send_question("REQ", id, filters).await;
        self.stored(id).await
    }

    pub(crate) async fn stored(&mut self, id: &str) -> (Vec<String>, Option<Value>) {
        let mut ids = Vec::new();
        loop {
            let frame = self.next().await;
            assert_eq!(frame[1], id, "{frame}");
            match frame[0].as_str().unwrap() {
                "EVENT" => ids.push(frame[2]["id"].as_str().unwrap().to_owned()),
                "EOSE" => return (ids, frame.get(2).cloned()),
                _ => panic!("{frame}"),
            }
        }
    }

    /// The id of the next live event, which has to be for that subscription.
    pub(crate) async fn live(&mut self, subscription: &str) -> String {
        let frame = self.next().await;
        assert_eq!(frame[0], "EVENT", "{frame}");
        assert_eq!(frame[1], subscription, "{frame}");
        frame[2]["id"].as_str().unwrap().to_owned()
    }

    /// The challenge, which has to come next.
    pub(crate) async fn challenge(&mut self) -> String {
        let frame = self.next().await;
        assert_eq!(frame[0], "AUTH", "{frame}");
        frame[1].as_str().unwrap().to_owned()
    }

    /// Proves to be an author by answering a challenge.
    pub(crate) async fn authenticate(&mut self, author: &Author, challenge: &str) {
        self.authenticate_at(author, challenge, NOW).await;
    }

    pub(crate) async fn authenticate_at(&mut self, author: &Author, challenge: &str, at: u64) {
        let answer = auth_event(author, challenge, "ws://127.0.0.1", at);
        let verdict = self.send_auth(&answer).await;
        assert_eq!(verdict, (true, String::new()));
    }

    /// Sends an answer to a challenge and gives the verdict.
    pub(crate) async fn send_auth(&mut self, answer: &Event) -> (bool, String) {
        self.send_text(&format!("[\"AUTH\",{}]", answer.to_json()))
            .await;
        self.verdict(&answer.id().to_hex()).await
    }

    /// Counts, and gives the object that comes back.
    pub(crate) async fn count(&mut self, filters: &[Value]) -> Value {
        self.send_question("COUNT", "count", filters).await;
        let frame = self.next().await;
        assert_eq!((&frame[0], &frame[1]), (&json!("COUNT"), &json!("count")));
        frame[2].clone()
    }

    /// Shows that nothing is on its way: the next thing that comes answers this.
    pub(crate) async fn expect_silence(&mut self) {
        let (ids, _) = self.ask("nothing else", &[json!({"ids": []})]).await;
        assert!(ids.is_empty());
        self.send(json!(["CLOSE", "nothing else"])).await;
    }

    /// Asks and expects to be refused; gives the reason.
    pub(crate) async fn refused(&mut self, id: &str, filters: &[Value]) -> String {
        self.send_question("REQ", id, filters).await;
        self.closed(id).await
    }

    /// Sends a message of an id and filters.
    pub(crate) async fn send_question(&mut self, verb: &str, id: &str, filters: &[Value]) {
        let mut message = vec![json!(verb), json!(id)];
        message.extend_from_slice(filters);
        self.send(Value::Array(message)).await;
    }

    /// Expects a CLOSED and gives the reason.
    pub(crate) async fn closed(&mut self, id: &str) -> String {
        let closed = self.next().await;
        assert_eq!((&closed[0], &closed[1]), (&json!("CLOSED"), &json!(id)));
        closed[2].as_str().unwrap().to_owned()
    }
}

/// What proves to the relay at a URL that somebody holds the author's key.
pub(crate) fn auth_event(author: &Author, challenge: &str, url: &str, at: u64) -> Event {
    let tags = tags(&[&["relay", url], &["challenge", challenge]]);
    author.sign(Kind::CLIENT_AUTH, at, tags, "")
}

/// Ids as the client sees them.
pub(crate) fn ids<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<String> {
    let ids = events.into_iter().map(|event| event.id().to_hex());
    ids.collect()
}
