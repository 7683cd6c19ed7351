//! Spans of cycles and relays for a collector: OTLP over HTTP, as JSON.
//!
//! The layer hands a span on when it closes, into a queue that is bounded: a collector that is slow or away costs spans, and
//! nothing else. [`Traces::beside`] empties the queue while the program works, and once more at its end.

use std::mem;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep};
use tracing::span::{Attributes, Id, Record};
use tracing::{Subscriber, info, warn};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::{ENDPOINT, Fields, Scalar};
use crate::clock;
use crate::config::Environment;
use crate::net::{Collector, CollectorError};

/// The variable with the name under which a collector shows the spans.
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

/// Spans that wait for the collector; a cycle over all relays of a network has some thousands.
const QUEUE: usize = 8_192;

/// Spans of one document.
const BATCH: usize = 512;

/// How long a span waits for others to travel with.
const GATHER: Duration = Duration::from_secs(1);

/// How long the collector may take for a document.
const PATIENCE: Duration = Duration::from_secs(5);

/// The spans of the process on their way to the collector.
#[derive(Debug)]
pub struct Traces(Option<Result<Exporter, CollectorError>>);

#[derive(Debug)]
struct Exporter {
    queue: Receiver<Closed>,
    batch: Vec<Closed>,
    collector: Collector,
    service_name: String,
}

/// The layer that watches spans.
struct Recorder(Sender<Closed>);

/// A span that is open; it lives in the registry.
struct Open {
    trace_id: u128,
    span_id: u64,
    parent: Option<u64>,
    started: u64,
    fields: Fields,
}

/// A span that is over.
#[derive(Debug)]
struct Closed(Value);

/// The layer and the exporter behind it, when the environment names a collector.
pub(super) fn find<S>(environment: &Environment) -> (Option<impl Layer<S> + use<S>>, Traces)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let collector: Option<Result<Collector, CollectorError>> =
        environment.get(ENDPOINT).map(str::parse);
    let (layer, exporter) = match collector {
        Some(Ok(collector)) => {
            let (sender, queue) = channel(QUEUE);
            let ours = Targets::new().with_target("bigbrotr", LevelFilter::DEBUG);
            let exporter = Exporter {
                queue,
                batch: Vec::new(),
                collector,
                service_name: environment
                    .get(SERVICE_NAME)
                    .unwrap_or("bigbrotr")
                    .to_owned(),
            };
            (Some(Recorder(sender).with_filter(ours)), Some(Ok(exporter)))
        }
        Some(Err(error)) => (None, Some(Err(error))),
        None => (None, None),
    };
    (layer, Traces(exporter))
}

impl Traces {
    /// Says where spans go, or why not.
    pub(super) fn announce(&self) {
        match &self.0 {
            Some(Ok(_)) => info!("opentelemetry_started"),
            Some(Err(error)) => warn!(%error, "opentelemetry_endpoint_unusable"),
            None => {}
        }
    }

    /// Exports while the work is done, and what is left afterwards.
    pub async fn beside<T>(self, work: impl Future<Output = T>) -> T {
        let Some(Ok(mut exporter)) = self.0 else {
            return work.await;
        };
        tokio::pin!(work);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                () = exporter.export() => {}
            }
        };
        exporter.finish().await;
        done
    }
}

impl Exporter {
    /// Waits for a span, and sends it with those that come soon after it. Cancel-safe.
    async fn export(&mut self) {
        let room = BATCH - self.batch.len();
        self.queue.recv_many(&mut self.batch, room).await;
        sleep(GATHER).await;
        self.gather();
        self.send().await;
    }

    /// Sends everything that waits, for as long as the collector takes it.
    async fn finish(&mut self) {
        self.gather();
        while !self.batch.is_empty() && self.send().await {
            self.gather();
        }
    }

    fn gather(&mut self) {
        while self.batch.len() < BATCH
            && let Ok(span) = self.queue.try_recv()
        {
            self.batch.push(span);
        }
    }

    /// Sends the batch; one that does not arrive is given up.
    async fn send(&mut self) -> bool {
        let count = self.batch.len();
        let spans = mem::take(&mut self.batch);
        let document = document(&self.service_name, spans).to_string();
        let deadline = Instant::now() + PATIENCE;
        match self.collector.send(document, deadline).await {
            Ok(200..=299) => true,
            Ok(status) => {
                warn!(count, status, "spans_refused");
                false
            }
            Err(error) => {
                warn!(count, reason = error.reason(), %error, "spans_not_exported");
                false
            }
        }
    }
}

/// An `ExportTraceServiceRequest`.
fn document(service_name: &str, spans: Vec<Closed>) -> Value {
    let spans: Vec<Value> = spans.into_iter().map(|Closed(span)| span).collect();
    let resource = [
        attribute("service.name", &Scalar::Text(service_name.to_owned())),
        attribute(
            "service.version",
            &Scalar::Text(env!("CARGO_PKG_VERSION").to_owned()),
        ),
    ];
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "bigbrotr" }, "spans": spans }],
    }] })
}

fn attribute(key: &str, value: &Scalar) -> Value {
    let value = match value {
        // Whole numbers are text in OTLP's JSON, because they have 64 bits.
        Scalar::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Scalar::Number(number) => json!({ "intValue": number.to_string() }),
        Scalar::Flag(flag) => json!({ "boolValue": flag }),
        Scalar::Text(text) => json!({ "stringValue": super::truncated(text) }),
    };
    json!({ "key": key, "value": value })
}

impl Open {
    /// A span below its parent, or the first of a trace.
    fn new(attributes: &Attributes<'_>, parent: Option<&Self>) -> Self {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        Self {
            trace_id: parent.map_or_else(rand::random, |parent| parent.trace_id),
            span_id: rand::random(),
            parent: parent.map(|parent| parent.span_id),
            started: clock::unix_nanos(),
            fields,
        }
    }

    fn close(&self, name: &str, ended: u64) -> Closed {
        let service = self.fields.service.clone().map(Scalar::Text);
        let service = service.iter().map(|service| attribute("service", service));
        let others = self.fields.others.iter();
        let others = others.map(|(key, value)| attribute(key, value));
        let mut span = json!({
            "traceId": format!("{:032x}", self.trace_id),
            "spanId": format!("{:016x}", self.span_id),
            "name": name,
            "kind": 1,
            "startTimeUnixNano": self.started.to_string(),
            "endTimeUnixNano": ended.to_string(),
            "attributes": service.chain(others).collect::<Vec<_>>(),
        });
        if let Some(parent) = self.parent {
            span["parentSpanId"] = format!("{parent:016x}").into();
        }
        Closed(span)
    }
}

impl<S> Layer<S> for Recorder
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let open = match span.parent() {
            Some(parent) => Open::new(attributes, parent.extensions().get::<Open>()),
            None => Open::new(attributes, None),
        };
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            values.record(&mut open.fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        if let Some(open) = span.extensions().get::<Open>() {
            // Without room it is left out: the program does not wait for a collector.
            let _ = self
                .0
                .try_send(open.close(span.name(), clock::unix_nanos()));
        }
    }
}
