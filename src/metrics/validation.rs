//! What the validator made of candidates.

use prometheus::{IntCounterVec, Registry};

use super::metrics;

metrics! {
    /// Candidates that were tried.
    pub struct ValidationMetrics {
        /// Candidates that were tried, by what came of it: `promoted`, or the reason why not.
        pub verdicts: IntCounterVec = "bigbrotr_validations_total", ["verdict"];
    }
}

impl Default for ValidationMetrics {
    /// Metrics that nobody reads.
    fn default() -> Self {
        Self::register(&Registry::new()).expect("an empty registry takes every name once")
    }
}
