//! TLS on the public port, with files that the operator named.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fleet::Authority;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::client::{Response, ask, connect, rest};
use crate::cli::operator::Operator;
use crate::program::PATIENCE;

const NAME: &str = "relay.example.com";

/// An operator with a certificate for [`NAME`].
fn with_certificate(authority: &Authority) -> Operator {
    let operator = Operator::offline();
    let (certificate, key) = authority.issue(NAME).unwrap();
    operator.write("cert.pem", certificate);
    operator.write("key.pem", key);
    operator.write_relay("tls: {cert_file: cert.pem, key_file: key.pem}\n");
    operator
}

/// A client's settings that trust one authority.
pub(super) fn trusting(authority: &Authority) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

fn open(authority: &Authority, address: SocketAddr) -> StreamOwned<ClientConnection, TcpStream> {
    let name = ServerName::try_from(NAME).unwrap();
    let connection = ClientConnection::new(trusting(authority), name).unwrap();
    StreamOwned::new(connection, connect(address))
}

fn get(authority: &Authority, address: SocketAddr, headers: &[&str]) -> Response {
    let mut stream = open(authority, address);
    ask(&mut stream, "GET /", headers);
    Response::parse(&rest(&mut stream))
}

/// Whether the relay shows a certificate of that authority.
fn is_shown(authority: &Authority, address: SocketAddr) -> bool {
    let mut stream = open(authority, address);
    stream.conn.complete_io(&mut stream.sock).is_ok()
}

fn wait_until_shown(authority: &Authority, address: SocketAddr) {
    let deadline = Instant::now() + PATIENCE;
    while !is_shown(authority, address) {
        assert!(Instant::now() < deadline, "the new certificate is not used");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn page_and_document_are_served_over_tls_and_nothing_without() {
    let authority = Authority::new().unwrap();
    let operator = with_certificate(&authority);
    let mut running = operator.start(&["relay"]);
    let address = operator.public_address();
    assert_eq!(running.address("relay"), format!("wss://{address}"));
    assert_eq!(running.address("page"), format!("https://{address}/"));
    let page = get(&authority, address, &[]);
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains(&format!("websocat wss://{address}")),
        "{}",
        page.body
    );
    let document = get(&authority, address, &["Accept: application/nostr+json"]);
    assert_eq!(document.json()["name"], "BigBrotr");

    let mut plain = connect(address);
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    assert!(!rest(&mut plain).starts_with(b"HTTP"));
    // The other port stays as it is, and the figures are asked for over TLS.
    assert_eq!(
        super::client::get(operator.metrics_address(), "/health/live").status,
        200
    );
    assert!(operator.done(&["status"]).contains("events      0"));
    assert!(running.stop().success());
}

#[test]
fn a_renewed_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let (old, new) = (Authority::new().unwrap(), Authority::new().unwrap());
    let operator = with_certificate(&old);
    let mut running = operator.start(&["relay"]);
    running.address("relay");
    let address = operator.public_address();
    let mut before = open(&old, address);
    before.conn.complete_io(&mut before.sock).unwrap();
    // Half of the renewal: certificate and key do not fit, so the old pair stays.
    let (certificate, key) = new.issue(NAME).unwrap();
    operator.write("cert.pem", certificate);
    let is_warned = |said: &str| said.contains("certificate_not_reloaded").then_some(());
    let deadline = Instant::now() + PATIENCE;
    while is_warned(&running.said()).is_none() {
        assert!(is_shown(&old, address) && Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(is_shown(&old, address));
    operator.write("key.pem", key);
    wait_until_shown(&new, address);
    assert!(!is_shown(&old, address));
    // Who was connected before is still served.
    ask(&mut before, "GET /health/live", &[]);
    assert_eq!(Response::parse(&rest(&mut before)).status, 200);
    assert!(running.stop().success());
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_before_anything_starts() {
    let authority = Authority::new().unwrap();
    let operator = with_certificate(&authority);
    let (_, other_key) = authority.issue(NAME).unwrap();
    let good = operator.read("cert.pem");
    for (file, contents, what) in [
        ("key.pem", "", "tls: could not use key.pem"),
        ("key.pem", other_key.as_str(), "tls: could not use cert.pem"),
        ("cert.pem", "nothing", "tls: could not use cert.pem"),
    ] {
        operator.write("cert.pem", &good);
        operator.write(file, contents);
        for command in ["check-config", "relay"] {
            let said = operator.run(&[command]).refused(2);
            assert!(
                said.contains(&format!("relay-config/relay.yaml:2:6: {what}")),
                "{said}"
            );
        }
    }
    assert!(!operator.path("data").exists());
}
