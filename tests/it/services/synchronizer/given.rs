//! A crawl of a laboratory: its relays, an archive in a temporary directory, a clock that stands still
//! until it is moved, and short ways to ask what became of it all.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bigbrotr::archive::{Archive, ArchiveSettings};
use bigbrotr::clock::{Clock, MockClock};
use bigbrotr::config::{SyncTimeouts, SynchronizerConfig};
use bigbrotr::lifecycle::Tokens;
use bigbrotr::model::{Gap, GapReason, Interval, NewRelay, Relay, RelayId};
use bigbrotr::net::{Net, NetSettings};
use bigbrotr::services::signer::Signer;
use bigbrotr::services::synchronizer::Synchronizer;
use bigbrotr::services::{Context, CycleSummary, Service};
use bigbrotr::store::coverage::FilterId;
use bigbrotr::store::events::{ScanOrder, Scope};
use bigbrotr::store::{CoverageStore, Embedded, EmbeddedOptions, EventStore, RelayStore};
use fleet::{Behaviour, Fleet, FleetPlan, Member, MemberPlan};
use nips::{Event, EventId, Filter, Network, RelayUrl};
use tempfile::{NamedTempFile, TempDir};

/// When every crawl begins: long after the laboratory's events.
pub(super) const NOW: u64 = 1_750_000_000;

/// More cycles than any test needs.
const MAX_CYCLES: usize = 200;

/// Longer than anything that is waited for, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);

/// A synchronizer and what it works with.
pub(super) struct Crawl {
    pub(super) fleet: Fleet,
    pub(super) clock: Arc<MockClock>,
    pub(super) config: SynchronizerConfig,
    pub(super) net: NetSettings,
    pub(super) tokens: Tokens,
    pub(super) signer: Arc<Signer>,
    pub(super) archive: Archive,
    store: Arc<Embedded>,
    directory: TempDir,
    _authority: NamedTempFile,
}

impl Crawl {
    /// Starts the relays and adds them to an empty archive, due at once.
    pub(super) async fn of(plan: FleetPlan) -> Self {
        let fleet = Fleet::start(plan).await.unwrap();
        let mut authority = NamedTempFile::new().unwrap();
        authority.write_all(fleet.ca_pem().as_bytes()).unwrap();
        let clock = Arc::new(MockClock::at(NOW));
        let directory = tempfile::tempdir().unwrap();
        let (store, archive) = open(directory.path(), &clock).await;
        let relays = fleet.members().iter().map(|member| NewRelay {
            url: member.url().clone(),
            discovered_at: NOW,
        });
        store
            .add_relays(&relays.collect::<Vec<_>>(), NOW)
            .await
            .unwrap();
        Self {
            config: SynchronizerConfig {
                timeouts: SyncTimeouts {
                    idle: Duration::from_secs(1),
                    max_duration: Duration::from_secs(30),
                },
                ..SynchronizerConfig::default()
            },
            net: net_settings(&fleet, authority.path()),
            tokens: Tokens::new(),
            signer: Arc::new(Signer::new(&"42".repeat(32), clock.clone()).unwrap()),
            clock,
            fleet,
            archive,
            store,
            directory,
            _authority: authority,
        }
    }

    /// A crawl of one relay that holds about so many events.
    pub(super) async fn of_one(member: MemberPlan, events: usize) -> Self {
        Self::of(FleetPlan::new(5).events(events).member(member)).await
    }

    /// A crawl of one relay that behaves like this.
    pub(super) async fn of_behaviour(behaviour: Behaviour, events: usize) -> Self {
        Self::of_one(MemberPlan::new(behaviour), events).await
    }

    /// Closes the archive and opens it again, as a restart of the process does.
    pub(super) async fn restart(self) -> Self {
        let Self { archive, store, .. } = self;
        drop(archive);
        // Visits of a dropped cycle let go of it when the runtime comes round to them.
        eventually(async || Arc::strong_count(&store) == 1).await;
        store.close().await;
        drop(store);
        let (store, archive) = open(self.directory.path(), &self.clock).await;
        Self {
            store,
            archive,
            tokens: Tokens::new(),
            fleet: self.fleet,
            clock: self.clock,
            config: self.config,
            net: self.net,
            signer: self.signer,
            directory: self.directory,
            _authority: self._authority,
        }
    }

    /// Adds a relay that is none of the laboratory's, due at once.
    pub(super) async fn add(&self, url: &RelayUrl) -> RelayId {
        let relay = NewRelay {
            url: url.clone(),
            discovered_at: NOW,
        };
        self.store.add_relays(&[relay], NOW).await.unwrap();
        let found = self.store.relay_by_url(url).await.unwrap();
        found.expect("the relay was just added").id
    }

    /// The archived ids that were seen on this relay.
    pub(super) async fn seen_at(&self, relay: RelayId) -> BTreeSet<EventId> {
        self.sightings().await.remove(&relay).unwrap_or_default()
    }

    /// The only relay, or the first.
    pub(super) fn member(&self) -> &Member {
        self.fleet.member(0)
    }

    /// A new synchronizer.
    pub(super) fn synchronizer(&self) -> Synchronizer {
        let context = Context {
            store: self.store.clone(),
            archive: self.archive.clone(),
            net: Net::new(self.net.clone()).unwrap(),
            clock: self.clock.clone(),
        };
        let signer = self.signer.clone();
        Synchronizer::new(context, self.config.clone(), Some(signer))
    }

    /// One cycle of a new synchronizer.
    pub(super) async fn cycle(&self) -> CycleSummary {
        self.synchronizer().cycle(&self.tokens).await.unwrap()
    }

