//! A reader of Prometheus' text format that accepts nothing but what the format says.

use std::collections::BTreeMap;

/// One metric with everything that was said about it.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    /// Labels in the order written, `le` included, and the value.
    pub(crate) samples: Vec<Sample>,
}

#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// The name behind the family's: empty, `_bucket`, `_sum` or `_count`.
    pub(crate) suffix: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// All families of a document; panics where it breaks a rule.
pub(crate) fn parse(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n'), "the last line ends");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            let family = families.entry(name.to_owned()).or_default();
            assert!(family.help.is_empty(), "{name} is explained twice");
            help.clone_into(&mut family.help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            let family = families.entry(name.to_owned()).or_default();
            assert!(
                family.samples.is_empty() && family.kind.is_empty(),
                "{line}"
            );
            kind.clone_into(&mut family.kind);
            name.clone_into(&mut current);
        } else {
            let (name, sample) = sample(line, &current);
            assert_eq!(name, current, "{line} stands below another family");
            families.get_mut(&current).unwrap().samples.push(sample);
        }
    }
    for (name, family) in &families {
        check(name, family);
    }
    families
}

fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    !name.is_empty() && name.chars().all(is_part) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn sample(line: &str, family: &str) -> (String, Sample) {
    let end = line.find(['{', ' ']).unwrap();
    let (name, rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest),
        None => (BTreeMap::new(), rest),
    };
    let suffixes = ["_bucket", "_sum", "_count"];
    let suffix = suffixes
        .into_iter()
        .find(|suffix| name.strip_suffix(suffix) == Some(family));
    let suffix = suffix.unwrap_or_default();
    let value = match value.trim_start() {
        "+Inf" => f64::INFINITY,
        number => number.parse().unwrap_or_else(|_| panic!("{line}")),
    };
    let sample = Sample {
        suffix: suffix.to_owned(),
        labels,
        value,
    };
    (name.strip_suffix(suffix).unwrap().to_owned(), sample)
}

/// The labels behind `{`, and what follows `}`.
fn labels(mut rest: &str) -> (BTreeMap<String, String>, &str) {
    let mut labels = BTreeMap::new();
    while !rest.starts_with('}') {
        let (name, behind) = rest.split_once("=\"").unwrap();
        assert!(is_name(name) && !name.contains(':'), "{name}");
        let (value, behind) = quoted(behind);
        assert!(
            labels.insert(name.to_owned(), value).is_none(),
            "{name} twice"
        );
        rest = behind.strip_prefix(',').unwrap_or(behind);
    }
    (labels, &rest[1..])
}

/// The text up to the next quotation mark that is not escaped, and what follows.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next().unwrap().1 {
                'n' => value.push('\n'),
                c @ ('\\' | '"') => value.push(c),
                c => panic!("\\{c} is no escape"),
            },
            c => value.push(c),
        }
    }
    panic!("{text} has no end");
}

fn check(name: &str, family: &Family) {
    assert!(
        is_name(name) && !family.help.is_empty() && !family.kind.is_empty(),
        "{name}"
    );
    assert_eq!(
        family.kind == "counter",
        name.ends_with("_total"),
        "{name} is a {}",
        family.kind
    );
    let mut seen = Vec::new();
    for sample in &family.samples {
        let key = (&sample.suffix, &sample.labels);
        assert!(!seen.contains(&key), "{name}{key:?} twice");
        assert_eq!(
            family.kind == "histogram",
            !sample.suffix.is_empty(),
            "{name}"
        );
        seen.push(key);
    }
    if family.kind == "histogram" {
        check_histogram(name, family);
    }
}

/// Buckets only grow, and the last one holds everything.
fn check_histogram(name: &str, family: &Family) {
    let of = |suffix: &'static str| {
        family
            .samples
            .iter()
            .filter(move |sample| sample.suffix == suffix)
    };
    for count in of("_count") {
        let buckets = of("_bucket").filter(|bucket| {
            let mut labels = bucket.labels.clone();
            labels.remove("le").is_some() && labels == count.labels
        });
        let buckets: Vec<&Sample> = buckets.collect();
        assert!(buckets.is_sorted_by(|a, b| a.value <= b.value), "{name}");
        let last = buckets.last().unwrap();
        assert_eq!(
            (last.labels["le"].as_str(), last.value),
            ("+Inf", count.value)
        );
        assert!(of("_sum").any(|sum| sum.labels == count.labels), "{name}");
    }
}

#[test]
fn what_breaks_the_format_is_noticed() {
    let good = "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\\\"\\n,}\"} 1\n";
    assert_eq!(parse(good)["a_total"].samples[0].labels["b"], "c\"\n,}");
    for bad in [
        "# HELP a x\n# TYPE a counter\na 1\n",
        "# HELP a x\n# TYPE a gauge\nb 1\n",
        "# HELP a x\n# TYPE a gauge\na 1\na 2\n",
        "# HELP a x\n# TYPE a gauge\na one\n",
        "# TYPE a gauge\na 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"\\x\"} 1\n",
        "# HELP a x\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n",
        "# HELP a x\n# TYPE a gauge\na 1",
    ] {
        assert!(std::panic::catch_unwind(|| parse(bad)).is_err(), "{bad}");
    }
}
