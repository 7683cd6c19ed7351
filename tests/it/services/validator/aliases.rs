//! Several paths of one host: whether they are one relay.

use std::net::SocketAddr;

use fleet::{Behaviour, FleetPlan, MemberPlan};
use nips::{LocalRelays, Network, RelayUrl};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::super::given::{Given, cycle};
use super::validator;

/// A web server before a relay that passes on some paths and answers others with 404.
struct Front {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Front {
    async fn start(relay: SocketAddr, paths: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(async move {
                    // A client that has seen enough is nobody's error.
                    let _ = pass_on(client, relay, paths).await;
                });
            }
        });
        Self {
            address,
            _tasks: tasks,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a web server in front of a relay is what this is"
)]
async fn pass_on(mut client: TcpStream, relay: SocketAddr, paths: &[&str]) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let path = text.split(' ').nth(1).unwrap_or_default();
    if !paths.contains(&path) {
        let refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        return client.write_all(refusal).await;
    }
    let mut server = TcpStream::connect(relay).await?;
    server.write_all(&head).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

fn url(address: SocketAddr, path: &str) -> RelayUrl {
    let text = format!("ws://{address}{path}");
    RelayUrl::parse_with(&text, LocalRelays::Accepted).unwrap()
}

/// The relays that somebody has to visit.
async fn due(given: &Given) -> Vec<String> {
    let store = given.store();
    let check = store.due_for_check(&Network::ALL, given.now(), 100).await;
    let sync = store.due_for_sync(&Network::ALL, given.now(), 100).await;
    let urls = |relays: Vec<bigbrotr::model::Relay>| -> Vec<String> {
        relays.iter().map(|relay| relay.url.to_string()).collect()
    };
    let check = urls(check.unwrap());
    assert_eq!(check, urls(sync.unwrap()));
    check
}

#[tokio::test]
async fn a_host_that_answers_alike_everywhere_is_one_relay() {
    let given = Given::of(MemberPlan::healthy()).await;
    let address = given.member().address();
    let urls = ["/a", "", "/b/c"].map(|path| url(address, path));
    given.name(&urls).await;
    let summary = cycle(&validator(&given.context)).await;
    assert_eq!(summary.count("validated"), 3);
    assert!(summary.count("aliases_found") >= 2);
    assert_eq!(given.relay_urls().await.len(), 3, "all are listed");
    assert_eq!(due(&given).await, [urls[1].to_string()]);
    let canonical = given.relay(&urls[1]).await.unwrap();
    let aliases = given.store().aliases(canonical.id).await.unwrap();
    assert_eq!(aliases.len(), 2);
    for alias in aliases {
        assert_eq!(alias.canonical, canonical.id);
        let evidence: serde_json::Value = serde_json::from_str(&alias.evidence).unwrap();
        assert_eq!(evidence["answers_on"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn paths_that_mean_something_are_relays_of_their_own() {
    let given = Given::of(MemberPlan::healthy()).await;
    let front = Front::start(given.member().address(), &["/", "/inbox", "/outbox"]).await;
    let urls = ["", "/inbox", "/outbox"].map(|path| url(front.address, path));
    given.name(&urls).await;
    let summary = cycle(&validator(&given.context)).await;
    assert_eq!(summary.count("validated"), 3);
    assert_eq!(summary.count("aliases_found"), 0);
    assert_eq!(due(&given).await.len(), 3);
}

#[tokio::test]
async fn a_relay_with_one_path_is_asked_nothing_more() {
    let plan = FleetPlan::new(1)
        .member(MemberPlan::healthy())
        .member(MemberPlan::new(Behaviour::Healthy));
    let given = Given::start(plan).await;
    given.name_all().await;
    cycle(&validator(&given.context)).await;
    for member in given.fleet.members() {
        assert_eq!(member.seen().connections, 1, "{}", member.name());
    }
}
