//! `/metrics`: what was counted, plus what other layers and the store know at this moment.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tracing::warn;

use super::health::Health;
use super::overview::{Overview, Overviews};
use super::root::status_route;
use super::{ApiError, Site};
use crate::archive::ArchiveCounts;
use crate::metrics::{GatheredMetrics, gauge, raise};
use crate::relay::RelayCounts;

/// Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The routes of `metrics.host:port`: `/metrics`, the two of health, and the figures, so that
/// `bigbrotr status` can ask a process without a relay.
pub fn metrics_routes(site: &Site) -> Router {
    let health = Health {
        store: Arc::clone(&site.store),
        clock: Arc::clone(&site.clock),
        services: site.metrics.service.clone(),
    };
    let figures = status_route(&site.overviews);
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
    raise(&gathered.relay_feed_lags, counts.feed_lags);
    for (family, label, count) in [
        (&gathered.relay_messages, "EVENT", counts.events),
        (&gathered.relay_messages, "REQ", counts.requests),
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
    ] {
        raise(&family.with_label_values(&[label]), count);
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
    gathered.gaps.reset();
    for count in &overview.gaps {
        gathered
            .gaps
            .with_label_values(&[count.reason.as_str()])
            .set(gauge(count.gaps));
    }
}
