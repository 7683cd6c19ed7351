//! `/metrics`: what was counted, plus what other layers and the store know at this moment.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tracing::warn;

use super::health::Health;
use super::overview::{Overview, Overviews};
use super::root::{relay_route, status_route};
use super::{ApiError, Site};
use crate::archive::ArchiveCounts;
use crate::metrics::{GatheredMetrics, NO_LABELS, gauge, raise};
use crate::model::{GapReason, NetworkTraffic, ServiceName};
use crate::relay::RelayCounts;
use crate::store::events::BatchNumber;
use crate::store::serving::ServingProgress;
use crate::store::statistics::PoolUsage;

/// Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The routes of `metrics.host:port`: `/metrics`, the two of health, and the figures, so that
/// `bigbrotr status` can ask a process without a relay.
pub fn metrics_routes(site: &Site) -> Router {
    let health = Health {
        store: Arc::clone(&site.store),
        clock: Arc::clone(&site.clock),
        services: site.metrics.service.clone(),
        serving: site.serving.clone(),
    };
    let figures = status_route(&site.overviews).merge(relay_route(&site.overviews));
    let site = site.clone();
    let metrics = async move || {
        gather(&site).await;
        ([(CONTENT_TYPE, TEXT_FORMAT)], site.metrics.exposition())
    };
    Router::new()
        .route("/metrics", get(metrics))
        .merge(figures)
        .merge(health.routes())
        .fallback(async || ApiError::NotFound.into_response())
}

/// Figures that cannot be read are left as they were: the rest is worth more than an error.
async fn gather(site: &Site) {
    let gathered = &site.metrics.gathered;
    copy_archive(gathered, &site.archive.counts());
    if let Some(relay) = &site.relay {
        copy_relay(gathered, &relay.counts());
    }
    if let Some(serving) = &site.serving {
        let newest = site.store.arrival_bounds().await.map(|(_, newest)| newest);
        copy_serving(gathered, serving.progress(), newest.ok());
    }
    copy_pools(gathered, &site.store.pools());
    match recent(&site.overviews).await {
        Some(overview) => copy_overview(gathered, &overview),
        None => warn!(service = "relay", "figures_unavailable"),
    }
}

async fn recent(overviews: &Overviews) -> Option<Arc<Overview>> {
    overviews.recent().await.ok()
}

fn copy_archive(gathered: &GatheredMetrics, counts: &ArchiveCounts) {
    let fates = [
        ("stored", counts.stored),
        ("known", counts.known),
        ("delivered", counts.delivered),
    ];
    let refused = counts
        .refused
        .iter()
        .map(|(reason, count)| (*reason, *count));
    for (outcome, count) in fates.into_iter().chain(refused) {
        raise(
            &gathered.archive_events.with_label_values(&[outcome]),
            count,
        );
    }
    raise(&gathered.signatures_verified, counts.verified);
    raise(&gathered.sightings, counts.sightings);
}

fn copy_relay(gathered: &GatheredMetrics, counts: &RelayCounts) {
    gathered.relay_connections.set(counts.connections);
    gathered.relay_subscriptions.set(counts.subscriptions);
    raise(&gathered.relay_connections_opened, counts.connections_total);
    raise(&gathered.relay_feed_lags, counts.feed_lags);
    for (family, label, count) in [
        (&gathered.relay_messages, "EVENT", counts.events),
        (&gathered.relay_messages, "REQ", counts.requests),
        (&gathered.relay_messages, "COUNT", counts.counts),
        (&gathered.relay_messages, "NEG-OPEN", counts.syncs),
        (&gathered.relay_events_sent, "stored", counts.stored_sent),
        (&gathered.relay_events_sent, "live", counts.live_sent),
        (
            &gathered.relay_connections_cut,
            "too-many",
            counts.connections_refused,
        ),
        (
            &gathered.relay_connections_cut,
            "slow-reader",
            counts.slow_readers,
        ),
        (&gathered.relay_connections_cut, "banned", counts.banned),
    ] {
        raise(&family.with_label_values(&[label]), count);
    }
}

fn copy_serving(
    gathered: &GatheredMetrics,
    progress: ServingProgress,
    newest: Option<BatchNumber>,
) {
    if let Some(newest) = newest {
        let behind = gathered.serving_index_behind.with_label_values(NO_LABELS);
        behind.set(gauge(newest.0.saturating_sub(progress.batch.0)));
    }
    for (state, events) in [("loaded", progress.loaded), ("expected", progress.expected)] {
        let loading = gathered.serving_index_loading.with_label_values(&[state]);
        loading.set(gauge(events));
    }
    for (part, is_answering) in [
        ("index", progress.is_serving),
        ("archive", !progress.is_serving),
    ] {
        let answering = gathered.serving_index_answering.with_label_values(&[part]);
        answering.set(is_answering.into());
    }
}

