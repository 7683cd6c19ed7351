//! Where a relay's address is, according to a database.

use serde::{Deserialize, Serialize};

use super::labels::{self, Labels};
use super::tags::{TagWriter, first, text, texts};
use crate::event::Tag;

/// Longest geohash: 12 characters are centimetres.
const MAX_GEOHASH_CHARS: usize = 12;

/// The alphabet of geohashes, 5 bits a character.
const GEOHASH_ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// Most `g` tags looked at.
const MAX_GEOHASHES: usize = 32;

/// Place of an address. Published are `country`, `city`, `lat`, `lon`, `tz` and `geohash`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Geo {
    /// ISO 3166-1 code of the country.
    #[serde(rename = "geo_country", skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// English name of the country.
    #[serde(rename = "geo_country_name", skip_serializing_if = "Option::is_none")]
    pub country_name: Option<String>,
    /// Whether the country is in the European Union.
    #[serde(rename = "geo_is_eu", skip_serializing_if = "Option::is_none")]
    pub is_eu: Option<bool>,
    /// Two-letter code of the continent.
    #[serde(rename = "geo_continent", skip_serializing_if = "Option::is_none")]
    pub continent: Option<String>,
    /// English name of the continent.
    #[serde(rename = "geo_continent_name", skip_serializing_if = "Option::is_none")]
    pub continent_name: Option<String>,
    /// English name of the city.
    #[serde(rename = "geo_city", skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// GeoNames identifier of the city.
    #[serde(rename = "geo_geoname_id", skip_serializing_if = "Option::is_none")]
    pub geoname_id: Option<u32>,
    /// English name of the smallest subdivision.
    #[serde(rename = "geo_region", skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(rename = "geo_postal", skip_serializing_if = "Option::is_none")]
    pub postal: Option<String>,
    /// Latitude, degrees, −90 to 90.
    #[serde(rename = "geo_lat", skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Longitude, degrees, −180 to 180.
    #[serde(rename = "geo_lon", skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
    /// Radius within which the database is sure, kilometres.
    #[serde(rename = "geo_accuracy", skip_serializing_if = "Option::is_none")]
    pub accuracy_km: Option<u32>,
    /// Name in the time zone database.
    #[serde(rename = "geo_tz", skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
    /// Geohash of latitude and longitude.
    #[serde(rename = "geo_hash", skip_serializing_if = "Option::is_none")]
    pub geohash: Option<String>,
}

impl Geo {
    /// `g` in every precision, the finest first, so that a filter can ask for an area of any size.
    pub(super) fn push_tags(&self, tags: &mut TagWriter) {
        let geohash = self.geohash.as_deref().unwrap_or_default();
        for length in (1..=geohash.len()).rev() {
            tags.push_some("g", geohash.get(..length));
        }
        tags.push_some("geo-country", self.country.as_deref());
        tags.push_some("geo-city", self.city.as_deref());
        tags.push_some("geo-lat", self.lat);
        tags.push_some("geo-lon", self.lon);
        tags.push_some("geo-tz", self.tz.as_deref());
    }

    pub(super) fn collect_labels(&self, labels: &mut Labels) {
        labels.add_some(labels::COUNTRY, self.country.as_deref());
        labels.add_some(labels::CITY, self.city.as_deref());
        labels.add_some(labels::TIME_ZONE, self.tz.as_deref());
    }

    pub(super) fn from_tags(tags: &[Tag<'_>]) -> Option<Self> {
        let label = |namespace: &str| labels::values(tags, namespace, 1).pop();
        let degrees =
            |name, bound: f64| first::<f64>(tags, name).filter(|degrees| degrees.abs() <= bound);
        let geo = Self {
            country: text(tags, "geo-country").or_else(|| label(labels::COUNTRY)),
            city: text(tags, "geo-city").or_else(|| label(labels::CITY)),
            lat: degrees("geo-lat", 90.0),
            lon: degrees("geo-lon", 180.0),
            tz: text(tags, "geo-tz").or_else(|| label(labels::TIME_ZONE)),
            geohash: finest_geohash(tags),
            ..Self::default()
        };
        (geo != Self::default()).then_some(geo)
    }
}

/// The longest geohash among `g` tags.
pub(super) fn finest_geohash(tags: &[Tag<'_>]) -> Option<String> {
    let is_geohash = |text: &String| {
        text.len() <= MAX_GEOHASH_CHARS && text.bytes().all(|byte| GEOHASH_ALPHABET.contains(&byte))
    };
    texts(tags, "g", MAX_GEOHASHES)
        .into_iter()
        .filter(is_geohash)
        .max_by_key(String::len)
}

/// The geohash of a place with `precision` characters, at most 12; `None` outside of the globe.
pub fn geohash(lat: f64, lon: f64, precision: usize) -> Option<String> {
    let is_on_globe = lat.abs() <= 90.0 && lon.abs() <= 180.0;
    if !is_on_globe {
        return None;
    }
    let (mut lats, mut lons) = ((-90.0, 90.0), (-180.0, 180.0));
    let mut hash = String::new();
    for character in 0..precision.min(MAX_GEOHASH_CHARS) {
        let mut index = 0;
        for bit in 0..5 {
            let is_even = (character * 5 + bit) % 2 == 0;
            let upper = if is_even {
                halve(&mut lons, lon)
            } else {
                halve(&mut lats, lat)
            };
            index = index << 1 | usize::from(upper);
        }
        hash.push(char::from(GEOHASH_ALPHABET[index]));
    }
    Some(hash)
}

/// Narrows a range to the half that holds a value; whether that is the upper one.
fn halve(range: &mut (f64, f64), value: f64) -> bool {
    let middle = range.0.midpoint(range.1);
    let is_upper = value >= middle;
    if is_upper {
        range.0 = middle;
    } else {
        range.1 = middle;
    }
    is_upper
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geohashes_are_those_of_the_map() {
        assert_eq!(geohash(42.605, -5.603, 5).unwrap(), "ezs42");
        assert_eq!(geohash(50.6916, 3.20151, 9).unwrap(), "u1422u57b");
        assert_eq!(geohash(50.8955, 6.06862, 9).unwrap(), "u1h3d15pc");
        assert_eq!(geohash(90.0, 180.0, 99).unwrap().len(), 12);
        assert_eq!(geohash(91.0, 0.0, 5), None);
        assert_eq!(geohash(f64::NAN, 0.0, 5), None);
    }
}
