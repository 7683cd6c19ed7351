//! What is measured: one struct of metrics for each layer, all in one registry that `http` serves.
//!
//! Instances are passed to whoever counts; there are no globals. Labels come from enums and fixed
//! names only, never from a URL, a key or an id; only what an operator lists has its URL. To add a metric, add a line to the struct of its
//! layer: its doc comment is the help text.

mod catalogue;
pub(crate) mod family;
mod gathered;
mod macros;
mod publication;
mod relay;
mod service;
mod store;
mod tail;
mod validation;

pub use catalogue::{Described, catalogue};
pub use gathered::GatheredMetrics;
pub(crate) use gathered::{NO_LABELS, gauge, raise};
pub use publication::PublicationMetrics;
pub use relay::RelayMetrics;
pub use service::{Readiness, ServiceMeter, ServiceMetrics, Staleness};
pub use store::StoreMetrics;
pub use tail::TailMetrics;
pub use validation::ValidationMetrics;

pub(crate) use macros::metrics;

use prometheus::process_collector::ProcessCollector;
use prometheus::{Registry, TextEncoder};

/// Every metric of the process.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    /// The four families that every service has, and its readiness.
    pub service: ServiceMetrics,
    /// Latency and errors of the store.
    pub store: StoreMetrics,
    /// How fast our relay answers.
    pub relay: RelayMetrics,
    /// The live tail.
    pub tail: TailMetrics,
    /// What the validator made of candidates.
    pub validation: ValidationMetrics,
    /// Events of ours sent to outside relays.
    pub publication: PublicationMetrics,
    /// What is read from the archive, the relay and the store when somebody asks.
    pub gathered: GatheredMetrics,
}

impl Metrics {
    /// A fresh set.
    pub fn new() -> Self {
        let registry = Registry::new();
        let process = ProcessCollector::for_self();
        registry
            .register(Box::new(process))
            .and_then(|()| Self::register(&registry))
            .expect("names are literals, and each is used once")
    }

    fn register(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self {
            service: ServiceMetrics::register(registry)?,
            store: StoreMetrics::register(registry)?,
            relay: RelayMetrics::register(registry)?,
            tail: TailMetrics::register(registry)?,
            validation: ValidationMetrics::register(registry)?,
            publication: PublicationMetrics::register(registry)?,
            gathered: GatheredMetrics::register(registry)?,
            registry: registry.clone(),
        })
    }

    /// Everything in Prometheus' text format.
    pub fn exposition(&self) -> String {
        let families = self.registry.gather();
        let text = TextEncoder::new().encode_to_string(&families);
        text.expect("a metric family encodes as text")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
