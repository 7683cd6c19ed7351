//! What our relay measures while it answers; what it counts is gathered.

use prometheus::{Histogram, Registry};

use super::metrics;

/// An answer from memory takes a millisecond, a walk over a large archive seconds, and the relay gives up soon
/// after that.
const ANSWER_BUCKETS: [f64; 10] = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0];

metrics! {
    /// How fast our relay is.
    pub struct RelayMetrics {
        /// Time from a REQ's turn to its stored answer, waiting for a place included, seconds.
        pub answer_duration: Histogram =
            "bigbrotr_relay_answer_duration_seconds", [], ANSWER_BUCKETS;
    }
}

impl Default for RelayMetrics {
    /// Metrics that nobody reads.
    fn default() -> Self {
        Self::register(&Registry::new()).expect("an empty registry takes every name once")
    }
}
