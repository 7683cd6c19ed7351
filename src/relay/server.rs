//! The relay as the public port sees it.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, RwLock};

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use nips::PublicKey;
use tokio::sync::broadcast::Receiver;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::authorization::Used;
use super::connection::{BLOCKED, POLICY_VIOLATION, TRY_AGAIN_LATER, close};
use super::counters::{Counters, RelayCounts, count};
use super::decided::Decided;
use super::filter_limits::LARGE_ANSWERS;
use super::information;
use super::live::{LiveDelivery, SharedIndex};
use super::live_index::LiveIndex;
use super::manners::Crowd;
use super::query_gate::QueryGate;
use super::reading::READERS;
use super::session::Session;
use super::settings::{RelayInfo, RelaySettings};
use super::shared_sets::SharedSets;
use super::syncing::CONCURRENT_WORK;
use crate::archive::{Announcement, Archive};
use crate::background::Background;
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
    pub(super) live: Arc<SharedIndex>,
    /// For what must not keep other clients waiting.
    pub(super) background: Background,
    /// For what others wait for, although nobody asked for it: dropping what is in memory.
    pub(super) drops: Arc<Background>,
    pub(super) queries: QueryGate,
    /// For long answers, which would keep a thread that serves clients for as long.
    pub(super) writers: Background,
    pub(super) large_answers: Arc<Semaphore>,
    pub(super) sync_work: Semaphore,
    pub(super) room_for_keys: Arc<Semaphore>,
    pub(super) shared_sets: SharedSets,
    pub(super) counters: Counters,
    pub(super) crowd: Crowd,
    pub(super) decided: Decided,
    pub(super) used: Used,
    pub(super) information: RwLock<Arc<str>>,
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
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let is_free = "a pool without threads takes nothing of the system";
        let background = Background::new("relay", READERS).expect(is_free);
        let writers = Background::new("relay-writes", cores).expect(is_free);
        let drops = Background::with_share("relay-drops", 1).expect(is_free);
        let document = information::document(&settings.info, &settings, archive.settings());
        Self(Arc::new(Inner {
            information: RwLock::new(document.into()),
            decided: Decided::default(),
            used: Used::default(),
            feed: Mutex::new(Some(archive.subscribe())),
            archive,
            store,
            clock,
            live: Arc::new(RwLock::new(LiveIndex::default())),
            background,
            drops: Arc::new(drops),
            queries: QueryGate::new(&settings.limits),
            writers,
            large_answers: Arc::new(Semaphore::new(LARGE_ANSWERS)),
            sync_work: Semaphore::new(CONCURRENT_WORK),
            room_for_keys: Arc::new(Semaphore::new(settings.limits.max_synced_events)),
            shared_sets: SharedSets::new(settings.limits.max_sync_events),
            counters: Counters::default(),
            crowd: Crowd::new(&settings),
            settings,
        }))
    }

    /// Hands what the archive announces to the open subscriptions, until `soft` is cancelled; and what
    /// other processes have stored, whenever `others` is notified. Meanwhile what nobody uses any more is dropped.
    /// To be run once, beside the connections; a second call returns at once.
    pub async fn deliver_live(&self, others: Arc<Notify>, soft: CancellationToken) {
        let feed = self.0.feed.lock().expect("no panic under the lock").take();
        if let Some(feed) = feed {
            let delivery = LiveDelivery::new(Arc::clone(&self.0), feed);
            tokio::select! {
                () = delivery.run(others, soft) => {}
                () = self.0.shared_sets.drop_unused() => {}
            }
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
    pub async fn serve(&self, mut socket: WebSocket, peer: IpAddr, soft: CancellationToken) {
        let inner = &self.0;
        let place = inner.crowd.places.take(peer, &inner.settings.rates);
        let refusal = match &place {
            _ if inner.crowd.bans.holds(peer, Instant::now()) => Some((
                POLICY_VIOLATION,
                "your address broke too many rules, come back later",
            )),
            _ if inner.decided.now().blocks(peer) => Some((POLICY_VIOLATION, BLOCKED)),
            None => Some((TRY_AGAIN_LATER, "too many connections")),
            Some(_) => None,
        };
        if let Some((code, reason)) = refusal {
            count(&inner.counters.connections_refused);
            return close(&mut socket, code, reason).await;
        }
        let _open = inner.counters.open_connection();
        Box::pin(Session::new(inner, socket, peer).run(soft)).await;
    }

    /// The NIP-11 document, JSON.
    pub fn information(&self) -> Arc<str> {
        let information = self.0.information.read();
        Arc::clone(&information.expect("no panic under the lock"))
    }

    /// The identity that is in force.
    pub fn info(&self) -> RelayInfo {
        self.0.decided.now().identity(&self.0.settings.info)
    }

    /// What the relay did so far, and what is open.
    pub fn counts(&self) -> RelayCounts {
        self.0.counters.counts()
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }
}

impl Inner {
    /// What a client may see now that has proved to hold these keys. Every door asks here.
    pub(super) fn scope(&self, readers: Vec<PublicKey>) -> Scope {
        let now = self.clock.now();
        Scope::Servable {
            readers,
            now,
            banned: self.decided.now().banned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A few kilobytes are ten thousand clients' share of a small machine.
    const BOUND_BYTES: usize = 4 << 10;

    fn size_of_future<A, F: Future>(_: impl FnOnce(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_client_that_waits_takes_little() {
        let run = |session: Session<'static>| session.run(CancellationToken::new());
        let size = size_of_future(run);
        assert!(size <= BOUND_BYTES, "{size}");
    }
}
