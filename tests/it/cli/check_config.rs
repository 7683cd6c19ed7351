//! `bigbrotr check-config`: every value with its source, every mistake with its place.

use super::operator::Operator;

/// The source that the listing gives for a key of a file.
fn source<'l>(listing: &'l str, file: &str, key: &str) -> &'l str {
    let of_file = listing
        .lines()
        .skip_while(|line| *line != format!("{file}:"));
    let mut lines = of_file.skip(1).take_while(|line| line.starts_with(' '));
    let line = lines.find(|line| line.trim_start().starts_with(&format!("{key}: ")));
    line.unwrap().rsplit_once("# ").unwrap().1
}

#[test]
fn every_value_names_its_source() {
    let operator = Operator::bare();
    operator.write(
        "config/brotr.yaml",
        "log:\n  format: json\nmetrics: {port: 0}\n",
    );
    operator.write("config/services/finder.yaml", "\ninterval: 60\n");
    operator.write("relay-config/policy.yaml", "rates:\n  max_connections: 7\n");
    let listing = operator.done(&["check-config", "--log-level", "debug"]);
    for (file, key, expected) in [
        ("brotr", "log.format", "config/brotr.yaml:2"),
        ("brotr", "metrics.port", "config/brotr.yaml:3"),
        ("brotr", "metrics.host", "default"),
        ("brotr", "log.level", "command line"),
        ("finder", "interval", "config/services/finder.yaml:2"),
        ("seeder", "interval", "default"),
        (
            "policy",
            "rates.max_connections",
            "relay-config/policy.yaml:2",
        ),
        ("relay", "listen", "default"),
    ] {
        assert_eq!(source(&listing, file, key), expected, "{key}\n{listing}");
    }
    assert!(listing.contains("rates.max_connections: 7 "), "{listing}");
}

#[test]
fn folders_are_where_the_options_say() {
    let operator = Operator::bare();
    operator.write("a/brotr.yaml", "log: {level: warn}\n");
    operator.write("b/relay.yaml", "listen: '[::1]:7'\n");
    let options = [
        "--config",
        "a",
        "--relay-config",
        "b",
        "--data-dir",
        "c",
        "check-config",
    ];
    let listing = operator.done(&options);
    assert_eq!(source(&listing, "brotr", "log.level"), "a/brotr.yaml:1");
    assert_eq!(source(&listing, "relay", "listen"), "b/relay.yaml:1");
    assert!(listing.ends_with("data_dir: c\n"), "{listing}");
    assert!(
        !operator.path("c").exists(),
        "looking leaves nothing behind"
    );
}

#[test]
fn the_database_of_the_environment_is_named_as_one() {
    let listing = Operator::bare().run_with(&[("DATABASE_URL", "embedded")], &["check-config"]);
    assert_eq!(
        source(&listing.out, "brotr", "store.url"),
        "environment DATABASE_URL"
    );
}

#[test]
fn all_mistakes_are_told_at_once_with_file_line_key_and_the_nearest_key() {
    let operator = Operator::bare();
    operator.write(
        "config/brotr.yaml",
        "log:\n  levle: info\nnetworks:\n  tor: {max_tasks: 0}\n",
    );
    operator.write("config/services/monitor.yaml", "intervall: 5\n");
    operator.write("config/services/validator.yaml", "interval: [\n");
    operator.write(
        "relay-config/relay.yaml",
        "limits: {max_limit: 10}\nlisten: nowhere\n",
    );
    let said = operator.run(&["check-config"]).refused(2);
    for line in [
        "config/brotr.yaml:2:3: log.levle: unknown key, did you mean level?",
        "config/brotr.yaml:4:20: networks.tor.max_tasks: must be a whole number from 1 to 200",
        "config/services/monitor.yaml:1:1: intervall: unknown key, did you mean interval?",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    for place in [
        "config/services/validator.yaml:",
        "relay-config/relay.yaml:2:",
    ] {
        assert!(said.contains(place), "{place}\n{said}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let operator = Operator::bare();
    operator.write("config/brotr.yaml/is-a-folder", "");
    assert!(
        operator
            .run(&["check-config"])
            .refused(2)
            .contains("could not read config/brotr.yaml")
    );
}

#[test]
fn what_is_named_and_cannot_be_used_is_a_mistake_too() {
    let operator = Operator::bare();
    operator.write(
        "config/brotr.yaml",
        "networks:\n  extra_ca_file: missing-ca.pem\n",
    );
    operator.write(
        "relay-config/relay.yaml",
        "\ntls: {cert_file: missing.pem, key_file: key.pem}\n",
    );
    let said = operator
        .run_with(&[("PRIVATE_KEY", "topsecret")], &["check-config"])
        .refused(2);
    for place in [
        "config/brotr.yaml:2:18: networks.extra_ca_file: could not use missing-ca.pem",
        "relay-config/relay.yaml:2:6: tls: could not use missing.pem",
        "environment: PRIVATE_KEY: secret key is neither 64 hex digits nor nsec",
    ] {
        assert!(said.contains(place), "{place}\n{said}");
    }
    assert!(!said.contains("topsecret"), "{said}");
    let same = operator.run(&["run"]).refused(2);
    assert!(same.contains("missing.pem"), "{same}");
    assert!(!operator.path("data").exists());
}

#[test]
fn who_asks_clients_for_their_keys_has_to_have_a_name() {
    let operator = Operator::bare();
    operator.write("relay-config/policy.yaml", "write: {policy: authed}\n");
    operator.write("relay-config/relay.yaml", "listen: 0.0.0.0:7\n");
    let said = operator.run(&["check-config"]).refused(2);
    let place =
        "relay-config/policy.yaml:1:17: write.policy: authed needs public_url in relay.yaml";
    assert!(said.contains(place), "{said}");
    for named in [
        "listen: 0.0.0.0:7\npublic_url: wss://archive.example.com\n",
        "listen: 192.0.2.1:7\n",
    ] {
        operator.write("relay-config/relay.yaml", named);
        operator.done(&["check-config"]);
    }
}

#[test]
fn a_database_url_with_a_password_is_refused_and_not_repeated() {
    let operator = Operator::bare();
    let url = "postgres://writer:hunter2@pgbouncer:6432/bigbrotr";
    let clear = "the password does not belong into the URL";
    for command in ["check-config", "run", "status"] {
        let said = operator
            .run_with(&[("DATABASE_URL", url)], &[command])
            .refused(2);
        assert!(
            said.contains(&format!("environment DATABASE_URL: store.url: {clear}")),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
    operator.write(
        "config/brotr.yaml",
        format!("store:\n  url: {url}\n  listen_url: {url}\n  replica_url: {url}\n"),
    );
    let said = operator.run(&["check-config"]).refused(2);
    assert!(
        said.contains(&format!("config/brotr.yaml:2:8: store.url: {clear}")),
        "{said}"
    );
    for place in ["3:15: store.listen_url", "4:16: store.replica_url"] {
        let problem = format!("config/brotr.yaml:{place}: {clear}");
        assert!(said.contains(&problem), "{said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}
