//! Where relays are and whose their addresses are, by files of several makers.

use std::path::Path;
use std::time::{Duration, SystemTime};

use bigbrotr::checks::geoip::{Addresses, DownloadError, GeoIp, download};
use bigbrotr::config::{GeoConfig, GeoFile, MonitorConfig, MonitorProcessing};
use bigbrotr::lifecycle::Tokens;
use bigbrotr::model::MetadataType;
use bigbrotr::services::Service;
use fleet::{Access, Behaviour, Certificate, DnsAnswer, Information, Member, MemberPlan};
use nips::Kind;
use nips::nip66::{Check, Geo, MonitorAnnouncement, Net};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::super::given::{AT_ONCE, DAY, Given, HOUR, cycle, plan_of, wait_until};
use super::{discoveries, discovery, document, look_with, monitor_with, result_of};
use crate::mmdb::{Database, Fractions};
use crate::shared_data::shared;

/// As MaxMind and DB-IP write it.
fn roubaix() -> Value {
    json!({
        "city": {"geoname_id": 2_982_967, "names": {"en": "Roubaix", "de": "Roubaix"}},
        "continent": {"code": "EU", "names": {"en": "Europe"}},
        "country": {"iso_code": "FR", "is_in_european_union": true, "names": {"en": "France", "fr": "France"}},
        "location": {"accuracy_radius": 20, "latitude": 50.6916, "longitude": 3.20151, "time_zone": "Europe/Paris"},
        "postal": {"code": "59100"},
        "registered_country": {"iso_code": "DE", "names": {"en": "Germany"}},
        "subdivisions": [{"names": {"en": "Hauts-de-France"}}, {"names": {"en": "North"}}],
    })
}

fn city(networks: &[(&str, Value)]) -> Vec<u8> {
    database("GeoLite2-City", networks).to_bytes()
}

fn database<'a>(database_type: &'a str, networks: &'a [(&'a str, Value)]) -> Database<'a> {
    Database {
        database_type,
        fractions: Fractions::Double,
        networks,
    }
}

fn config(directory: &Path) -> GeoConfig {
    GeoConfig {
        city_database_path: directory.join("city.mmdb"),
        asn_database_path: directory.join("asn.mmdb"),
        ..GeoConfig::default()
    }
}

fn at(address: &str) -> Addresses {
    address.parse::<std::net::IpAddr>().unwrap().into()
}

#[test]
fn a_nested_record_is_read_whole() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let networks = [("8.8.8.0/24", roubaix()), ("2620:fe::/48", roubaix())];
    database("DBIP-City-Lite", &networks).install(&config.city_database_path);
    let geoip = GeoIp::open(&config);
    let expected = Geo {
        country: Some("FR".to_owned()),
        country_name: Some("France".to_owned()),
        is_eu: Some(true),
        continent: Some("EU".to_owned()),
        continent_name: Some("Europe".to_owned()),
        city: Some("Roubaix".to_owned()),
        geoname_id: Some(2_982_967),
        region: Some("North".to_owned()),
        postal: Some("59100".to_owned()),
        lat: Some(50.6916),
        lon: Some(3.20151),
        accuracy_km: Some(20),
        tz: Some("Europe/Paris".to_owned()),
        geohash: Some("u1422u57b".to_owned()),
    };
    for address in ["8.8.8.8", "2620:fe::9"] {
        assert_eq!(geoip.place(at(address)), Some(expected.clone()));
    }
    for address in ["8.8.9.8", "2620:ff::9"] {
        assert_eq!(geoip.place(at(address)), None);
    }
    assert_eq!(geoip.network(at("8.8.8.8")), None, "there is no such file");
    assert!(geoip.has(GeoFile::City) && !geoip.has(GeoFile::Asn));
}

