//! What is known of one relay: for `bigbrotr status URL` and for whoever asks the public port.

use nips::RelayUrl;
use serde_json::{Value, json};

use crate::model::{Evidence, FailureCount, Relay, RelayId, Traffic, Transition, WindowFigures};
use crate::store::history::WINDOWS;
use crate::store::{RelationalStore, StoreError};

/// Changes of state that are shown, the newest.
const MAX_TRANSITIONS: usize = 20;

/// Failures are shown of the last 30 days.
const FAILURES_OF: u64 = WINDOWS[2];

/// A relay with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayReport {
    relay: Relay,
    evidence: Vec<Evidence>,
    /// The relay that is visited in its place.
    canonical: Option<Relay>,
    /// Those in whose place it is visited.
    aliases: Vec<Relay>,
    uptime: [WindowFigures; WINDOWS.len()],
    transitions: Vec<Transition>,
    failures: Vec<FailureCount>,
    /// What the synchronizer received of it.
    received: Traffic,
}

impl RelayReport {
    /// Reads everything about a relay at `now` unix seconds, by keys and indexes only; `None` when the URL is
    /// no relay.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn gather(
        store: &(impl RelationalStore + ?Sized),
        url: &RelayUrl,
        now: u64,
    ) -> Result<Option<Self>, StoreError> {
        let Some(relay) = store.relay_by_url(url).await? else {
            return Ok(None);
        };
        let (canonical, aliases) = clustered(store, relay.id).await?;
        let since = now.saturating_sub(FAILURES_OF);
        Ok(Some(Self {
            evidence: store.evidence(url).await?,
            canonical,
            aliases,
            uptime: store.uptime(relay.id, now).await?,
            transitions: store.transitions(relay.id, MAX_TRANSITIONS).await?,
            failures: store.failures(relay.id, since).await?,
            received: store.traffic(relay.id).await?.total,
            relay,
        }))
    }

    /// The report as `status --json URL` prints it.
    pub fn to_json(&self) -> Value {
        let relay = &self.relay;
        let evidence = self.evidence.iter().map(|row| {
            json!({
                "source": row.source,
                "namings": row.namings,
                "first_named_at": row.first_named_at,
                "last_named_at": row.last_named_at,
            })
        });
        let transitions = self.transitions.iter().map(|change| {
            json!({
                "changed_at": change.changed_at,
                "from": change.from.as_str(),
                "to": change.to.as_str(),
                "reason": change.reason,
            })
        });
        let failures = self
            .failures
            .iter()
            .map(|row| json!({ "reason": row.reason, "failures": row.failures }));
        json!({
            "url": relay.url.as_str(),
            "network": relay.network().as_str(),
            "state": relay.state.as_str(),
            "discovered_at": relay.discovered_at,
            "validated_at": relay.validated_at,
            "canonical_url": self.canonical.as_ref().map(|relay| relay.url.as_str()),
            "aliases": self.aliases.iter().map(|relay| relay.url.as_str()).collect::<Vec<_>>(),
            "check_failures": relay.check_failures,
            "next_check_at": relay.next_check_at,
            "uptime": self.uptime.iter().map(window).collect::<Vec<_>>(),
            "transitions": transitions.collect::<Vec<_>>(),
            "failures_30_days": failures.collect::<Vec<_>>(),
            "evidence": evidence.collect::<Vec<_>>(),
            "received": {
                "bytes": self.received.received_bytes,
                "new_events": self.received.new_events,
                "known_events": self.received.known_events,
                "refused_events": self.received.refused_events,
            },
        })
    }
}

/// The relay that one is an alias of, and its own aliases.
async fn clustered(
    store: &(impl RelationalStore + ?Sized),
    relay: RelayId,
) -> Result<(Option<Relay>, Vec<Relay>), StoreError> {
    let rows = store.aliases(relay).await?;
    let canonical = rows.iter().find(|row| row.relay == relay);
    let canonical: Vec<RelayId> = canonical.map(|row| row.canonical).into_iter().collect();
    let own = rows.iter().filter(|row| row.canonical == relay);
    let own: Vec<RelayId> = own.map(|row| row.relay).collect();
    let mut canonical = store.relays_by_id(&canonical).await?;
    Ok((canonical.pop(), store.relays_by_id(&own).await?))
}

fn window(figures: &WindowFigures) -> Value {
    json!({
        "window_s": figures.window_s,
        "checks": figures.checks,
        "answered": figures.answered,
        "up_s": figures.up_s,
        "down_s": figures.down_s,
        "uptime": figures.uptime(),
        "open_p50_ms": figures.p50_ms,
        "open_p95_ms": figures.p95_ms,
    })
}
