//! A laboratory, an archive in a temporary directory, and the context in which a service meets both.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bigbrotr::app::net_settings;
use bigbrotr::archive::{Archive, ArchiveSettings, Door};
use bigbrotr::clock::{Clock, MockClock};
use bigbrotr::config::{Config, Environment, Overrides, Paths};
use bigbrotr::lifecycle::Tokens;
use bigbrotr::model::{Candidate, NewCandidate, NewRelay, Relay, ServiceName};
use bigbrotr::net::{Net, NetSettings};
use bigbrotr::services::{Context, CycleSummary, Service};
use bigbrotr::store::events::{QueryBounds, Scope};
use bigbrotr::store::{
    CandidateStore, Embedded, EmbeddedOptions, EventStore, RelayStore, StatisticsStore, Store,
};
use fleet::{ConfigOptions, Fleet, FleetPlan, Member, MemberPlan};
use nips::{Event, Filter, Kind, Network, RelayUrl};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};
use tempfile::TempDir;
use tokio::time::Instant;

/// When the tests begin, unix seconds: after every event of the laboratory.
pub(super) const NOW: u64 = 1_750_000_000;

pub(super) const HOUR: u64 = 3_600;
pub(super) const DAY: u64 = 24 * HOUR;

/// What a relay gets that has to answer, on a machine that is busy with other tests.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// What a relay gets of a whole network, in which some never answer: the test lasts this long.
pub(super) const WHOLE_NETWORK: Duration = Duration::from_secs(5);
/// What a relay gets that never answers: the test lasts this long.
pub(super) const SHORT: Duration = Duration::from_secs(1);
/// Less than any time limit in these tests: what takes this long waited for none.
pub(super) const AT_ONCE: Duration = Duration::from_secs(10);

/// A laboratory, an empty archive beside it, and a clock that stands still.
pub(super) struct Given {
    pub(super) fleet: Fleet,
    pub(super) settings: NetSettings,
    pub(super) clock: Arc<MockClock>,
    pub(super) context: Context,
    store: Arc<Embedded>,
    directory: TempDir,
}

impl Given {
    /// A laboratory whose relays get [`PATIENCE`].
    pub(super) async fn start(plan: FleetPlan) -> Self {
        Self::within(PATIENCE, plan).await
    }

    /// A laboratory of one.
    pub(super) async fn of(member: MemberPlan) -> Self {
        Self::start(plan_of([member])).await
    }

    /// A laboratory, met with the configuration that an operator would use, whose relays get `timeout`.
    pub(super) async fn within(timeout: Duration, plan: FleetPlan) -> Self {
        let fleet = Fleet::start(plan).await.expect("the laboratory starts");
        let directory = tempfile::tempdir().expect("a temporary directory");
        let settings = settings(&fleet, timeout, &directory);
        let clock = Arc::new(MockClock::at(NOW));
        let (store, context) = open(&directory, &settings, &clock).await;
        Self {
            fleet,
            settings,
            clock,
            context,
            store,
            directory,
        }
    }

    /// The same archive as another process finds it after this one has ended.
    pub(super) async fn restart(self) -> Self {
        let Self { store, context, .. } = self;
        store.close().await;
        drop((store, context));
        let (store, context) = open(&self.directory, &self.settings, &self.clock).await;
        Self {
            store,
            context,
            fleet: self.fleet,
            settings: self.settings,
            clock: self.clock,
            directory: self.directory,
        }
    }

    /// The context with other settings of the network layer.
    pub(super) fn context_with(&self, change: impl FnOnce(&mut NetSettings)) -> Context {
        let mut settings = self.settings.clone();
        change(&mut settings);
        Context {
            net: Net::new(settings).expect("settings that can be used"),
            ..self.context.clone()
        }
    }

    /// The clock's time, unix seconds.
    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Moves the clock forward to a moment.
    pub(super) fn wait_for(&self, moment: u64) {
        self.clock.advance(moment - self.now());
    }

    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// The only member, or the first.
    pub(super) fn member(&self) -> &Member {
        self.fleet.member(0)
    }

    /// A path beside the archive.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Names every member, as the seeder would.
    pub(super) async fn name_all(&self) {
        let urls: Vec<RelayUrl> = self.urls().collect();
        self.name(&urls).await;
    }

    /// Names relays an hour ago, as the seeder would.
    pub(super) async fn name(&self, urls: &[RelayUrl]) {
        let named = urls.iter().map(|url| NewCandidate {
            url: url.clone(),
            source: "seed".to_owned(),
            discovered_at: NOW - HOUR,
        });
        let named: Vec<NewCandidate> = named.collect();
        let added = self.store.add_candidates(&named, NOW).await.unwrap();
        assert_eq!(added, urls.len() as u64);
    }

