use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::nip66::{ClaimFinding, Observed, Phase, geohash};
use crate::test_event::event;

fn parse_kind(
    kind: u16,
    tags: &[Vec<String>],
    content: &str,
) -> Result<RelayDiscovery, DiscoveryError> {
    let borrowed: Vec<Vec<&str>> = tags
        .iter()
        .map(|tag| tag.iter().map(String::as_str).collect())
        .collect();
    let slices: Vec<&[&str]> = borrowed.iter().map(Vec::as_slice).collect();
    RelayDiscovery::parse(
        &event(kind, &slices, content).as_ref(),
        LocalRelays::Accepted,
    )
}

fn tags(lines: &[&[&str]]) -> Vec<Vec<String>> {
    let owned = |tag: &&[&str]| tag.iter().map(|it| (*it).to_owned()).collect();
    lines.iter().map(owned).collect()
}

fn url() -> RelayUrl {
    RelayUrl::parse("wss://relay.example.com").unwrap()
}

/// An audit as far as it is published.
fn audit(verdicts: &[(&str, Observed)]) -> ClaimAudit {
    let finding = |(claim, observed): &(&str, Observed)| ClaimFinding {
        claim: claim.parse().unwrap(),
        stated: None,
        observed: *observed,
        measured: None,
        reason: String::new(),
    };
    ClaimAudit {
        findings: verdicts.iter().map(finding).collect(),
        transcript: Vec::new(),
    }
}

fn full_observation() -> Observation {
    let information = RelayInformation::from_value(&json!({
        "name": "r", "supported_nips": [1, 50, 77], "tags": ["Bitcoin"], "language_tags": ["it-IT", "en"],
        "attributes": ["Fast"], "limitation": {"min_pow_difficulty": 0},
        "retention": [{"kinds": [4], "time": 0}]
    }));
    Observation {
        rtt: Rtt {
            open: Phase::Took(12),
            read: Phase::Took(34),
            write: Phase::Took(56),
        },
        information: information.ok(),
        held_kinds: vec![1, 0, 30_023],
        ssl: Some(Ssl {
            valid: Some(true),
            expires: Some(1_800_000_000),
            issuer: Some("Let's Encrypt".to_owned()),
            ..Ssl::default()
        }),
        net: Some(Net {
            ip: Some(Ipv4Addr::new(8, 8, 8, 8)),
            ipv6: Some(Ipv6Addr::LOCALHOST),
            asn: Some(16_276),
            asn_org: Some("OVH SAS".to_owned()),
            ..Net::default()
        }),
        geo: Some(Geo {
            country: Some("FR".to_owned()),
            city: Some("Roubaix".to_owned()),
            lat: Some(50.6916),
            lon: Some(3.20151),
            tz: Some("Europe/Paris".to_owned()),
            geohash: geohash(50.6916, 3.20151, 3),
            ..Geo::default()
        }),
        dns: Some(Dns {
            ips: vec![Ipv4Addr::new(8, 8, 8, 8)],
            ips_v6: vec![Ipv6Addr::LOCALHOST],
            cname: Some("c.example.com".to_owned()),
            ttl: Some(300),
            ..Dns::default()
        }),
        http: Some(Http {
            server: Some("nginx".to_owned()),
            powered_by: Some("x".to_owned()),
        }),
        claims: Some(audit(&[
            ("nip-01", Observed::Yes),
            ("nip-50", Observed::Untestable),
            ("nip-77", Observed::No),
            ("min_pow_difficulty", Observed::Untestable),
        ])),
    }
}

