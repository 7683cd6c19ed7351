//! Who the relay takes a client for, behind proxies and without. Each address may have one connection, so whether
//! a second is let in tells whether the relay takes it for the same client.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use bigbrotr::config::ProxyConfig;
use bigbrotr::http::Proxies;
use bigbrotr::relay::RelaySettings;
use fleet::{Authority, Certificate};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use super::client::{connect, get, rest};
use super::served::{Served, serve_behind};
use super::tls::trusting;

/// The proxies at these addresses; tests connect from 127.0.0.1.
fn behind(trusted: &str, protocol: bool) -> Served {
    let config = ProxyConfig {
        trusted: vec![trusted.parse().unwrap()],
        protocol,
    };
    serve_behind(Proxies::from(&config), None, one_each())
}

fn one_each() -> RelaySettings {
    let mut settings = RelaySettings::default();
    settings.rates.max_connections_per_address = Some(1);
    settings
}

/// A client that may stay for as long as this is kept.
type Visit<S> = WebSocket<S>;

/// A WebSocket over a stream; `None` when it is told to go.
fn visit<S: Read + Write>(stream: S, forwarded_for: &[&str]) -> Option<Visit<S>> {
    let mut request = "ws://relay.example.com/".into_client_request().unwrap();
    for line in forwarded_for {
        let line = HeaderValue::from_str(line).unwrap();
        request.headers_mut().append("X-Forwarded-For", line);
    }
    let (mut socket, _) = client(request, stream).unwrap_or_else(|_| panic!("no WebSocket"));
    socket
        .send(Message::text(r#"["REQ","s",{"limit":0}]"#))
        .unwrap();
    match socket.read().unwrap() {
        Message::Text(text) => {
            assert!(text.starts_with("[\"EOSE\""), "{text}");
            Some(socket)
        }
        Message::Close(Some(frame)) => {
            assert_eq!(u16::from(frame.code), 1013);
            None
        }
        other => panic!("{other:?}"),
    }
}

/// A connection that begins with these bytes.
fn introduced(address: SocketAddr, header: &[u8]) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(header).unwrap();
    stream
}

#[test]
fn a_trusted_proxy_names_the_client() {
    let served = behind("127.0.0.0/8", false);
    let first = visit(connect(served.public), &["192.0.2.1"]);
    assert!(first.is_some());
    assert!(visit(connect(served.public), &["203.0.113.9, 192.0.2.1"]).is_none());
    assert!(visit(connect(served.public), &["203.0.113.9", "192.0.2.1"]).is_none());
    let other = visit(connect(served.public), &["192.0.2.2"]);
    assert!(other.is_some());
    // Without a header it is the proxy itself.
    let proxy = visit(connect(served.public), &[]);
    assert!(proxy.is_some());
}

#[test]
fn what_anybody_else_says_about_itself_changes_nothing() {
    for trusted in ["127.0.0.77", "192.0.2.0/24", "::1"] {
        let served = behind(trusted, false);
        let first = visit(connect(served.public), &["192.0.2.1"]);
        assert!(first.is_some());
        assert!(visit(connect(served.public), &["192.0.2.2"]).is_none());
        assert!(visit(connect(served.public), &[]).is_none());
    }
}

/// A header of version 2 for TCP over IPv4.
fn version_2(last: u8) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend([192, 0, 2, last, 127, 0, 0, 1, 0x12, 0x67, 0, 80]);
    header
}

#[test]
fn proxy_protocol_names_the_client_too() {
    let served = behind("127.0.0.1", true);
    let line = b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 80\r\n";
    let first = visit(introduced(served.public, line), &[]);
    assert!(first.is_some());
    assert!(visit(introduced(served.public, &version_2(1)), &[]).is_none());
    let second = visit(introduced(served.public, &version_2(2)), &[]);
    assert!(second.is_some());
    // The client that was named is not trusted: what it says itself is not believed.
    assert!(visit(introduced(served.public, &version_2(2)), &["192.0.2.3"]).is_none());
}

#[test]
fn from_a_proxy_that_should_introduce_its_clients_nothing_else_is_taken() {
    let served = behind("127.0.0.1", true);
    for beginning in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"PROXY TCP4 nowhere 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PROXY TCP4 192.0",
        b"",
    ] {
        assert_eq!(rest(&mut introduced(served.public, beginning)), b"");
    }
}

#[test]
fn a_header_from_anybody_else_is_no_request() {
    for protocol in [true, false] {
        let served = behind("127.0.0.77", protocol);
        for header in [
            &b"PROXY TCP4 192.0.2.1 127.0.0.1 4711 80\r\n"[..],
            &version_2(1),
        ] {
            let mut stream = introduced(served.public, header);
            // The relay may be gone before it is all written.
            let _ = stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
            let said = String::from_utf8_lossy(&rest(&mut stream)).into_owned();
            assert!(!said.contains("200 OK"), "{said}");
        }
        assert_eq!(get(served.public, "/health/live").status, 200);
    }
}

#[test]
fn the_header_comes_before_the_handshake() {
    let authority = Authority::new().unwrap();
    let tls = authority
        .server("relay.example.com", Certificate::Valid)
        .unwrap();
    let config = ProxyConfig {
        trusted: vec!["127.0.0.1".parse().unwrap()],
        protocol: true,
    };
    let served = serve_behind(Proxies::from(&config), Some(tls), one_each());
    let over_tls = |last| {
        let name = ServerName::try_from("relay.example.com").unwrap();
        let connection = ClientConnection::new(trusting(&authority), name).unwrap();
        StreamOwned::new(connection, introduced(served.public, &version_2(last)))
    };
    let first = visit(over_tls(1), &[]);
    assert!(first.is_some());
    assert!(visit(over_tls(1), &[]).is_none());
    let second = visit(over_tls(2), &[]);
    assert!(second.is_some());
}