    /// Cycles until nothing is left that can be done now; the clock goes on by a second after each.
    pub(super) async fn run(&self) -> Vec<CycleSummary> {
        let mut summaries = Vec::new();
        for _ in 0..MAX_CYCLES {
            summaries.push(self.cycle().await);
            if !summaries.last().is_some_and(|last| last.has_more) {
                return summaries;
            }
            self.clock.advance(1);
        }
        panic!("there is always more to do: {summaries:?}");
    }

    /// Lets time pass until the relay is due again.
    pub(super) async fn wait_for_turn_of(&self, member: &Member) {
        let due_at = self.relay(member).await.next_sync_at;
        self.clock.advance(due_at.saturating_sub(self.clock.now()));
    }

    /// The store.
    pub(super) fn store(&self) -> &Embedded {
        &self.store
    }

    /// The relay's row.
    pub(super) async fn relay(&self, member: &Member) -> Relay {
        let found = self.store.relay_by_url(member.url()).await.unwrap();
        found.expect("the relay was added at the start")
    }

    /// Everything that is archived, oldest first.
    pub(super) async fn events(&self) -> Vec<Event> {
        let (mut events, mut next) = (Vec::new(), None);
        loop {
            let order = ScanOrder::OldestFirst;
            let page = self
                .store
                .scan(Filter::default(), Scope::Stored, order, next, 1_000);
            let page = page.await.unwrap();
            events.extend(page.events);
            next = page.next;
            if next.is_none() {
                return events;
            }
        }
    }

    /// The ids of everything that is archived.
    pub(super) async fn archived(&self) -> BTreeSet<EventId> {
        self.events().await.iter().map(Event::id).collect()
    }

    /// The archived ids by the relays on which they were seen.
    async fn sightings(&self) -> BTreeMap<RelayId, BTreeSet<EventId>> {
        let mut seen: BTreeMap<RelayId, BTreeSet<EventId>> = BTreeMap::new();
        for id in self.archived().await {
            for sighting in self.store.sightings(id).await.unwrap() {
                seen.entry(sighting.relay).or_default().insert(id);
            }
        }
        seen
    }

    /// The archived ids that were seen on this relay.
    pub(super) async fn seen_on(&self, member: &Member) -> BTreeSet<EventId> {
        self.seen_at(self.relay(member).await.id).await
    }

    /// What is covered of the relay under this filter.
    pub(super) async fn coverage_of(&self, member: &Member, filter: &Filter) -> Vec<Interval> {
        let relay = self.relay(member).await.id;
        let covered = self.store.coverage(relay, FilterId::of(filter)).await;
        covered.unwrap()
    }

    /// The covered ranges of the relay under the filter for everything.
    pub(super) async fn covered(&self, member: &Member) -> Vec<(u64, u64)> {
        let intervals = self.coverage_of(member, &Filter::default()).await;
        intervals.iter().map(|i| (i.from, i.until)).collect()
    }

    /// The gaps of the relay under the filter for everything.
    pub(super) async fn gaps(&self, member: &Member) -> Vec<Gap> {
        let relay = self.relay(member).await.id;
        let filter = FilterId::of(&Filter::default());
        self.store.gaps(relay, filter).await.unwrap()
    }

    /// The gaps of the relay as first second, last second, reason.
    pub(super) async fn gap_ranges(&self, member: &Member) -> Vec<(u64, u64, GapReason)> {
        let gaps = self.gaps(member).await;
        gaps.iter()
            .map(|gap| (gap.from, gap.until, gap.reason))
            .collect()
    }

    /// Everything that the relay holds is archived with a sighting, and on record as covered.
    pub(super) async fn assert_complete(&self, member: &Member) {
        self.assert_all_complete([member]).await;
    }

    /// The same of several relays.
    pub(super) async fn assert_all_complete(&self, members: impl IntoIterator<Item = &Member>) {
        let mut sightings = self.sightings().await;
        for member in members {
            let relay = self.relay(member).await.id;
            let seen = sightings.remove(&relay).unwrap_or_default();
            assert_same(&seen, &member.holds());
            assert_eq!(self.gap_ranges(member).await, [], "{}", member.name());
            let covered = self.covered(member).await;
            let [(0, until)] = covered[..] else {
                panic!("{} is covered in {covered:?}", member.name());
            };
            assert!((NOW - 3_600..=self.clock.now()).contains(&until), "{until}");
        }
    }
}

/// The two sets are the same; says which ids make the difference, not which are in both.
pub(super) fn assert_same(archived: &BTreeSet<EventId>, held: &BTreeSet<EventId>) {
    let missing: Vec<_> = held.difference(archived).collect();
    let surplus: Vec<_> = archived.difference(held).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing {missing:?}, surplus {surplus:?}"
    );
}

/// Waits until something is the case.
pub(super) async fn eventually(is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.expect("what was waited for should have happened");
}

async fn open(directory: &Path, clock: &Arc<MockClock>) -> (Arc<Embedded>, Archive) {
    let store = Embedded::open(directory, EmbeddedOptions::default()).await;
    let store = Arc::new(store.unwrap());
    let archive = Archive::new(store.clone(), clock.clone(), ArchiveSettings::default());
    (store, archive)
}

fn net_settings(fleet: &Fleet, authority: &Path) -> NetSettings {
    let mut settings = NetSettings {
        hosts: fleet.hosts().into_iter().collect(),
        dns_servers: vec![fleet.dns().address()],
        extra_ca_file: Some(authority.to_owned()),
        ..NetSettings::default()
    };
    for network in Network::ALL {
        let one = settings.networks.get_mut(network);
        one.enabled = true;
        one.timeout = Duration::from_secs(5);
        if network.is_overlay() {
            one.proxy = Some(fleet.socks().url().parse().unwrap());
        }
    }
    settings
}
