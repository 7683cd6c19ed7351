//! Members that do not speak Nostr, or speak it too slowly.

use std::time::{Duration, Instant};

use anyhow::Result;
use fleet::{Access, Behaviour, Certificate, MemberPlan};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, http::StatusCode};

use crate::client::{Client, End, PATIENCE, SILENCE, single, tls};

/// A pace that shows in a test without making it long.
const PACE: Duration = Duration::from_millis(30);

#[tokio::test]
async fn none_of_them_answers_our_subscription() -> Result<()> {
    let other = |text: &str| End::Other(text.to_owned());
    let cases = [
        (Behaviour::Silent, End::Silence),
        (Behaviour::NonJson, other("who is there? this is not json")),
        (
            Behaviour::ChatServer,
            other(r#"{"type":"message","room":"lobby","text":"hello"}"#),
        ),
        (
            Behaviour::NoticeOnly,
            other(r#"["NOTICE","error: come back later"]"#),
        ),
        (
            Behaviour::WrongSubscription,
            other(r#"["EOSE","nobody-asked"]"#),
        ),
    ];
    for (behaviour, end) in cases {
        assert!(!behaviour.speaks_nostr());
        let fleet = single(MemberPlan::new(behaviour), 0).await?;
        let mut client = Client::connect(fleet.member(0)).await?;
        let answer = client
            .request_within(json!({ "limit": 1 }), SILENCE)
            .await?;
        assert_eq!(answer.end, end);
        assert!(fleet.promotable_urls().is_empty());
        assert_eq!(fleet.member(0).seen().frames, 1);
    }
    Ok(())
}

#[tokio::test]
async fn some_hang_up() -> Result<()> {
    let fleet = single(MemberPlan::new(Behaviour::ImmediateDisconnect), 0).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    assert_eq!(client.next(PATIENCE).await, Err(End::Disconnected));

    let fleet = single(MemberPlan::new(Behaviour::AcceptsThenCloses), 0).await?;
    assert!(Client::connect(fleet.member(0)).await.is_err());
    assert_eq!(fleet.member(0).seen().connections, 1);

    let fleet = single(MemberPlan::new(Behaviour::Dead), 0).await?;
    let refused = TcpStream::connect(fleet.member(0).address()).await;
    assert_eq!(
        refused.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
    Ok(())
}

#[tokio::test]
async fn web_servers_refuse_the_upgrade() -> Result<()> {
    for status in [200, 404, 429] {
        let fleet = single(MemberPlan::new(Behaviour::HttpOnly { status }), 0).await?;
        let Err(error) = Client::connect(fleet.member(0)).await else {
            panic!("the upgrade succeeded");
        };
        let Some(Error::Http(response)) = error.downcast_ref() else {
            panic!("{error}");
        };
        assert_eq!(response.status(), StatusCode::from_u16(status)?);
    }
    Ok(())
}

#[tokio::test]
async fn a_huge_frame_is_as_huge_as_it_says() -> Result<()> {
    let bytes = 20 << 20;
    let fleet = single(MemberPlan::new(Behaviour::HugeFrame { bytes }), 0).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    // Above tungstenite's own limit of 16 MiB.
    let answer = client.request(json!({})).await?;
    assert_eq!(answer.end, End::Disconnected);

    let fleet = single(MemberPlan::new(Behaviour::HugeFrame { bytes: 100_000 }), 0).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    client.send(json!(["REQ", "s", {}])).await?;
    let text = client.next(PATIENCE).await.unwrap();
    assert_eq!(text.len(), 100_000);
    assert!(text.starts_with(r#"["EVENT","s","xxx"#));
    Ok(())
}

#[tokio::test]
async fn a_slow_handshake_takes_a_pace_for_each_byte() -> Result<()> {
    let fleet = single(MemberPlan::new(Behaviour::SlowHandshake { pace: PACE }), 0).await?;
    let mut stream = TcpStream::connect(fleet.member(0).address()).await?;
    let request = "GET / HTTP/1.1\r\nupgrade: websocket\r\nsec-websocket-key: a\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let started = Instant::now();
    let mut status = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut status)).await??;
    assert_eq!(&status, b"HTTP/1.1 101");
    assert!(started.elapsed() > 10 * PACE);
    Ok(())
}

#[tokio::test]
async fn a_slow_frame_takes_a_pace_for_each_byte() -> Result<()> {
    let fleet = single(MemberPlan::new(Behaviour::SlowFrame { pace: PACE }), 0).await?;
    let mut client = Client::connect(fleet.member(0)).await?;
    let started = Instant::now();
    assert_eq!(client.request(json!({})).await?.end, End::Eose);
    assert!(started.elapsed() > 10 * PACE);
    Ok(())
}

#[tokio::test]
async fn slow_tls_never_gets_to_a_handshake() -> Result<()> {
    let plan = MemberPlan::new(Behaviour::SlowTls { pace: PACE });
    let fleet = single(plan.access(Access::Tls(Certificate::Valid)), 0).await?;
    let member = fleet.member(0);
    let mut stream = TcpStream::connect(member.address()).await?;
    let mut head = [0; 5];
    timeout(PATIENCE, stream.read_exact(&mut head)).await??;
    assert_eq!(head[0], 0x16, "a TLS handshake record");
    assert!(timeout(10 * PACE, tls(&fleet, member)).await.is_err());
    Ok(())
}

#[tokio::test]
async fn one_answers_everything_but_pings() -> Result<()> {
    for (behaviour, pongs) in [(Behaviour::Honest, true), (Behaviour::NeverPongs, false)] {
        let fleet = single(MemberPlan::new(behaviour), 5).await?;
        let mut client = Client::connect(fleet.member(0)).await?;
        let wait = if pongs { PATIENCE } else { SILENCE };
        assert_eq!(client.ping(wait).await?, pongs);
        let answer = client.request(json!({ "limit": 1 })).await?;
        assert_eq!((answer.sent.len(), answer.end), (1, End::Eose));
        assert_eq!(fleet.member(0).seen().reqs.len(), 1);
    }
    Ok(())
}
