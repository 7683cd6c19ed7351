//! A relay on a port of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use bigbrotr::archive::{Archive, ArchiveSettings};
use bigbrotr::clock::{Clock, MockClock};
use bigbrotr::relay::{Relay, RelaySettings};
use bigbrotr::store::EventStore;
use bigbrotr::store::lmdb::{LmdbEvents, LmdbOptions};
use nips::{Event, LocalRelays, RelayUrl};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use crate::archive::given::NOW;
use crate::contract::events::batch;

/// A served relay; dropping it ends its tasks.
pub(crate) struct Served {
    pub(super) relay: Relay,
    pub(crate) archive: Archive,
    pub(crate) store: Arc<dyn EventStore>,
    pub(super) clock: Arc<MockClock>,
    pub(crate) address: SocketAddr,
    pub(super) soft: CancellationToken,
    tasks: JoinSet<()>,
    _directory: Option<TempDir>,
}

/// A relay with default settings.
pub(crate) async fn relay() -> Served {
    relay_with(RelaySettings::default()).await
}

/// Settings of a relay that knows its name, so that clients can authenticate.
pub(super) fn named() -> RelaySettings {
    let url = RelayUrl::parse_with("ws://127.0.0.1", LocalRelays::Accepted);
    RelaySettings {
        urls: vec![url.unwrap()],
        ..RelaySettings::default()
    }
}

pub(super) async fn relay_with(settings: RelaySettings) -> Served {
    let clock = Arc::new(MockClock::at(NOW));
    let live_clock = Arc::clone(&clock);
    serve(settings, clock, live_clock).await
}

/// A relay whose own clock differs from the archive's.
pub(super) async fn serve(
    settings: RelaySettings,
    clock: Arc<MockClock>,
    relay_clock: Arc<dyn Clock>,
) -> Served {
    serve_archive(settings, ArchiveSettings::default(), clock, relay_clock).await
}

/// A relay whose clients have to work for each event.
pub(super) async fn laborious(min_difficulty: u16) -> Served {
    let door = ArchiveSettings {
        min_difficulty,
        ..ArchiveSettings::default()
    };
    let clock = Arc::new(MockClock::at(NOW));
    let relay_clock = Arc::clone(&clock);
    serve_archive(RelaySettings::default(), door, clock, relay_clock).await
}

async fn serve_archive(
    settings: RelaySettings,
    door: ArchiveSettings,
    clock: Arc<MockClock>,
    relay_clock: Arc<dyn Clock>,
) -> Served {
    let directory = tempfile::tempdir().unwrap();
    let options = LmdbOptions {
        own_relay_urls: settings.urls.clone(),
        ..LmdbOptions::at(directory.path())
    };
    let store = LmdbEvents::open(options).unwrap();
    let stores = Stores {
        events: Arc::new(store),
        others: Arc::default(),
        directory: Some(directory),
    };
    serve_over(stores, settings, door, (clock, relay_clock)).await
}

/// What a relay reads from and writes to.
pub(super) struct Stores {
    pub(super) events: Arc<dyn EventStore>,
    /// Notified when others have stored something.
    pub(super) others: Arc<Notify>,
    /// Where the events are, if that is to be deleted.
    pub(super) directory: Option<TempDir>,
}

/// A relay over a store of the test's own.
pub(super) async fn serve_store(
    store: Arc<dyn EventStore>,
    settings: RelaySettings,
    door: ArchiveSettings,
    clock: Arc<MockClock>,
    relay_clock: Arc<dyn Clock>,
) -> Served {
    let stores = Stores {
        events: store,
        others: Arc::default(),
        directory: None,
    };
    serve_over(stores, settings, door, (clock, relay_clock)).await
}

/// The same, with the clocks of the door and of the relay.
pub(super) async fn serve_over(
    stores: Stores,
    settings: RelaySettings,
    door: ArchiveSettings,
    (clock, relay_clock): (Arc<MockClock>, Arc<dyn Clock>),
) -> Served {
    let store = stores.events;
    let archive = Archive::new(Arc::clone(&store), Arc::clone(&clock) as _, door);
    let relay = Relay::new(archive.clone(), Arc::clone(&store), relay_clock, settings);
    let soft = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    let live = relay.clone();
    let live_soft = soft.clone();
    tasks.spawn(async move { live.deliver_live(stores.others, live_soft).await });
    let app = axum::Router::new()
        .route("/", get(upgrade))
        .with_state((relay.clone(), soft.clone()))
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
    Served {
        relay,
        archive,
        store,
        clock,
        address,
        soft,
        tasks,
        _directory: stores.directory,
    }
}

async fn upgrade(
    State((relay, soft)): State<(Relay, CancellationToken)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let serve = relay.clone();
    relay.prepare(upgrade).on_upgrade(move |socket| async move {
        serve.serve(socket, peer.ip(), soft).await;
    })
}

impl Served {
    pub(super) async fn client(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Writes events past the archive's door, which would not take them.
    pub(super) async fn write(&self, events: Vec<Event>) {
        self.store.write(batch(events, NOW)).await.unwrap();
    }

    pub(super) async fn client_from(&self, from: [u8; 4]) -> Client {
        Client::connect_from(from, self.address).await
    }

    pub(super) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.soft.cancel();
        self.tasks.abort_all();
    }
}
