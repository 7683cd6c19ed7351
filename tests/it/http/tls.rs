//! TLS on the public port, with files that the operator named.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use fleet::Authority;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::client::{Response, ask, connect, rest};
use crate::cli::operator::Operator;

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

fn get(authority: &Authority, address: SocketAddr, headers: &[&str]) -> Response {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(NAME).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, connect(address));
    ask(&mut stream, "GET /", headers);
    Response::parse(&rest(&mut stream))
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
