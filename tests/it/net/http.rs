//! HTTP with limits for size, time and redirects.

use std::net::SocketAddr;
use std::time::Duration;

use bigbrotr::net::{HttpFailure, HttpOptions, HttpResponse, HttpUrl, Net, NetError, Phase};
use fleet::{Access, Behaviour, Certificate, FleetPlan, Information, MemberPlan, Redirect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::script::Script;
use super::{Lab, SHORT, SLACK, soon};

fn limits(deadline: Instant) -> HttpOptions<'static> {
    HttpOptions {
        accept: "application/nostr+json",
        max_bytes: 64 * 1024,
        deadline,
        max_redirects: 0,
        allow_insecure: false,
    }
}

async fn information(lab: &Lab, options: HttpOptions<'_>) -> Result<HttpResponse, NetError> {
    let url = HttpUrl::of_relay(lab.url()).expect("a relay's url");
    lab.net.http_get(&url, options).await
}

async fn documented(information: Information) -> Lab {
    Lab::of(MemberPlan::new(Behaviour::Honest).information(information)).await
}

/// A server that gives every request the same answer.
async fn canned(answer: String) -> Script {
    Script::tcp(move |mut stream| {
        let answer = answer.clone();
        async move {
            let mut request = [0; 2_048];
            // Both may fail when the client has seen enough.
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await
}

/// A network handle for which `plain.nostr-lab.net` is this address, without a laboratory.
fn net_for(address: SocketAddr) -> Net {
    let mut settings = bigbrotr::net::NetSettings::default();
    settings
        .hosts
        .insert("plain.nostr-lab.net".to_owned(), address);
    Net::new(settings).expect("settings that can be used")
}

#[tokio::test]
async fn a_document_over_plain_and_over_tls() {
    for access in [Access::Loopback, Access::Tls(Certificate::Valid)] {
        let lab = Lab::of(MemberPlan::new(Behaviour::Honest).access(access)).await;
        let response = information(&lab, limits(soon())).await.unwrap();
        assert_eq!((response.status, response.is_truncated), (200, false));
        assert_eq!(
            response.headers.get("CONTENT-TYPE"),
            Some("application/nostr+json")
        );
        let document: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        assert_eq!(document["name"], lab.member().name());
        let seen = lab.member().seen();
        let request = &seen.requests[0];
        assert_eq!(request.accept.as_deref(), Some("application/nostr+json"));
        assert_eq!(request.user_agent, Some(lab.settings.user_agent.clone()));
        assert!(
            request
                .host
                .as_deref()
                .unwrap()
                .starts_with(lab.member().host())
        );
    }
}

#[tokio::test]
async fn an_error_status_is_a_response() {
    let lab = documented(Information::Missing).await;
    assert_eq!(information(&lab, limits(soon())).await.unwrap().status, 404);
}

#[tokio::test]
async fn b19_a_huge_body_is_cut() {
    let lab = documented(Information::HugeName).await;
    let response = information(&lab, limits(soon())).await.unwrap();
    assert!(response.is_truncated);
    assert_eq!(response.body.len(), 64 * 1024);
}

#[tokio::test]
async fn b16_a_dripping_body_ends_at_the_deadline() {
    let pace = Duration::from_secs(1);
    let lab = documented(Information::SlowBody { pace }).await;
    let start = Instant::now();
    let got = information(&lab, limits(start + SHORT)).await;
    assert!(matches!(
        got,
        Err(NetError::TimedOut { phase: Phase::Body })
    ));
    assert!(start.elapsed() < SHORT + SLACK);
}

#[tokio::test]
async fn a_server_that_says_nothing_times_out_at_the_head() {
    let silent = Script::tcp(|mut stream| async move {
        let mut request = Vec::new();
        let _ = stream.read_to_end(&mut request).await;
    })
    .await;
    let url = HttpUrl::parse("http://plain.nostr-lab.net/").unwrap();
    let got = net_for(silent.address)
        .http_get(&url, limits(Instant::now() + SHORT))
        .await;
    assert!(matches!(
        got,
        Err(NetError::TimedOut { phase: Phase::Head })
    ));
}

#[tokio::test]
async fn b22_redirects_are_not_followed_unless_allowed() {
    for target in [
        Redirect::Loopback,
        Redirect::MetadataService,
        Redirect::Itself,
    ] {
        let lab = documented(Information::Redirected(target)).await;
        assert_eq!(information(&lab, limits(soon())).await.unwrap().status, 302);
        let followed = HttpOptions {
            max_redirects: 5,
            ..limits(soon())
        };
        let got = information(&lab, followed).await;
        assert!(got.is_err(), "{target:?}");
        assert_eq!(lab.fleet.canary().visits(), 0);
    }
}

#[tokio::test]
async fn b22_the_address_policy_holds_on_every_hop() {
    let inner = Lab::start(FleetPlan::new(1)).await;
    let canary = inner.fleet.canary();
    let port = canary.address().port();
    for location in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n");
        let server = canned(answer).await;
        let url = HttpUrl::parse("http://plain.nostr-lab.net/").unwrap();
        let followed = HttpOptions {
            max_redirects: 3,
            ..limits(soon())
        };
        let got = net_for(server.address).http_get(&url, followed).await;
        assert!(
            matches!(got, Err(NetError::AddressRefused { .. })),
            "{location}: {got:?}"
        );
    }
    assert_eq!(canary.visits(), 0);
}

#[tokio::test]
async fn urls_that_spell_out_an_inner_address_are_refused() {
    let lab = Lab::of(MemberPlan::new(Behaviour::Honest)).await;
    let port = lab.member().address().port();
    for host in [
        "127.0.0.2",
        "0x7f.2",
        "2130706434",
        "[::ffff:127.0.0.2]",
        "[::1]",
        "0",
    ] {
        let url = HttpUrl::parse(&format!("http://{host}:{port}/")).unwrap();
        let got = lab.net.http_get(&url, limits(soon())).await;
        assert!(
            matches!(got, Err(NetError::AddressRefused { .. })),
            "{host}"
        );
    }
    assert_eq!(lab.member().seen().connections, 0);
}

#[tokio::test]
async fn b22_a_circle_ends() {
    let answer = "HTTP/1.1 301 Moved\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n";
    let server = canned(answer.to_owned()).await;
    let url = HttpUrl::parse("http://plain.nostr-lab.net/").unwrap();
    let followed = HttpOptions {
        max_redirects: 3,
        ..limits(soon())
    };
    let Err(NetError::Http { failure, .. }) =
        net_for(server.address).http_get(&url, followed).await
    else {
        panic!("a circle has no end");
    };
    assert!(matches!(failure, HttpFailure::TooManyRedirects));
}

#[tokio::test]
async fn what_is_no_http_is_broken() {
    for answer in [
        "hello\r\n\r\n",
        "",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
    ] {
        let server = canned(answer.to_owned()).await;
        let url = HttpUrl::parse("http://plain.nostr-lab.net/").unwrap();
        let got = net_for(server.address).http_get(&url, limits(soon())).await;
        assert_eq!(got.unwrap_err().reason(), "http_broken", "{answer}");
    }
}

#[tokio::test]
async fn a_body_in_chunks_and_one_that_ends_with_the_connection() {
    for answer in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nabcde",
    ] {
        let server = canned(answer.to_owned()).await;
        // The port of the hosts table beats the URL's own.
        let url = HttpUrl::parse("http://plain.nostr-lab.net:81/a?b").unwrap();
        let got = net_for(server.address)
            .http_get(&url, limits(soon()))
            .await
            .unwrap();
        assert_eq!(
            (got.body.as_slice(), got.is_truncated),
            (&b"abcde"[..], false)
        );
    }
}
