//! Clients that want too much, in a process of their own that runs where nobody else wants a core: on the machines of
//! strangers they would not take the relay's CPU either. What the relay does for them counts.

use std::net::SocketAddr;
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::clients::Client;
use super::overload::authors;

/// Clients that ask for everything.
const BOMBERS: usize = 4;

/// Filters of one request, and authors of each.
const FILTERS: u64 = 20;
const AUTHORS: usize = 1_000;

/// Clients that send nonsense, and frames that each sends before it reads the answers.
const FLOODERS: usize = 4;
const FRAMES: usize = 100;

/// Clients that ask for a lot and read nothing, and how long before they are replaced by others.
const DEAF: usize = 40;
const DEAF_FOR: Duration = Duration::from_secs(2);

/// What argument names the load that a process is to be.
const OPTION: &str = "--load";

/// One sort of such clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// 20 filters of 1,000 authors each, again and again.
    RequestBomb,
    /// Frames that are no messages.
    Malformed,
    /// Answers that nobody reads.
    SlowReaders,
}

impl Load {
    pub(crate) const ALL: [Self; 3] = [Self::RequestBomb, Self::Malformed, Self::SlowReaders];

    /// The name, as it is shown.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::RequestBomb => "request-bomb",
            Self::Malformed => "malformed",
            Self::SlowReaders => "slow-readers",
        }
    }

    /// Begins; it ends when what is returned is dropped.
    pub(crate) fn start(self, address: SocketAddr) -> Running {
        let program = std::env::current_exe().expect("this program has a path");
        let child = Command::new("chrt")
            .args(["--idle", "0"])
            .arg(program)
            .args([OPTION, self.as_str(), &address.to_string()])
            .spawn();
        Running(child.expect("this program can be started again"))
    }
}

/// A load that goes on.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The load that these arguments ask for, and against whom.
pub(crate) fn asked_for(arguments: &[String]) -> Option<(Load, SocketAddr)> {
    let at = arguments.iter().position(|argument| argument == OPTION)?;
    let named = |load: &Load| load.as_str() == arguments[at + 1];
    let load = Load::ALL.into_iter().find(named)?;
    Some((load, arguments[at + 2].parse().ok()?))
}

/// Goes on until the process is ended.
pub(crate) fn run(load: Load, address: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime starts").block_on(async {
        let mut clients = JoinSet::new();
        match load {
            Load::RequestBomb => (0..BOMBERS).for_each(|_| _ = clients.spawn(bomb(address))),
            Load::Malformed => (0..FLOODERS).for_each(|_| _ = clients.spawn(flood(address))),
            Load::SlowReaders => _ = clients.spawn(be_deaf(address)),
        }
        clients.join_all().await;
    });
}

async fn bomb(address: SocketAddr) {
    let authors: Vec<Value> = authors()
        .take(AUTHORS)
        .map(|author| author.pubkey().to_hex().into())
        .collect();
    // Different filters, so that none can be dropped for another.
    let filter = |number: u64| json!({"authors": authors, "kinds": [1], "since": number});
    let mut request = vec![json!("REQ"), json!("bomb")];
    request.extend((0..FILTERS).map(filter));
    let request = Value::from(request).to_string();
    let mut client = Client::connect(address).await;
    loop {
        client.send(request.clone()).await;
        while !is_end(&client.next().await) {}
    }
}

fn is_end(frame: &str) -> bool {
    frame.starts_with("[\"EOSE\"") || frame.starts_with("[\"CLOSED\"")
}

async fn flood(address: SocketAddr) {
    let frames = ["", "{", "[[]]", "[\"REQ\"]", "[\"EVENT\",{\"id\":1}]"];
    let mut client = Client::connect(address).await;
    loop {
        for frame in frames.iter().cycle().take(FRAMES) {
            client.send(*frame).await;
        }
        for _ in 0..FRAMES {
            client.next().await;
        }
    }
}

async fn be_deaf(address: SocketAddr) {
    loop {
        let mut deaf = Vec::with_capacity(DEAF);
        for _ in 0..DEAF {
            let mut client = Client::connect(address).await;
            for id in ["1", "2", "3"] {
                let request = json!(["REQ", id, {"kinds": [1], "limit": 5_000}]);
                client.send(request.to_string()).await;
            }
            deaf.push(client);
        }
        tokio::time::sleep(DEAF_FOR).await;
    }
}
