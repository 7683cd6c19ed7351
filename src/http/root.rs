//! The public port: one endpoint that is a relay to clients and a page to browsers.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, CACHE_CONTROL,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, SEC_WEBSOCKET_VERSION, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use nips::RelayUrl;
use serde::Deserialize;

use super::health::Health;
use super::{ApiError, Overviews, management, page};
use crate::archive::Archive;
use crate::clock::Clock;
use crate::lifecycle::Tasks;
use crate::metrics::Metrics;
use crate::model::ServiceName;
use crate::relay::Relay;
use crate::store::{ServingIndex, Store};

/// NIP-11's media type.
const NOSTR_JSON: &str = "application/nostr+json";

/// NIP-11 asks for all three, so that web clients may read the document.
pub(super) const CORS: [(HeaderName, &str); 3] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (ACCESS_CONTROL_ALLOW_HEADERS, "*"),
    (ACCESS_CONTROL_ALLOW_METHODS, "*"),
];

/// The page holds its own style and nothing else may run or load in it.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Everything the routes are made of. Clones share it.
#[derive(Clone)]
pub struct Site {
    /// Where figures and health are read from.
    pub store: Arc<dyn Store>,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Shared readings of the figures.
    pub overviews: Overviews,
    /// The door whose counts are exposed.
    pub archive: Archive,
    /// What was counted.
    pub metrics: Metrics,
    /// The relay, when this process has that role.
    pub relay: Option<Relay>,
    /// What that relay reads from, when the store is elsewhere.
    pub serving: Option<Arc<ServingIndex>>,
    /// Roles of this process, for the page.
    pub roles: Vec<ServiceName>,
    /// `ws://…` or `wss://…` as clients know it, for the page.
    pub relay_url: String,
    /// Owns the clients' connections.
    pub tasks: Tasks,
}

/// The routes of the public port. Any path but the listed ones is a 404: a relay answers on one
/// endpoint only.
pub fn public_routes(site: Site, relay: Relay) -> Router {
    let health = Health {
        store: Arc::clone(&site.store),
        clock: Arc::clone(&site.clock),
        services: site.metrics.service.clone(),
        serving: site.serving.clone(),
    };
    let figures = status_route(&site.overviews).merge(relay_route(&site.overviews));
    let state = Root { site, relay };
    Router::new()
        .route("/", get(root).options(preflight).post(manage))
        .with_state(state)
        .merge(figures)
        .merge(health.routes())
        .fallback(async || ApiError::NotFound)
}

#[derive(Clone)]
struct Root {
    site: Site,
    relay: Relay,
}

async fn root(
    State(root): State<Root>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => return root.upgrade(upgrade, peer),
        Err(refusal) if headers.contains_key(SEC_WEBSOCKET_VERSION) => {
            return refusal.into_response();
        }
        Err(_) => {}
    }
    if accepts_nostr_json(&headers) {
        let kind = [(CONTENT_TYPE, NOSTR_JSON), (VARY, "accept")];
        return (CORS, kind, root.relay.information().to_string()).into_response();
    }
    root.page().await.unwrap_or_else(ApiError::into_response)
}

/// The figures that `bigbrotr status` prints.
pub(super) fn status_route(overviews: &Overviews) -> Router {
    let overviews = overviews.clone();
    let status = async move || {
        let overview = overviews.recent().await?;
        Ok::<_, ApiError>((CORS, Json(overview.to_json())))
    };
    Router::new().route("/api/v1/status", get(status))
}

/// What is known of one relay, as `bigbrotr status URL` prints it: `/api/v1/relay?url=wss://…`.
pub(super) fn relay_route(overviews: &Overviews) -> Router {
    let overviews = overviews.clone();
    let report = async move |Query(asked): Query<AskedRelay>| {
        let report = overviews.relay(&asked.url).await?;
        let report = report.ok_or(ApiError::NotFound)?;
        Ok::<_, ApiError>((CORS, Json(report.to_json())))
    };
    Router::new().route("/api/v1/relay", get(report))
}

#[derive(Deserialize)]
struct AskedRelay {
    url: RelayUrl,
}

/// A request of an operator (NIP-86).
async fn manage(
    State(root): State<Root>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    management::answer(&root.relay, peer.ip(), request).await
}

/// Browsers do not take a star to mean `Authorization`, which requests of operators have.
async fn preflight(headers: HeaderMap) -> Response {
    let mut answer = (StatusCode::NO_CONTENT, CORS).into_response();
    if headers.contains_key(ACCESS_CONTROL_REQUEST_HEADERS) {
        let allowed = HeaderValue::from_static("*, Authorization, Content-Type");
        let answered = answer.headers_mut();
        answered.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    }
    answer
}

impl Root {
    fn upgrade(self, upgrade: WebSocketUpgrade, peer: SocketAddr) -> Response {
        let Self { site, relay } = self;
        relay.prepare(upgrade).on_upgrade(move |socket| {
            let soft = site.tasks.tokens().soft();
            let client = async move { relay.serve(socket, peer.ip(), soft).await };
            site.tasks.track("client", client)
        })
    }

    async fn page(&self) -> Result<Response, ApiError> {
        let overview = self.site.overviews.recent().await?;
        let headers = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, PAGE_POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CACHE_CONTROL, "no-cache"),
            (VARY, "accept"),
        ];
        let page = page::render(&self.site, &self.relay.info(), &overview);
        Ok((headers, page).into_response())
    }
}

/// Whether the NIP-11 document is asked for by name; `*/*` is a browser or curl.
fn accepts_nostr_json(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter();
    let mut ranges = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    ranges.any(|range| {
        let media_type = range.split(';').next().unwrap_or(range).trim();
        media_type.eq_ignore_ascii_case(NOSTR_JSON)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_media_type_asks_for_the_document() {
        for (accept, expected) in [
            ("application/nostr+json", true),
            ("text/html, application/NOSTR+JSON;q=0.9", true),
            ("*/*", false),
            ("application/json", false),
            ("text/html,application/xhtml+xml,*/*;q=0.8", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            assert_eq!(accepts_nostr_json(&headers), expected, "{accept}");
        }
    }
}
