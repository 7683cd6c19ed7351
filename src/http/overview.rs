//! What the archive knows, in figures: for the page, for metrics and for `bigbrotr status`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nips::{Network, RelayUrl};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::relay_report::RelayReport;
use crate::clock::Clock;
use crate::model::{NetworkTraffic, ServiceName, ServiceState, StateType};
use crate::store::coverage::{GapCount, NetworkProgress, RelayProgress};
use crate::store::events::EventStatistics;
use crate::store::growth::{self, Growth, Size};
use crate::store::relays::RelayCount;
use crate::store::statistics::{CycleRecord, Totals};
use crate::store::{Store, StoreError};

/// Figures this old are still shown: a page that is reloaded costs the store nothing.
const MAX_AGE: Duration = Duration::from_secs(5);

/// A relay that is covered to within so many seconds is archived until lately.
const LATELY_S: u64 = 3_600;

/// Relays that are told to be behind, at most.
const MAX_BEHIND: usize = 20;

/// One reading of all figures.
#[derive(Debug, Clone)]
pub struct Overview {
    /// When it was read, unix seconds.
    pub gathered_at: u64,
    /// Relays by network and state.
    pub relays: Vec<RelayCount>,
    /// Candidates by network.
    pub candidates: Vec<(Network, u64)>,
    /// Stored events.
    pub events: EventStatistics,
    /// Rows of everything else.
    pub totals: Totals,
    /// Events that the store failed on.
    pub quarantined: u64,
    /// What could not be archived yet.
    pub gaps: Vec<GapCount>,
    /// How far each network is archived.
    pub progress: Vec<NetworkProgress>,
    /// What was received of each network.
    pub received: Vec<NetworkTraffic>,
    /// The relays that are furthest behind.
    pub behind: Vec<RelayProgress>,
    /// The relays that ask not to be archived, each with its evidence.
    pub unwelcome: Vec<ServiceState>,
    /// The outside relays that were sent something, or are to be.
    pub outside: Vec<OutsideRelay>,
    /// How far behind the services are.
    pub lag: Lag,
    /// How fast it all grows; `None` before there are two sizes to compare.
    pub growth: Option<Growth>,
    /// The last cycle of each service.
    pub cycles: Vec<CycleRecord>,
}

/// How a relay takes what our monitor sends it.
#[derive(Debug, Clone, PartialEq)]
pub struct OutsideRelay {
    /// Its URL.
    pub url: String,
    /// Events that it is still to be sent.
    pub waiting: u64,
    /// What is on record, as the monitor wrote it; null before the first answer.
    pub standing: Value,
}

/// How long the relay that waits longest has been due, seconds; `None` when none is due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// For the monitor.
    pub check_s: Option<u64>,
    /// For the synchronizer.
    pub sync_s: Option<u64>,
}

impl Overview {
    /// Reads all figures at `now` unix seconds.
    ///
    /// # Errors
    /// The first [`StoreError`].
    pub async fn gather(store: &dyn Store, now: u64) -> Result<Self, StoreError> {
        let (events, totals) = (store.event_statistics().await?, store.totals().await?);
        let size = Size::of(&events, &totals, now);
        Ok(Self {
            gathered_at: now,
            relays: store.relay_counts().await?,
            candidates: store.candidate_counts().await?,
            growth: growth::growth(store, size).await?,
            events,
            totals,
            quarantined: store.quarantined_count().await?,
            gaps: store.gap_counts().await?,
            progress: store.network_progress(now.saturating_sub(LATELY_S)).await?,
            received: store.network_traffic().await?,
            behind: store.relays_behind(MAX_BEHIND).await?,
            unwelcome: store
                .states(ServiceName::Synchronizer, StateType::Decision)
                .await?,
            outside: outside(store).await?,
            lag: lag(store, now).await?,
            cycles: store.latest_cycles().await?,
        })
    }

    /// Relays of all networks and states.
    pub fn relay_total(&self) -> u64 {
        self.relays.iter().map(|count| count.relays).sum()
    }

    /// Candidates of all networks.
    pub fn candidate_total(&self) -> u64 {
        self.candidates
            .iter()
            .map(|(_, candidates)| candidates)
            .sum()
    }

    /// How far behind the online relay of a network is that is furthest behind, seconds.
    pub fn sync_lag(&self, of: &NetworkProgress) -> Option<u64> {
        of.oldest
            .map(|oldest| self.gathered_at.saturating_sub(oldest))
    }

    fn progress_json(&self, of: &NetworkProgress) -> Value {
        json!({
            "network": of.network.as_str(),
            "relays": of.relays,
            "covered": of.covered,
            "recent": of.recent,
            "gaps": of.gaps,
            "gap_relays": of.gap_relays,
            "lag_s": self.sync_lag(of),
        })
    }

