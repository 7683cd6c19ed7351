//! NIP-86 and NIP-98: the operator, over HTTP, and what clients notice of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bigbrotr::archive::{Archive, ArchiveSettings};
use bigbrotr::clock::MockClock;
use bigbrotr::config::WriteAccess;
use bigbrotr::http::Proxies;
use bigbrotr::relay::{Management, Relay, RelaySettings, Unauthorized};
use bigbrotr::store::postgres::PostgresStore;
use bigbrotr::store::{Embedded, EmbeddedOptions, Store};
use fleet::events::Author;
use nips::nip86::Call;
use nips::nip98::HttpAuth;
use nips::{Event, Kind, RelayUrl};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

use super::client::{Client, ids};
use super::server::{Served, named};
use crate::archive::given::{NOW, author, forged, tags};
use crate::http::client::{Response, get, post, request};
use crate::http::served::{self, serve_behind};
use crate::postgres::server::Database;

/// The number of the operator among authors.
pub(crate) const OPERATOR: u64 = 900;

/// The relay's public URL, and as HTTP has it.
const URL: &str = "wss://relay.example.com";
const HTTP_URL: &str = "https://relay.example.com/";

const MEDIA_TYPE: &str = "Content-Type: application/nostr+json+rpc";

/// The same settings, with an operator.
pub(super) fn managed(settings: RelaySettings) -> RelaySettings {
    RelaySettings {
        management: Some(Management {
            url: RelayUrl::parse(URL).unwrap(),
            operators: [author(OPERATOR).pubkey()].into(),
        }),
        ..settings
    }
}

/// What proves that somebody sends that body at that time; never the same twice.
pub(crate) fn proof(who: &Author, at: u64, body: &str) -> Event {
    static PROOFS: AtomicU64 = AtomicU64::new(0);
    let number = PROOFS.fetch_add(1, Ordering::Relaxed).to_string();
    let payload = data_encoding::HEXLOWER.encode(&Sha256::digest(body));
    let tags = tags(&[
        &["u", HTTP_URL],
        &["method", "POST"],
        &["payload", &payload],
    ]);
    who.sign(Kind::HTTP_AUTH, at, tags, &number)
}

