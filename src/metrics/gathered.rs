//! Numbers that other layers keep or the store knows, copied here when somebody asks.

use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use super::metrics;

metrics! {
    /// What is copied on a scrape.
    pub struct GatheredMetrics {
        /// Events that came to the archive, by what became of them.
        pub archive_events: IntCounterVec = "bigbrotr_archive_events_total", ["outcome"];
        /// Signatures that were checked.
        pub signatures_verified: IntCounter = "bigbrotr_signatures_verified_total", [];
        /// New sightings of events on relays.
        pub sightings: IntCounter = "bigbrotr_sightings_total", [];
        /// Clients connected to our relay.
        pub relay_connections: IntGauge = "bigbrotr_relay_connections", [];
        /// Connections that our relay took.
        pub relay_connections_opened: IntCounter = "bigbrotr_relay_connections_opened_total", [];
        /// Subscriptions open on our relay.
        pub relay_subscriptions: IntGauge = "bigbrotr_relay_subscriptions", [];
        /// Messages of clients of our relay, by type.
        pub relay_messages: IntCounterVec = "bigbrotr_relay_messages_total", ["type"];
        /// Events our relay sent to clients, by how they were found.
        pub relay_events_sent: IntCounterVec = "bigbrotr_relay_events_sent_total", ["source"];
        /// Times that live delivery fell behind and read the log of arrivals instead.
        pub relay_feed_lags: IntCounter = "bigbrotr_relay_feed_lags_total", [];
        /// Connections our relay refused or closed, by reason.
        pub relay_connections_cut: IntCounterVec =
            "bigbrotr_relay_connections_cut_total", ["reason"];
        /// Events of the load of the relay's serving index (`loaded`, `expected`).
        pub serving_index_loading: IntGaugeVec =
            "bigbrotr_relay_serving_index_loading_events", ["state"];
        /// 1 for what answers our relay's readers: its serving `index`, or the `archive` until that has
        /// caught up.
        pub serving_index_answering: IntGaugeVec =
            "bigbrotr_relay_serving_index_answering", ["part"];
        /// Batches of the archive's log that the relay's serving index does not hold yet.
        pub serving_index_behind: IntGaugeVec =
            "bigbrotr_relay_serving_index_behind_batches", [];
        /// When the certificate in use on our relay's port ends, unix seconds; without TLS there is none.
        pub certificate_expiry: IntGaugeVec =
            "bigbrotr_relay_certificate_expiry_timestamp_seconds", [];
        /// Stored events.
        pub events: IntGauge = "bigbrotr_events", [];
        /// Bytes of stored events on disk.
        pub events_size_bytes: IntGauge = "bigbrotr_events_size_bytes", [];
        /// Relays by network and state.
        pub relays: IntGaugeVec = "bigbrotr_relays", ["network", "state"];
        /// Candidates by network.
        pub candidates: IntGaugeVec = "bigbrotr_candidates", ["network"];
        /// Connections to the database server that are open, by what they do (`in-use`, `idle`).
        pub pool_connections: IntGaugeVec = "bigbrotr_pool_connections", ["pool", "state"];
        /// Connections to the database server that an operation could have at once.
        pub pool_available: IntGaugeVec = "bigbrotr_pool_available_connections", ["pool"];
        /// Most connections to the database server.
        pub pool_max: IntGaugeVec = "bigbrotr_pool_max_connections", ["pool"];
        /// Relays by how far they are archived (`covered` at all, `recent`, with `gaps`).
        pub archived_relays: IntGaugeVec = "bigbrotr_archived_relays", ["network", "state"];
        /// Ranges of time that could not be archived yet, by network.
        pub network_gaps: IntGaugeVec = "bigbrotr_network_gaps", ["network"];
        /// How far behind the online relay is that is furthest behind, seconds.
        pub archive_lag: IntGaugeVec = "bigbrotr_archive_lag_seconds", ["network"];
        /// Bytes that the synchronizer received of relays.
        pub received_bytes: IntCounterVec = "bigbrotr_received_bytes_total", ["network"];
        /// Events that the synchronizer received of relays, by what became of them (`new`, `known`, `refused`).
        pub received_events: IntCounterVec =
            "bigbrotr_received_events_total", ["network", "outcome"];
        /// Ranges of time that could not be archived yet, by reason.
        pub gaps: IntGaugeVec = "bigbrotr_gaps", ["reason"];
        /// Events that outside relays are still to be sent.
        pub publications_waiting: IntGaugeVec = "bigbrotr_publications_waiting", ["relay"];
        /// For how long the relay that waits longest for a service has been due, seconds.
        pub lag: IntGaugeVec = "bigbrotr_lag_seconds", ["service"];
        /// Events that the store failed on and keeps aside.
        pub quarantined: IntGauge = "bigbrotr_quarantined_events", [];
    }
}
/// Labels of a family that has none: as a family it is not exposed until it has a value.
pub(crate) const NO_LABELS: &[&str] = &[];

/// Brings a counter up to a total that is kept elsewhere.
pub(crate) fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

/// A count as a gauge's value.
pub(crate) fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
