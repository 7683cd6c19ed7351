//! Grafana's dashboards: files that it can read, with queries that somebody answers.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::files::{place, yaml};
use super::promql::names;

/// A query of a panel.
pub(super) struct Query {
    /// Dashboard and panel.
    pub(super) place: String,
    pub(super) expression: String,
}

/// Every dashboard, by the name of its file.
fn dashboards() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(place("common/grafana/dashboards")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        found.push((name, serde_json::from_str(&text).unwrap()));
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    panels.filter(|panel| panel["type"] != "row")
}

/// Every query of every panel.
pub(super) fn queries() -> Vec<Query> {
    let mut found = Vec::new();
    for (name, dashboard) in dashboards() {
        for panel in panels(&dashboard) {
            for target in panel["targets"].as_array().unwrap() {
                found.push(Query {
                    place: format!("{name}: {}", panel["title"].as_str().unwrap()),
                    expression: target["expr"].as_str().unwrap().to_owned(),
                });
            }
        }
    }
    found
}

#[test]
fn the_dashboards_are_those_that_operators_know() {
    let names: Vec<String> = dashboards().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["archive", "database", "overview", "relay", "services"]
    );
    assert!(queries().len() > 80);
}

#[test]
fn every_panel_has_a_place_and_a_source_of_its_own() {
    let source = yaml("common/grafana/provisioning/datasources/prometheus.yaml");
    let uid = &source["datasources"][0]["uid"];
    let mut uids = BTreeSet::new();
    for (name, dashboard) in dashboards() {
        assert!(
            uids.insert(dashboard["uid"].as_str().unwrap().to_owned()),
            "{name}"
        );
        let mut ids = BTreeSet::new();
        let mut cells = BTreeSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: {panel}");
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(x < 24 && cells.insert((x, y)), "{name}: {}", panel["title"]);
                }
            }
        }
        for panel in panels(&dashboard) {
            assert_eq!(panel["datasource"]["uid"], *uid, "{name}");
        }
    }
}

#[test]
fn queries_read_labels_that_there_are() {
    for query in queries() {
        for selector in names(&query.expression).selectors {
            selector.check_labels(&query.place);
        }
    }
}

#[test]
fn grafana_looks_for_them_where_compose_puts_them() {
    let provider = yaml("common/grafana/provisioning/dashboards/bigbrotr.yaml");
    let path = provider["providers"][0]["options"]["path"]
        .as_str()
        .unwrap();
    let compose = super::files::text("common/compose.monitoring.yaml");
    assert!(compose.contains(&format!("../common/grafana/dashboards:{path}:ro")));
    let home = compose.lines().find_map(|line| {
        line.trim()
            .strip_prefix("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: ")
    });
    let home = home.unwrap().strip_prefix(path).unwrap();
    assert!(place(&format!("common/grafana/dashboards{home}")).exists());
}
