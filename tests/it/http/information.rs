//! NIP-11 as web clients ask for it.

use nips::nip11::RelayInformation;

use super::client::{Response, request};
use crate::cli::operator::Operator;

fn assert_cors(response: &Response) {
    for name in ["origin", "headers", "methods"] {
        let header = format!("access-control-allow-{name}");
        assert_eq!(response.header(&header), "*", "{response:?}");
    }
}

#[test]
fn the_document_and_its_preflight_carry_all_three_cors_headers() {
    let operator = Operator::offline();
    operator.write_relay("info: {name: 'Our \"archive\"', contact: 'mailto:a@example.com'}\nlimits: {max_limit: 777}\n");
    let mut running = operator.start(&["relay"]);
    running.address("relay");
    let address = operator.public_address();
    let accept = "Accept: application/nostr+json";
    let response = request(
        address,
        "GET /",
        &[accept, "Origin: https://client.example"],
    );
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), "application/nostr+json");
    assert_eq!(response.header("vary"), "accept");
    assert_cors(&response);
    let document = response.json();
    assert_eq!(document["name"], "Our \"archive\"");
    assert_eq!(document["contact"], "mailto:a@example.com");
    assert_eq!(document["limitation"]["max_limit"], 777);
    assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
    let read = RelayInformation::parse(response.body.as_bytes()).unwrap();
    assert_eq!(read.name.as_deref(), Some("Our \"archive\""));

    let preflight = request(address, "OPTIONS /", &["Origin: https://client.example"]);
    assert_eq!((preflight.status, preflight.body.as_str()), (204, ""));
    assert_cors(&preflight);
    let head = request(address, "HEAD /", &[accept]);
    assert_eq!(head.status, 200);
    assert_cors(&head);
    assert!(running.stop().success());
}