fn copy_pools(gathered: &GatheredMetrics, pools: &[PoolUsage]) {
    for usage in pools {
        let pool = usage.pool;
        for (state, connections) in [("in-use", usage.in_use), ("idle", usage.idle)] {
            gathered
                .pool_connections
                .with_label_values(&[pool, state])
                .set(connections.into());
        }
        let available = gathered.pool_available.with_label_values(&[pool]);
        available.set(usage.available().into());
        let max = gathered.pool_max.with_label_values(&[pool]);
        max.set(usage.max.into());
    }
}

fn copy_overview(gathered: &GatheredMetrics, overview: &Overview) {
    gathered.events.set(gauge(overview.events.events));
    gathered
        .events_size_bytes
        .set(gauge(overview.events.size_bytes));
    gathered.relays.reset();
    for count in &overview.relays {
        let labels = [count.network.as_str(), count.state.as_str()];
        gathered
            .relays
            .with_label_values(&labels)
            .set(gauge(count.relays));
    }
    for (network, candidates) in &overview.candidates {
        let labels = [network.as_str()];
        gathered
            .candidates
            .with_label_values(&labels)
            .set(gauge(*candidates));
    }
    gathered.quarantined.set(gauge(overview.quarantined));
    let lag = [
        (ServiceName::Monitor, overview.lag.check_s),
        (ServiceName::Synchronizer, overview.lag.sync_s),
    ];
    for (service, seconds) in lag {
        let lag = gathered.lag.with_label_values(&[service.as_str()]);
        lag.set(gauge(seconds.unwrap_or_default()));
    }
    // A reason without a gap is a zero: what is absent cannot be seen to grow.
    for reason in GapReason::ALL {
        let mut gaps = overview.gaps.iter();
        let found = gaps.find(|count| count.reason == reason);
        gathered
            .gaps
            .with_label_values(&[reason.as_str()])
            .set(gauge(found.map_or(0, |count| count.gaps)));
    }
    gathered.publications_waiting.reset();
    for relay in &overview.outside {
        let waiting = gathered
            .publications_waiting
            .with_label_values(&[&relay.url]);
        waiting.set(gauge(relay.waiting));
    }
    copy_progress(gathered, overview);
    copy_received(gathered, overview);
}

/// Relays that are forgotten take what was received of them along, and a counter stays where it was.
fn copy_received(gathered: &GatheredMetrics, overview: &Overview) {
    for NetworkTraffic { network, total } in &overview.received {
        let network = network.as_str();
        let bytes = gathered.received_bytes.with_label_values(&[network]);
        raise(&bytes, total.received_bytes);
        for (outcome, events) in [
            ("new", total.new_events),
            ("known", total.known_events),
            ("refused", total.refused_events),
        ] {
            let labels = [network, outcome];
            raise(&gathered.received_events.with_label_values(&labels), events);
        }
    }
}

fn copy_progress(gathered: &GatheredMetrics, overview: &Overview) {
    gathered.archive_lag.reset();
    for of in &overview.progress {
        let network = of.network.as_str();
        for (state, relays) in [
            ("covered", of.covered),
            ("recent", of.recent),
            ("gaps", of.gap_relays),
        ] {
            let archived = &gathered.archived_relays;
            archived
                .with_label_values(&[network, state])
                .set(gauge(relays));
        }
        let gaps = gathered.network_gaps.with_label_values(&[network]);
        gaps.set(gauge(of.gaps));
        if let Some(lag) = overview.sync_lag(of) {
            let behind = gathered.archive_lag.with_label_values(&[network]);
            behind.set(gauge(lag));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn an_exhausted_pool_has_no_connection_available() {
        let metrics = Metrics::new();
        let usage = PoolUsage {
            pool: "pooled",
            in_use: 8,
            idle: 0,
            max: 8,
        };
        copy_pools(&metrics.gathered, &[usage]);
        let text = metrics.exposition();
        for line in [
            r#"bigbrotr_pool_available_connections{pool="pooled"} 0"#,
            r#"bigbrotr_pool_connections{pool="pooled",state="in-use"} 8"#,
            r#"bigbrotr_pool_max_connections{pool="pooled"} 8"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn a_store_without_a_server_says_nothing_about_connections() {
        let metrics = Metrics::new();
        copy_pools(&metrics.gathered, &[]);
        assert!(!metrics.exposition().contains("bigbrotr_pool"));
    }
}