#[test]
fn a_full_visit_becomes_every_tag() {
    let discovery = RelayDiscovery::observed(&url(), full_observation()).unwrap();
    let expected = tags(&[
        &["d", "wss://relay.example.com/"],
        &["n", "clearnet"],
        &["rtt-open", "12"],
        &["rtt-read", "34"],
        &["rtt-write", "56"],
        &["ssl", "valid"],
        &["ssl-expires", "1800000000"],
        &["ssl-issuer", "Let's Encrypt"],
        &["net-ip", "8.8.8.8"],
        &["net-ipv6", "::1"],
        &["net-asn", "16276"],
        &["net-asn-org", "OVH SAS"],
        &["g", "u14"],
        &["g", "u1"],
        &["g", "u"],
        &["geo-country", "FR"],
        &["geo-city", "Roubaix"],
        &["geo-lat", "50.6916"],
        &["geo-lon", "3.20151"],
        &["geo-tz", "Europe/Paris"],
        &["dns-ip", "8.8.8.8"],
        &["dns-ip6", "::1"],
        &["dns-cname", "c.example.com"],
        &["dns-ttl", "300"],
        &["http-server", "nginx"],
        &["http-powered-by", "x"],
        &["N", "1"],
        &["N", "50"],
        &["k", "0"],
        &["k", "1"],
        &["k", "22456"],
        &["k", "30023"],
        &["k", "!4"],
        &["t", "bitcoin"],
        &["L", "ISO-639-1"],
        &["L", "ISO-3166-1"],
        &["L", "nip66.label.city"],
        &["L", "IANA-tz"],
        &["L", "IANA-asn"],
        &["L", "IANA-asnOrg"],
        &["L", "nip66.label.claim"],
        &["l", "it", "ISO-639-1"],
        &["l", "en", "ISO-639-1"],
        &["l", "FR", "ISO-3166-1"],
        &["l", "Roubaix", "nip66.label.city"],
        &["l", "Europe/Paris", "IANA-tz"],
        &["l", "16276", "IANA-asn"],
        &["l", "OVH SAS", "IANA-asnOrg"],
        &["l", "nip-01:yes", "nip66.label.claim"],
        &["l", "nip-50:untestable", "nip66.label.claim"],
        &["l", "nip-77:no", "nip66.label.claim"],
        &["l", "min_pow_difficulty:untestable", "nip66.label.claim"],
        &["R", "!auth"],
        &["R", "!payment"],
        &["R", "!writes"],
        &["R", "!pow"],
        &["T", "Search"],
        &["T", "PublicInbox"],
        &["W", "Fast"],
    ]);
    assert_eq!(discovery.to_tags(), expected);
    let parsed = parse_kind(30_166, &discovery.to_tags(), &discovery.content()).unwrap();
    assert_eq!(parsed, discovery);
}

#[test]
fn a_relay_that_did_not_open_is_not_published() {
    let mut observation = full_observation();
    observation.rtt.open = Phase::Failed("refused".to_owned());
    assert_eq!(RelayDiscovery::observed(&url(), observation), None);
}

#[test]
fn without_a_document_nothing_is_claimed_from_it() {
    let observation = Observation {
        rtt: Rtt {
            open: Phase::Took(1),
            ..Rtt::default()
        },
        ..Observation::default()
    };
    let discovery = RelayDiscovery::observed(&url(), observation).unwrap();
    let expected = tags(&[
        &["d", "wss://relay.example.com/"],
        &["n", "clearnet"],
        &["rtt-open", "1"],
    ]);
    assert_eq!(
        (discovery.to_tags(), discovery.content()),
        (expected, String::new())
    );
}

#[test]
fn drafts_are_understood() {
    let draft = tags(&[
        &["d", "wss://relay.weloveit.info/"],
        &["other", "network", "clearnet"],
        &["rtt", "open", "142"],
        &["rtt", "read", "83"],
        &["nip11", "supported_nips", "1", "11", "%!d(float64=2)"],
        &["dns", "ipv4", "146.59.155.110"],
        &["dns", "as", "AS16276 OVH SAS"],
        &["geo", "lat", "50.6916"],
        &["geo", "countryCode", "FR"],
        &["g", "FRA", "countryCode"],
        &["g", "France", "countryName"],
        &["g", "u14", "geohash"],
        &["ssl", "valid_to", "1713225599"],
        &["l", "en", "ISO-639-1"],
    ]);
    let discovery = parse_kind(30_066, &draft, "").unwrap();
    assert_eq!(discovery.network, Some(Network::Clearnet));
    assert_eq!(
        (discovery.rtt.open.ms(), discovery.rtt.read.ms()),
        (Some(142), Some(83))
    );
    assert_eq!(discovery.nips, [1, 11]);
    assert_eq!(discovery.languages, ["en"]);
    let net = discovery.net.unwrap();
    assert_eq!(
        (net.asn, net.asn_org.as_deref()),
        (Some(16_276), Some("OVH SAS"))
    );
    let geo = discovery.geo.unwrap();
    assert_eq!(
        (geo.country.as_deref(), geo.geohash.as_deref()),
        (Some("FR"), Some("u14"))
    );
    assert_eq!(discovery.ssl.unwrap().expires, Some(1_713_225_599));
}

