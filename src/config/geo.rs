//! `geo` in `services/monitor.yaml`: the files that say where addresses are and whose they are.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};

/// One of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GeoFile {
    /// Places.
    City,
    /// Autonomous systems.
    Asn,
}

impl GeoFile {
    /// Both.
    pub const ALL: [Self; 2] = [Self::City, Self::Asn];
}

/// Files in MaxMind's format: GeoLite2, DB-IP, ip-location-db.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeoConfig {
    /// Places; without the file nothing is said about them.
    pub city_database_path: PathBuf,
    /// Autonomous systems; likewise.
    pub asn_database_path: PathBuf,
    /// Where the file of places comes from; `None` leaves that to the operator.
    pub city_download_url: Option<String>,
    /// Where the file of systems comes from.
    pub asn_download_url: Option<String>,
    /// Where the SHA-256 of the file of places is told, as `sha256sum` writes it; `None` goes without.
    pub city_checksum_url: Option<String>,
    /// Where the SHA-256 of the file of systems is told.
    pub asn_checksum_url: Option<String>,
    /// Files older than this are downloaded again; `None` means never.
    pub max_age_days: Option<u32>,
    /// Largest download, bytes.
    pub max_download_size: usize,
    /// Characters of the longest geohash.
    pub geohash_precision: usize,
}

impl Default for GeoConfig {
    fn default() -> Self {
        Self {
            city_database_path: "static/GeoLite2-City.mmdb".into(),
            asn_database_path: "static/GeoLite2-ASN.mmdb".into(),
            city_download_url: None,
            asn_download_url: None,
            city_checksum_url: None,
            asn_checksum_url: None,
            max_age_days: Some(30),
            max_download_size: 100_000_000,
            geohash_precision: 9,
        }
    }
}

impl GeoConfig {
    /// Where a file is.
    pub fn path(&self, file: GeoFile) -> &Path {
        match file {
            GeoFile::City => &self.city_database_path,
            GeoFile::Asn => &self.asn_database_path,
        }
    }

    /// Where a file comes from.
    pub fn download_url(&self, file: GeoFile) -> Option<&str> {
        match file {
            GeoFile::City => self.city_download_url.as_deref(),
            GeoFile::Asn => self.asn_download_url.as_deref(),
        }
    }

    /// Where the checksum of a file is.
    pub fn checksum_url(&self, file: GeoFile) -> Option<&str> {
        match file {
            GeoFile::City => self.city_checksum_url.as_deref(),
            GeoFile::Asn => self.asn_checksum_url.as_deref(),
        }
    }

    pub(super) fn validate(&self) -> Vec<(&'static str, String)> {
        let urls = [
            ("geo.city_download_url", &self.city_download_url),
            ("geo.asn_download_url", &self.asn_download_url),
            ("geo.city_checksum_url", &self.city_checksum_url),
            ("geo.asn_checksum_url", &self.asn_checksum_url),
        ];
        let given = urls
            .into_iter()
            .filter_map(|(path, url)| Some((path, url.as_deref()?)));
        let wrong =
            given.filter(|(_, url)| !url.starts_with("https://") && !url.starts_with("http://"));
        wrong
            .map(|(path, url)| (path, format!("{url:?} is not an HTTP URL")))
            .collect()
    }
}

const URL: Accepts = Accepts::OrNull(&Accepts::Text);

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::section(
            "geo",
            "Files in MaxMind's format (GeoLite2, DB-IP, ip-location-db). Replace them by renaming, never in place.",
        ),
        Key::new(
            "geo.city_database_path",
            Accepts::Text,
            "Places. Without the file nip66_geo is off.",
        ),
        Key::new(
            "geo.asn_database_path",
            Accepts::Text,
            "Autonomous systems. Without the file nip66_net is off.",
        ),
        Key::new(
            "geo.city_download_url",
            URL,
            "Where the file of places comes from, plain or .gz; null = nothing is downloaded.",
        ),
        Key::new("geo.asn_download_url", URL, "The same for systems."),
        Key::new(
            "geo.city_checksum_url",
            URL,
            "Where the SHA-256 of that download is; null = it goes unchecked.",
        ),
        Key::new("geo.asn_checksum_url", URL, "The same for systems."),
        Key::new(
            "geo.max_age_days",
            Accepts::OrNull(&Accepts::Integer(1, 3_650)),
            "Files older than this are downloaded again; null = never.",
        ),
        Key::new(
            "geo.max_download_size",
            Accepts::Integer(1_000_000, 500_000_000),
            "Largest download, bytes.",
        ),
        Key::new(
            "geo.geohash_precision",
            Accepts::Integer(1, 12),
            "Characters of the longest geohash; shorter ones are published beside it.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_fetched_by_http_only() {
        let config = GeoConfig {
            city_download_url: Some("ftp://example.com/city.mmdb".to_owned()),
            asn_download_url: Some("https://example.com/asn.mmdb".to_owned()),
            ..GeoConfig::default()
        };
        let problems = config.validate();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].0, "geo.city_download_url");
    }
}