/// Sends a call over HTTP in the operator's name and gives the whole answer.
pub(crate) fn call(address: SocketAddr, at: u64, call: &Call) -> Value {
    let body = call.to_json();
    let answer = send(address, &proof(&author(OPERATOR), at, &body), &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn send(address: SocketAddr, proof: &Event, body: &str) -> Response {
    let authorization = format!("Authorization: {}", HttpAuth::header(proof));
    post(address, "/", &[MEDIA_TYPE, &authorization], body)
}

/// Asks a relay that has no HTTP in front of it in the operator's name.
pub(super) async fn decide(relay: &Served, call: &Call) {
    let at = bigbrotr::clock::Clock::now(&*relay.clock);
    let answer = manage(&relay.relay, at, call).await;
    assert_eq!(answer, json!({"result": true}), "{call:?}");
}

async fn manage(relay: &Relay, at: u64, call: &Call) -> Value {
    let body = call.to_json();
    let header = HttpAuth::header(&proof(&author(OPERATOR), at, &body));
    let claim = relay.claim("127.0.0.1".parse().unwrap(), Some(&header));
    let answer = relay.manage(claim.unwrap(), body.as_bytes()).await;
    serde_json::from_str(&answer.unwrap()).unwrap()
}

fn serve(settings: RelaySettings) -> served::Served {
    serve_behind(Proxies::default(), None, settings)
}

fn note(number: u64, content: &str) -> Event {
    author(number).sign(Kind(1), NOW, Vec::new(), content)
}

/// What is right about a request, but for one thing.
struct Wrong {
    what: &'static str,
    proof: Event,
    body: &'static str,
    reason: &'static str,
}

#[test]
fn only_what_the_operator_signed_for_this_request_is_done() {
    let served = serve(managed(named()));
    let (operator, body) = (
        author(OPERATOR),
        r#"{"method":"supportedmethods","params":[]}"#,
    );
    let other_body = r#"{"method":"changerelayname","params":["x"]}"#;
    let good = proof(&operator, NOW, body);
    let with = |kind: u16, at: u64, url: &str, method: &str| {
        let payload = data_encoding::HEXLOWER.encode(&Sha256::digest(body));
        let tags = tags(&[&["u", url], &["method", method], &["payload", &payload]]);
        operator.sign(Kind(kind), at, tags, "")
    };
    let wrong = |what, proof, body, reason| Wrong {
        what,
        proof,
        body,
        reason,
    };
    for wrong in [
        wrong(
            "kind",
            with(1, NOW, HTTP_URL, "POST"),
            body,
            "the event is not of kind 27235",
        ),
        wrong(
            "time",
            with(27_235, NOW - 61, HTTP_URL, "POST"),
            body,
            "created_at is more than a minute from now",
        ),
        wrong(
            "time",
            with(27_235, NOW + 61, HTTP_URL, "POST"),
            body,
            "created_at is more than a minute from now",
        ),
        wrong(
            "url",
            with(27_235, NOW, "https://relay.example.org/", "POST"),
            body,
            "the u tag does not name this relay as its public URL does",
        ),
        wrong(
            "url",
            with(27_235, NOW, &format!("http://{}/", served.public), "POST"),
            body,
            "the u tag does not name this relay as its public URL does",
        ),
        wrong(
            "method",
            with(27_235, NOW, HTTP_URL, "GET"),
            body,
            "the method tag is not the method of the request",
        ),
        wrong(
            "body",
            good.clone(),
            other_body,
            "the payload tag is not the SHA-256 of the body",
        ),
        wrong(
            "key",
            proof(&author(1), NOW, body),
            body,
            "that key may not manage this relay",
        ),
        wrong(
            "signature",
            Event::from_json(&forged(&good)).unwrap(),
            body,
            "the signature does not match the event",
        ),
    ] {
        let answer = send(served.public, &wrong.proof, wrong.body);
        assert_eq!(answer.status, 401, "{}: {answer:?}", wrong.what);
        assert_eq!(answer.json()["error"], wrong.reason, "{}", wrong.what);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    for (header, reason) in [
        (None, "an Authorization header is needed (NIP-98)"),
        (
            Some("Authorization: Bearer x"),
            "the Authorization header is not \"Nostr\" and an event in base64",
        ),
        (
            Some("Authorization: Nostr e30="),
            "the Authorization header holds no event",
        ),
    ] {
        let headers: Vec<&str> = [Some(MEDIA_TYPE), header].into_iter().flatten().collect();
        let answer = post(served.public, "/", &headers, body);
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (401, Some(reason))
        );
    }
    assert_eq!(send(served.public, &good, body).status, 200);
    let again = send(served.public, &good, body);
    assert_eq!(again.status, 401, "{again:?}");
    assert_eq!(again.json()["error"], "that authorisation was used before");
    let document: Value = document(served.public);
    assert_eq!(document.get("name"), None, "nothing was changed");
}

fn document(address: SocketAddr) -> Value {
    request(address, "GET /", &["Accept: application/nostr+json"]).json()
}

#[test]
fn requests_are_bounded_and_what_is_wrong_with_them_is_said() {
    let served = serve(managed(named()));
    let operator = author(OPERATOR);
    let answer = |body: &str| send(served.public, &proof(&operator, NOW, body), body);
    assert_eq!(answer(&"x".repeat(1 << 17)).status, 413);
    for (body, error) in [
        ("", "the body is no JSON object of method and params"),
        (
            r#"{"method":"createrole","params":[]}"#,
            "unknown method: createrole",
        ),
        (
            r#"{"method":"banpubkey","params":["x"]}"#,
            "params: expected a public key, 64 hex digits",
        ),
    ] {
        let answer = answer(body);
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({"error": error})),
            "{body}"
        );
    }
    let body = r#"{"method":"supportedmethods"}"#;
    let authorization = format!(
        "Authorization: {}",
        HttpAuth::header(&proof(&operator, NOW, body))
    );
    assert_eq!(
        post(served.public, "/", &[&authorization], body).status,
        415
    );
    let methods = answer(body).json();
    let methods = methods["result"].as_array().unwrap();
    assert!(methods.contains(&json!("banpubkey")) && !methods.contains(&json!("createrole")));
    let preflight = request(
        served.public,
        "OPTIONS /",
        &["Access-Control-Request-Headers: authorization"],
    );
    assert!(
        preflight
            .header("access-control-allow-headers")
            .contains("Authorization")
    );
}

