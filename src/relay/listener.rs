//! The end of a connection that live events are handed to, within bounds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use nips::PublicKey;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::live_index::SubscriptionKey;
use crate::archive::LiveEvent;
use crate::store::events::BatchNumber;

/// What one announcement means for one connection.
#[derive(Debug)]
pub(super) struct Delivery {
    /// The batch the events arrived in; `None` for ephemeral ones.
    pub(super) batch: Option<BatchNumber>,
    /// Each event with a subscription it matches.
    pub(super) events: Vec<(SubscriptionKey, Arc<LiveEvent>)>,
    /// What this counts for in the listener's backlog.
    pub(super) bytes: usize,
}

impl Delivery {
    pub(super) fn of(batch: Option<BatchNumber>) -> Self {
        Self {
            batch,
            events: Vec::new(),
            bytes: 0,
        }
    }

    pub(super) fn push(&mut self, key: SubscriptionKey, live: &Arc<LiveEvent>) {
        self.bytes += live.json().len();
        self.events.push((key, Arc::clone(live)));
    }
}

/// The end of a connection that live events are handed to.
#[derive(Debug)]
pub(super) struct Listener {
    /// Boxed: of what a channel holds it keeps room for dozens.
    deliveries: mpsc::Sender<Box<Delivery>>,
    backlog_bytes: AtomicUsize,
    overrun: CancellationToken,
    /// Keys that the client has proved to hold.
    readers: RwLock<Vec<PublicKey>>,
}

/// Deliveries that may wait in one connection.
const MAX_DELIVERIES: usize = 1_024;

/// Bytes of live events that may wait in one connection. A reader this far behind is closed, and
/// can read what it missed from the archive.
const MAX_BACKLOG_BYTES: usize = 16 << 20;

impl Listener {
    pub(super) fn new(overrun: CancellationToken) -> (Arc<Self>, mpsc::Receiver<Box<Delivery>>) {
        let (deliveries, receiver) = mpsc::channel(MAX_DELIVERIES);
        let listener = Self {
            deliveries,
            backlog_bytes: AtomicUsize::new(0),
            overrun,
            readers: RwLock::default(),
        };
        (Arc::new(listener), receiver)
    }

    /// Shows the client what is for these keys from now on.
    pub(super) fn show_to(&self, readers: &[PublicKey]) {
        *self.readers.write().expect("no panic under the lock") = readers.to_vec();
    }

    /// The keys that the client has proved to hold.
    pub(super) fn readers(&self) -> Vec<PublicKey> {
        self.readers
            .read()
            .expect("no panic under the lock")
            .clone()
    }

    /// Notes that a delivery has been dealt with.
    pub(super) fn relieve(&self, bytes: usize) {
        self.backlog_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn deliver(&self, delivery: Delivery) {
        let bytes = delivery.bytes;
        let backlog = self.backlog_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let is_full = self.deliveries.try_send(Box::new(delivery)).is_err();
        if is_full || backlog > MAX_BACKLOG_BYTES {
            self.overrun.cancel();
        }
    }
}
