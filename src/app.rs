//! The composition root: opens the backends that were configured and wires the parts together. The
//! only place that names concrete ones.

mod assembly;
mod backup;
mod check;
mod identity;
mod settings;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result};
use nips::PublicKey;
use tokio::sync::Notify;

use crate::archive::{Archive, ArchiveSettings};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::http::{
    Overviews, Proxies, Server, ServerLimits, Site, metrics_routes, public_routes, tls_settings,
};
use crate::lifecycle::Tasks;
use crate::metrics::Metrics;
use crate::model::ServiceName;
use crate::net::{AuthSigner, Net, NetSettings};
use crate::relay::Relay;
use crate::services::finder::Finder;
use crate::services::monitor::Monitor;
use crate::services::refresher::Refresher;
use crate::services::runner::Runner;
use crate::services::seeder::Seeder;
use crate::services::signer::Signer;
use crate::services::synchronizer::{Synchronizer, Tail};
use crate::services::validator::Validator;
use crate::services::{Context, Service};
use crate::store::{EventStore, ServingIndex, Store};

use assembly::Assembly;
pub use backup::{Copied, back_up};
pub use check::check;
pub use identity::KeyOrigin;

/// The list of relays to begin with when none is configured.
pub const SEED_LIST: &str = include_str!("../deployments/bigbrotr/static/seed_relays.txt");

/// Connections of the metrics port: a few scrapers and a health check.
const METRICS_CONNECTIONS: usize = 64;

/// Connections of the public port beyond the relay's own limit, so that the page and health checks
/// get through when the relay is full.
const PAGE_CONNECTIONS: usize = 64;

/// An opened archive with everything that works on it.
pub struct App {
    config: Config,
    clock: Arc<dyn Clock>,
    assembly: Assembly,
    store: Arc<dyn Store>,
    /// What the relay reads from when the store is elsewhere.
    serving: Option<Arc<ServingIndex>>,
    archive: Archive,
    metrics: Metrics,
    tasks: Tasks,
    /// Loaded once: whoever asks learns whether it was made just now.
    key: OnceLock<(Signer, KeyOrigin)>,
    /// Made once: its cycles show its tail whom to listen to.
    synchronizer: OnceLock<Synchronizer>,
}

/// The addresses that were opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ports {
    /// Relay, page and health.
    pub public: Option<SocketAddr>,
    /// Metrics and health.
    pub metrics: Option<SocketAddr>,
}

