//! The stacks: what compose reads, with every name in it held against the program and its settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::files::{DEPLOYMENTS, ROLES, keys, parse_yaml, place, text, texts, variables};
use crate::cli::operator::Operator;
use crate::sql_files::root;

/// The include files, and what a deployment's own file says about each.
const INCLUDED: [&str; 4] = ["database", "networks", "services", "monitoring"];

/// Every service of a deployment after interpolation, by name.
fn services(deployment: &str) -> BTreeMap<String, Value> {
    let variables = variables(&format!("{deployment}/deployment.env"));
    let main = text(&format!("{deployment}/compose.yaml"));
    let mut services = BTreeMap::new();
    for name in INCLUDED {
        let line = format!(
            "{{path: ../common/compose.{name}.yaml, project_directory: ., env_file: deployment.env}}"
        );
        assert!(main.contains(&line), "{deployment} includes {name}");
        let file = format!("common/compose.{name}.yaml");
        let mut text = text(&file);
        for (name, value) in &variables {
            text = replace_variable(&text, name, value);
        }
        let file = parse_yaml(&file, &text);
        for (name, service) in file["services"].as_object().unwrap() {
            services.insert(name.clone(), service.clone());
        }
    }
    services
}

/// `${NAME}` and `${NAME:-default}` become the value.
fn replace_variable(text: &str, name: &str, value: &str) -> String {
    let opening = format!("${{{name}");
    let mut parts = text.split(&opening);
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        match part.split_once('}') {
            Some((default, rest)) if default.is_empty() || default.starts_with(":-") => {
                out.push_str(value);
                out.push_str(rest);
            }
            _ => {
                out.push_str(&opening);
                out.push_str(part);
            }
        }
    }
    out
}

/// `127.0.0.1:8001:8000` of a service, as address, port outside and port inside.
fn ports(service: &Value) -> Vec<(String, u16, u16)> {
    let ports = texts(&service["ports"]).into_iter();
    let split = ports.map(|port| {
        let mut parts = port.rsplitn(3, ':');
        let inside = parts.next().unwrap().parse().unwrap();
        let outside = parts.next().unwrap().parse().unwrap();
        (parts.next().unwrap_or_default().to_owned(), outside, inside)
    });
    split.collect()
}

fn is_ours(service: &Value) -> bool {
    let image = service["image"].as_str().unwrap();
    image.starts_with("bigbrotr:")
}

#[test]
fn every_container_of_ours_runs_a_command_that_there_is() {
    let operator = Operator::bare();
    for (deployment, _) in DEPLOYMENTS {
        let services = services(deployment);
        for role in ROLES {
            assert_eq!(texts(&services[role]["command"]), [role], "{deployment}");
        }
        for (name, service) in services.iter().filter(|(_, service)| is_ours(service)) {
            let mut command = texts(&service["command"]);
            command.push("--help".to_owned());
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            assert_eq!(operator.run(&command).code, 0, "{deployment}: {name}");
        }
    }
}

#[test]
fn ports_are_on_loopback_and_every_deployment_has_its_own() {
    let mut seen = BTreeSet::new();
    for (deployment, _) in DEPLOYMENTS {
        for (name, service) in services(deployment) {
            for (address, outside, _) in ports(&service) {
                assert_eq!(address, "127.0.0.1", "{deployment}: {name}");
                assert!(seen.insert(outside), "{deployment}: {name} takes {outside}");
            }
        }
    }
    assert!(seen.len() > 3 * ROLES.len());
}

