//! Latency and errors of the store by operation, and how busy its connections are.

use std::time::{Duration, Instant};

use prometheus::{Histogram, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec};

use super::metrics;

/// A point look-up takes microseconds, a batch milliseconds, and whatever takes seconds is what the
/// alert on slow queries is about.
const QUERY_BUCKETS: [f64; 12] = [
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0,
];

/// A free connection is there at once; a call that waits seconds for one meets an exhausted pool.
const ACQUIRE_BUCKETS: [f64; 9] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.1, 1.0, 10.0, 30.0];

metrics! {
    /// Latency and errors of the store, and of getting a connection to it.
    pub struct StoreMetrics {
        /// Time of one store operation, seconds.
        pub query_duration: HistogramVec =
            "bigbrotr_query_duration_seconds", ["operation"], QUERY_BUCKETS;
        /// Store operations that failed, by reason.
        pub errors: IntCounterVec = "bigbrotr_store_errors_total", ["operation", "reason"];
        /// Time that an operation waited for a connection, seconds.
        pub pool_acquire_duration: HistogramVec =
            "bigbrotr_pool_acquire_duration_seconds", ["pool"], ACQUIRE_BUCKETS;
        /// Operations that wait for a connection.
        pub pool_waiting: IntGaugeVec = "bigbrotr_pool_waiting_operations", ["pool"];
    }
}

impl StoreMetrics {
    /// Records one operation; `failure` is the reason's label when it failed.
    pub fn record(
        &self,
        operation: &'static str,
        duration: Duration,
        failure: Option<&'static str>,
    ) {
        let histogram = self.query_duration.with_label_values(&[operation]);
        histogram.observe(duration.as_secs_f64());
        if let Some(reason) = failure {
            self.errors.with_label_values(&[operation, reason]).inc();
        }
    }

    /// Counts an operation that waits for a connection of a pool, until the guard is dropped.
    pub(crate) fn wait(&self, pool: &'static str) -> Waiting {
        let waiting = self.pool_waiting.with_label_values(&[pool]);
        waiting.inc();
        Waiting {
            waiting,
            duration: self.pool_acquire_duration.with_label_values(&[pool]),
            since: Instant::now(),
        }
    }
}

/// An operation that waits for a connection.
pub(crate) struct Waiting {
    waiting: IntGauge,
    duration: Histogram,
    since: Instant,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waiting.dec();
        self.duration.observe(self.since.elapsed().as_secs_f64());
    }
}
