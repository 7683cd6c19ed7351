//! What a client may rely on, said to the built program over a raw WebSocket: one file a part of the protocol,
//! written from the NIPs and not from the code.

mod events;
mod lifetime;
mod management;
mod manners;
mod requests;
mod sets;

use std::net::SocketAddr;

use bigbrotr::clock::{Clock, SystemClock};
use fleet::events::Author;
use nips::{Event, Kind};
use serde_json::{Value, json};

use crate::archive::given::{author, tags};
use crate::cli::operator::Operator;
use crate::program::Program;
use crate::relay::client::{Client, auth_event};

/// The program with the role of the relay, in a folder of its own.
struct Relay {
    address: SocketAddr,
    program: Program,
    operator: Operator,
}

impl Relay {
    fn start() -> Self {
        Self::start_with("")
    }

    /// Starts it with more lines in `relay.yaml`.
    fn start_with(more: &str) -> Self {
        let operator = Operator::offline();
        operator.write_relay(&format!("public_url: wss://relay.example.com\n{more}"));
        let mut program = operator.start(&["relay"]);
        program.address("relay");
        Self {
            address: operator.public_address(),
            program,
            operator,
        }
    }

    /// Stops it and starts it again.
    fn restart(self) -> Self {
        let Self {
            address,
            program,
            operator,
        } = self;
        assert!(program.stop().success());
        let mut program = operator.start(&["relay"]);
        program.address("relay");
        Self {
            address,
            program,
            operator,
        }
    }

    async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// A client that has proved to be somebody.
    async fn client_of(&self, who: &Author) -> Client {
        let mut client = self.client().await;
        client.send(json!(["REQ", "who", {"kinds": [1_059]}])).await;
        let challenge = client.challenge().await;
        client.closed("who").await;
        let answer = auth_event(who, &challenge, "wss://relay.example.com/", now());
        assert_eq!(client.send_auth(&answer).await, (true, String::new()));
        client
    }
}

fn now() -> u64 {
    SystemClock.now()
}

/// An event of the author of that number, some seconds ago.
fn event(number: u64, kind: u16, ago: u64, with: &[&[&str]], content: &str) -> Event {
    author(number).sign(Kind(kind), now() - ago, tags(with), content)
}

/// Publishes what has to be taken.
async fn publish(client: &mut Client, events: &[&Event]) {
    for event in events {
        let (is_accepted, text) = client.publish(event).await;
        assert!(is_accepted, "{text}: {}", event.to_json());
    }
}

/// The ids that a filter finds, and nothing left open.
async fn found(client: &mut Client, filter: Value) -> Vec<String> {
    let (ids, _) = client.ask("found", &[filter]).await;
    client.send(json!(["CLOSE", "found"])).await;
    ids
}

/// Whether a refused event is refused in the words of a prefix.
async fn expect_refusal(client: &mut Client, event: &Event, prefix: &str) {
    let (is_accepted, text) = client.publish(event).await;
    assert!(
        !is_accepted && text.starts_with(prefix),
        "{text}: {}",
        event.to_json()
    );
}
