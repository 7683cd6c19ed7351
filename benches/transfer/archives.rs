//! Archives that are nearly the same, and a relay over one of them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use bigbrotr::archive::{Archive, ArchiveSettings};
use bigbrotr::clock::SystemClock;
use bigbrotr::relay::{Relay, RelaySettings};
use bigbrotr::store::events::{EventBatch, IfDeleted, IfProtected, NewEvent};
use bigbrotr::store::{Embedded, EmbeddedOptions, EventStore as _};
use fleet::events::Generator;
use nips::event::UnsignedEvent;
use nips::{Event, Kind, PublicKey, Signature};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The first second, and the seconds that follow: two years.
const TIME: u64 = 1_690_000_000;
const SECONDS: u64 = 2 * 365 * 86_400;
/// Events written at once.
const BATCH: usize = 5_000;

/// An archive with so many events that every such archive has. They have no signatures, which stores do
/// not look at.
pub(crate) async fn archive(directory: &Path, common: usize) -> Arc<Embedded> {
    let store = Embedded::open(directory, EmbeddedOptions::default()).await;
    let store = Arc::new(store.expect("an empty directory becomes a store"));
    let mut rng = StdRng::seed_from_u64(3);
    let authors: Vec<PublicKey> = (0..10_000).map(|_| PublicKey(rng.random())).collect();
    let mut events = (0..common).map(|number| {
        let draft = UnsignedEvent {
            pubkey: authors[rng.random_range(0..authors.len())],
            created_at: TIME + SECONDS * number as u64 / common as u64,
            kind: Kind::TEXT_NOTE,
            tags: Vec::new(),
            content: format!("note {number} {}", "words ".repeat(rng.random_range(1..40))),
        };
        Event::from_parts(draft.id(), &draft, Signature([7; 64])).expect("the id is its own")
    });
    loop {
        let batch: Vec<Event> = events.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            drop(events);
            return store;
        }
        write(&store, batch).await;
    }
}

/// So many events that are signed, spread over the same time.
pub(crate) fn extra(events: usize) -> Vec<Event> {
    let (mut generator, mut rng) = (Generator::new(17), StdRng::seed_from_u64(5));
    let events = (0..events).map(|_| generator.note_at(TIME + rng.random_range(0..SECONDS)));
    events.collect()
}

/// Writes events past the door.
pub(crate) async fn write(store: &Embedded, events: Vec<Event>) {
    let new = events.into_iter().map(|event| NewEvent {
        event,
        sighting: None,
        if_deleted: IfDeleted::Keep,
        if_protected: IfProtected::Hide,
    });
    let batch = EventBatch {
        events: new.collect(),
        now: TIME + SECONDS,
        ..EventBatch::default()
    };
    store.write(batch).await.expect("the store takes events");
}

/// A relay over an archive.
pub(crate) struct Served {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

/// Serves an archive on a port of its own.
pub(crate) async fn serve(store: &Arc<Embedded>) -> Served {
    let clock = Arc::new(SystemClock);
    let door = Archive::new(store.clone(), clock.clone(), ArchiveSettings::default());
    let relay = Relay::new(door, store.clone(), clock, RelaySettings::default());
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("loopback has ports");
    let address = listener.local_addr().expect("it is bound");
    let app = axum::Router::new()
        .route("/", get(upgrade))
        .with_state((relay, CancellationToken::new()))
        .into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|stream| {
        stream
            .set_nodelay(true)
            .expect("a TCP socket has the option");
    });
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    Served {
        address,
        _tasks: tasks,
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