#[test]
fn a_flat_record_with_single_precision_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let record = json!({
        "city": "Mountain View", "country_code": "US", "latitude": 37.386, "longitude": -122.0838,
        "postcode": "", "state1": "California", "state2": "", "timezone": "America/Los_Angeles",
    });
    Database {
        database_type: "ip-location-db",
        fractions: Fractions::Single,
        networks: &[("8.8.8.0/24", record)],
    }
    .install(&config.city_database_path);
    let geo = GeoIp::open(&config).place(at("8.8.8.8")).unwrap();
    assert_eq!(geo.city.as_deref(), Some("Mountain View"));
    assert_eq!(geo.region.as_deref(), Some("California"));
    assert_eq!((geo.lat, geo.lon), (Some(37.386), Some(-122.0838)));
    assert_eq!((geo.postal, geo.country_name), (None, None));
}

#[test]
fn both_families_have_a_network_and_the_first_known_system_counts() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let quad9 =
        json!({"autonomous_system_number": 19_281, "autonomous_system_organization": "Quad9"});
    let networks = [("2620:fe::/48", quad9), ("8.8.8.0/24", json!({}))];
    database("GeoLite2-ASN", &networks).install(&config.asn_database_path);
    let geoip = GeoIp::open(&config);
    let both = Addresses {
        v4: Some("8.8.8.8".parse().unwrap()),
        v6: Some("2620:fe::9".parse().unwrap()),
    };
    let expected = Net {
        ip: both.v4,
        ipv6: both.v6,
        asn: Some(19_281),
        asn_org: Some("Quad9".to_owned()),
        network: Some("8.8.8.0/24".to_owned()),
        network_v6: Some("2620:fe::/48".to_owned()),
    };
    assert_eq!(geoip.network(both), Some(expected));
    assert_eq!(geoip.network(Addresses::default()), None);
}

#[test]
fn a_new_file_is_opened_a_broken_one_is_not_and_a_missing_one_is_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let geoip = GeoIp::open(&config);
    assert_eq!(geoip.place(at("8.8.8.8")), None);
    for city in ["Roubaix", "Lille"] {
        let mut record = roubaix();
        record["city"]["names"]["en"] = json!(city);
        // Of another length each time, since clocks of file systems are coarse.
        record["filler"] = json!("x".repeat(city.len()));
        database("GeoLite2-City", &[("8.8.8.0/24", record)]).install(&config.city_database_path);
        geoip.refresh();
        let found = geoip.place(at("8.8.8.8")).unwrap().city;
        assert_eq!(found.as_deref(), Some(city));
    }
    let broken = directory.path().join("broken");
    std::fs::write(&broken, "no database").unwrap();
    std::fs::rename(&broken, &config.city_database_path).unwrap();
    geoip.refresh();
    let kept = geoip.place(at("8.8.8.8")).unwrap().city;
    assert_eq!(kept.as_deref(), Some("Lille"));
    std::fs::remove_file(&config.city_database_path).unwrap();
    geoip.refresh();
    assert_eq!(geoip.place(at("8.8.8.8")), None);
}

#[tokio::test]
async fn places_are_stored_published_and_announced() {
    let given = Given::of(MemberPlan::healthy().access(Access::Tls(Certificate::Valid))).await;
    let geo = config(&given.path("."));
    let ovh =
        json!({"autonomous_system_number": 16_276, "autonomous_system_organization": "OVH SAS"});
    database("GeoLite2-City", &[("8.8.8.0/24", roubaix())]).install(&geo.city_database_path);
    database("GeoLite2-ASN", &[("8.8.0.0/16", ovh)]).install(&geo.asn_database_path);
    let member = given.member();
    let named = DnsAnswer::Addresses(vec!["8.8.8.8".parse().unwrap()]);
    given.fleet.dns().set(member.host(), named);
    let config = MonitorConfig {
        geo,
        ..MonitorConfig::default()
    };
    look_with(&given, config).await;
    let geo: Geo = result_of(&given, member, MetadataType::Nip66Geo)
        .await
        .unwrap();
    assert_eq!(geo.city.as_deref(), Some("Roubaix"));
    let net: Net = result_of(&given, member, MetadataType::Nip66Net)
        .await
        .unwrap();
    assert_eq!(net.asn, Some(16_276));
    assert_eq!(net.network.as_deref(), Some("8.8.0.0/16"));
    let published = discovery(&given, member).await.unwrap();
    assert_eq!(published.geo.unwrap().geohash.as_deref(), Some("u1422u57b"));
    assert_eq!(published.net.unwrap().asn_org.as_deref(), Some("OVH SAS"));
    let announcements = given.servable(&[Kind::MONITOR_ANNOUNCEMENT]).await;
    let said = MonitorAnnouncement::parse(&announcements[0].as_ref()).unwrap();
    assert!(said.checks.contains(&Check::Geo) && said.checks.contains(&Check::Net));
}

