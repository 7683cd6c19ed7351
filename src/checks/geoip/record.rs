//! What a record says, in each of the layouts in use: nested with names in several languages (MaxMind,
//! DB-IP), or flat (ip-location-db, IPinfo).

use nips::nip66::{Geo, geohash, one_line};
use serde_json::Value;

/// Degrees are kept to five decimals, a metre: files with single precision have noise behind that.
const DEGREES: f64 = 100_000.0;

/// Reads a place; `None` when the record says nothing of it.
pub(super) fn place(record: &Value, geohash_precision: usize) -> Option<Geo> {
    let (lat, lon) = coordinates(record).unzip();
    let hash = lat.zip(lon);
    let hash = hash.and_then(|(lat, lon)| geohash(lat, lon, geohash_precision));
    let country = |pointer: &str| {
        let physical = text(record, &format!("/country{pointer}"));
        physical.or_else(|| text(record, &format!("/registered_country{pointer}")))
    };
    let geo = Geo {
        country: country("/iso_code").or_else(|| code(record, &["/country_code", "/country"])),
        country_name: country("/names/en").or_else(|| name(record, &["/country_name", "/country"])),
        is_eu: record
            .pointer("/country/is_in_european_union")
            .and_then(Value::as_bool),
        continent: text(record, "/continent/code")
            .or_else(|| code(record, &["/continent_code", "/continent"])),
        continent_name: text(record, "/continent/names/en")
            .or_else(|| name(record, &["/continent_name", "/continent"])),
        city: text(record, "/city/names/en").or_else(|| text(record, "/city")),
        geoname_id: number(record, "/city/geoname_id"),
        region: subdivision(record).or_else(|| first(record, &["/state2", "/state1", "/region"])),
        postal: first(record, &["/postal/code", "/postcode", "/postal_code"]),
        lat,
        lon,
        accuracy_km: number(record, "/location/accuracy_radius"),
        tz: first(record, &["/location/time_zone", "/timezone"]),
        geohash: hash,
    };
    (geo != Geo::default()).then_some(geo)
}

/// Reads number and organisation of an autonomous system.
pub(super) fn autonomous_system(record: &Value) -> (Option<u32>, Option<String>) {
    let asn = number(record, "/autonomous_system_number").or_else(|| number(record, "/asn"));
    let organisation = first(
        record,
        &[
            "/autonomous_system_organization",
            "/as_organization",
            "/as_name",
            "/name",
        ],
    );
    (asn.filter(|asn| *asn > 0), organisation)
}

fn text(record: &Value, pointer: &str) -> Option<String> {
    one_line(record.pointer(pointer)?.as_str()?)
}

fn first(record: &Value, pointers: &[&str]) -> Option<String> {
    pointers.iter().find_map(|pointer| text(record, pointer))
}

/// A two-letter code. Flat files call both a code and a name `country`.
fn code(record: &Value, pointers: &[&str]) -> Option<String> {
    let texts = pointers.iter().filter_map(|pointer| text(record, pointer));
    let mut codes = texts.filter(|text| text.len() == 2);
    codes.next().map(|code| code.to_ascii_uppercase())
}

fn name(record: &Value, pointers: &[&str]) -> Option<String> {
    let texts = pointers.iter().filter_map(|pointer| text(record, pointer));
    let mut names = texts.filter(|text| text.len() > 2);
    names.next()
}

/// The smallest one: they are listed from the largest on.
fn subdivision(record: &Value) -> Option<String> {
    let all = record.pointer("/subdivisions")?.as_array()?;
    text(all.last()?, "/names/en")
}

/// A whole number, or the text of one, also behind `AS`.
fn number(record: &Value, pointer: &str) -> Option<u32> {
    let value = record.pointer(pointer)?;
    let number = value.as_u64().and_then(|it| u32::try_from(it).ok());
    number.or_else(|| {
        let text = value.as_str()?;
        text.strip_prefix("AS").unwrap_or(text).parse().ok()
    })
}

/// Both, on the globe, or none. Zero and zero is where databases put what they do not know.
fn coordinates(record: &Value) -> Option<(f64, f64)> {
    let degrees = |pointers: [&str; 3], bound: f64| {
        let found = pointers.iter().find_map(|pointer| {
            let value = record.pointer(pointer)?;
            value.as_f64().or_else(|| value.as_str()?.parse().ok())
        })?;
        (found.abs() <= bound).then(|| (found * DEGREES).round() / DEGREES)
    };
    let lat = degrees(["/location/latitude", "/latitude", "/lat"], 90.0)?;
    let lon = degrees(["/location/longitude", "/longitude", "/lng"], 180.0)?;
    (lat != 0.0 || lon != 0.0).then_some((lat, lon))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn flat_records_are_read() {
        let record = json!({
            "city": "Roubaix", "country_code": "FR", "latitude": 50.691_600_799_560_55, "longitude": "3.20151",
            "postcode": "59100", "state1": "Hauts-de-France", "state2": "Nord", "timezone": "Europe/Paris"
        });
        let geo = place(&record, 5).unwrap();
        assert_eq!(geo.country.as_deref(), Some("FR"));
        assert_eq!(geo.city.as_deref(), Some("Roubaix"));
        assert_eq!(geo.region.as_deref(), Some("Nord"));
        assert_eq!(geo.postal.as_deref(), Some("59100"));
        assert_eq!((geo.lat, geo.lon), (Some(50.6916), Some(3.20151)));
        assert_eq!(geo.tz.as_deref(), Some("Europe/Paris"));
        assert_eq!(geo.geohash.as_deref(), Some("u1422"));
    }

    #[test]
    fn a_country_may_be_a_code_or_a_name() {
        let named = json!({"country": "Germany", "country_code": "DE", "continent": "Europe", "continent_code": "EU"});
        let coded = json!({"country": "de", "continent": "EU"});
        let geo = place(&named, 9).unwrap();
        assert_eq!(geo.country_name.as_deref(), Some("Germany"));
        assert_eq!(geo.continent_name.as_deref(), Some("Europe"));
        for record in [named, coded] {
            let geo = place(&record, 9).unwrap();
            assert_eq!(geo.country.as_deref(), Some("DE"));
            assert_eq!(geo.continent.as_deref(), Some("EU"));
        }
    }

    #[test]
    fn systems_are_numbers_or_texts() {
        let google = (Some(15_169), Some("Google LLC".to_owned()));
        for record in [
            json!({"autonomous_system_number": 15_169, "autonomous_system_organization": "Google LLC"}),
            json!({"asn": "AS15169", "as_name": "Google LLC", "as_domain": "google.com"}),
            json!({"asn": 15_169, "name": "Google LLC"}),
        ] {
            assert_eq!(autonomous_system(&record), google);
        }
        assert_eq!(autonomous_system(&json!({"asn": 0})), (None, None));
    }

    #[test]
    fn what_is_no_place_is_none() {
        for record in [
            json!({}),
            json!([1, 2]),
            json!({"latitude": 0.0, "longitude": 0.0}),
            json!({"latitude": 91, "longitude": 7}),
            json!({"location": {"latitude": 7}, "city": {"names": {"en": "\u{0} "}}}),
        ] {
            assert_eq!(place(&record, 9), None, "{record}");
        }
    }
}
