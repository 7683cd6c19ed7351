//! What outside relays made of our events. The only labels that are URLs: an operator wrote this list, and nobody
//! else can make it longer.

use prometheus::{IntCounterVec, Registry};

use super::metrics;

/// What can become of an event.
const OUTCOMES: [&str; 3] = ["sent", "refused", "failed"];

metrics! {
    /// Events of ours on their way to outside relays.
    pub struct PublicationMetrics {
        /// Events sent to outside relays, by what became of them; what `failed` is sent again.
        pub publications: IntCounterVec = "bigbrotr_publications_total", ["relay", "outcome"];
    }
}

impl PublicationMetrics {
    /// Says of a relay that nothing was sent yet, so that the first failure is a rise.
    pub fn begin(&self, relay: &str) {
        for outcome in OUTCOMES {
            self.publications.with_label_values(&[relay, outcome]);
        }
    }

    /// Counts an event.
    pub fn count(&self, relay: &str, outcome: &str) {
        self.publications.with_label_values(&[relay, outcome]).inc();
    }
}

impl Default for PublicationMetrics {
    /// Metrics that nobody reads.
    fn default() -> Self {
        Self::register(&Registry::new()).expect("an empty registry takes every name once")
    }
}
