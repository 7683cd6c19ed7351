//! What the operator decides over HTTP (NIP-86, 98).

use nips::Kind;
use nips::nip86::Call;
use serde_json::{Value, json};

use super::{Relay, event, expect_refusal, now, publish};
use crate::archive::given::author;
use crate::http::client::request;
use crate::relay::management::{OPERATOR, call};

#[tokio::test]
async fn the_operator_bans_and_names_for_good() {
    let operator = author(OPERATOR).pubkey();
    let relay = Relay::start_with(&format!("info: {{pubkey: \"{operator}\"}}\n"));
    let ask = |wanted: &Call| call(relay.address, now(), wanted);
    let (bad, good) = (event(1, 1, 5, &[], "bad"), event(2, 1, 4, &[], "good"));
    let mut client = relay.client().await;
    publish(&mut client, &[&bad, &good]).await;
    ask(&Call::BanPubkey(bad.pubkey(), "spam".to_owned()));
    ask(&Call::ChangeRelayName("Managed".to_owned()));
    ask(&Call::DisallowKind(Kind(7)));

    let relay = relay.restart();
    let mut client = relay.client().await;
    let (shown, _) = client.ask("s", &[json!({"kinds": [1]})]).await;
    assert_eq!(shown, [good.id().to_hex()]);
    expect_refusal(&mut client, &event(1, 1, 3, &[], ""), "blocked:").await;
    expect_refusal(&mut client, &event(2, 7, 3, &[], "+"), "blocked:").await;
    let document = request(relay.address, "GET /", &["Accept: application/nostr+json"]).json();
    assert_eq!(document["name"], "Managed");
    assert_eq!(document["pubkey"], operator.to_hex());
    let nips = document["supported_nips"].as_array().unwrap();
    assert!(nips.contains(&Value::from(86)), "{nips:?}");
}
