//! What the relay does, counted for metrics.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Totals since start, and what is open now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RelayCounts {
    /// Open connections.
    pub connections: i64,
    /// Open subscriptions.
    pub subscriptions: i64,
    /// Connections ever taken.
    pub connections_total: u64,
    /// Connections refused for their number.
    pub connections_refused: u64,
    /// Connections closed because they did not read.
    pub slow_readers: u64,
    /// Connections closed because they broke too many rules.
    pub banned: u64,
    /// EVENT messages.
    pub events: u64,
    /// REQ messages.
    pub requests: u64,
    /// COUNT messages.
    pub counts: u64,
    /// NEG-OPEN messages.
    pub syncs: u64,
    /// Stored events sent.
    pub stored_sent: u64,
    /// Live events sent.
    pub live_sent: u64,
    /// Times that live delivery fell behind and read the log of arrivals instead.
    pub feed_lags: u64,
}

/// The counters behind [`RelayCounts`], fields of the same names.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections: AtomicI64,
    pub(super) subscriptions: AtomicI64,
    pub(super) connections_total: AtomicU64,
    pub(super) connections_refused: AtomicU64,
    pub(super) slow_readers: AtomicU64,
    pub(super) banned: AtomicU64,
    pub(super) events: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) counts: AtomicU64,
    pub(super) syncs: AtomicU64,
    pub(super) stored_sent: AtomicU64,
    pub(super) live_sent: AtomicU64,
    pub(super) feed_lags: AtomicU64,
}

impl Counters {
    pub(super) fn counts(&self) -> RelayCounts {
        let total = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let open = |counter: &AtomicI64| counter.load(Ordering::Relaxed);
        RelayCounts {
            connections: open(&self.connections),
            subscriptions: open(&self.subscriptions),
            connections_total: total(&self.connections_total),
            connections_refused: total(&self.connections_refused),
            slow_readers: total(&self.slow_readers),
            banned: total(&self.banned),
            events: total(&self.events),
            requests: total(&self.requests),
            counts: total(&self.counts),
            syncs: total(&self.syncs),
            stored_sent: total(&self.stored_sent),
            live_sent: total(&self.live_sent),
            feed_lags: total(&self.feed_lags),
        }
    }
}

/// A connection that counts as open; dropping it ends that.
pub(super) struct OpenConnection<'c>(&'c Counters);

impl Counters {
    pub(super) fn open_connection(&self) -> OpenConnection<'_> {
        count(&self.connections_total);
        self.connections.fetch_add(1, Ordering::Relaxed);
        OpenConnection(self)
    }
}

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts one up.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
