//! The units for systemd and the recipe of the package, held against systemd, the program and what is there.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use super::files::{ROLES, text};
use crate::cli::operator::Operator;
use crate::sql_files::root;

const UNITS: [&str; 2] = ["bigbrotr.service", "bigbrotr@.service"];

/// Highest exposure that `systemd-analyze security` may find, in tenths; an ordinary service has 96.
const MAX_EXPOSURE: &str = "--threshold=20";

/// `KEY=value` of a unit, the last one of a key.
fn setting(unit: &str, key: &str) -> String {
    let text = text(&format!("systemd/{unit}"));
    let mut lines = text.lines().rev();
    let found = lines.find_map(|line| line.strip_prefix(&format!("{key}=")));
    found
        .unwrap_or_else(|| panic!("{unit} has {key}"))
        .to_owned()
}

#[test]
fn units_start_commands_that_there_are() {
    let operator = Operator::bare();
    for role in ROLES.iter().chain(&["run", "seeder"]) {
        let unit = if *role == "run" { UNITS[0] } else { UNITS[1] };
        let line = setting(unit, "ExecStart").replace("%i", role);
        let mut words = line.split(' ');
        assert_eq!(words.next(), Some("/usr/bin/bigbrotr"));
        let mut words: Vec<&str> = words.collect();
        words.push("--help");
        assert_eq!(operator.run(&words).code, 0, "{line}");
    }
}

#[test]
fn units_know_how_the_program_starts_and_ends() {
    for unit in UNITS {
        assert_eq!(setting(unit, "Type"), "notify", "{unit}");
        assert_eq!(setting(unit, "RestartPreventExitStatus"), "2", "{unit}");
        let seconds: u64 = setting(unit, "TimeoutStopSec").parse().unwrap();
        assert!(seconds > bigbrotr::lifecycle::GRACE.as_secs(), "{unit}");
        assert_eq!(setting(unit, "LimitNOFILE"), "65536", "{unit}");
        let user = setting(unit, "User");
        assert!(text("systemd/bigbrotr.sysusers").contains(&format!("\nu {user} ")));
    }
    let unlike: Vec<(String, String)> = text("systemd/bigbrotr.service")
        .lines()
        .zip(text("systemd/bigbrotr@.service").lines().skip(2))
        .filter(|(one, other)| one != other)
        .map(|(one, other)| (one.to_owned(), other.to_owned()))
        .collect();
    let keys: BTreeSet<&str> = unlike
        .iter()
        .filter_map(|(line, _)| Some(line.split_once('=')?.0))
        .collect();
    assert_eq!(keys, BTreeSet::from(["Description", "ExecStart"]));
}

/// Where the machine has systemd's own checks, they are asked too.
#[test]
fn systemd_accepts_the_units_and_finds_them_closed() {
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        eprintln!("skipped: no systemd-analyze on this machine");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_bigbrotr");
    for unit in UNITS {
        let path = folder.path().join(unit.replace("@.", "@monitor."));
        fs::write(
            &path,
            text(&format!("systemd/{unit}")).replace("/usr/bin/bigbrotr", program),
        )
        .unwrap();
        let mut verify = Command::new("systemd-analyze");
        let verified = verify
            .args(["verify", "--man=no"])
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&verified.stderr);
        let about_us: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("bigbrotr"))
            .collect();
        assert!(verified.status.success() && about_us.is_empty(), "{said}");
        let mut security = Command::new("systemd-analyze");
        security.args(["security", "--offline=true", "--no-pager", MAX_EXPOSURE]);
        let secured = security.arg(&path).output().unwrap();
        assert!(
            secured.status.success(),
            "{}",
            String::from_utf8_lossy(&secured.stdout)
        );
    }
}

/// The metadata of the package, by Cargo itself.
fn recipe() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|package| package["name"] == "bigbrotr");
    package.unwrap()["metadata"]["deb"].clone()
}

#[test]
fn the_package_is_made_of_what_is_there() {
    let recipe = recipe();
    for asset in recipe["assets"].as_array().unwrap() {
        let source = asset[0].as_str().unwrap();
        let path = root().join(source.split('*').next().unwrap());
        assert!(
            source == "target/release/bigbrotr" || path.exists(),
            "{source}"
        );
    }
    // One name stands for both units: a name with an @ makes a third one, which nobody can start.
    let units = &recipe["systemd-units"];
    assert_eq!(units["unit-name"], "bigbrotr");
    let folder = root().join(units["unit-scripts"].as_str().unwrap());
    assert!(UNITS.iter().all(|unit| folder.join(unit).exists()));
    for file in recipe["conf-files"].as_array().unwrap() {
        let name = file.as_str().unwrap().trim_start_matches("/etc/bigbrotr/");
        assert!(root().join(name).exists(), "{name}");
    }
}

/// What cargo-deb adds to them knows `bigbrotr.service` only.
#[test]
fn the_scripts_of_the_package_know_the_user_and_every_role() {
    let recipe = recipe();
    let scripts = root().join(recipe["maintainer-scripts"].as_str().unwrap());
    let script = |name: &str| fs::read_to_string(scripts.join(name)).unwrap();
    for name in ["postinst", "prerm"] {
        assert!(script(name).contains("\n#DEBHELPER#\n"), "{name}");
    }
    assert!(script("postinst").contains("systemd-sysusers bigbrotr.conf\n"));
    assert!(script("postinst").contains("systemctl try-restart 'bigbrotr@*.service'\n"));
    assert!(script("prerm").contains("systemctl stop 'bigbrotr@*.service'\n"));
    let wanted = recipe["depends"].as_str().unwrap();
    assert!(wanted.contains("systemd-sysusers"), "{wanted}");
}