#[tokio::test]
async fn everything_that_was_found_is_in_the_event() {
    let given = Given::of(MemberPlan::healthy().access(Access::Tls(Certificate::Valid))).await;
    let geo = config(&given.path("."));
    let ovh =
        json!({"autonomous_system_number": 16_276, "autonomous_system_organization": "OVH SAS"});
    database("GeoLite2-City", &[("8.8.8.0/24", roubaix())]).install(&geo.city_database_path);
    database("GeoLite2-ASN", &[("8.8.0.0/16", ovh)]).install(&geo.asn_database_path);
    let member = given.member();
    let addresses = ["8.8.8.8", "2620:fe::9"].map(|address| address.parse().unwrap());
    let named = DnsAnswer::Addresses(addresses.to_vec());
    given.fleet.dns().set(member.host(), named);
    let config = MonitorConfig {
        geo: GeoConfig {
            geohash_precision: 2,
            ..geo
        },
        processing: MonitorProcessing {
            write_probe: true,
            ..MonitorProcessing::default()
        },
        ..MonitorConfig::default()
    };
    look_with(&given, config).await;
    let (event, _) = discoveries(&given).await.pop().unwrap();
    let tags = event.as_ref().tags();
    let tags: Vec<Vec<&str>> = tags
        .iter()
        .map(|tag| tag.iter().map(AsRef::as_ref).collect())
        .collect();
    let (times, others): (Vec<_>, Vec<_>) = tags.iter().partition(|tag| tag[0].starts_with("rtt-"));
    let names: Vec<&str> = times.iter().map(|tag| tag[0]).collect();
    assert_eq!(names, ["rtt-open", "rtt-read", "rtt-write"]);
    assert!(times.iter().all(|tag| tag[1].parse::<u32>().unwrap() > 0));
    let d = format!("{}/", member.url());
    let expected: [&[&str]; 40] = [
        &["d", &d],
        &["n", "clearnet"],
        &["ssl", "valid"],
        &["ssl-expires", "2840140800"],
        &["net-ip", "8.8.8.8"],
        &["net-ipv6", "2620:fe::9"],
        &["net-asn", "16276"],
        &["net-asn-org", "OVH SAS"],
        &["g", "u1"],
        &["g", "u"],
        &["geo-country", "FR"],
        &["geo-city", "Roubaix"],
        &["geo-lat", "50.6916"],
        &["geo-lon", "3.20151"],
        &["geo-tz", "Europe/Paris"],
        &["dns-ip", "8.8.8.8"],
        &["dns-ip6", "2620:fe::9"],
        &["dns-ttl", "300"],
        &["http-server", "nostr-lab"],
        &["http-powered-by", "seeded events"],
        &["N", "1"],
        &["N", "9"],
        &["N", "11"],
        &["N", "40"],
        &["N", "45"],
        &["N", "77"],
        &["k", "22456"],
        &["t", "laboratory"],
        &["L", "ISO-3166-1"],
        &["L", "nip66.label.city"],
        &["L", "IANA-tz"],
        &["L", "IANA-asn"],
        &["L", "IANA-asnOrg"],
        &["l", "FR", "ISO-3166-1"],
        &["l", "Roubaix", "nip66.label.city"],
        &["l", "Europe/Paris", "IANA-tz"],
        &["l", "16276", "IANA-asn"],
        &["l", "OVH SAS", "IANA-asnOrg"],
        &["R", "!auth"],
        &["R", "!payment"],
    ];
    assert_eq!(
        others[..expected.len()],
        expected.map(<[&str]>::to_vec).iter().collect::<Vec<_>>()[..]
    );
    let rest: Vec<&str> = others[expected.len()..].iter().map(|tag| tag[1]).collect();
    assert_eq!(rest, ["!writes", "!pow", "PublicInbox"]);
    let content = event.as_ref().content();
    let stored = document(&given, member).await.unwrap();
    assert_eq!(content, stored.metadata.data());
}

