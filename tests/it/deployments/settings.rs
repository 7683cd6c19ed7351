//! The settings of each deployment, read by the program that they are for, and its secrets.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::files::{DEPLOYMENTS, place, text, variables};
use crate::cli::operator::Operator;
use crate::generated;

/// What the template changes about the defaults: where the other containers are.
const CHANGED: [(&str, &str, &str); 8] = [
    (
        "config/brotr.yaml",
        "  url: embedded",
        "  url: \"postgres://writer@pgbouncer:6432/mybrotr\"",
    ),
    (
        "config/brotr.yaml",
        "  listen_url: null",
        "  listen_url: \"postgres://writer@postgres:5432/mybrotr\"",
    ),
    ("config/brotr.yaml", "  migrate: true", "  migrate: false"),
    (
        "config/brotr.yaml",
        "socks5://127.0.0.1:9050",
        "socks5://tor:9050",
    ),
    (
        "config/brotr.yaml",
        "socks5://127.0.0.1:4447",
        "socks5://i2pd:4447",
    ),
    (
        "config/brotr.yaml",
        "socks5://127.0.0.1:1080",
        "socks5://lokinet:1080",
    ),
    (
        "config/brotr.yaml",
        "  host: \"127.0.0.1\"",
        "  host: \"0.0.0.0\"",
    ),
    (
        "relay-config/relay.yaml",
        "listen: \"127.0.0.1:7777\"",
        "listen: \"0.0.0.0:7777\"",
    ),
];

/// The effective value of each key of a deployment, e.g. `brotr.store.url`.
pub(super) fn listing(deployment: &str) -> BTreeMap<String, String> {
    let place = place(deployment);
    let folder = |name: &str| place.join(name).display().to_string();
    let (config, relay) = (folder("config"), folder("relay-config"));
    let listing = Operator::bare().run_with(
        &[("DB_WRITER_PASSWORD", "secret")],
        &[
            "check-config",
            "--config",
            &config,
            "--relay-config",
            &relay,
        ],
    );
    assert_eq!(listing.code, 0, "{deployment}: {}", listing.err);
    let mut values = BTreeMap::new();
    let mut section = String::new();
    for line in listing.out.lines() {
        match line.strip_prefix("  ") {
            None => section = line.trim_end_matches(':').to_owned(),
            Some(line) => {
                let (line, _) = line.rsplit_once("# ").unwrap();
                let (key, value) = line.split_once(": ").unwrap();
                values.insert(format!("{section}.{key}"), value.trim_end().to_owned());
            }
        }
    }
    values
}

#[test]
fn the_program_accepts_the_settings_of_every_deployment() {
    let defaults = Operator::bare().done(&["check-config"]);
    for (deployment, _) in DEPLOYMENTS {
        assert!(listing(deployment).len() > 100, "{deployment}");
    }
    assert!(defaults.contains("archive.mode: \"full\""));
    assert_eq!(listing("lilbrotr")["brotr.archive.mode"], "\"lightweight\"");
    assert_eq!(listing("bigbrotr")["brotr.archive.mode"], "\"full\"");
}

/// A deployment says what differs; what equals the default belongs into the template alone.
#[test]
fn the_template_is_generated_and_spells_out_every_key() {
    let operator = Operator::bare();
    for section in [
        "brotr",
        "seeder",
        "finder",
        "validator",
        "monitor",
        "synchronizer",
        "refresher",
        "relay",
        "policy",
    ] {
        let sample = operator.done(&["default-config", section]);
        let file = sample[2..].split(':').next().unwrap().to_owned();
        let mut expected = sample;
        for (_, default, changed) in CHANGED.iter().filter(|(of, ..)| *of == file) {
            assert_eq!(expected.matches(default).count(), 1, "{file}: {default}");
            expected = expected.replace(default, changed);
        }
        generated::hold(&format!("deployments/_template/{file}"), &expected);
    }
}

#[test]
fn secrets_are_filled_once_and_readable_for_nobody_else() {
    let operator = Operator::bare();
    operator.write(".env.example", text("bigbrotr/.env.example"));
    let script = place("common/secrets.sh");
    let run = || {
        let status = Command::new(&script)
            .current_dir(operator.folder())
            .status();
        assert!(status.unwrap().success());
        operator.read(".env")
    };
    let first = run();
    let mode = std::fs::metadata(operator.path(".env")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let mut values: Vec<&str> = first
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    values.retain(|line| !line.is_empty());
    let secrets: Vec<&str> = values
        .iter()
        .map(|line| line.split_once('=').unwrap().1)
        .collect();
    assert_eq!(secrets.len(), variables("bigbrotr/.env.example").len());
    assert!(
        secrets.iter().all(|secret| secret.len() == 64),
        "{secrets:?}"
    );
    let distinct: std::collections::BTreeSet<&&str> = secrets.iter().collect();
    assert_eq!(distinct.len(), secrets.len());
    assert_eq!(run(), first, "what has a value stays");
    // The key is one.
    let key = first
        .lines()
        .find_map(|line| line.strip_prefix("PRIVATE_KEY="));
    let checked = operator.run_with(&[("PRIVATE_KEY", key.unwrap())], &["check-config"]);
    assert_eq!(checked.code, 0, "{}", checked.err);
}