    /// The figures as `status --json` prints them.
    pub fn to_json(&self) -> Value {
        let relays = self.relays.iter().map(|count| {
            json!({
                "network": count.network.as_str(),
                "state": count.state.as_str(),
                "relays": count.relays,
            })
        });
        let candidates = self.candidates.iter().map(|(network, candidates)| {
            json!({ "network": network.as_str(), "candidates": candidates })
        });
        let gaps = self.gaps.iter().map(|count| {
            json!({ "reason": count.reason.as_str(), "gaps": count.gaps, "relays": count.relays })
        });
        json!({
            "gathered_at": self.gathered_at,
            "relays": relays.collect::<Vec<_>>(),
            "candidates": candidates.collect::<Vec<_>>(),
            "events": events_json(&self.events),
            "quarantined": self.quarantined,
            "gaps": gaps.collect::<Vec<_>>(),
            "archived": self.progress.iter().map(|of| self.progress_json(of)).collect::<Vec<_>>(),
            "behind": self.behind.iter().map(behind_json).collect::<Vec<_>>(),
            "unwelcome": self.unwelcome.iter().map(unwelcome_json).collect::<Vec<_>>(),
            "publishing": self.outside.iter().map(outside_json).collect::<Vec<_>>(),
            "lag": { "check_s": self.lag.check_s, "sync_s": self.lag.sync_s },
            "cycles": self.cycles.iter().map(cycle_json).collect::<Vec<_>>(),
            "database_size_bytes": self.totals.size_bytes,
            "growth": self.growth.map(|growth| json!({
                "since": growth.since,
                "bytes_a_day": growth.bytes_a_day,
            })),
        })
    }
}

fn behind_json(relay: &RelayProgress) -> Value {
    json!({
        "relay": relay.url.as_str(),
        "covered_until": relay.covered_until,
        "gaps": relay.gaps,
    })
}

fn unwelcome_json(row: &ServiceState) -> Value {
    json!({
        "relay": row.key,
        "said_in": row.value["said_in"],
        "evidence": row.value["evidence"],
        "since": row.updated_at,
    })
}

fn outside_json(relay: &OutsideRelay) -> Value {
    let standing = |name: &str| &relay.standing[name];
    json!({
        "relay": relay.url,
        "waiting": relay.waiting,
        "sent": standing("sent"),
        "refused": standing("refused"),
        "problem": standing("problem"),
        "problem_at": standing("problem_at"),
        "retry_at": standing("retry_at"),
    })
}

fn events_json(events: &EventStatistics) -> Value {
    json!({
        "events": events.events,
        "sightings": events.sightings,
        "size_bytes": events.size_bytes,
        "oldest_created_at": events.oldest_created_at,
        "newest_created_at": events.newest_created_at,
        "by_kind": events.by_kind.iter().map(|(kind, events)| json!({ "kind": kind.0, "events": events }))
            .collect::<Vec<_>>(),
    })
}

fn cycle_json(cycle: &CycleRecord) -> Value {
    json!({
        "service": cycle.service.as_str(),
        "started_at": cycle.started_at,
        "duration_ms": cycle.duration_ms,
        "is_success": cycle.is_success,
        "summary": cycle.summary,
    })
}

/// Those with a record, and those that wait for their first event.
async fn outside(store: &dyn Store) -> Result<Vec<OutsideRelay>, StoreError> {
    let (service, of) = (ServiceName::Monitor, StateType::Publishing);
    let mut relays: BTreeMap<String, (u64, Value)> = BTreeMap::new();
    for row in store.states(service, of).await? {
        relays.insert(row.key, (0, row.value));
    }
    for (relay, waiting) in store.publication_counts().await? {
        relays.entry(relay.to_string()).or_default().0 = waiting;
    }
    let relays = relays.into_iter();
    let relay = |(url, (waiting, standing))| OutsideRelay {
        url,
        waiting,
        standing,
    };
    Ok(relays.map(relay).collect())
}

async fn lag(store: &dyn Store, now: u64) -> Result<Lag, StoreError> {
    let check = store.due_for_check(&Network::ALL, now, 1).await?;
    let sync = store.due_for_sync(&Network::ALL, now, 1).await?;
    // A relay that was never visited is due since it was validated.
    let waiting = |due_at: u64, validated_at: u64| now.saturating_sub(due_at.max(validated_at));
    Ok(Lag {
        check_s: check
            .first()
            .map(|relay| waiting(relay.next_check_at, relay.validated_at)),
        sync_s: sync
            .first()
            .map(|relay| waiting(relay.next_sync_at, relay.validated_at)),
    })
}

/// An overview and the moment it was read.
type Reading = (Instant, Arc<Overview>);

/// Readings for any number of askers: one at a time, and none while the last is fresh.
#[derive(Clone)]
pub struct Overviews {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    last: Arc<Mutex<Option<Reading>>>,
}

impl Overviews {
    /// Readings of a store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            last: Arc::default(),
        }
    }

    /// What is known of one relay now; `None` when the URL is no relay.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn relay(&self, url: &RelayUrl) -> Result<Option<RelayReport>, StoreError> {
        RelayReport::gather(&*self.store, url, self.clock.now()).await
    }

    /// A reading that is at most a few seconds old. Cancel-safe.
    ///
    /// # Errors
    /// [`StoreError`] of a fresh reading.
    pub async fn recent(&self) -> Result<Arc<Overview>, StoreError> {
        let mut last = self.last.lock().await;
        if let Some((read_at, overview)) = &*last
            && read_at.elapsed() < MAX_AGE
        {
            return Ok(Arc::clone(overview));
        }
        let fresh = Overview::gather(&*self.store, self.clock.now()).await?;
        let fresh = Arc::new(fresh);
        *last = Some((Instant::now(), Arc::clone(&fresh)));
        Ok(fresh)
    }
}
