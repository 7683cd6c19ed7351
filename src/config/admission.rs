//! `admission` of `services/finder.yaml`: which of the URLs that are found become candidates.

use std::collections::BTreeMap;

use nips::relay_sources::Source;
use serde::{Deserialize, Serialize};

use super::key::{Accepts, Key};

/// What a URL needs to become a candidate, and how many there may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdmissionConfig {
    /// URLs of one host.
    pub max_per_host: u32,
    /// URLs under one registered domain.
    pub max_per_domain: u32,
    /// New URLs that one author may name in a day.
    pub max_per_author: u32,
    /// New URLs that one author may name in a day by discovery events.
    pub max_per_monitor: u32,
    /// Relays, candidates and URLs that were given up, together.
    pub max_urls: usize,
    /// The weight that all namings of a URL need together.
    pub min_weight: u32,
    /// What one naming by a kind of source weighs, where it differs from the usual.
    pub weights: BTreeMap<String, u32>,
}

impl Default for AdmissionConfig {
    fn default() -> Self {
        Self {
            max_per_host: 8,
            max_per_domain: 500,
            max_per_author: 256,
            max_per_monitor: 20_000,
            max_urls: 500_000,
            min_weight: 4,
            weights: BTreeMap::new(),
        }
    }
}

/// The most that a naming may weigh or a URL may need.
const MAX_WEIGHT: u32 = 64;

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::section(
            "admission",
            "Which of the URLs that are found become candidates.",
        ),
        Key::new(
            "admission.max_per_host",
            Accepts::Integer(1, 100_000),
            "URLs of one host: some serve a relay on each of a handful of ports and paths.",
        ),
        Key::new(
            "admission.max_per_domain",
            Accepts::Integer(1, 1_000_000),
            "URLs under one registered domain: hosting services give each customer a name.",
        ),
        Key::new(
            "admission.max_per_author",
            Accepts::Integer(1, 1_000_000),
            "New URLs that one author may name in a day.",
        ),
        Key::new(
            "admission.max_per_monitor",
            Accepts::Integer(1, 1_000_000),
            "New URLs that one author may name in a day by discovery events (NIP-66).",
        ),
        Key::new(
            "admission.max_urls",
            Accepts::Integer(1, 10_000_000),
            "Relays, candidates and URLs that were given up, together; 8 bytes of memory each.",
        ),
        Key::new(
            "admission.min_weight",
            Accepts::Integer(1, MAX_WEIGHT as u64),
            "Weight that all namings of a URL by different authors need together.",
        ),
        Key::new(
            "admission.weights",
            Accepts::Map,
            "Weight of a naming by source, 0 = passed over; unnamed sources keep theirs: \
             relay-list, discovery, direct-message-relays, relay-collection, contacts, \
             recommendation, group and repository 4; zap and relay-tag 2; reference, hint and \
             content 1.",
        ),
    ]
}

impl AdmissionConfig {
    pub(super) fn validate(&self) -> Vec<(&'static str, String)> {
        let is_source = |name: &str| Source::ALL.iter().any(|source| source.as_str() == name);
        let problem = |(name, weight): (&String, &u32)| {
            if !is_source(name) {
                return Some(format!("{name:?} is no source"));
            }
            (*weight > MAX_WEIGHT).then(|| format!("{name} must be from 0 to {MAX_WEIGHT}"))
        };
        let problems = self.weights.iter().filter_map(problem);
        problems.map(|why| ("admission.weights", why)).collect()
    }
}
