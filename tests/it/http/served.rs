//! The library's two ports in this process, with a clock that tests set and limits that they choose.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bigbrotr::archive::{Archive, ArchiveSettings};
use bigbrotr::clock::MockClock;
use bigbrotr::http::{
    Overviews, Proxies, Server, ServerLimits, Site, metrics_routes, public_routes,
};
use bigbrotr::lifecycle::Tasks;
use bigbrotr::metrics::Metrics;
use bigbrotr::relay::{Relay, RelaySettings};
use bigbrotr::store::serving::{ServingIndex, ServingOptions};
use bigbrotr::store::{Embedded, EmbeddedOptions};
use rustls::ServerConfig;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::archive::given::NOW;

/// Both ports; dropping it ends them.
pub(crate) struct Served {
    pub(crate) public: SocketAddr,
    pub(crate) metrics_port: SocketAddr,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) metrics: Metrics,
    store: Arc<Embedded>,
    serving: Option<Arc<ServingIndex>>,
    tasks: Tasks,
    runtime: Runtime,
    _directory: TempDir,
}

/// Both ports with limits of the open internet.
pub(crate) fn serve() -> Served {
    serve_within(ServerLimits::of(64), None)
}

/// Both ports, the public one behind proxies, with a relay of its own settings.
pub(crate) fn serve_behind(
    proxies: Proxies,
    tls: Option<Arc<ServerConfig>>,
    relay: RelaySettings,
) -> Served {
    serve_with(impatient(64), tls, proxies, relay, Front::Store)
}

/// Both ports, the public one with limits of its own and perhaps TLS.
pub(crate) fn serve_within(limits: ServerLimits, tls: Option<Arc<ServerConfig>>) -> Served {
    let (proxies, relay) = (Proxies::default(), RelaySettings::default());
    serve_with(limits, tls, proxies, relay, Front::Store)
}

/// Both ports of a relay that reads from a serving index, which has to be fed.
pub(crate) fn serve_from_index() -> Served {
    let (proxies, relay) = (Proxies::default(), RelaySettings::default());
    serve_with(ServerLimits::of(64), None, proxies, relay, Front::Index)
}

/// What the relay reads from.
enum Front {
    Store,
    Index,
}

fn serve_with(
    limits: ServerLimits,
    tls: Option<Arc<ServerConfig>>,
    proxies: Proxies,
    relay: RelaySettings,
    front: Front,
) -> Served {
    let runtime = Runtime::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let opened = Embedded::open(directory.path(), EmbeddedOptions::default());
    let store = Arc::new(runtime.block_on(opened).unwrap());
    let clock = Arc::new(MockClock::at(NOW));
    let tasks = Tasks::default();
    let metrics = Metrics::new();
    let serving = match front {
        Front::Store => None,
        Front::Index => {
            let options = ServingOptions {
                path: directory.path().join("serving"),
                archive_id: "a".to_owned(),
                own_relay_urls: Vec::new(),
                replica: None,
            };
            let index = ServingIndex::open(store.clone(), clock.clone(), options);
            Some(Arc::new(runtime.block_on(index).unwrap()))
        }
    };
    let (site, relay) = site(&store, &clock, &metrics, &tasks, serving.clone(), relay);
    let (public, metrics_port) = runtime.block_on(async {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let public = Server::bind(any, limits, tls).await.unwrap();
        let public = public.behind(proxies);
        let second = Server::bind(any, ServerLimits::of(64), None).await.unwrap();
        let addresses = (public.address(), second.address());
        let serve = second.serve(metrics_routes(&site), tasks.clone());
        tasks.spawn_short("metrics port", serve);
        let serve = public.serve(public_routes(site, relay), tasks.clone());
        tasks.spawn_short("public port", serve);
        addresses
    });
    Served {
        public,
        metrics_port,
        clock,
        metrics,
        store,
        serving,
        tasks,
        runtime,
        _directory: directory,
    }
}

fn site(
    store: &Arc<Embedded>,
    clock: &Arc<MockClock>,
    metrics: &Metrics,
    tasks: &Tasks,
    serving: Option<Arc<ServingIndex>>,
    relay_settings: RelaySettings,
) -> (Site, Relay) {
    let settings = ArchiveSettings::default();
    let archive = Archive::new(store.clone(), clock.clone(), settings);
    let relay = Relay::new(
        archive.clone(),
        store.clone(),
        clock.clone(),
        relay_settings,
    );
    let site = Site {
        store: store.clone(),
        clock: clock.clone(),
        overviews: Overviews::new(store.clone(), clock.clone()),
        archive,
        metrics: metrics.clone(),
        relay: Some(relay.clone()),
        serving,
        roles: Vec::new(),
        relay_url: "wss://archive.example.com".to_owned(),
        tasks: tasks.clone(),
    };
    (site, relay)
}

impl Served {
    /// Feeds the serving index until it answers.
    pub(crate) fn feed_index(&self) {
        let index = self.serving.clone().unwrap();
        let soft = CancellationToken::new();
        let applied = Notify::new();
        self.runtime.block_on(async {
            let answering = async {
                while !index.progress().is_serving {
                    applied.notified().await;
                }
                soft.cancel();
            };
            let arrived = Notify::new();
            tokio::join!(index.follow(&arrived, &applied, &soft), answering);
        });
    }

    /// Closes the store under the ports, as if its disk were gone.
    pub(crate) fn lose_store(&self) {
        self.runtime.block_on(self.store.close());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.tasks.tokens().stop_hard();
    }
}

/// Limits that tests need not wait long for.
pub(crate) fn impatient(max_connections: usize) -> ServerLimits {
    ServerLimits {
        max_connections,
        header_patience: Duration::from_millis(200),
        lifetime: Duration::from_millis(600),
    }
}