#[tokio::test]
async fn an_overlay_relay_and_a_local_one_are_nowhere() {
    let members = [Access::Onion, Access::Loopback].map(|it| MemberPlan::healthy().access(it));
    let given = Given::start(plan_of(members)).await;
    let geo = config(&given.path("."));
    let everywhere = [("0.0.0.0/1", roubaix()), ("8000::/1", roubaix())];
    database("GeoLite2-City", &everywhere).install(&geo.city_database_path);
    let config = MonitorConfig {
        geo,
        ..MonitorConfig::default()
    };
    look_with(&given, config).await;
    for member in given.fleet.members() {
        let geo: Option<Geo> = result_of(&given, member, MetadataType::Nip66Geo).await;
        assert_eq!(geo, None, "{}", member.url());
        assert!(discovery(&given, member).await.is_some());
    }
}

fn host(file: Vec<u8>) -> MemberPlan {
    let relay = MemberPlan::healthy().access(Access::Tls(Certificate::Valid));
    relay.information(Information::File(file))
}

fn url(host: &Member) -> String {
    host.url().as_str().replacen("wss", "https", 1)
}

/// A laboratory whose member serves a file in place of its document.
async fn serving(file: Vec<u8>) -> (Given, String) {
    let given = Given::of(host(file)).await;
    let url = url(given.member());
    (given, url)
}

#[tokio::test]
async fn a_file_is_downloaded_once_and_again_when_it_is_old() {
    let (given, url) = serving(city(&[("8.8.8.0/24", roubaix())])).await;
    let geo = GeoConfig {
        city_download_url: Some(url),
        ..config(&given.path("geo"))
    };
    let config = MonitorConfig {
        geo: geo.clone(),
        ..MonitorConfig::default()
    };
    let monitor = monitor_with(&given.context, config);
    let downloads = || given.member().seen().requests.len();
    for _ in 0..2 {
        cycle(&monitor).await;
        given.clock.advance(HOUR);
        assert_eq!(downloads(), 1);
    }
    assert!(geo.city_database_path.exists());
    let file = std::fs::File::options()
        .write(true)
        .open(&geo.city_database_path);
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(given.now() - 31 * DAY);
    file.unwrap().set_modified(long_ago).unwrap();
    given.clock.advance(DAY);
    cycle(&monitor).await;
    assert_eq!(downloads(), 2);
    let left: Vec<_> = std::fs::read_dir(given.path("geo")).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing lies about");
}

#[tokio::test]
async fn what_is_no_database_replaces_nothing_and_is_not_asked_for_at_once_again() {
    let (given, url) = serving(b"<html>".to_vec()).await;
    let geo = GeoConfig {
        city_download_url: Some(url),
        ..config(&given.path("."))
    };
    let refused = download(&given.context.net, &geo, GeoFile::City).await;
    assert!(matches!(refused, Err(DownloadError::Format)));
    assert!(!geo.city_database_path.exists());
    let config = MonitorConfig {
        geo,
        ..MonitorConfig::default()
    };
    let monitor = monitor_with(&given.context, config);
    for expected in [2, 2, 3] {
        cycle(&monitor).await;
        assert_eq!(given.member().seen().requests.len(), expected);
        given.clock.advance(3 * HOUR);
    }
}

#[tokio::test]
async fn a_download_does_not_hold_up_the_end() {
    let pace = Duration::from_secs(1);
    let slow = MemberPlan::new(Behaviour::SlowTls { pace });
    let given = Given::of(slow.access(Access::Tls(Certificate::Valid))).await;
    let geo = GeoConfig {
        city_download_url: Some(url(given.member())),
        ..config(&given.path("."))
    };
    let config = MonitorConfig {
        geo,
        ..MonitorConfig::default()
    };
    let monitor = monitor_with(&given.context, config);
    let tokens = Tokens::new();
    let asked = async {
        wait_until("the file is asked for", async || {
            given.member().seen().connections > 0
        })
        .await;
        tokens.stop();
    };
    let started = Instant::now();
    let (summary, ()) = tokio::join!(monitor.cycle(&tokens), asked);
    assert!(summary.unwrap().is_idle());
    assert!(started.elapsed() < AT_ONCE);
}

