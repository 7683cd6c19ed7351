//! Several paths of one host: whether they are one relay.

use std::net::SocketAddr;

use bigbrotr::checks::nip11;
use bigbrotr::model::{Alias, Metadata, MetadataType, RelayMetadata};
use fleet::{Behaviour, FleetPlan, Information, MemberPlan};
use nips::{Event, LocalRelays, Network, RelayUrl};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::super::given::{DAY, Given, cycle, plan_of};
use super::validator;
use crate::archive::given::note;

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

/// Makes the second URL an alias of the first.
async fn make_alias(given: &Given, canonical: &RelayUrl, alias: &RelayUrl) {
    let id = async |url| given.relay(url).await.unwrap().id;
    let alias = Alias {
        relay: id(alias).await,
        canonical: id(canonical).await,
        evidence: "{}".to_owned(),
        found_at: given.now(),
    };
    given
        .store()
        .add_aliases(&[alias], given.now())
        .await
        .unwrap();
}

#[tokio::test]
async fn an_alias_is_looked_at_again_and_let_go_when_paths_mean_something() {
    let given = Given::of(MemberPlan::healthy()).await;
    let front = Front::start(given.member().address(), &["/", "/inbox"]).await;
    let [still, canonical] = ["/a", ""].map(|path| url(given.member().address(), path));
    let [inbox, outside] = ["/inbox", ""].map(|path| url(front.address, path));
    given
        .name(&[
            still.clone(),
            canonical.clone(),
            inbox.clone(),
            outside.clone(),
        ])
        .await;
    let validator = validator(&given.context);
    cycle(&validator).await;
    assert_eq!(due(&given).await.len(), 3, "one is an alias already");
    make_alias(&given, &outside, &inbox).await;
    assert_eq!(due(&given).await.len(), 2);
    given.clock.advance(7 * DAY);
    assert_eq!(
        cycle(&validator).await.count("aliases_released"),
        0,
        "not before a week is over"
    );
    given.clock.advance(1);
    assert_eq!(cycle(&validator).await.count("aliases_released"), 1);
    let due = due(&given).await;
    assert!(
        due.contains(&inbox.to_string()) && !due.contains(&still.to_string()),
        "{due:?}"
    );
    given.clock.advance(DAY);
    assert_eq!(cycle(&validator).await.count("aliases_released"), 0);
}

#[tokio::test]
async fn an_alias_that_does_not_answer_stays_one() {
    let given = Given::start(plan_of([MemberPlan::healthy(), MemberPlan::healthy()])).await;
    given.trust_all().await;
    let [one, other] = given.fleet.members() else {
        panic!("two members");
    };
    make_alias(&given, one.url(), other.url()).await;
    other.go_down().await;
    given.clock.advance(8 * DAY);
    assert_eq!(
        cycle(&validator(&given.context))
            .await
            .count("aliases_released"),
        0
    );
    assert_eq!(due(&given).await, [one.url().to_string()]);
}

/// A relay with these events, whose document names a key.
fn naming(key: &str, events: &[Event]) -> MemberPlan {
    let document = json!({ "name": "twin", "self": key, "supported_nips": [1, 11] });
    let plan = MemberPlan::new(Behaviour::Honest).own_events(events.to_vec());
    plan.information(Information::Custom(document.to_string()))
}

/// The documents of all members on record, as the monitor leaves them.
async fn read_documents(given: &Given) {
    given.trust_all().await;
    for member in given.fleet.members() {
        let relay = given.relay(member.url()).await.unwrap();
        let deadline = given.context.net.deadline(Network::Local);
        let read = nip11::fetch(&given.context.net, member.url(), 1 << 20, deadline).await;
        let row = RelayMetadata {
            relay: relay.id,
            generated_at: given.now(),
            metadata: Metadata::new(MetadataType::Nip11Info, read.unwrap().to_json()),
        };
        given.store().add_relay_metadata(&[row]).await.unwrap();
    }
}

#[tokio::test]
async fn hosts_that_name_one_key_and_hold_the_same_are_one_relay_and_a_copied_document_is_nothing()
{
    let key = "ab".repeat(32);
    let (ours, theirs): (Vec<Event>, Vec<Event>) = (
        (1_000..1_020).map(note).collect(),
        (1_020..1_040).map(note).collect(),
    );
    let plan = [
        naming(&key, &ours),
        // An impostor: another relay under a copied document.
        naming(&key, &theirs),
        naming(&key, &ours),
        // The same events under another key.
        naming(&"cd".repeat(32), &ours),
        // Too little to tell.
        naming(&"ef".repeat(32), &ours[..9]),
        naming(&"ef".repeat(32), &ours[..9]),
    ];
    let plan = plan.into_iter().fold(FleetPlan::new(1), FleetPlan::member);
    let given = Given::start(plan).await;
    read_documents(&given).await;
    let validator = validator(&given.context);
    assert_eq!(cycle(&validator).await.count("aliases_found"), 1);
    let member = |index: usize| given.fleet.member(index).url();
    let canonical = given.relay(member(0)).await.unwrap().id;
    let aliases = given.store().aliases(canonical).await.unwrap();
    let [alias] = aliases.as_slice() else {
        panic!("{aliases:?}");
    };
    assert_eq!(alias.canonical, canonical, "the one that is known longest");
    assert_eq!(alias.relay, given.relay(member(2)).await.unwrap().id);
    let evidence: serde_json::Value = serde_json::from_str(&alias.evidence).unwrap();
    assert_eq!(evidence["same_newest_events"], 20);
    assert_eq!(due(&given).await.len(), 5);
    // Documents are read once a day, and what is one relay is not asked again.
    let asked = || given.fleet.member(0).seen().connections;
    let before = asked();
    cycle(&validator).await;
    assert_eq!(asked(), before);
}

#[tokio::test]
async fn a_twin_that_holds_something_else_is_let_go() {
    let key = "ab".repeat(32);
    let ours: Vec<Event> = (1_000..1_020).map(note).collect();
    let theirs: Vec<Event> = (1_020..1_040).map(note).collect();
    let plan = [naming(&key, &ours), naming(&key, &theirs)];
    let plan = plan.into_iter().fold(FleetPlan::new(1), FleetPlan::member);
    let given = Given::start(plan).await;
    read_documents(&given).await;
    let [one, other] = given.fleet.members() else {
        panic!("two members");
    };
    make_alias(&given, one.url(), other.url()).await;
    given.clock.advance(8 * DAY);
    assert_eq!(
        cycle(&validator(&given.context))
            .await
            .count("aliases_released"),
        1
    );
    assert_eq!(due(&given).await.len(), 2);
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
