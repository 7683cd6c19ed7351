//! What the monitor says about itself (kinds 10166, 0 and 10002), in `services/monitor.yaml`.

use std::time::Duration;

use nips::RelayUrl;
use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};
use super::relay_urls;
use super::schedule::INTERVAL;
use super::seconds;

/// Kind 10166.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnnouncementConfig {
    /// Whether the announcement is published.
    pub enabled: bool,
    /// Time after which it is published again.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Outside relays instead of `publishing.relays`.
    #[serde(with = "relay_urls::optional")]
    pub relays: Option<Vec<RelayUrl>>,
    /// Where this monitor is; `None` keeps it to itself.
    pub geohash: Option<String>,
}

/// Kind 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileConfig {
    /// Whether the profile is published.
    pub enabled: bool,
    /// Time after which it is published again.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Outside relays instead of `publishing.relays`.
    #[serde(with = "relay_urls::optional")]
    pub relays: Option<Vec<RelayUrl>>,
    /// Name.
    pub name: Option<String>,
    /// Description.
    pub about: Option<String>,
    /// URL of a picture.
    pub picture: Option<String>,
    /// NIP-05 identifier.
    pub nip05: Option<String>,
    /// URL of a website.
    pub website: Option<String>,
    /// URL of a banner.
    pub banner: Option<String>,
    /// Lightning address.
    pub lud16: Option<String>,
}

/// Kind 10002.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelayListConfig {
    /// Whether it is published. Without `public_url` in relay.yaml there is nothing to say.
    pub enabled: bool,
    /// Time after which it is published again.
    #[serde(with = "seconds")]
    pub interval: Duration,
    /// Outside relays instead of `publishing.relays`.
    #[serde(with = "relay_urls::optional")]
    pub relays: Option<Vec<RelayUrl>>,
}

impl Default for AnnouncementConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: Duration::from_secs(86_400),
            relays: None,
            geohash: None,
        }
    }
}

impl Default for RelayListConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: Duration::from_secs(86_400),
            relays: None,
        }
    }
}

impl Default for ProfileConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            interval: Duration::from_secs(86_400),
            relays: None,
            name: Some("BigBrotr Monitor".to_owned()),
            about: Some("Nostr relay monitoring service".to_owned()),
            picture: None,
            nip05: None,
            website: None,
            banner: None,
            lud16: None,
        }
    }
}

const TEXT: Accepts = Accepts::OrNull(&Accepts::Text);
/// Relays for one kind.
pub(super) const RELAYS: Accepts = Accepts::OrNull(&Accepts::List);
/// What they are for.
pub(super) const RELAYS_DOC: &str =
    "Outside relays for this kind instead of publishing.relays; null = those.";

/// The alphabet of geohashes.
const GEOHASH: &str = "0123456789bcdefghjkmnpqrstuvwxyz";

/// What is wrong with what the announcement is to say.
pub(super) fn validate(announcement: &AnnouncementConfig) -> Option<(&'static str, String)> {
    let geohash = announcement.geohash.as_deref()?;
    let is_geohash =
        (1..=12).contains(&geohash.len()) && geohash.chars().all(|it| GEOHASH.contains(it));
    (!is_geohash).then(|| {
        let message = format!("{geohash:?} is no geohash of 1 to 12 characters");
        ("announcement.geohash", message)
    })
}

/// The keys of the three sections.
pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::section("announcement", "Kind 10166: what this monitor does."),
        Key::new(
            "announcement.enabled",
            Accepts::Flag,
            "Whether it is published.",
        ),
        Key::new(
            "announcement.interval",
            INTERVAL,
            "Time after which it is published again.",
        ),
        Key::new("announcement.relays", RELAYS, RELAYS_DOC),
        Key::new(
            "announcement.geohash",
            TEXT,
            "Where this monitor is, for those who compare times, e.g. u33d; null = it does not say.",
        ),
        Key::section("profile", "Kind 0: who this monitor is."),
        Key::new("profile.enabled", Accepts::Flag, "Whether it is published."),
        Key::new(
            "profile.interval",
            INTERVAL,
            "Time after which it is published again.",
        ),
        Key::new("profile.relays", RELAYS, RELAYS_DOC),
        Key::new("profile.name", TEXT, "Name."),
        Key::new("profile.about", TEXT, "Description."),
        Key::new("profile.picture", TEXT, "URL of a picture."),
        Key::new("profile.nip05", TEXT, "NIP-05 identifier."),
        Key::new("profile.website", TEXT, "URL of a website."),
        Key::new("profile.banner", TEXT, "URL of a banner."),
        Key::new("profile.lud16", TEXT, "Lightning address."),
        Key::section(
            "relay_list",
            "Kind 10002: where this monitor's events are, which is public_url of relay.yaml.",
        ),
        Key::new(
            "relay_list.enabled",
            Accepts::Flag,
            "Whether it is published.",
        ),
        Key::new(
            "relay_list.interval",
            INTERVAL,
            "Time after which it is published again.",
        ),
        Key::new("relay_list.relays", RELAYS, RELAYS_DOC),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_geohash_is_one() {
        for (geohash, is_one) in [
            ("u33d", true),
            ("", false),
            ("berlin", false),
            ("u33dc1v0zzzzz", false),
        ] {
            let announcement = AnnouncementConfig {
                geohash: Some(geohash.to_owned()),
                ..AnnouncementConfig::default()
            };
            assert_eq!(validate(&announcement).is_none(), is_one, "{geohash}");
        }
        assert!(validate(&AnnouncementConfig::default()).is_none());
    }
}