#[tokio::test]
async fn a_download_has_to_have_its_checksum() {
    let file = city(&[("8.8.8.0/24", roubaix())]);
    let right = format!("{:x}  city.mmdb\n", Sha256::digest(&file));
    let wrong = format!("{:x}  city.mmdb\n", Sha256::digest("another"));
    let plan = plan_of([host(file), host(right.into()), host(wrong.into())]);
    let given = Given::start(plan).await;
    let url = |index| Some(url(given.fleet.member(index)));
    for (checksum, is_taken) in [(2, false), (1, true)] {
        let geo = GeoConfig {
            city_download_url: url(0),
            city_checksum_url: url(checksum),
            ..config(&given.path("."))
        };
        let done = download(&given.context.net, &geo, GeoFile::City).await;
        assert_eq!(done.is_ok(), is_taken);
        assert_eq!(geo.city_database_path.exists(), is_taken);
    }
}

#[tokio::test]
async fn a_file_comes_from_a_server_with_a_valid_certificate_only() {
    let file = city(&[("8.8.8.0/24", roubaix())]);
    let forged = host(file).access(Access::Tls(Certificate::SelfSigned));
    let given = Given::of(forged).await;
    let geo = GeoConfig {
        city_download_url: Some(url(given.member())),
        ..config(&given.path("geo"))
    };
    let config = MonitorConfig {
        geo: geo.clone(),
        ..MonitorConfig::default()
    };
    // Relays may have any certificate, and this one is looked at as a relay too.
    let looking_past = given.context_with(|settings| settings.allow_insecure = true);
    given.trust_all().await;
    let summary = cycle(&monitor_with(&looking_past, config)).await;
    assert_eq!(summary.count("succeeded"), 1);
    assert!(!geo.city_database_path.exists());
    let refused = download(&looking_past.net, &geo, GeoFile::City).await;
    assert!(matches!(refused, Err(DownloadError::Net(_))), "{refused:?}");
}

#[tokio::test]
async fn a_packed_file_is_unpacked() {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed
        .write_all(&city(&[("8.8.8.0/24", roubaix())]))
        .unwrap();
    let (given, url) = serving(packed.finish().unwrap()).await;
    let geo = GeoConfig {
        city_download_url: Some(url),
        ..config(&given.path("."))
    };
    download(&given.context.net, &geo, GeoFile::City)
        .await
        .unwrap();
    assert!(GeoIp::open(&geo).place(at("8.8.8.8")).is_some());
}

#[test]
fn files_that_others_made_are_read() {
    let (Some(city), Some(asn)) = (
        shared("geoip/GeoLite2-City-Test.mmdb"),
        shared("geoip/GeoLite2-ASN-Test.mmdb"),
    ) else {
        return;
    };
    let config = GeoConfig {
        city_database_path: city,
        asn_database_path: asn,
        ..GeoConfig::default()
    };
    let geoip = GeoIp::open(&config);
    let london = geoip.place(at("81.2.69.192")).unwrap();
    assert_eq!(london.city.as_deref(), Some("London"));
    assert_eq!(london.region.as_deref(), Some("England"));
    assert_eq!((london.lat, london.lon), (Some(51.5142), Some(-0.0931)));
    let net = geoip.network(at("1.128.0.1")).unwrap();
    assert_eq!(net.asn, Some(1_221));
    assert_eq!(net.network.as_deref(), Some("1.128.0.0/11"));
}

#[test]
fn broken_files_that_others_made_say_nothing_and_break_nothing() {
    let Some(directory) = shared("geoip") else {
        return;
    };
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let config = GeoConfig {
            city_database_path: path.clone(),
            asn_database_path: path,
            ..GeoConfig::default()
        };
        let geoip = GeoIp::open(&config);
        for address in [
            "1.1.1.1",
            "89.160.20.128",
            "::1",
            "2001:230::1",
            "255.255.255.255",
        ] {
            let _ = (geoip.place(at(address)), geoip.network(at(address)));
        }
    }
}