#[test]
fn a_relay_without_an_operator_is_not_managed() {
    let served = serve(named());
    let body = Call::SupportedMethods.to_json();
    let answer = send(served.public, &proof(&author(OPERATOR), NOW, &body), &body);
    assert_eq!(answer.status, 405, "{answer:?}");
    let nips = |address| document(address)["supported_nips"].clone();
    assert!(!nips(served.public).as_array().unwrap().contains(&json!(86)));
    let managed = serve(managed(named()));
    assert!(
        nips(managed.public)
            .as_array()
            .unwrap()
            .contains(&json!(86))
    );
}

#[test]
fn banned_authors_and_events_are_neither_taken_nor_shown() {
    let served = serve(managed(named()));
    let (bad, good) = (note(1, "bad"), note(2, "good"));
    let ask = |wanted: Call| call(served.public, NOW, &wanted);
    Runtime::new().unwrap().block_on(async {
        let mut client = Client::connect(served.public).await;
        for event in [&bad, &good] {
            assert!(client.publish(event).await.0);
        }
        ask(Call::BanPubkey(bad.pubkey(), "spam".to_owned()));
        let listed = json!([{"pubkey": bad.pubkey(), "reason": "spam"}]);
        assert_eq!(ask(Call::ListBannedPubkeys), json!({"result": listed}));
        assert_eq!(client.ask("a", &[json!({})]).await.0, ids([&good]));
        assert_eq!(client.count(&[json!({})]).await["count"], 1);
        let (is_accepted, text) = client.publish(&note(1, "more")).await;
        assert!(!is_accepted && text.starts_with("blocked:"), "{text}");

        ask(Call::UnbanPubkey(bad.pubkey()));
        assert_eq!(client.ask("a", &[json!({})]).await.0.len(), 2);

        ask(Call::BanEvent(good.id(), String::new()));
        assert_eq!(
            client
                .ask("a", &[json!({"ids": [good.id()]})])
                .await
                .0
                .len(),
            0
        );
        let (is_accepted, text) = client.publish(&good).await;
        assert!(!is_accepted && text.starts_with("blocked:"), "{text}");
        let listed = json!([{"id": good.id(), "reason": ""}]);
        assert_eq!(ask(Call::ListBannedEvents), json!({"result": listed}));
        ask(Call::AllowEvent(good.id()));
        assert_eq!(
            client.ask("a", &[json!({"ids": [good.id()]})]).await.0,
            ids([&good])
        );
        let own = Call::BanPubkey(author(OPERATOR).pubkey(), String::new());
        assert_eq!(
            ask(own)["error"],
            "that key is the operator's or the monitor's"
        );
    });
}

#[test]
fn allowed_authors_and_kinds_come_before_what_is_configured() {
    let mut settings = managed(named());
    settings.write.access = WriteAccess::MonitorOnly;
    settings.write.kinds_allowed = [Kind(0), Kind(1)].into();
    settings.write.authors_blocked.insert(author(5).pubkey());
    let served = serve(settings);
    let ask = |wanted: Call| call(served.public, NOW, &wanted)["result"].clone();
    let guest = author(1).pubkey();
    Runtime::new().unwrap().block_on(async {
        let mut client = Client::connect(served.public).await;
        assert!(!client.publish(&note(1, "one")).await.0);
        ask(Call::AllowPubkey(guest, "a friend".to_owned()));
        assert!(client.publish(&note(1, "one")).await.0);
        assert!(!client.publish(&note(2, "two")).await.0);
        let listed = json!([{"pubkey": guest, "reason": "a friend"}]);
        assert_eq!(ask(Call::ListAllowedPubkeys), listed);
        let blocked = json!([{"pubkey": author(5).pubkey(), "reason": "policy.yaml"}]);
        assert_eq!(ask(Call::ListBannedPubkeys), blocked);

        let reaction = author(1).sign(Kind(7), NOW, Vec::new(), "+");
        assert!(!client.publish(&reaction).await.0);
        ask(Call::AllowKind(Kind(7)));
        assert!(client.publish(&reaction).await.0);
        ask(Call::DisallowKind(Kind(1)));
        assert!(!client.publish(&note(1, "three")).await.0);
        assert_eq!(ask(Call::ListAllowedKinds), json!([0, 7]));

        ask(Call::UnallowPubkey(guest));
        let other = author(1).sign(Kind(7), NOW, Vec::new(), "-");
        assert!(!client.publish(&other).await.0);
    });
}

