//! `nostr-rs-relay`, a relay that others wrote and run: its program in a folder of its own, published to and asked
//! as any client would. `tests/nostr_rs_relay.sh` builds it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use nips::{Event, EventId, LocalRelays, RelayUrl};
use serde_json::json;
use tempfile::TempDir;

use crate::http::client::get;
use crate::program::Program;
use crate::relay::client::Client;

/// Where the program is, unless it is where the script puts it.
const VARIABLE: &str = "BIGBROTR_NOSTR_RS_RELAY";
const BUILT: &str = "target/relays/bin/nostr-rs-relay";

/// How many events are asked for at once; more than any second has.
const PAGE: usize = 400;

/// After everything that is published.
const END: u64 = 1_800_000_000;

/// How many events were answered like this: whether they were taken, and the words that came with it.
pub(super) type Verdicts = BTreeMap<(bool, String), usize>;

/// A running relay; ended when dropped.
pub(super) struct NostrRsRelay {
    address: SocketAddr,
    _program: Program,
    _directory: TempDir,
}

impl NostrRsRelay {
    /// Starts one with an empty database and waits until it listens.
    pub(super) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        let config = directory.path().join("config.toml");
        let settings = format!(
            "[info]\nrelay_url = \"ws://{address}/\"\n\
             [database]\ndata_directory = {:?}\n\
             [network]\naddress = \"{}\"\nport = {}\n\
             [limits]\nmessages_per_sec = 0\nsubscriptions_per_min = 0\n",
            directory.path(),
            address.ip(),
            address.port(),
        );
        std::fs::write(&config, settings).unwrap();
        let mut command = Command::new(program());
        command.arg("--config").arg(config).env_clear();
        command.current_dir(directory.path());
        let mut program = Program::spawn(command);
        #[expect(clippy::disallowed_methods, reason = "a client is what this is")]
        program.wait_for("its port", |_| TcpStream::connect(address).ok());
        Self {
            address,
            _program: program,
            _directory: directory,
        }
    }

    /// What a crawler knows it by.
    pub(super) fn url(&self) -> RelayUrl {
        let url = format!("ws://{}", self.address);
        RelayUrl::parse_with(&url, LocalRelays::Accepted).unwrap()
    }

    /// Publishes one event after the other, each when the last was answered.
    pub(super) async fn publish(&self, events: &[Event]) -> Verdicts {
        let mut client = Client::connect(self.address).await;
        let mut verdicts = Verdicts::new();
        for event in events {
            let verdict = client.publish(event).await;
            *verdicts.entry(verdict).or_default() += 1;
        }
        verdicts
    }

    /// The ids of all that it shows to whoever asks for everything, page by page.
    pub(super) async fn held(&self) -> BTreeSet<EventId> {
        let mut client = Client::connect(self.address).await;
        let (mut held, mut until) = (BTreeSet::new(), END);
        loop {
            let page = page(&mut client, until).await;
            let known = held.len();
            held.extend(page.iter().map(Event::id));
            if held.len() == known {
                assert!(page.len() < PAGE, "{until} is a second of many events");
                return held;
            }
            // That second once more: it may go on in the next page.
            let oldest = page.iter().map(Event::created_at).min();
            until = oldest.expect("a page with something new is not empty");
        }
    }

    /// How many stored events it has sent to all who asked, by its own count.
    pub(super) fn sent(&self) -> u64 {
        let metrics = get(self.address, "/metrics").body;
        let counter = "nostr_events_sent_total{source=\"db\"} ";
        let sent = metrics.lines().find_map(|line| line.strip_prefix(counter));
        sent.expect("it has been asked before").parse().unwrap()
    }
}

/// The newest events until that second.
async fn page(client: &mut Client, until: u64) -> Vec<Event> {
    let filter = json!({"until": until, "limit": PAGE});
    client.send_question("REQ", "page", &[filter]).await;
    let mut events = Vec::new();
    loop {
        let frame = client.next().await;
        assert_eq!(frame[1], "page", "{frame}");
        match frame[0].as_str() {
            Some("EVENT") => events.push(Event::from_json(&frame[2].to_string()).unwrap()),
            Some("EOSE") => return events,
            _ => panic!("{frame}"),
        }
    }
}

fn program() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration")]
    let given = std::env::var_os(VARIABLE);
    let built = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(BUILT);
    let program = given.map_or_else(built, PathBuf::from);
    let is_there = program.is_file();
    assert!(is_there, "no {}: `make test-relays`", program.display());
    program
}

/// An address that is free now: the relay takes no port 0.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
