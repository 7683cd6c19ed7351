//! What a PromQL expression reads, as far as names go: the rest is for Prometheus' own parser.

use std::collections::BTreeSet;

use bigbrotr::metrics::{Described, catalogue};

/// Labels that Prometheus adds to everything it scrapes, and the bound of a bucket.
const ADDED_LABELS: [&str; 3] = ["job", "instance", "le"];

/// What stands before a list of labels in parentheses.
const GROUPINGS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

/// Words that are no metric.
const WORDS: [&str; 6] = ["and", "or", "unless", "offset", "bool", "inf"];

/// What an expression reads: `name{label="value"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    pub(super) name: String,
    pub(super) matchers: Vec<(String, String, String)>,
}

/// Everything that an expression names.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) selectors: Vec<Selector>,
    /// Labels that it groups or joins by.
    pub(super) labels: BTreeSet<String>,
}

impl Selector {
    /// The value that a label has to have, where it is one value.
    pub(super) fn exactly(&self, label: &str) -> Option<&str> {
        let mut found = self.matchers.iter();
        let found = found.find(|(name, operator, _)| name == label && operator == "=");
        found.map(|(.., value)| value.as_str())
    }

    /// The metric of ours that it reads; `None` when it is somebody else's.
    pub(super) fn ours(&self) -> Option<Described> {
        let is_it = |metric: &Described| match metric.kind() {
            "histogram" => ["_bucket", "_sum", "_count"]
                .iter()
                .any(|suffix| self.name.strip_suffix(suffix) == Some(metric.name)),
            _ => self.name == metric.name,
        };
        catalogue().into_iter().find(is_it)
    }

    /// Fails for a label that the metric does not have.
    pub(super) fn check_labels(&self, place: &str) {
        let Some(metric) = self.ours() else { return };
        for (label, ..) in &self.matchers {
            let is_known =
                ADDED_LABELS.contains(&label.as_str()) || metric.labels.contains(&label.as_str());
            assert!(is_known, "{place}: {} has no label {label}", self.name);
        }
    }
}

/// What an expression reads.
pub(super) fn names(expression: &str) -> Names {
    let mut names = Names::default();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '[' {
            rest = &rest[rest.find(']').unwrap() + 1..];
        } else if first == '"' {
            rest = quoted(&rest[1..]).1;
        } else if first.is_ascii_alphabetic() || first == '_' {
            rest = word(rest, &mut names);
        } else if first.is_ascii_digit() {
            // A number or a duration.
            rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.');
        } else {
            rest = &rest[first.len_utf8()..];
        }
        rest = rest.trim_start();
    }
    names
}

fn word<'e>(rest: &'e str, names: &mut Names) -> &'e str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let (word, behind) = rest.split_at(rest.find(|c| !is_part(c)).unwrap_or(rest.len()));
    let behind = behind.trim_start();
    if GROUPINGS.contains(&word) {
        let (labels, behind) = behind[1..].split_once(')').unwrap();
        let labels = labels
            .split(',')
            .map(str::trim)
            .filter(|label| !label.is_empty());
        names.labels.extend(labels.map(str::to_owned));
        return behind;
    }
    let is_function = behind.starts_with('(') || GROUPINGS.iter().any(|it| behind.starts_with(it));
    if is_function || WORDS.contains(&word) {
        return behind;
    }
    let (matchers, behind) = match behind.strip_prefix('{') {
        Some(behind) => matchers(behind),
        None => (Vec::new(), behind),
    };
    let name = word.to_owned();
    names.selectors.push(Selector { name, matchers });
    behind
}

fn matchers(mut rest: &str) -> (Vec<(String, String, String)>, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', ',', '\n']);
        if let Some(rest) = rest.strip_prefix('}') {
            return (found, rest);
        }
        let (label, behind) = rest.split_at(rest.find(['=', '!']).unwrap());
        let (operator, behind) = behind.split_at(behind.find('"').unwrap());
        let (value, behind) = quoted(&behind[1..]);
        found.push((label.to_owned(), operator.to_owned(), value.to_owned()));
        rest = behind;
    }
}

/// The text up to the closing quotation mark, and what follows.
fn quoted(text: &str) -> (&str, &str) {
    text.split_once('"').unwrap()
}

#[test]
fn names_are_found_and_nothing_else() {
    let names = names(
        "sum by (le, job) (rate(a_bucket{x!~\"1|2\",y=\"z\"}[5m])) > on (service) clamp_min(3 * b, 1e3) \
         or max without (c) (d offset 1d) and bool_e",
    );
    let found: Vec<&str> = names.selectors.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(found, ["a_bucket", "b", "d", "bool_e"]);
    assert_eq!(names.selectors[0].exactly("y"), Some("z"));
    assert_eq!(names.selectors[0].exactly("x"), None);
    let labels: Vec<&str> = names.labels.iter().map(String::as_str).collect();
    assert_eq!(labels, ["c", "job", "le", "service"]);
}