#[test]
fn blocked_addresses_lose_their_connections_and_get_no_others() {
    let served = serve(managed(named()));
    let ask = |wanted: Call| call(served.public, NOW, &wanted)["result"].clone();
    let blocked = [127, 0, 0, 88];
    let address = std::net::IpAddr::from(blocked);
    Runtime::new().unwrap().block_on(async {
        let mut client = Client::connect_from(blocked, served.public).await;
        let mut other = Client::connect(served.public).await;
        ask(Call::BlockIp(address, "flood".to_owned()));
        let farewell = client.closing().await.unwrap();
        assert_eq!(farewell.reason.as_str(), "your address is blocked");
        let mut again = Client::connect_from(blocked, served.public).await;
        assert_eq!(
            again.closing().await.unwrap().reason.as_str(),
            "your address is blocked"
        );
        other.expect_silence().await;
        let listed = json!([{"ip": "127.0.0.88", "reason": "flood"}]);
        assert_eq!(ask(Call::ListBlockedIps), listed);
        ask(Call::UnblockIp(address));
        let mut back = Client::connect_from(blocked, served.public).await;
        back.expect_silence().await;
    });
}

#[test]
fn a_new_name_is_on_the_page_and_in_the_document() {
    let served = serve(managed(named()));
    let ask = |wanted: Call| call(served.public, NOW, &wanted)["result"].clone();
    assert_eq!(ask(Call::ChangeRelayName("Our <archive>".to_owned())), true);
    assert_eq!(
        ask(Call::ChangeRelayDescription("All of it".to_owned())),
        true
    );
    assert_eq!(
        ask(Call::ChangeRelayIcon(
            "https://example.com/i.png".to_owned()
        )),
        true
    );
    let document = document(served.public);
    assert_eq!(document["name"], "Our <archive>");
    assert_eq!(document["description"], "All of it");
    assert_eq!(document["icon"], "https://example.com/i.png");
    let page = get(served.public, "/").body;
    assert!(
        page.contains("<title>Our &lt;archive&gt;</title>"),
        "{page}"
    );
    let too_long = Call::ChangeRelayName("x".repeat(5_000));
    let refused = call(served.public, NOW, &too_long);
    assert_eq!(refused["error"], "the text is longer than 4096 bytes");
}

#[tokio::test]
async fn decisions_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(directory.path(), EmbeddedOptions::default());
    decisions_are_kept_in(Arc::new(embedded.await.unwrap())).await;
}

#[tokio::test]
async fn decisions_survive_a_restart_over_postgres() {
    let database = Database::create().await;
    let store = PostgresStore::open(database.options_as("writer")).await;
    decisions_are_kept_in(Arc::new(store.unwrap())).await;
}

async fn decisions_are_kept_in(store: Arc<dyn Store>) {
    let start = || async {
        let clock = Arc::new(MockClock::at(NOW));
        let archive = Archive::new(store.clone(), clock.clone(), ArchiveSettings::default());
        let relay = Relay::new(archive, store.clone(), clock, managed(named()));
        relay.keep_decisions_in(store.clone()).await.unwrap();
        relay
    };
    let relay = start().await;
    let bans = [
        Call::BanPubkey(author(1).pubkey(), "spam".to_owned()),
        Call::BanPubkey(author(2).pubkey(), String::new()),
        Call::UnbanPubkey(author(2).pubkey()),
        Call::ChangeRelayName("kept".to_owned()),
    ];
    for ban in &bans {
        assert_eq!(manage(&relay, NOW, ban).await, json!({"result": true}));
    }
    let body = Call::SupportedMethods.to_json();
    let once = HttpAuth::header(&proof(&author(OPERATOR), NOW, &body));
    let try_once = async |relay: &Relay| {
        let claim = relay.claim("127.0.0.1".parse().unwrap(), Some(&once));
        relay.manage(claim.unwrap(), body.as_bytes()).await
    };
    assert!(try_once(&relay).await.is_ok());
    let again = start().await;
    let replayed = try_once(&again).await.unwrap_err();
    assert!(matches!(replayed, Unauthorized::Replayed), "{replayed}");
    let listed = json!([{"pubkey": author(1).pubkey(), "reason": "spam"}]);
    let answer = manage(&again, NOW, &Call::ListBannedPubkeys).await;
    assert_eq!(answer, json!({"result": listed}));
    assert_eq!(again.info().name, "kept");
    assert!(again.information().contains("\"name\":\"kept\""));
}
