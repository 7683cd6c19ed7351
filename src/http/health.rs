//! `/health/live` and `/health/ready`.
//!
//! Live means that the process answers. Ready means that the store answers and that every service of
//! this process succeeded lately, measured by its own interval, and that the relay's serving index, where
//! there is one, has caught up with the archive.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::clock::Clock;
use crate::metrics::{ServiceMetrics, Staleness};
use crate::model::{ServiceName, StateType};
use crate::store::serving::ServingProgress;
use crate::store::{ServingIndex, Store};

/// A store that takes longer than this for one row is not ready.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// What health is told from.
#[derive(Clone)]
pub(super) struct Health {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) services: ServiceMetrics,
    pub(super) serving: Option<Arc<ServingIndex>>,
}

impl Health {
    /// The two routes.
    pub(super) fn routes(self) -> Router {
        let live = async || Json(json!({ "status": "live" }));
        Router::new()
            .route("/health/live", get(live))
            .route("/health/ready", get(async move || self.ready().await))
    }

    async fn ready(&self) -> Response {
        let mut reasons = Vec::new();
        if let Some(reason) = self.store_failure().await {
            reasons.push(json!({ "part": "store", "reason": reason }));
        }
        let serving = self.serving.as_ref().map(|serving| serving.progress());
        reasons.extend(
            serving
                .filter(|serving| !serving.is_serving)
                .map(loading_json),
        );
        let readiness = self.services.readiness(self.clock.now());
        reasons.extend(readiness.stale.iter().map(stale_json));
        let (status, word) = if reasons.is_empty() {
            (StatusCode::OK, "ready")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready")
        };
        (status, Json(json!({ "status": word, "reasons": reasons }))).into_response()
    }

    /// Asks the store for one row that need not exist.
    async fn store_failure(&self) -> Option<&'static str> {
        let row = self
            .store
            .state(ServiceName::Relay, StateType::Checkpoint, "health");
        match tokio::time::timeout(STORE_PATIENCE, row).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.reason()),
            Err(_) => Some("timed-out"),
        }
    }
}

fn loading_json(progress: ServingProgress) -> serde_json::Value {
    json!({
        "part": "serving index",
        "reason": format!("{} of about {} events loaded", progress.loaded, progress.expected),
        "loaded": progress.loaded,
        "expected": progress.expected,
    })
}

fn stale_json(stale: &Staleness) -> serde_json::Value {
    json!({
        "part": stale.service.as_str(),
        "reason": format!(
            "no successful cycle for {} s, expected every {} s",
            stale.seconds, stale.interval_s
        ),
        "consecutive_failures": stale.consecutive_failures,
    })
}
