//! What a relay spends until it answers the first messages of a comparison of sets (NIP-77).

use std::net::SocketAddr;
use std::time::Instant;

use bigbrotr::store::EventStore as _;
use bigbrotr::store::events::Scope;
use bigbrotr::store::sets::SetBounds;
use data_encoding::HEXLOWER;
use futures_util::{SinkExt, StreamExt};
use nips::Filter;
use nips::nip77::{Difference, Element, SyncSet};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::archives::{archive, serve};
use super::cpu::CpuTime;

/// CPU until the first answer of a comparison that nobody has prepared.
const MAX_MILLISECONDS: f64 = 1_500.0;

/// The other side has all but one of so many, so that no range is the same.
const MISSING: usize = 1_000;

/// After everything in the archive.
const NOW: u64 = 1_900_000_000;

/// Prints CPU and time of the first message of two comparisons, and of the second message of each.
pub(crate) async fn run(events: usize) {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let store = archive(directory.path(), events).await;
    let keys = store.keys(Filter::default(), Scope::public(NOW), SetBounds::default());
    let keys = keys.await.expect("the store answers").keys;
    assert_eq!(keys.len(), events);
    let elements = keys.into_iter().map(Element::from).enumerate();
    let mine = elements.filter(|(number, _)| number % MISSING != 0);
    let mine = SyncSet::new(mine.map(|(_, element)| element).collect());
    let relay = serve(&store).await;
    println!("the first messages of a comparison with an archive of {events} events");
    for name in ["first session", "second session"] {
        let mut client = Client::connect(relay.address).await;
        let message = mine.first_message(0).expect("the set can be said");
        let opening = json!(["NEG-OPEN", "n", {}, HEXLOWER.encode(&message)]);
        let answer = client.ask(&format!("{name}, NEG-OPEN"), &opening).await;
        let next = mine.compare(&answer, 0, &mut Difference::default());
        let next = next.expect("the relay speaks the protocol");
        let next = HEXLOWER.encode(&next.expect("the sets are not the same"));
        client
            .ask(&format!("{name}, NEG-MSG"), &json!(["NEG-MSG", "n", next]))
            .await;
    }
    println!("  bound of the first: {MAX_MILLISECONDS} ms of CPU");
}

struct Client(WebSocketStream<TcpStream>);

impl Client {
    #[expect(
        clippy::disallowed_methods,
        reason = "the client is none of the program's connections"
    )]
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        let connected = client_async(format!("ws://{address}/"), stream).await;
        Self(connected.expect("the relay takes every client").0)
    }

    /// What the relay answers; prints what that took, the client's own share included.
    async fn ask(&mut self, name: &str, message: &Value) -> Vec<u8> {
        let (cpu, begun) = (CpuTime::now(), Instant::now());
        let sent = self.0.send(Message::text(message.to_string())).await;
        sent.expect("the relay reads");
        let frame = self.0.next().await.expect("the relay answers");
        let frame = frame.expect("the connection stays");
        let wall = begun.elapsed().as_secs_f64() * 1e3;
        let (finding, all) = (cpu.elapsed_in("long-read"), cpu.elapsed_us());
        println!(
            "  {name}: {:.1} ms of CPU, of it {:.1} to find the set; {wall:.1} ms",
            all / 1e3,
            finding / 1e3
        );
        let answer: Value =
            serde_json::from_str(frame.to_text().expect("it is text")).expect("messages are JSON");
        assert_eq!(answer[0], "NEG-MSG", "{answer}");
        let hex = answer[2].as_str().expect("its message is hex");
        HEXLOWER.decode(hex.as_bytes()).expect("its message is hex")
    }
}
