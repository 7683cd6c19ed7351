//! `brotr.yaml`: what all roles share.

use serde::{Deserialize, Serialize};

use super::key::Key;
use super::section::{FileName, Section};
use super::{ArchiveConfig, LogConfig, MetricsConfig, NetworksConfig, StoreConfig};
use super::{archive, log, metrics, networks, store};

/// The contents of `brotr.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BrotrConfig {
    /// Where everything is kept.
    pub store: StoreConfig,
    /// How much of an event is kept.
    pub archive: ArchiveConfig,
    /// Which networks are used.
    pub networks: NetworksConfig,
    /// Where metrics are served.
    pub metrics: MetricsConfig,
    /// What is logged.
    pub log: LogConfig,
}

impl Section for BrotrConfig {
    const FILE: FileName = FileName::Brotr;

    fn keys() -> Vec<Key> {
        let tables = [
            store::KEYS,
            archive::KEYS,
            networks::KEYS,
            metrics::KEYS,
            log::KEYS,
        ];
        tables.concat()
    }

    fn validate(&self) -> Vec<(&'static str, String)> {
        [self.store.validate(), self.networks.validate()].concat()
    }
}
