//! What an HTTP client may read about a failure, and what the log gets.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tracing::warn;

use crate::store::StoreError;

/// Why a request was not answered as wished.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is nothing at this path.
    #[error("not found")]
    NotFound,
    /// The store could not answer.
    #[error("store is unavailable")]
    Store(#[from] StoreError),
}

impl ApiError {
    /// The stable label, also the `error` of the body.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Store(_) => "store-unavailable",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The body is `{"error":"not-found"}`; the cause goes to the log only.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Store(cause) = &self {
            let error = cause as &dyn std::error::Error;
            warn!(
                service = "relay",
                reason = cause.reason(),
                error,
                "request_failed"
            );
        }
        (self.status(), Json(json!({ "error": self.reason() }))).into_response()
    }
}
