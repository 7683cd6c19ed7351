//! `bigbrotr doctor`: what works is said, what does not is said with what to do about it.

use std::net::TcpListener;

use fleet::Authority;

use super::operator::Operator;
use crate::mmdb::{Database, Fractions};

/// The line about one part, and the advice below it.
fn finding<'o>(out: &'o str, part: &str) -> (&'o str, &'o str) {
    let mut lines = out
        .lines()
        .skip_while(|line| !line.get(6..).is_some_and(|rest| rest.starts_with(part)));
    let found = lines.next().unwrap_or_else(|| panic!("{part}:\n{out}"));
    (found, lines.next().unwrap_or_default())
}

#[test]
fn a_machine_that_is_well_is_exit_code_0() {
    let operator = Operator::offline();
    let out = operator.done(&["doctor"]);
    for part in [
        "configuration",
        "clock",
        "open files",
        "data directory",
        "database",
        "internet",
    ] {
        assert!(finding(&out, part).0.starts_with("ok "), "{out}");
    }
    assert!(
        finding(&out, "internet").0.contains("switched off"),
        "{out}"
    );
    assert!(!operator.path("data/.doctor").exists());
}

#[test]
fn each_failure_comes_with_advice() {
    let operator = Operator::offline();
    let proxy = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (works, broken) = (proxy.local_addr().unwrap(), operator.public_address());
    operator.write(
        "config/brotr.yaml",
        format!(
            "networks:\n  clearnet: {{enabled: false}}\n  tor: {{enabled: true, proxy_url: 'socks5://{broken}'}}\n  \
             i2p: {{enabled: true, proxy_url: 'socks5://{works}'}}\n"
        ),
    );
    operator.write("file", "");
    let ran = operator.run(&["doctor", "--data-dir", "file"]);
    assert_eq!(ran.code, 1);
    let (tor, advice) = finding(&ran.out, "tor");
    assert!(
        tor.starts_with("FAIL ") && advice.contains("start the proxy"),
        "{ran:?}"
    );
    assert!(finding(&ran.out, "i2p").0.starts_with("ok "), "{ran:?}");
    let (directory, advice) = finding(&ran.out, "data directory");
    assert!(
        directory.starts_with("FAIL ") && advice.contains("--data-dir"),
        "{ran:?}"
    );
    assert!(
        finding(&ran.out, "database").0.starts_with("FAIL "),
        "{ran:?}"
    );
}

#[test]
fn geo_files_are_used_off_promised_or_wrong() {
    let operator = Operator::offline();
    let out = operator.done(&["doctor"]);
    let (places, _) = finding(&out, "places");
    assert!(
        places.starts_with("ok ") && places.contains("nip66_geo is off"),
        "{out}"
    );
    let asn = serde_json::json!({"autonomous_system_number": 64_500});
    let database = Database {
        database_type: "GeoLite2-ASN",
        fractions: Fractions::Double,
        networks: &[("203.0.113.0/24", asn)],
    };
    database.install(&operator.path("asn.mmdb"));
    operator.write("city.mmdb", "<html>");
    let monitor = "geo: {city_database_path: city.mmdb, asn_database_path: asn.mmdb}\n";
    operator.write("config/services/monitor.yaml", monitor);
    let ran = operator.run(&["doctor"]);
    assert_eq!(ran.code, 1);
    let (places, advice) = finding(&ran.out, "places");
    assert!(
        places.starts_with("FAIL ") && advice.contains(".mmdb"),
        "{ran:?}"
    );
    let (systems, _) = finding(&ran.out, "systems");
    assert!(systems.ends_with("GeoLite2-ASN of 2025-06-15"), "{ran:?}");
    let monitor = "geo: {city_database_path: elsewhere.mmdb, asn_database_path: soon.mmdb, \
                   asn_download_url: 'https://example.com/asn.mmdb'}\n";
    operator.write("config/services/monitor.yaml", monitor);
    let ran = operator.run(&["doctor"]);
    assert!(
        finding(&ran.out, "places").0.starts_with("FAIL "),
        "{ran:?}"
    );
    let (systems, _) = finding(&ran.out, "systems");
    assert!(systems.contains("will be downloaded"), "{ran:?}");
}

#[test]
fn a_running_process_is_no_failure() {
    let operator = Operator::offline();
    let mut running = operator.start(&["relay"]);
    running.address("relay");
    let out = operator.done(&["doctor"]);
    assert!(
        finding(&out, "database")
            .0
            .contains("in use by another bigbrotr"),
        "{out}"
    );
    assert!(running.stop().success());
}

#[test]
fn a_relay_that_answers_proves_the_way_out() {
    let seeds = bigbrotr::app::SEED_LIST.lines();
    let mut hosts = seeds.filter_map(|line| line.strip_prefix("wss://"));
    let host = hosts.next().unwrap();
    let authority = Authority::new().unwrap();
    let (certificate, key) = authority.issue(host).unwrap();
    let server = Operator::offline();
    server.write("cert.pem", certificate);
    server.write("key.pem", key);
    server.write_relay("tls: {cert_file: cert.pem, key_file: key.pem}\n");
    let mut running = server.start(&["relay"]);
    running.address("relay");

    let operator = Operator::bare();
    let address = server.public_address();
    operator.write("ca.pem", authority.pem());
    operator.write(
        "config/brotr.yaml",
        format!("networks: {{extra_ca_file: ca.pem, hosts: {{{host}: '{address}'}}}}\n"),
    );
    let out = operator.done(&["doctor"]);
    assert!(
        finding(&out, "internet")
            .0
            .ends_with(&format!("wss://{host} answers")),
        "{out}"
    );
    assert!(running.stop().success());
}

#[test]
fn relays_that_do_not_answer_are_said_not_to() {
    let operator = Operator::bare();
    let closed = operator.public_address();
    let seeds = bigbrotr::app::SEED_LIST
        .lines()
        .filter_map(|line| line.strip_prefix("wss://"));
    let hosts = seeds
        .take(8)
        .map(|host| format!("    {host}: '{closed}'\n"));
    operator.write(
        "config/brotr.yaml",
        format!("networks:\n  hosts:\n{}", hosts.collect::<String>()),
    );
    let ran = operator.run(&["doctor"]);
    let (internet, advice) = finding(&ran.out, "internet");
    assert!(
        internet.starts_with("FAIL ") && advice.contains("dns_servers"),
        "{ran:?}"
    );
    assert_eq!(ran.code, 1);
}
