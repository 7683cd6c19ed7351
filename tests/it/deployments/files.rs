//! The files below `deployments/`, read as data.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::sql_files::root;

/// The deployments, and the name that each has for its database, its image and its networks.
pub(super) const DEPLOYMENTS: [(&str, &str); 3] = [
    ("bigbrotr", "bigbrotr"),
    ("lilbrotr", "lilbrotr"),
    ("_template", "mybrotr"),
];

/// Roles that run for ever in a container of their own.
pub(super) const ROLES: [&str; 6] = [
    "finder",
    "validator",
    "monitor",
    "synchronizer",
    "refresher",
    "relay",
];

/// A place below `deployments/`.
pub(super) fn place(name: &str) -> PathBuf {
    root().join("deployments").join(name)
}

/// A file below `deployments/`.
pub(super) fn text(name: &str) -> String {
    let path = place(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A YAML file below `deployments/`.
pub(super) fn yaml(name: &str) -> Value {
    parse_yaml(name, &text(name))
}

pub(super) fn parse_yaml(name: &str, text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// `NAME=value` lines of a file below `deployments/`.
pub(super) fn variables(name: &str) -> BTreeMap<String, String> {
    let text = text(name);
    let pairs = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = pairs.filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The texts of a list, or the one text that stands in its place.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        _ => Vec::new(),
    }
}

/// The keys of a map.
pub(super) fn keys(value: &Value) -> Vec<String> {
    let map = value.as_object();
    map.map_or_else(Vec::new, |map| map.keys().cloned().collect())
}
