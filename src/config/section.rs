//! What every configuration file is: a struct, its defaults, its table of keys, its rules.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::key::Key;
use super::{
    BrotrConfig, FinderConfig, MonitorConfig, PolicyConfig, RefresherConfig, RelayConfig,
    SeederConfig, SynchronizerConfig, ValidatorConfig,
};

/// A file of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileName {
    /// `brotr.yaml`: what all roles share.
    Brotr,
    /// `services/seeder.yaml`.
    Seeder,
    /// `services/finder.yaml`.
    Finder,
    /// `services/validator.yaml`.
    Validator,
    /// `services/monitor.yaml`.
    Monitor,
    /// `services/synchronizer.yaml`.
    Synchronizer,
    /// `services/refresher.yaml`.
    Refresher,
    /// `relay.yaml`.
    Relay,
    /// `policy.yaml`.
    Policy,
}

impl FileName {
    /// All files, in reading order.
    pub const ALL: [Self; 9] = [
        Self::Brotr,
        Self::Seeder,
        Self::Finder,
        Self::Validator,
        Self::Monitor,
        Self::Synchronizer,
        Self::Refresher,
        Self::Relay,
        Self::Policy,
    ];

    /// The name `default-config` knows it by, e.g. `validator`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Brotr => "brotr",
            Self::Seeder => "seeder",
            Self::Finder => "finder",
            Self::Validator => "validator",
            Self::Monitor => "monitor",
            Self::Synchronizer => "synchronizer",
            Self::Refresher => "refresher",
            Self::Relay => "relay",
            Self::Policy => "policy",
        }
    }

    /// The file of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.as_str() == name)
    }

    /// The table of its keys.
    pub fn keys(self) -> Vec<Key> {
        match self {
            Self::Brotr => BrotrConfig::keys(),
            Self::Seeder => SeederConfig::keys(),
            Self::Finder => FinderConfig::keys(),
            Self::Validator => ValidatorConfig::keys(),
            Self::Monitor => MonitorConfig::keys(),
            Self::Synchronizer => SynchronizerConfig::keys(),
            Self::Refresher => RefresherConfig::keys(),
            Self::Relay => RelayConfig::keys(),
            Self::Policy => PolicyConfig::keys(),
        }
    }

    /// Its defaults as a JSON object.
    pub(super) fn defaults(self) -> serde_json::Value {
        match self {
            Self::Brotr => to_value(&BrotrConfig::default()),
            Self::Seeder => to_value(&SeederConfig::default()),
            Self::Finder => to_value(&FinderConfig::default()),
            Self::Validator => to_value(&ValidatorConfig::default()),
            Self::Monitor => to_value(&MonitorConfig::default()),
            Self::Synchronizer => to_value(&SynchronizerConfig::default()),
            Self::Refresher => to_value(&RefresherConfig::default()),
            Self::Relay => to_value(&RelayConfig::default()),
            Self::Policy => to_value(&PolicyConfig::default()),
        }
    }
}

/// One configuration file.
pub(super) trait Section: Default + Serialize + DeserializeOwned {
    /// Which file.
    const FILE: FileName;

    /// Its keys, in the order of the sample; a section stands before its keys.
    fn keys() -> Vec<Key>;

    /// Rules that concern more than one key: the path at fault and what is wrong. Types and bounds
    /// are checked before, from the table.
    fn validate(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// A section as JSON, for looking values up by path.
pub(super) fn to_value(section: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(section).expect("configuration structs are plain maps with text keys")
}

/// The value at a dotted path.
pub(super) fn value_at<'a>(
    root: &'a serde_json::Value,
    path: &str,
) -> Option<&'a serde_json::Value> {
    path.split('.')
        .try_fold(root, |value, name| value.get(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::Value;

    use super::super::key::Accepts;
    use super::super::load::parse;
    use super::super::sample;
    use super::*;

    /// Paths of the values in `value`, as deep as the table has sections.
    fn leaves(value: &Value, prefix: &str, keys: &[Key], found: &mut BTreeSet<String>) {
        for (name, child) in value.as_object().unwrap() {
            let path = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}.{name}")
            };
            let row = keys.iter().find(|key| key.path == path);
            let row = row.unwrap_or_else(|| panic!("{path} has no row in its table"));
            if matches!(row.accepts, Accepts::Section) {
                leaves(child, &path, keys, found);
            } else {
                found.insert(path);
            }
        }
    }

    #[test]
    fn every_field_has_a_row_and_every_row_a_field() {
        for file in FileName::ALL {
            let keys = file.keys();
            let mut found = BTreeSet::new();
            leaves(&file.defaults(), "", &keys, &mut found);
            let rows = keys
                .iter()
                .filter(|key| !matches!(key.accepts, Accepts::Section));
            let rows: BTreeSet<String> = rows.map(|key| key.path.to_owned()).collect();
            assert_eq!(found, rows, "{}", file.as_str());
            assert_eq!(FileName::from_name(file.as_str()), Some(file));
        }
    }

    #[test]
    fn every_default_is_within_its_bounds_and_every_sample_is_the_default() {
        sample_is_default::<BrotrConfig>();
        sample_is_default::<SeederConfig>();
        sample_is_default::<FinderConfig>();
        sample_is_default::<ValidatorConfig>();
        sample_is_default::<MonitorConfig>();
        sample_is_default::<SynchronizerConfig>();
        sample_is_default::<RefresherConfig>();
        sample_is_default::<RelayConfig>();
        sample_is_default::<PolicyConfig>();
    }

    fn sample_is_default<S: Section + PartialEq + std::fmt::Debug>() {
        let text = sample(S::FILE);
        let (section, root) =
            parse::<S>(&text, Path::new("sample.yaml")).unwrap_or_else(|problems| {
                panic!("{}:\n{text}\n{problems:?}", S::FILE.as_str());
            });
        assert_eq!(section, S::default());
        assert!(section.validate().is_empty());
        for key in S::keys() {
            assert!(
                root.as_ref().unwrap().at(key.path).is_some(),
                "{} is not in the sample",
                key.path
            );
        }
    }
}