#[test]
fn roles_are_reached_where_their_settings_say_that_they_listen() {
    for (deployment, _) in DEPLOYMENTS {
        let listing = super::settings::listing(deployment);
        let port = |key: &str| -> u16 {
            let value = &listing[key];
            let value = value.trim_matches('"').rsplit(':').next().unwrap();
            value.parse().unwrap()
        };
        assert_eq!(listing["brotr.metrics.host"], "\"0.0.0.0\"");
        assert!(listing["relay.listen"].starts_with("\"0.0.0.0:"));
        let services = services(deployment);
        for role in ROLES {
            let inside = ports(&services[role]);
            let inside: Vec<u16> = inside.into_iter().map(|(_, _, inside)| inside).collect();
            assert!(inside.contains(&port("brotr.metrics.port")), "{role}");
        }
        let relay = ports(&services["relay"]);
        assert!(
            relay
                .iter()
                .any(|(_, _, inside)| *inside == port("relay.listen"))
        );
    }
}

#[test]
fn the_settings_name_containers_that_there_are() {
    for (deployment, name) in DEPLOYMENTS {
        let listing = super::settings::listing(deployment);
        let services = services(deployment);
        let place = |key: &str| {
            let url = url::Url::parse(listing[key].trim_matches('"')).unwrap();
            (url.host_str().unwrap().to_owned(), url.port().unwrap())
        };
        for (key, service) in [
            ("brotr.store.url", "pgbouncer"),
            ("brotr.store.listen_url", "postgres"),
            ("brotr.networks.tor.proxy_url", "tor"),
            ("brotr.networks.i2p.proxy_url", "i2pd"),
            ("brotr.networks.loki.proxy_url", "lokinet"),
        ] {
            let (host, port) = place(key);
            assert_eq!(host, service, "{deployment}: {key}");
            let inside = ports(&services[service]);
            assert!(inside.iter().any(|(_, _, inside)| *inside == port), "{key}");
        }
        for key in ["brotr.store.url", "brotr.store.listen_url"] {
            let url = url::Url::parse(listing[key].trim_matches('"')).unwrap();
            assert_eq!(url.path(), format!("/{name}"), "{deployment}: {key}");
            assert_eq!(url.username(), "writer", "{deployment}: {key}");
        }
        let admin = services["migrate"]["environment"]["DATABASE_URL"].as_str();
        assert_eq!(
            admin,
            Some(format!("postgres://admin@postgres:5432/{name}").as_str())
        );
    }
}