#[test]
fn other_events_are_refused() {
    let d = tags(&[&["d", "wss://relay.example.com"]]);
    assert_eq!(parse_kind(1, &d, ""), Err(DiscoveryError::Kind));
    assert_eq!(parse_kind(30_166, &[], ""), Err(DiscoveryError::Identifier));
    let key = tags(&[&["d", &"ab".repeat(32)]]);
    assert_eq!(
        parse_kind(30_166, &key, ""),
        Err(DiscoveryError::Identifier)
    );
    assert!(parse_kind(30_166, &d, "{}").unwrap().information.is_none());
}

#[test]
fn values_out_of_range_are_passed_over() {
    let odd = tags(&[
        &["d", "wss://relay.example.com"],
        &["n", "darknet"],
        &["rtt-open", "-5"],
        &["geo-lat", "NaN"],
        &["geo-lon", "181"],
        &["N", "70000"],
        &["k", "1"],
        &["k", "!4"],
        &["R", "ssl"],
        &["R", "!pow"],
        &["g", "not a geohash"],
        &["ssl", "maybe"],
    ]);
    let discovery = parse_kind(30_166, &odd, "<html>").unwrap();
    let expected = tags(&[
        &["d", "wss://relay.example.com/"],
        &["k", "1"],
        &["k", "!4"],
        &["R", "!pow"],
    ]);
    assert_eq!(discovery.to_tags(), expected);
}

/// Tags with the names of NIP-66 and any values.
fn any_tags() -> impl Strategy<Value = Vec<Vec<String>>> {
    let name = proptest::sample::select(vec![
        "n",
        "rtt-open",
        "ssl",
        "ssl-expires",
        "net-ip",
        "net-asn",
        "g",
        "geo-country",
        "geo-lat",
        "dns-ip",
        "dns-ttl",
        "http-server",
        "N",
        "k",
        "t",
        "L",
        "l",
        "R",
        "T",
        "W",
        "rtt",
        "geo",
        "dns",
        "nip11",
        "other",
    ]);
    let value = prop_oneof![
        any::<String>(),
        "!?(auth|pow|[0-9]{1,6}|clearnet|tor|open|ISO-639-1|nip66.label.claim|nip-50:no|valid|u14|AS1 x|lat)",
        any::<f64>().prop_map(|it| it.to_string()),
    ];
    let tag = (name, proptest::collection::vec(value, 0..4))
        .prop_map(|(name, values)| std::iter::once(name.to_owned()).chain(values).collect());
    proptest::collection::vec(tag, 0..30)
}

proptest! {
    #[test]
    fn what_was_read_is_written_and_read_the_same(mut any in any_tags(), content in any::<String>()) {
        any.push(vec!["d".to_owned(), "wss://relay.example.com/x".to_owned()]);
        let discovery = parse_kind(30_166, &any, &content).unwrap();
        let again = parse_kind(30_166, &discovery.to_tags(), &discovery.content()).unwrap();
        prop_assert_eq!(again.to_tags(), discovery.to_tags());
        prop_assert_eq!(again.content(), discovery.content());
    }

    #[test]
    fn what_was_observed_is_read(
        open in 1_u32.., read in proptest::option::of(1_u32..), lat in -90.0..90.0, lon in -180.0..180.0,
        nips in proptest::collection::btree_set(any::<u16>(), 0..5), valid in any::<bool>(), asn in any::<u32>(),
    ) {
        let mut observation = full_observation();
        observation.rtt.open = Phase::Took(open);
        observation.rtt.read = read.map_or(Phase::NotTried, Phase::Took);
        observation.geo = Some(Geo { lat: Some(lat), lon: Some(lon), geohash: geohash(lat, lon, 9), ..Geo::default() });
        observation.ssl = Some(Ssl { valid: Some(valid), ..Ssl::default() });
        observation.net = Some(Net { asn: Some(asn), ..Net::default() });
        observation.information.as_mut().unwrap().supported_nips = nips.into_iter().collect();
        let discovery = RelayDiscovery::observed(&url(), observation).unwrap();
        let parsed = parse_kind(30_166, &discovery.to_tags(), &discovery.content()).unwrap();
        prop_assert_eq!(parsed, discovery);
    }
}
