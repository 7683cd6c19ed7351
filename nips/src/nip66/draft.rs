//! Older forms of relay discovery events, rewritten into the tags of today.
//!
//! Kind 30066 and early 30166 events put the subject at index 1 (`["rtt", "open", "174"]`,
//! `["geo", "lat", "50.9"]`) and gave `g` several meanings (`["g", "NL", "countryCode"]`).

use std::borrow::Cow;

use crate::event::Tag;

/// The tags with older forms replaced; tags of today, and what is not understood, stay as they are.
pub(super) fn modernised<'a>(tags: &[Tag<'a>]) -> Vec<Tag<'a>> {
    tags.iter().flat_map(modern).collect()
}

fn modern<'a>(tag: &Tag<'a>) -> Vec<Tag<'a>> {
    let [group, name, values @ ..] = tag.as_slice() else {
        return vec![tag.clone()];
    };
    let Some(value) = values.first() else {
        return vec![tag.clone()];
    };
    let renamed = |name: &'static str| vec![vec![Cow::Borrowed(name), value.clone()]];
    match (group.as_ref(), name.as_ref()) {
        ("rtt", "open") => renamed("rtt-open"),
        ("rtt", "read") => renamed("rtt-read"),
        ("rtt", "write") => renamed("rtt-write"),
        ("other", "network") => renamed("n"),
        ("geo", "lat") => renamed("geo-lat"),
        ("geo", "lon") => renamed("geo-lon"),
        ("geo", "tz") => renamed("geo-tz"),
        ("geo", "cityName") => renamed("geo-city"),
        ("geo", "countryCode") => renamed("geo-country"),
        ("geo", "geohash") => renamed("g"),
        ("dns", "ipv4") => renamed("net-ip"),
        ("dns", "as") => autonomous_system(value),
        ("ssl", "valid_to") => renamed("ssl-expires"),
        ("nip11", "supported_nips") => values
            .iter()
            .map(|nip| vec![Cow::Borrowed("N"), nip.clone()])
            .collect(),
        ("g", _) => place(name, value),
        _ => vec![tag.clone()],
    }
}

/// `AS16276 OVH SAS` as number and organisation.
fn autonomous_system<'a>(text: &Cow<'a, str>) -> Vec<Tag<'a>> {
    let Some(rest) = text.strip_prefix("AS") else {
        return Vec::new();
    };
    let (number, organisation) = rest.split_once(' ').unwrap_or((rest, ""));
    vec![
        vec!["net-asn".into(), number.to_owned().into()],
        vec!["net-asn-org".into(), organisation.to_owned().into()],
    ]
}

/// `["g", value, meaning]`, where only the meaning `geohash` is that of today.
fn place<'a>(value: &Cow<'a, str>, meaning: &str) -> Vec<Tag<'a>> {
    let name = match meaning {
        "geohash" => "g",
        "countryCode" if value.len() == 2 => "geo-country",
        "cityName" => "geo-city",
        _ => return Vec::new(),
    };
    vec![vec![name.into(), value.clone()]]
}
