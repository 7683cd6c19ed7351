//! Requests of operators on the public port (NIP-86): who they say they are is judged before their body is read.

use std::net::IpAddr;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use nips::nip86;
use nips::nip98::HttpAuthError;

use super::root::CORS;
use crate::relay::{MAX_REQUEST_BYTES, Relay, Unauthorized};

/// What else can be done at the path of the relay.
const METHODS: &str = "GET, HEAD, OPTIONS";

/// Answers a POST to the relay's own path.
pub(super) async fn answer(relay: &Relay, peer: IpAddr, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let authorization = head.headers.get(AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    let claim = match relay.claim(peer, authorization) {
        Ok(claim) => claim,
        Err(refusal) => return refused(&refusal),
    };
    if head.uri.query().is_some() {
        // What was signed for names no query.
        return refused(&HttpAuthError::Url.into());
    }
    if !is_managing(&head.headers) {
        let why = format!("expected {}", nip86::MEDIA_TYPE);
        return error(StatusCode::UNSUPPORTED_MEDIA_TYPE, &why);
    }
    let Ok(body) = to_bytes(body, MAX_REQUEST_BYTES).await else {
        let why = format!("the body is longer than {MAX_REQUEST_BYTES} bytes, or was cut off");
        return error(StatusCode::PAYLOAD_TOO_LARGE, &why);
    };
    match relay.manage(claim, &body).await {
        Ok(answer) => json(StatusCode::OK, answer),
        Err(refusal) => refused(&refusal),
    }
}

fn is_managing(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next());
    media_type.is_some_and(|name| name.trim().eq_ignore_ascii_case(nip86::MEDIA_TYPE))
}

fn refused(refusal: &Unauthorized) -> Response {
    let why = refusal.to_string();
    match refusal {
        Unauthorized::NotOffered => (
            [(ALLOW, METHODS)],
            error(StatusCode::METHOD_NOT_ALLOWED, &why),
        )
            .into_response(),
        Unauthorized::TooOften => error(StatusCode::TOO_MANY_REQUESTS, &why),
        Unauthorized::Unavailable(_) => error(StatusCode::SERVICE_UNAVAILABLE, &why),
        Unauthorized::Anonymous
        | Unauthorized::NotProved(_)
        | Unauthorized::NotOperator
        | Unauthorized::Signature
        | Unauthorized::Replayed => {
            let scheme = [(WWW_AUTHENTICATE, "Nostr")];
            (scheme, error(StatusCode::UNAUTHORIZED, &why)).into_response()
        }
    }
}

fn error(status: StatusCode, why: &str) -> Response {
    json(status, nip86::error(why))
}

fn json(status: StatusCode, body: String) -> Response {
    let kind = [(CONTENT_TYPE, "application/json")];
    (status, CORS, kind, body).into_response()
}
