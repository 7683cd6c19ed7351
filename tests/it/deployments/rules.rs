//! Alert rules: what they read is exposed, and each was shown to fire.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::files::{place, text, yaml};
use super::promql::names;

/// Every rule of the file.
pub(super) fn rules() -> Vec<Value> {
    let file = yaml("common/prometheus/alerts.yaml");
    let groups = file["groups"].as_array().unwrap().iter();
    groups
        .flat_map(|group| group["rules"].as_array().unwrap().clone())
        .collect()
}

/// The Prometheus project's own tool.
pub(super) fn promtool(arguments: &[&str]) {
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(place("common/prometheus"))
        .output()
        .expect("these tests need Prometheus: `make test-servers` installs it");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "promtool {arguments:?}:\n{said}");
}

#[test]
fn every_rule_fires_when_it_should_and_only_then() {
    promtool(&["test", "rules", "alerts_test.yaml"]);
    let tested = yaml("common/prometheus/alerts_test.yaml");
    let tests = tested["tests"].as_array().unwrap().iter();
    let cases = tests.flat_map(|test| test["alert_rule_test"].as_array().unwrap());
    let fired = cases.filter(|case| !case["exp_alerts"].as_array().unwrap().is_empty());
    let fired: BTreeSet<&str> = fired
        .map(|case| case["alertname"].as_str().unwrap())
        .collect();
    let rules = rules();
    let all: BTreeSet<&str> = rules
        .iter()
        .map(|rule| rule["alert"].as_str().unwrap())
        .collect();
    assert_eq!(fired, all);
}

#[test]
fn the_settings_of_prometheus_are_accepted() {
    promtool(&["check", "config", "prometheus.yaml"]);
}

#[test]
fn rules_read_labels_that_there_are_and_say_what_to_do() {
    for rule in rules() {
        let name = rule["alert"].as_str().unwrap();
        for selector in names(rule["expr"].as_str().unwrap()).selectors {
            selector.check_labels(name);
        }
        assert!(["warning", "critical"].contains(&rule["labels"]["severity"].as_str().unwrap()));
        let annotations = &rule["annotations"];
        assert!(annotations["summary"].is_string(), "{name}");
        let action = annotations["action"].as_str().unwrap();
        for page in action.split(' ').filter(|word| word.starts_with("docs/")) {
            assert!(place("..").join(page).exists(), "{name}: {page}");
        }
    }
}

#[test]
fn alerts_reach_somebody_by_the_names_that_they_have() {
    let settings = yaml("common/alertmanager/alertmanager.yaml");
    let receivers = settings["receivers"].as_array().unwrap();
    let is_there = |name: &Value| receivers.iter().any(|receiver| receiver["name"] == *name);
    assert!(is_there(&settings["route"]["receiver"]));
    for route in settings["route"]["routes"].as_array().unwrap() {
        assert!(is_there(&route["receiver"]));
    }
    let text = text("common/alertmanager/alertmanager.yaml");
    for quoted in text.split("alertname=\"").skip(1) {
        let name = quoted.split('"').next().unwrap();
        assert!(rules().iter().any(|rule| rule["alert"] == name), "{name}");
    }
}
