//! What a member saw: connections, HTTP requests, frames.

use std::sync::{Mutex, MutexGuard, PoisonError};

use nips::{Event, Filter};
use serde_json::Value;

/// How many entries each list keeps; what comes later is only counted.
const MAX_RECORDED: usize = 100_000;

/// A snapshot of what a member saw since the start.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// TCP connections accepted.
    pub connections: usize,
    /// TCP connections open now.
    pub open_connections: usize,
    /// The most TCP connections that were open at one moment.
    pub peak_connections: usize,
    /// HTTP requests, upgrades included.
    pub requests: Vec<HttpRequest>,
    /// Text frames received.
    pub frames: usize,
    /// EVENT messages that a scripted member sent; those of a healthy one are not seen.
    pub sent_events: usize,
    /// Bytes of the JSON of those events.
    pub sent_bytes: u64,
    /// REQ messages.
    pub reqs: Vec<Req>,
    /// Events of EVENT messages that parse.
    pub events: Vec<Event>,
    /// Events of AUTH messages that parse.
    pub auths: Vec<Event>,
    /// CLOSE messages, by subscription.
    pub closes: Vec<String>,
    /// Verbs of other messages (`COUNT`, `NEG-OPEN` …); `""` for what is no message at all.
    pub others: Vec<String>,
}

/// One HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// E.g. `GET`.
    pub method: String,
    /// E.g. `/`.
    pub path: String,
    /// The header, if there was one.
    pub user_agent: Option<String>,
    /// The header, if there was one.
    pub accept: Option<String>,
    /// The header, if there was one.
    pub host: Option<String>,
    /// Whether it asked for a WebSocket.
    pub is_upgrade: bool,
}

/// One REQ message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Req {
    /// The subscription id.
    pub subscription: String,
    /// Its filters, those that parse.
    pub filters: Vec<Filter>,
}

/// Where the connections of one member write down what they see.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    seen: Mutex<Seen>,
}

impl Recorder {
    pub(crate) fn snapshot(&self) -> Seen {
        self.lock().clone()
    }

    /// Counts a connection until the returned guard is dropped.
    pub(crate) fn connection(self: &std::sync::Arc<Self>) -> OpenConnection {
        let mut seen = self.lock();
        seen.connections += 1;
        seen.open_connections += 1;
        seen.peak_connections = seen.peak_connections.max(seen.open_connections);
        drop(seen);
        OpenConnection(std::sync::Arc::clone(self))
    }

    pub(crate) fn request(&self, request: &HttpRequest) {
        push(&mut self.lock().requests, request.clone());
    }

    pub(crate) fn sent_event(&self, event: &str) {
        let mut seen = self.lock();
        seen.sent_events += 1;
        seen.sent_bytes += event.len() as u64;
    }

    pub(crate) fn frame(&self, text: &str) {
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        let part = |index: usize| message.get(index).and_then(Value::as_str);
        let event = || {
            let event = message.get(1).map(Value::to_string);
            event.and_then(|json| Event::from_json(&json).ok())
        };
        let mut seen = self.lock();
        seen.frames += 1;
        match part(0) {
            Some("REQ") => push(
                &mut seen.reqs,
                Req {
                    subscription: part(1).unwrap_or_default().to_owned(),
                    filters: filters(&message),
                },
            ),
            Some("EVENT") => extend(&mut seen.events, event()),
            Some("AUTH") => extend(&mut seen.auths, event()),
            Some("CLOSE") => push(&mut seen.closes, part(1).unwrap_or_default().to_owned()),
            other => push(&mut seen.others, other.unwrap_or_default().to_owned()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that a connection ended when it is dropped.
pub(crate) struct OpenConnection(std::sync::Arc<Recorder>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.lock().open_connections -= 1;
    }
}

/// The filters of a REQ or COUNT message, those that parse.
pub(crate) fn filters(message: &Value) -> Vec<Filter> {
    let parts = message.as_array().map(Vec::as_slice).unwrap_or_default();
    let filters = parts.iter().skip(2).map(Filter::from_value);
    filters.filter_map(Result::ok).collect()
}

fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() < MAX_RECORDED {
        list.push(item);
    }
}

fn extend<T>(list: &mut Vec<T>, item: Option<T>) {
    if let Some(item) = item {
        push(list, item);
    }
}
