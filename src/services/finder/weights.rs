//! What a naming by each kind of source counts.

use std::collections::HashMap;

use nips::relay_sources::Source;

use crate::config::AdmissionConfig;

/// Weights by source.
#[derive(Debug)]
pub(super) struct Weights(HashMap<Source, u32>);

impl Weights {
    /// The weights of a configuration: its own, and the usual ones for the rest.
    pub(super) fn new(config: &AdmissionConfig) -> Self {
        let weight = |source: Source| {
            let chosen = config.weights.get(source.as_str()).copied();
            (source, chosen.unwrap_or_else(|| usual(source)))
        };
        Self(Source::ALL.into_iter().map(weight).collect())
    }

    /// What a naming counts; 0 means that it is passed over.
    pub(super) fn of(&self, source: Source) -> u32 {
        self.0.get(&source).copied().unwrap_or(0)
    }
}

/// Lists are made by hand and are about relays; tags of other events are mostly filled in by software; hints
/// are everywhere, and as often wrong as right.
fn usual(source: Source) -> u32 {
    match source {
        Source::RelayList
        | Source::Discovery
        | Source::DirectMessageRelays
        | Source::RelayCollection
        | Source::Contacts
        | Source::Recommendation
        | Source::Group
        | Source::Repository => 4,
        Source::Zap | Source::RelayTag => 2,
        Source::Reference | Source::Hint | Source::Content => 1,
    }
}
