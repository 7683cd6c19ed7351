//! The NIP-11 document, made of the settings that are in force.

use std::time::Duration;

use nips::client_message::MAX_SUBSCRIPTION_ID;
use serde_json::{Map, Value, json};

use super::settings::{RelayInfo, RelayRates, RelaySettings};
use crate::archive::ArchiveSettings;

/// What the relay does in every configuration, each shown by a test of the relay.
const ALWAYS: [u16; 8] = [1, 9, 11, 40, 45, 62, 67, 70];

/// What it does where clients can authenticate: it challenges them, and shows gift wraps to recipients.
const WITH_AUTHENTICATION: [u16; 2] = [42, 59];

/// The document as JSON text, with the identity that is in force.
pub(super) fn document(
    info: &RelayInfo,
    settings: &RelaySettings,
    archive: &ArchiveSettings,
) -> String {
    let mut document = Map::new();
    for (name, value) in [
        ("name", Some(info.name.as_str())),
        ("description", Some(info.description.as_str())),
        ("contact", info.contact.as_deref()),
        ("icon", info.icon.as_deref()),
    ] {
        if let Some(text) = value.filter(|text| !text.is_empty()) {
            document.insert(name.to_owned(), text.into());
        }
    }
    if let Some(pubkey) = info.pubkey {
        document.insert("pubkey".to_owned(), pubkey.to_hex().into());
    }
    document.insert(
        "supported_nips".to_owned(),
        json!(supported_nips(settings, archive)),
    );
    document.insert("software".to_owned(), env!("CARGO_PKG_NAME").into());
    document.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    document.insert("limitation".to_owned(), limitation(settings, archive));
    Value::Object(document).to_string()
}

fn supported_nips(settings: &RelaySettings, archive: &ArchiveSettings) -> Vec<u16> {
    let mut nips = ALWAYS.to_vec();
    if settings.offers_authentication() {
        nips.extend(WITH_AUTHENTICATION);
    }
    if archive.min_difficulty > 0 {
        nips.push(13);
    }
    if settings.limits.offers_sync() {
        nips.push(77);
    }
    if settings.management.is_some() {
        nips.push(86);
    }
    nips.sort_unstable();
    nips
}

fn limitation(settings: &RelaySettings, archive: &ArchiveSettings) -> Value {
    let limits = &settings.limits;
    let mut limitation = json!({
        "max_message_length": limits.max_message_length,
        "max_subscriptions": limits.max_subscriptions,
        "max_filters": limits.max_filters,
        "max_filter_values": limits.max_filter_values,
        "max_limit": limits.max_limit,
        "default_limit": limits.default_limit,
        "max_discovery_limit": limits.max_discovery_limit,
        "max_subid_length": MAX_SUBSCRIPTION_ID,
        "max_event_tags": archive.max_tags,
        "created_at_upper_limit": archive.max_created_at_ahead,
        "min_pow_difficulty": archive.min_difficulty,
        "auth_required": false,
        "payment_required": false,
        "restricted_writes": settings.write.is_restricted(),
    });
    for (name, rate) in rates(&settings.rates) {
        limitation[name] = rate;
    }
    limitation
}

/// The rates that are limited, under the names of their settings: NIP-11 has none for them.
fn rates(rates: &RelayRates) -> impl Iterator<Item = (&'static str, Value)> {
    let number = |rate: Option<u32>| rate.map(Value::from);
    let seconds = |time: Option<Duration>| time.map(|time| Value::from(time.as_secs_f64()));
    let all = [
        ("events_per_minute", number(rates.events_per_minute)),
        ("requests_per_minute", number(rates.requests_per_minute)),
        (
            "events_per_minute_per_prefix",
            number(rates.events_per_minute_per_prefix),
        ),
        (
            "requests_per_minute_per_prefix",
            number(rates.requests_per_minute_per_prefix),
        ),
        (
            "events_per_minute_per_key",
            number(rates.events_per_minute_per_key),
        ),
        (
            "query_time_per_minute",
            seconds(rates.query_time_per_minute),
        ),
        (
            "query_time_per_minute_per_prefix",
            seconds(rates.query_time_per_minute_per_prefix),
        ),
    ];
    all.into_iter()
        .filter_map(|(name, rate)| Some((name, rate?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_says_what_is_enforced() {
        let mut settings = RelaySettings::default();
        settings.info.name = "archive".to_owned();
        settings.limits.max_limit = 77;
        let text = document(&settings.info, &settings, &ArchiveSettings::default());
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["name"], "archive");
        assert_eq!(document["limitation"]["max_limit"], 77);
        assert_eq!(document["limitation"]["restricted_writes"], false);
        assert!(document.get("contact").is_none());
        assert!(
            document["supported_nips"]
                .as_array()
                .unwrap()
                .contains(&json!(67))
        );
    }
}
