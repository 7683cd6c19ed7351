//! What the headers of the WebSocket upgrade say about the software that answers.

use nips::nip66::{Http, one_line};

use crate::net::Headers;

/// Reads the headers, whatever their case; `None` when they say nothing.
pub fn of_headers(headers: &Headers) -> Option<Http> {
    let text = |name| headers.get(name).and_then(one_line);
    let http = Http {
        server: text("server"),
        powered_by: text("x-powered-by"),
    };
    (http != Http::default()).then_some(http)
}
