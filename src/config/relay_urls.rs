//! Relay URLs in YAML. An operator who writes a loopback address means it, so that it is accepted
//! here; whether it is dialled is decided by `networks.local`.

use std::fmt;

use nips::RelayUrl;
use nips::relay_url::LocalRelays;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A canonical relay URL.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Url(RelayUrl);

impl Serialize for Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(UrlVisitor)
    }
}

struct UrlVisitor;

impl Visitor<'_> for UrlVisitor {
    type Value = Url;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a relay URL")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Url, E> {
        let parsed = RelayUrl::parse_with(text, LocalRelays::Accepted);
        parsed
            .map(Url)
            .map_err(|why| E::custom(format!("{text:?} is no relay URL: {why}")))
    }
}

pub(super) fn serialize<S: Serializer>(
    urls: &[RelayUrl],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(urls.iter().map(RelayUrl::as_str))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<RelayUrl>, D::Error> {
    let urls = Vec::<Url>::deserialize(deserializer)?;
    Ok(urls.into_iter().map(|url| url.0).collect())
}

/// One URL.
pub(super) mod one {
    use super::{Deserialize, Deserializer, RelayUrl, Serializer, Url};

    pub(in crate::config) fn serialize<S: Serializer>(
        url: &RelayUrl,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(url.as_str())
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<RelayUrl, D::Error> {
        Url::deserialize(deserializer).map(|url| url.0)
    }
}

/// A list, or `null` to inherit.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, RelayUrl, Serializer, Url};

    pub(in crate::config) fn serialize<S: Serializer>(
        urls: &Option<Vec<RelayUrl>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match urls {
            Some(urls) => super::serialize(urls, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<RelayUrl>>, D::Error> {
        let urls = Option::<Vec<Url>>::deserialize(deserializer)?;
        Ok(urls.map(|urls| urls.into_iter().map(|url| url.0).collect()))
    }
}