#[test]
fn nobody_gets_a_secret_that_is_not_for_them() {
    let services = services("bigbrotr");
    let secrets = |name: &str| -> BTreeSet<String> {
        let names = keys(&services[name]["environment"]).into_iter();
        let values = texts_of_map(&services[name]["environment"]);
        let is_secret = |(_, value): &(String, String)| value.contains(":?run");
        let pairs = names.zip(values).filter(is_secret);
        pairs.map(|(name, _)| name).collect()
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    for role in ROLES {
        let expected: BTreeSet<String> = match role {
            "monitor" | "synchronizer" => set(&["DB_WRITER_PASSWORD", "PRIVATE_KEY"]),
            _ => set(&["DB_WRITER_PASSWORD"]),
        };
        assert_eq!(secrets(role), expected, "{role}");
    }
    assert_eq!(secrets("postgres"), set(&["POSTGRES_PASSWORD"]));
    assert_eq!(secrets("postgres-exporter"), set(&["DATA_SOURCE_PASS"]));
    assert_eq!(secrets("prometheus"), set(&[]));
    let wanted: BTreeSet<String> = INCLUDED
        .iter()
        .flat_map(|name| wanted_secrets(&text(&format!("common/compose.{name}.yaml"))))
        .collect();
    for (deployment, _) in DEPLOYMENTS {
        let offered = variables(&format!("{deployment}/.env.example"));
        assert_eq!(offered.into_keys().collect::<BTreeSet<_>>(), wanted);
    }
}

fn texts_of_map(value: &Value) -> Vec<String> {
    let values = value.as_object().into_iter().flatten();
    values.map(|(_, value)| texts(value).concat()).collect()
}

/// Names in `${NAME:?…}`.
fn wanted_secrets(text: &str) -> Vec<String> {
    let parts = text.split("${").skip(1);
    let names = parts.filter_map(|part| part.split_once(":?"));
    let names = names.filter(|(name, _)| !name.contains('}'));
    names.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn containers_are_bounded_and_may_little() {
    for (name, service) in services("bigbrotr") {
        let limits = &service["deploy"]["resources"]["limits"];
        assert!(limits["cpus"].is_string(), "{name}");
        assert!(limits["memory"].is_string(), "{name}");
        assert!(
            !service["logging"]["options"]["max-size"].is_null(),
            "{name}"
        );
        let image = service["image"].as_str().unwrap();
        let (_, tag) = image.rsplit_once(':').unwrap();
        assert!(tag != "latest", "{name} is pinned");
        if is_ours(&service) {
            assert_eq!(service["read_only"], true, "{name}");
            assert_eq!(texts(&service["cap_drop"]), ["ALL"], "{name}");
            assert_eq!(
                texts(&service["security_opt"]),
                ["no-new-privileges:true"],
                "{name}"
            );
        }
    }
}

/// Files and folders that are mounted are there.
#[test]
fn what_is_mounted_is_there() {
    for (deployment, _) in DEPLOYMENTS {
        for (name, service) in services(deployment) {
            for volume in texts(&service["volumes"]) {
                let source = volume.split(':').next().unwrap();
                let is_path = source.starts_with('.');
                let path = place(deployment).join(source);
                assert!(!is_path || path.exists(), "{deployment}: {name}: {source}");
            }
        }
    }
}

#[test]
fn the_image_is_made_of_what_is_there() {
    let dockerfile = text("Dockerfile");
    for (deployment, _) in &DEPLOYMENTS[..2] {
        for line in dockerfile
            .lines()
            .filter(|line| line.starts_with("COPY deployments/"))
        {
            let source = line
                .split(' ')
                .nth(1)
                .unwrap()
                .replace("${DEPLOYMENT}", deployment);
            assert!(root().join(&source).exists(), "{source}");
        }
    }
    assert!(dockerfile.contains("COPY --chmod=0755 deployments/common/image/healthcheck.sh"));
    let toolchain = fs::read_to_string(root().join("rust-toolchain.toml")).unwrap();
    let version = toolchain.split('"').nth(1).unwrap();
    assert!(
        dockerfile.contains(&format!("FROM rust:{version}-slim")),
        "{version}"
    );
    let ignored = fs::read_to_string(root().join(".dockerignore")).unwrap();
    // What was built outside, an archive with the monitor's key, dumps of a database, secrets.
    for name in ["**/target", "data", "**/dumps", "**/.env"] {
        assert!(ignored.lines().any(|line| line == name), "{name}");
    }
}

/// Where the machine has Docker's own parser, it is asked too.
#[test]
fn compose_itself_accepts_every_deployment() {
    let version = Command::new("docker")
        .args(["compose", "version"])
        .stderr(Stdio::null())
        .output();
    if !version.is_ok_and(|version| version.status.success()) {
        eprintln!("skipped: no docker compose on this machine");
        return;
    }
    let copy = tempfile::tempdir().unwrap();
    let mut copied = Command::new("cp");
    copied
        .arg("-r")
        .arg(place(""))
        .arg(copy.path().join("deployments"));
    assert!(run(&mut copied).success());
    for (deployment, _) in DEPLOYMENTS {
        let folder = copy.path().join("deployments").join(deployment);
        let mut secrets = Command::new("../common/secrets.sh");
        assert!(run(secrets.current_dir(&folder)).success());
        let mut config = Command::new("docker");
        config.args([
            "compose",
            "--profile",
            "i2p",
            "--profile",
            "loki",
            "config",
            "--quiet",
        ]);
        assert!(run(config.current_dir(&folder)).success(), "{deployment}");
    }
}

fn run(command: &mut Command) -> std::process::ExitStatus {
    command.stderr(Stdio::null()).status().unwrap()
}

#[test]
fn variables_are_replaced_as_compose_does() {
    assert_eq!(
        replace_variable("a ${X} ${X:-7} ${XY}", "X", "1"),
        "a 1 1 ${XY}"
    );
}
