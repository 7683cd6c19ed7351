//! The NIP-11 document against what the relay does.

use bigbrotr::relay::{RelayInfo, RelaySettings};
use serde_json::{Value, json};

use super::server::relay_with;

#[tokio::test]
async fn the_document_tells_identity_limits_and_only_what_is_shown_by_tests() {
    let info = RelayInfo {
        name: "archive".to_owned(),
        contact: Some("mailto:a@example.com".to_owned()),
        ..RelayInfo::default()
    };
    let mut settings = RelaySettings {
        info,
        ..RelaySettings::default()
    };
    settings.limits.max_limit = 123;
    let relay = relay_with(settings).await;
    let document: Value = serde_json::from_str(&relay.relay.information()).unwrap();
    assert_eq!(document["name"], "archive");
    assert_eq!(document["contact"], "mailto:a@example.com");
    let nips = document["supported_nips"].as_array().unwrap();
    assert!(nips.iter().all(Value::is_u64));
    assert!(nips.contains(&json!(67)) && !nips.contains(&json!(50)));
    let limitation = &document["limitation"];
    assert_eq!(limitation["max_limit"], 123);
    assert_eq!(limitation["default_limit"], 500);
    assert_eq!(limitation["created_at_upper_limit"], 900);
    assert_eq!(limitation["auth_required"], false);
}