impl App {
    /// Opens the store and what stands on it; `tasks` will own whatever is started.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub async fn open(config: Config, tasks: Tasks) -> Result<Self> {
        Self::open_for(config, tasks, &[]).await
    }

    /// The same for a process that will have these roles.
    ///
    /// # Errors
    /// When the store cannot be opened, or what a role needs beside it.
    pub async fn open_for(config: Config, tasks: Tasks, roles: &[ServiceName]) -> Result<Self> {
        let metrics = Metrics::new();
        let assembly = Box::pin(Assembly::open(&config, metrics.store.clone())).await?;
        let store = assembly.store();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let archive_settings = ArchiveSettings {
            max_created_at_ahead: config.policy.write.max_future.as_secs(),
            min_difficulty: config.policy.write.min_difficulty,
            ..ArchiveSettings::default()
        };
        let serving = match roles.contains(&ServiceName::Relay) {
            true => {
                Box::pin(assembly.serving_index(&config, metrics.store.clone(), &clock)).await?
            }
            false => None,
        };
        let events: Arc<dyn EventStore> = match &serving {
            Some(serving) => serving.clone(),
            None => store.clone(),
        };
        let archive = Archive::new(events, Arc::clone(&clock), archive_settings)
            .with_quarantine(store.clone());
        Ok(Self {
            config,
            clock,
            assembly,
            store,
            serving,
            archive,
            metrics,
            tasks,
            key: OnceLock::new(),
            synchronizer: OnceLock::new(),
        })
    }

    /// The configuration it was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The door for events.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Wall-clock time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// What runs the service of that name until the tokens of this process say stop; `None` for the
    /// relay, which is a port and has no cycles.
    ///
    /// # Errors
    /// When the network layer cannot be set up or the monitor's key cannot be used.
    pub fn runner(&self, name: ServiceName) -> Result<Option<Runner>> {
        let context = self.context(name)?;
        let Some(service) = self.service(name, context.clone())? else {
            return Ok(None);
        };
        let tokens = self.tasks.tokens().clone();
        Ok(Some(Runner::new(
            service,
            &context,
            &self.metrics.service,
            tokens,
        )))
    }

    fn service(&self, name: ServiceName, context: Context) -> Result<Option<Arc<dyn Service>>> {
        let config = &self.config;
        Ok(Some(match name {
            ServiceName::Seeder => Arc::new(Seeder::new(context, config.seeder.clone(), SEED_LIST)),
            ServiceName::Finder => Arc::new(Finder::new(context, config.finder.clone())),
            ServiceName::Validator => {
                let metrics = self.metrics.validation.clone();
                Arc::new(Validator::new(context, config.validator.clone(), metrics))
            }
            ServiceName::Monitor => {
                let signer = self.signer()?.0;
                let own_relay = settings::public_relay(&config.relay);
                Arc::new(Monitor::new(
                    context,
                    config.monitor.clone(),
                    signer,
                    own_relay,
                    self.metrics.publication.clone(),
                ))
            }
            ServiceName::Synchronizer => Arc::new(self.synchronizer_in(context)?),
            ServiceName::Refresher => Arc::new(Refresher::new(context, config.refresher.clone())),
            ServiceName::Relay => return Ok(None),
        }))
    }

    /// The synchronizer, for who wants more of it than cycles.
    ///
    /// # Errors
    /// As [`App::runner`].
    pub fn synchronizer(&self) -> Result<Synchronizer> {
        self.synchronizer_in(self.context(ServiceName::Synchronizer)?)
    }

    fn synchronizer_in(&self, context: Context) -> Result<Synchronizer> {
        if let Some(known) = self.synchronizer.get() {
            return Ok(known.clone());
        }
        let signer: Arc<dyn AuthSigner> = Arc::new(self.signer()?.0);
        let config = self.config.synchronizer.clone();
        let new = Synchronizer::new(context, config, Some(signer));
        Ok(self.synchronizer.get_or_init(|| new).clone())
    }

    /// The synchronizer's live tail, which runs beside its cycles.
    ///
    /// # Errors
    /// As [`App::runner`].
    pub fn tail(&self) -> Result<Tail> {
        Ok(self.synchronizer()?.tail(self.metrics.tail.clone()))
    }

    /// The monitor's key and where it came from; creates `monitor.key` in the data directory when
    /// there is none.
    ///
    /// # Errors
    /// When the key is no key, or its file cannot be read or written.
    pub fn signer(&self) -> Result<(Signer, KeyOrigin)> {
        if let Some(known) = self.key.get() {
            return Ok(known.clone());
        }
        let (secret, origin) = identity::load_or_create(&self.config)?;
        let signer = Signer::new(secret.expose(), Arc::clone(&self.clock))
            .with_context(|| format!("could not use the key of {origin}"))?;
        Ok(self.key.get_or_init(|| (signer, origin)).clone())
    }

    /// Opens the ports that `roles` need and starts answering.
    ///
    /// # Errors
    /// When an address cannot be listened on or the certificate cannot be used.
    pub async fn serve(&self, roles: &[ServiceName]) -> Result<Ports> {
        let mut ports = Ports::default();
        let mut relay = None;
        if roles.contains(&ServiceName::Relay) {
            let meter = &self.metrics.service;
            meter.meter(ServiceName::Relay, None, self.clock.now());
            let server = self.public_server().await?;
            ports.public = Some(server.address());
            tracing::info!(service = "relay", address = %server.address(), "http_server_started");
            let url = self.relay_url(server.address());
            relay = Some((self.relay().await?, server, url));
        }
        let relay_only = relay.as_ref().map(|(relay, ..)| relay.clone());
        let url = relay
            .as_ref()
            .map(|(.., url)| url.clone())
            .unwrap_or_default();
        let site = self.site(roles, relay_only, url);
        if self.config.brotr.metrics.enabled {
            let metrics = &self.config.brotr.metrics;
            let address = SocketAddr::new(metrics.host, metrics.port);
            let limits = ServerLimits::of(METRICS_CONNECTIONS);
            let server = Server::bind(address, limits, None).await;
            let server = server.context("metrics port (metrics.host, metrics.port)")?;
            ports.metrics = Some(server.address());
            tracing::info!(address = %server.address(), "metrics_server_started");
            self.start(
                "metrics port",
                server.serve(metrics_routes(&site), self.tasks.clone()),
            );
        }
        if let Some((relay, server, _)) = relay {
            let soft = self.tasks.tokens().soft();
            let others = Arc::new(Notify::new());
            let mut followers = vec![Arc::clone(&others)];
            if let Some(serving) = self.serving.clone() {
                let (arrived, applied) = (Arc::new(Notify::new()), Arc::clone(&others));
                followers.push(Arc::clone(&arrived));
                let soft = soft.clone();
                self.start("serving index", async move {
                    serving.follow(&arrived, &applied, &soft).await;
                });
            }
            if let Some(work) = self.assembly.watch_others(followers, &soft) {
                self.start("arrivals", work);
            }
            let live = relay.clone();
            self.start("live delivery", async move {
                live.deliver_live(others, soft).await
            });
            self.start(
                "public port",
                server.serve(public_routes(site, relay), self.tasks.clone()),
            );
        }
        Ok(ports)
    }

    /// Gives the roles of a database the passwords that the configuration has for them. Returns their
    /// names.
    ///
    /// # Errors
    /// When this role may not do that.
    pub async fn set_passwords(&self) -> Result<Vec<&'static str>> {
        Ok(self.assembly.set_passwords(&self.config).await?)
    }

    /// Closes the store. Whatever was acknowledged is durable already.
    pub async fn close(self) {
        self.assembly.close().await;
    }

    /// `ws://…` as clients know the relay.
    pub fn relay_url(&self, address: SocketAddr) -> String {
        let scheme = if self.config.relay.tls.is_some() {
            "wss"
        } else {
            "ws"
        };
        let public = self.config.relay.public_url.clone();
        public.unwrap_or_else(|| format!("{scheme}://{address}"))
    }

    fn start(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(name, async move {
            task.await;
            Ok::<_, std::convert::Infallible>(())
        });
    }

    async fn public_server(&self) -> Result<Server> {
        let relay = &self.config.relay;
        let settings = |files| tls_settings(files, Some(&self.metrics.gathered));
        let tls = relay.tls.as_ref().map(settings).transpose()?;
        let connections = self.config.policy.rates.max_connections + PAGE_CONNECTIONS;
        let server = Server::bind(relay.listen, ServerLimits::of(connections), tls).await;
        let server = server.context("public port (listen in relay.yaml)")?;
        Ok(server.behind(Proxies::from(&relay.proxy)))
    }

    async fn relay(&self) -> Result<Relay> {
        let monitor = self.monitor_key()?;
        let (relay, policy) = (&self.config.relay, &self.config.policy);
        let settings = settings::relay_settings(relay, policy, monitor, &self.metrics.relay);
        let access = settings.write.access;
        tracing::info!(service = "relay", policy = access.as_str(), listen = %relay.listen, "write_policy");
        let store: Arc<dyn EventStore> = match &self.serving {
            Some(serving) => serving.clone(),
            None => self.store.clone(),
        };
        let archive = self.archive.clone();
        let relay = Relay::new(archive, store, Arc::clone(&self.clock), settings);
        let kept = relay.keep_decisions_in(self.store.clone()).await;
        kept.context("could not read what the relay's operator decided")?;
        Ok(relay)
    }

    /// The monitor's public key, if there is one already: a relay by itself makes none.
    fn monitor_key(&self) -> Result<Option<PublicKey>> {
        if self.key.get().is_none() && !identity::exists(&self.config) {
            return Ok(None);
        }
        Ok(Some(self.signer()?.0.public_key()))
    }

    fn site(&self, roles: &[ServiceName], relay: Option<Relay>, relay_url: String) -> Site {
        Site {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            overviews: Overviews::new(Arc::clone(&self.store), Arc::clone(&self.clock)),
            archive: self.archive.clone(),
            metrics: self.metrics.clone(),
            relay,
            serving: self.serving.clone(),
            roles: roles.to_vec(),
            relay_url,
            tasks: self.tasks.clone(),
        }
    }

    fn context(&self, service: ServiceName) -> Result<Context> {
        let settings = net_settings(&self.config, service)?;
        Ok(Context {
            store: Arc::clone(&self.store),
            archive: self.archive.clone(),
            net: Net::new(settings)?,
            clock: Arc::clone(&self.clock),
        })
    }
}

/// The network layer's settings for one service.
///
/// # Errors
/// When a proxy URL cannot be used.
pub fn net_settings(config: &Config, service: ServiceName) -> Result<NetSettings> {
    settings::net_settings(config, service)
}

/// Signs write probes: with the monitor's key where there is one, for a relay may know it, else with one
/// that is forgotten.
///
/// # Errors
/// When there is a key and it cannot be used.
pub fn probe_signer(config: &Config) -> Result<Signer> {
    let secret = if identity::exists(config) {
        identity::load_or_create(config)?.0
    } else {
        identity::generate()
    };
    let signer = Signer::new(secret.expose(), Arc::new(SystemClock));
    signer.context("could not use the monitor's key")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nips::RelayUrl;

    use super::SEED_LIST;

    #[test]
    fn every_line_of_the_built_in_list_is_a_relay_and_none_is_there_twice() {
        let lines = SEED_LIST.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let urls: Vec<String> = lines
            .map(|line| RelayUrl::parse(line).unwrap_or_else(|why| panic!("{line}: {why}")))
            .map(|url| url.to_string())
            .collect();
        let distinct: BTreeSet<&String> = urls.iter().collect();
        assert_eq!(distinct.len(), urls.len());
        assert!(urls.len() > 100);
    }
}
