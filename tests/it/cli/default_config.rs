//! `bigbrotr default-config`: samples that are valid configuration and nothing but the defaults.

use std::path::Path;

use super::operator::Operator;

const SECTIONS: [(&str, &str); 9] = [
    ("brotr", "config/brotr.yaml"),
    ("seeder", "config/services/seeder.yaml"),
    ("finder", "config/services/finder.yaml"),
    ("validator", "config/services/validator.yaml"),
    ("monitor", "config/services/monitor.yaml"),
    ("synchronizer", "config/services/synchronizer.yaml"),
    ("refresher", "config/services/refresher.yaml"),
    ("relay", "relay-config/relay.yaml"),
    ("policy", "relay-config/policy.yaml"),
];

/// The listing without the sources, and the sources.
fn values_and_sources(listing: &str) -> (Vec<&str>, Vec<&str>) {
    let lines = listing.lines().filter(|line| line.starts_with(' '));
    let pairs = lines.map(|line| line.rsplit_once("# ").unwrap());
    pairs
        .map(|(value, source)| (value.trim_end(), source))
        .unzip()
}

#[test]
fn every_section_loads_back_as_the_defaults() {
    let bare = Operator::bare().done(&["check-config"]);
    let (defaults, sources) = values_and_sources(&bare);
    // The two secrets are listed last, and come from elsewhere.
    let secret = sources.len() - 2;
    assert!(
        sources[..secret].iter().all(|source| *source == "default"),
        "{bare}"
    );

    let operator = Operator::bare();
    for (section, file) in SECTIONS {
        operator.write(file, operator.done(&["default-config", section]));
    }
    let listing = operator.done(&["check-config"]);
    let (values, sources) = values_and_sources(&listing);
    assert_eq!(values, defaults);
    let is_written = |source: &&str| source.contains("config/") && source.contains(".yaml:");
    assert!(sources[..secret].iter().all(is_written), "{listing}");
}

#[test]
fn without_a_section_all_are_printed() {
    let operator = Operator::bare();
    let all = operator.done(&["default-config"]);
    for (section, file) in SECTIONS {
        let sample = operator.done(&["default-config", section]);
        assert!(sample.starts_with(&format!("# {file}: ")), "{sample}");
        assert!(all.contains(&sample), "{section}");
    }
    let said = operator.run(&["default-config", "relays"]).refused(2);
    assert!(said.contains("expected one of brotr, seeder"), "{said}");
}

#[test]
fn the_files_that_are_shipped_are_what_is_printed() {
    let operator = Operator::bare();
    for section in ["relay", "policy"] {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("relay-config");
        let shipped = std::fs::read_to_string(place.join(format!("{section}.yaml"))).unwrap();
        assert_eq!(shipped, operator.done(&["default-config", section]));
    }
}
