//! The relay as the public port sees it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, RwLock};

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use nips::PublicKey;
use tokio::sync::broadcast::Receiver;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, TRY_AGAIN_LATER};
use super::counters::{Counters, RelayCounts, count};
use super::filter_limits::LARGE_ANSWERS;
use super::information;
use super::live::{LiveDelivery, SharedIndex};
use super::live_index::LiveIndex;
use super::session::Session;
use super::settings::RelaySettings;
use super::syncing::CONCURRENT_WORK;
use crate::archive::{Announcement, Archive};
use crate::clock::Clock;
use crate::store::EventStore;
use crate::store::events::Scope;

/// Read buffer of a connection, bytes. tungstenite's default of 128 KiB makes an idle connection
/// cost ten times as much.
const READ_BUFFER_BYTES: usize = 4 << 10;

/// Bytes gathered before they are written to the socket.
const WRITE_BUFFER_BYTES: usize = 32 << 10;

/// Messages up to this many times the allowed length are still read, so that the refusal can name
/// the event or subscription. Above it the connection is closed.
const TOLERATED_LENGTHS: usize = 2;

/// The relay; clones share it.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

pub(super) struct Inner {
    pub(super) archive: Archive,
    pub(super) store: Arc<dyn EventStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: RelaySettings,
    pub(super) live: SharedIndex,
    pub(super) queries: Semaphore,
    pub(super) large_answers: Arc<Semaphore>,
    pub(super) sync_work: Semaphore,
    pub(super) room_for_keys: Arc<Semaphore>,
    pub(super) counters: Counters,
    information: String,
    addresses: Mutex<HashMap<IpAddr, usize>>,
    /// Subscribed before the first connection, so that nothing is announced unheard; taken by
    /// live delivery.
    feed: Mutex<Option<Receiver<Arc<Announcement>>>>,
}

impl Relay {
    /// A relay that publishes through `archive` and reads from `store`, its store.
    pub fn new(
        archive: Archive,
        store: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
        settings: RelaySettings,
    ) -> Self {
        Self(Arc::new(Inner {
            information: information::document(&settings, archive.settings()),
            feed: Mutex::new(Some(archive.subscribe())),
            archive,
            store,
            clock,
            live: RwLock::new(LiveIndex::default()),
            queries: Semaphore::new(settings.limits.concurrent_queries),
            large_answers: Arc::new(Semaphore::new(LARGE_ANSWERS)),
            sync_work: Semaphore::new(CONCURRENT_WORK),
            room_for_keys: Arc::new(Semaphore::new(settings.limits.max_synced_events)),
            counters: Counters::default(),
            addresses: Mutex::new(HashMap::new()),
            settings,
        }))
    }

    /// Hands what the archive announces to the open subscriptions, until `soft` is cancelled; and what
    /// other processes have stored, whenever `others` is notified. To be
    /// run once, beside the connections; a second call returns at once.
    pub async fn deliver_live(&self, others: Arc<Notify>, soft: CancellationToken) {
        let feed = self.0.feed.lock().expect("no panic under the lock").take();
        if let Some(feed) = feed {
            LiveDelivery::new(Arc::clone(&self.0), feed)
                .run(others, soft)
                .await;
        }
    }

    /// Sets the buffers and limits of a socket before it is upgraded.
    pub fn prepare(&self, upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
        let max_bytes = TOLERATED_LENGTHS * self.0.settings.limits.max_message_length;
        upgrade
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_message_size(max_bytes)
            .max_frame_size(max_bytes)
    }

    /// Serves one client until either side closes. When `soft` is cancelled, events that were
    /// received are still stored and answered, subscriptions are closed, and the connection ends.
    ///
    /// Dropping it cuts the connection; published events that were not answered may not be stored.
    pub async fn serve(&self, socket: WebSocket, peer: IpAddr, soft: CancellationToken) {
        let Some(_place) = self.0.take_place(peer) else {
            count(&self.0.counters.connections_refused);
            let connection = Connection::new(socket, CancellationToken::new());
            return connection
                .close(TRY_AGAIN_LATER, "too many connections")
                .await;
        };
        Session::new(&self.0, socket).run(soft).await;
    }

    /// The NIP-11 document, JSON.
    pub fn information(&self) -> &str {
        &self.0.information
    }

    /// What the relay did so far, and what is open.
    pub fn counts(&self) -> RelayCounts {
        self.0.counters.counts()
    }
}

/// A connection that is counted; dropping it gives the place back.
struct Place<'r> {
    relay: &'r Inner,
    peer: IpAddr,
}

impl Inner {
    /// What a client may see now that has proved to hold these keys. Every door asks here.
    pub(super) fn scope(&self, readers: Vec<PublicKey>) -> Scope {
        let now = self.clock.now();
        Scope::Servable { readers, now }
    }

    fn take_place(&self, peer: IpAddr) -> Option<Place<'_>> {
        let rates = &self.settings.rates;
        let mut addresses = self.addresses.lock().expect("no panic under the lock");
        let of_peer = addresses.get(&peer).copied().unwrap_or_default();
        let all: usize = addresses.values().sum();
        let is_full = rates.max_connections.is_some_and(|max| all >= max)
            || rates
                .max_connections_per_address
                .is_some_and(|max| of_peer >= max);
        if is_full {
            return None;
        }
        addresses.insert(peer, of_peer + 1);
        drop(addresses);
        count(&self.counters.connections_total);
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        Some(Place { relay: self, peer })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut addresses = self
            .relay
            .addresses
            .lock()
            .expect("no panic under the lock");
        if let Some(of_peer) = addresses.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                addresses.remove(&self.peer);
            }
        }
        drop(addresses);
        let connections = &self.relay.counters.connections;
        connections.fetch_sub(1, Ordering::Relaxed);
    }
}
