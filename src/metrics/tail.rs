//! What the live tail counts.

use prometheus::{IntCounterVec, IntGauge};

use super::metrics;

metrics! {
    /// Standing subscriptions of the synchronizer.
    pub struct TailMetrics {
        /// Relays that the synchronizer listens to all the time.
        pub relays: IntGauge = "bigbrotr_tail_relays", [];
        /// Events that standing subscriptions brought, by what became of them.
        pub events: IntCounterVec = "bigbrotr_tail_events_total", ["outcome"];
        /// Standing subscriptions that ended, by reason.
        pub ends: IntCounterVec = "bigbrotr_tail_ends_total", ["reason"];
    }
}
