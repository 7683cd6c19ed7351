//! Log lines on stderr: text as the first BigBrotr wrote them, JSON, or a form for a terminal.
//!
//! A text line is `level service message key=value …`, so that the scripts of its operators go on
//! working. The service is the field `service` of the event or of the nearest span around it; the
//! other fields of those spans follow the event's own.

mod repeats;
#[cfg_attr(not(feature = "opentelemetry"), path = "telemetry/traces_absent.rs")]
mod traces;

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{Environment, LogConfig, LogFormat, LogLevel};

use repeats::{Kind, LeftOut, Repeats};
pub use traces::Traces;

/// Longest value of a field, characters; what is beyond is cut off and counted.
const MAX_VALUE_CHARS: usize = 1000;

/// The service of a line that names none.
const NO_SERVICE: &str = "bigbrotr";

/// The variable with the collector that spans are exported to, as OpenTelemetry names it.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Starts logging for the whole process; the one global of this program. Spans leave the process as long as somebody works
/// beside what is returned.
///
/// # Errors
/// When it was started before.
pub fn install(config: &LogConfig, environment: &Environment) -> Result<Traces, TryInitError> {
    let lines = LogLines::new(config, io::stderr(), io::stderr().is_terminal());
    let filtered = lines.with_filter(filter(config.level));
    let (recorder, traces) = traces::find(environment);
    tracing_subscriber::registry()
        .with(filtered)
        .with(recorder)
        .try_init()?;
    traces.announce();
    Ok(traces)
}

/// Our own lines from the chosen level on; those of libraries only when something is wrong.
fn filter(level: LogLevel) -> Targets {
    let ours = match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    let theirs = ours.min(LevelFilter::WARN);
    let targets = Targets::new().with_default(theirs);
    targets
        .with_target("bigbrotr", ours)
        .with_target("nips", ours)
}

/// The layer that writes lines to `W`.
struct LogLines<W> {
    format: LogFormat,
    has_timestamps: bool,
    has_colour: bool,
    out: Mutex<W>,
    repeats: Mutex<Repeats>,
}

/// Fields in the order they were written, values as text.
#[derive(Debug, Clone, Default)]
struct Fields {
    message: String,
    service: Option<String>,
    others: Vec<(&'static str, Scalar)>,
}

/// A value that JSON can hold as it is, or text.
#[derive(Debug, Clone)]
enum Scalar {
    Number(serde_json::Number),
    Flag(bool),
    Text(String),
}

impl<W: Write + Send + 'static> LogLines<W> {
    fn new(config: &LogConfig, out: W, has_colour: bool) -> Self {
        Self {
            format: config.format,
            has_timestamps: config.timestamps,
            has_colour,
            out: Mutex::new(out),
            repeats: Mutex::default(),
        }
    }

    fn write(&self, level: Level, fields: &Fields) {
        let line = self.line(level, fields) + "\n";
        // A log that cannot be written has nowhere to be reported.
        let _ = locked(&self.out).write_all(line.as_bytes());
    }

    fn line(&self, level: Level, fields: &Fields) -> String {
        match self.format {
            LogFormat::Text if self.has_timestamps => {
                format!("{} {}", timestamp(), text_line(level, fields))
            }
            LogFormat::Text => text_line(level, fields),
            LogFormat::Json => json_line(level, fields, &timestamp()),
            LogFormat::Pretty => pretty_line(level, fields, &timestamp(), self.has_colour),
        }
    }
}