    /// Takes every member for a relay, without asking anybody.
    pub(super) async fn trust_all(&self) {
        let relays = self.urls().map(|url| NewRelay {
            url,
            discovered_at: NOW - HOUR,
        });
        let relays: Vec<NewRelay> = relays.collect();
        self.store.add_relays(&relays, NOW).await.unwrap();
    }

    fn urls(&self) -> impl Iterator<Item = RelayUrl> {
        self.fleet
            .members()
            .iter()
            .map(|member| member.url().clone())
    }

    /// Every candidate, due or not.
    pub(super) async fn candidates(&self) -> Vec<Candidate> {
        let end_of_time = NOW + 10_000 * DAY;
        let due = self
            .store
            .due_candidates(&Network::ALL, end_of_time, 100_000);
        due.await.unwrap()
    }

    pub(super) async fn candidate(&self, url: &RelayUrl) -> Option<Candidate> {
        let candidates = self.candidates().await;
        candidates
            .into_iter()
            .find(|candidate| candidate.url == *url)
    }

    pub(super) async fn relay(&self, url: &RelayUrl) -> Option<Relay> {
        self.store.relay_by_url(url).await.unwrap()
    }

    /// The URLs of all relays.
    pub(super) async fn relay_urls(&self) -> BTreeSet<String> {
        let relays = self.store.relays_after(None, 100_000).await.unwrap();
        relays.iter().map(|relay| relay.url.to_string()).collect()
    }

    /// What a reader who is not logged in may see of some kinds, newest first.
    pub(super) async fn servable(&self, kinds: &[Kind]) -> Vec<Event> {
        let filter = Filter::from_value(&json!({ "kinds": kinds })).unwrap();
        let scope = Scope::public(self.now());
        let page = self
            .store
            .query(vec![filter], scope, QueryBounds::default());
        page.await.unwrap().events
    }

    /// Archives events as an import would.
    pub(super) async fn archive(&self, events: impl IntoIterator<Item = Event>) {
        let events: Vec<Event> = events.into_iter().collect();
        let archive = &self.context.archive;
        let admitted = archive.admit_events(events, Door::Import(None)).await;
        admitted.unwrap();
    }

    /// How many rows of each noun there are.
    pub(super) async fn totals(&self) -> bigbrotr::store::statistics::Totals {
        self.store.totals().await.unwrap()
    }

    /// Does to the relational side what only another program would do.
    pub(super) async fn sql(&self, statement: &str) {
        let options = SqliteConnectOptions::new().filename(self.path("data/bigbrotr.sqlite"));
        let mut connection = options.foreign_keys(false).connect().await.unwrap();
        let statement = AssertSqlSafe(statement.to_owned());
        let done = sqlx::query(statement).execute(&mut connection).await;
        done.unwrap();
    }
}

/// A plan of these members, with some events for those that hold any.
pub(super) fn plan_of(members: impl IntoIterator<Item = MemberPlan>) -> FleetPlan {
    let plan = FleetPlan::new(11).events(60);
    members.into_iter().fold(plan, FleetPlan::member)
}

/// Runs one cycle as the runner would, clean-up first.
pub(super) async fn cycle(service: &dyn Service) -> CycleSummary {
    service.cleanup().await.unwrap();
    service.cycle(&Tokens::new()).await.unwrap()
}

/// Waits for something to come about, for as long as a busy machine may need.
pub(super) async fn wait_until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The network layer's settings for this fleet, by way of configuration files.
fn settings(fleet: &Fleet, timeout: Duration, directory: &TempDir) -> NetSettings {
    let options = ConfigOptions {
        timeout_seconds: u32::try_from(timeout.as_secs()).expect("a short time"),
        ..ConfigOptions::default()
    };
    let written = fleet.write_config(directory.path(), &options);
    let written = written.expect("room for a configuration");
    let paths = Paths {
        config_dir: written.config,
        relay_config_dir: written.relay_config,
        data_dir: written.data,
    };
    let config = Config::load(&paths, &Environment::default(), Overrides::default());
    let config = config.expect("the laboratory's configuration is right");
    net_settings(&config, ServiceName::Validator).expect("the laboratory's proxies have URLs")
}

async fn open(
    directory: &TempDir,
    settings: &NetSettings,
    clock: &Arc<MockClock>,
) -> (Arc<Embedded>, Context) {
    let data = directory.path().join("data");
    let store = Embedded::open(&data, EmbeddedOptions::default()).await;
    let store = Arc::new(store.expect("an archive"));
    let archive = Archive::new(store.clone(), clock.clone(), ArchiveSettings::default());
    let context = Context {
        store: store.clone(),
        archive,
        net: Net::new(settings.clone()).expect("settings that can be used"),
        clock: clock.clone(),
    };
    (store, context)
}