impl<S, W> Layer<S> for LogLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + Send + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.inherit(outer);
            }
        }
        let (now, level) = (Instant::now(), *event.metadata().level());
        let kind = Kind {
            place: event.metadata().name(),
            service: fields.service().to_owned(),
        };
        let mut repeats = locked(&self.repeats);
        let left_out = repeats.end(now);
        let is_admitted = repeats.admit(kind, level, &fields.message, now);
        drop(repeats);
        for left_out in left_out {
            self.write(left_out.level, &left_out.into());
        }
        if is_admitted {
            self.write(level, &fields);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl From<LeftOut> for Fields {
    fn from(left_out: LeftOut) -> Self {
        Self {
            message: "lines_left_out".to_owned(),
            service: Some(left_out.service),
            others: vec![
                ("line", Scalar::Text(left_out.message)),
                ("count", Scalar::Number(left_out.count.into())),
            ],
        }
    }
}

impl Fields {
    /// Takes over what an enclosing span knows and this line does not say itself.
    fn inherit(&mut self, outer: &Self) {
        if self.service.is_none() {
            self.service.clone_from(&outer.service);
        }
        for (name, value) in &outer.others {
            if self.others.iter().all(|(known, _)| known != name) {
                self.others.push((name, value.clone()));
            }
        }
    }

    fn put(&mut self, field: &Field, value: Scalar) {
        match (field.name(), value) {
            ("message", value) => self.message = value.to_text(),
            ("service", value) => self.service = Some(value.to_text()),
            (name, value) => self.others.push((name, value)),
        }
    }

    fn service(&self) -> &str {
        self.service.as_deref().unwrap_or(NO_SERVICE)
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Scalar::Text(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Scalar::Text(value.to_owned()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Scalar::Flag(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Scalar::Number(value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Scalar::Number(value.into()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        let number = serde_json::Number::from_f64(value);
        let text = || Scalar::Text(value.to_string());
        self.put(field, number.map_or_else(text, Scalar::Number));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, Scalar::Text(chain(value)));
    }
}

/// An error with its causes: `could not open data: permission denied`.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}

impl Scalar {
    fn to_text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Number(number) => number.clone().into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}

fn text_line(level: Level, fields: &Fields) -> String {
    let mut line = format!("{} {} ", level_name(level), fields.service());
    escape_into(&mut line, &fields.message);
    for (name, value) in &fields.others {
        let _ = write!(line, " {name}={}", text_value(&value.to_text()));
    }
    line
}

/// A value as it stands after `key=`: cut, escaped, and quoted when it would be ambiguous.
fn text_value(value: &str) -> String {
    let cut = truncated(value);
    let is_ambiguous = |c: char| matches!(c, ' ' | '=' | '"' | '\'') || c.is_control();
    let mut escaped = String::with_capacity(cut.len());
    if cut.is_empty() || cut.contains(is_ambiguous) {
        escaped.push('"');
        escape_into(
            &mut escaped,
            &cut.replace('\\', "\\\\").replace('"', "\\\""),
        );
        escaped.push('"');
    } else {
        escaped.push_str(&cut);
    }
    escaped
}

fn truncated(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE_CHARS) {
        None => value.to_owned(),
        Some((end, _)) => {
            let rest = value[end..].chars().count();
            format!("{}...<truncated {rest} chars>", &value[..end])
        }
    }
}

/// One line stays one line, and nothing that a stranger sent moves a terminal's cursor.
fn escape_into(line: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(line, "\\u{{{:x}}}", u32::from(c));
            }
            c => line.push(c),
        }
    }
}

fn json_line(level: Level, fields: &Fields, timestamp: &str) -> String {
    let text = |value: &str| serde_json::Value::from(value).to_string();
    let mut line = format!(
        "{{\"timestamp\":{},\"level\":{},\"service\":{},\"message\":{}",
        text(timestamp),
        text(level_name(level)),
        text(fields.service()),
        text(&fields.message)
    );
    for (name, value) in &fields.others {
        let value = match value.to_json() {
            serde_json::Value::String(long) => truncated(&long).into(),
            value => value,
        };
        let _ = write!(line, ",{}:{value}", text(name));
    }
    line.push('}');
    line
}

fn pretty_line(level: Level, fields: &Fields, timestamp: &str, has_colour: bool) -> String {
    let time = timestamp.get(11..19).unwrap_or(timestamp);
    let name = level_name(level).to_uppercase();
    let (colour, dim, reset) = match level {
        _ if !has_colour => ("", "", ""),
        Level::ERROR => ("\x1b[31m", "\x1b[2m", "\x1b[0m"),
        Level::WARN => ("\x1b[33m", "\x1b[2m", "\x1b[0m"),
        Level::INFO => ("\x1b[32m", "\x1b[2m", "\x1b[0m"),
        _ => ("\x1b[36m", "\x1b[2m", "\x1b[0m"),
    };
    let service = fields.service();
    let mut line = format!("{dim}{time}{reset} {colour}{name:<5}{reset} {service:<12} ");
    escape_into(&mut line, &fields.message);
    for (name, value) in &fields.others {
        let _ = write!(line, " {dim}{name}={reset}{}", text_value(&value.to_text()));
    }
    line
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

/// UTC in RFC 3339 form with microseconds.
fn timestamp() -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing::{debug, info, info_span, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, write: impl FnOnce()) -> String {
        let captured = Captured::default();
        let config = LogConfig {
            format,
            ..LogConfig::default()
        };
        let lines = LogLines::new(&config, captured.clone(), false);
        let subscriber =
            tracing_subscriber::registry().with(lines.with_filter(filter(config.level)));
        tracing::subscriber::with_default(subscriber, write);
        String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn text_lines_have_the_form_that_operators_know() {
        let text = logged(LogFormat::Text, || {
            info!(
                service = "seeder",
                count = 12_u64,
                path = "a b",
                "file_parsed"
            );
            warn!(
                ok = true,
                empty = "",
                quote = r#"say "hi" \now"#,
                plain = "x/y:z",
                "odd values"
            );
        });
        assert_eq!(
            text,
            "info seeder file_parsed count=12 path=\"a b\"\n\
             warn bigbrotr odd values ok=true empty=\"\" quote=\"say \\\"hi\\\" \\\\now\" plain=x/y:z\n"
        );
    }

    #[test]
    fn the_service_and_fields_of_spans_are_inherited() {
        let text = logged(LogFormat::Text, || {
            let cycle = info_span!("cycle", service = "monitor", cycle.id = 7_u64);
            let _cycle = cycle.enter();
            let relay = info_span!("relay", relay.url = "wss://a.example", reason = "outer");
            let _relay = relay.enter();
            info!(reason = "inner", "check_failed");
        });
        assert_eq!(
            text,
            "info monitor check_failed reason=inner relay.url=wss://a.example cycle.id=7\n"
        );
    }

    #[test]
    fn a_line_stays_one_line_and_is_cut() {
        let text = logged(LogFormat::Text, || {
            info!(
                long = "x".repeat(1_005),
                evil = "a\nb\u{1b}[2J",
                "two\nlines"
            );
        });
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains("two\\nlines"), "{text}");
        assert!(text.contains(&format!("{}...<truncated 5 chars>", "x".repeat(1_000))));
        assert!(text.contains(r#"evil="a\nb\u{1b}[2J""#), "{text}");
    }

    #[test]
    fn json_lines_are_json() {
        let text = logged(LogFormat::Json, || {
            info!(
                service = "finder",
                count = 3_u64,
                ok = true,
                why = "a\nb",
                "done"
            );
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "info");
        assert_eq!(line["service"], "finder");
        assert_eq!(line["message"], "done");
        assert_eq!(line["count"], 3);
        assert_eq!(line["ok"], true);
        assert_eq!(line["why"], "a\nb");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn a_warning_that_is_repeated_is_counted_after_a_while() {
        let text = logged(LogFormat::Text, || {
            for number in 0..50_u64 {
                warn!(number, "store_unavailable");
                info!(number, "cycle_completed");
            }
            for service in ["finder", "monitor"] {
                warn!(service, "another_place");
            }
        });
        assert_eq!(text.matches("store_unavailable").count(), 20);
        assert_eq!(text.matches("cycle_completed").count(), 50);
        assert_eq!(text.matches("another_place").count(), 2);
    }

    #[test]
    fn what_was_left_out_is_said_when_the_spell_is_over() {
        let kind = Kind {
            place: "event src/x.rs:7",
            service: "relay".to_owned(),
        };
        let (mut repeats, began) = (Repeats::default(), Instant::now());
        let admitted =
            (0..25).filter(|_| repeats.admit(kind.clone(), Level::WARN, "too_slow", began));
        assert_eq!(admitted.count(), 20);
        assert_eq!(repeats.end(began), []);
        let left_out = repeats.end(began + std::time::Duration::from_secs(61));
        let [left_out] = left_out.try_into().unwrap();
        let fields = Fields::from(left_out);
        assert_eq!(
            text_line(Level::WARN, &fields),
            "warn relay lines_left_out line=too_slow count=5"
        );
        assert!(repeats.admit(kind, Level::WARN, "too_slow", began));
    }

    #[test]
    fn lines_below_the_level_are_left_out() {
        assert_eq!(logged(LogFormat::Text, || debug!("hidden")), "");
    }

    #[test]
    fn errors_are_written_with_their_causes() {
        let cause = io::Error::other("disk is gone");
        let error = crate::config::ConfigError::Read {
            path: "a.yaml".into(),
            source: cause,
        };
        let text = logged(LogFormat::Text, || {
            info!(error = &error as &dyn std::error::Error, "failed");
        });
        assert!(
            text.contains("error=\"could not read a.yaml: disk is gone\""),
            "{text}"
        );
    }
}
