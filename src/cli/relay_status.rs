//! `bigbrotr status URL` for a person: one relay's report as text.

use std::fmt::Write;

use serde_json::Value;

use super::status::{list, number, word};
use crate::http::moment::{date, grouped, size, span};

/// The report as a page of text.
pub(super) fn as_text(report: &Value) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", word(&report["url"]));
    let _ = writeln!(
        text,
        "state       {}, {} failed checks in a row",
        word(&report["state"]),
        number(&report["check_failures"])
    );
    let _ = writeln!(
        text,
        "known       since {}, validated {}",
        date(number(&report["discovered_at"])),
        date(number(&report["validated_at"]))
    );
    if let Some(canonical) = report["canonical_url"].as_str() {
        let _ = writeln!(
            text,
            "alias       of {canonical}, which is visited in its place"
        );
    }
    let received = &report["received"];
    let events = |fate: &str| grouped(number(&received[fate]));
    let _ = writeln!(
        text,
        "received    {}: {} new events, {} known, {} refused",
        size(number(&received["bytes"])),
        events("new_events"),
        events("known_events"),
        events("refused_events")
    );
    text.push_str("uptime\n");
    for window in list(&report["uptime"]) {
        uptime(&mut text, window);
    }
    section(
        &mut text,
        "failures in 30 days",
        &report["failures_30_days"],
        |row| {
            format!(
                "{:<20} {:>8}",
                word(&row["reason"]),
                grouped(number(&row["failures"]))
            )
        },
    );
    section(&mut text, "changes", &report["transitions"], |row| {
        let (from, to) = (word(&row["from"]), word(&row["to"]));
        let when = date(number(&row["changed_at"]));
        format!("{when}  {from} to {to}: {}", word(&row["reason"]))
    });
    section(&mut text, "aliases", &report["aliases"], |url| {
        word(url).to_owned()
    });
    section(&mut text, "named by", &report["evidence"], |row| {
        let namings = grouped(number(&row["namings"]));
        let since = date(number(&row["first_named_at"]));
        format!(
            "{:<24} {namings:>8} times since {since}",
            word(&row["source"])
        )
    });
    text
}

fn uptime(text: &mut String, window: &Value) {
    let length = span(number(&window["window_s"]));
    let Some(uptime) = window["uptime"].as_f64() else {
        let _ = writeln!(text, "  {length:<10} not observed");
        return;
    };
    let ms = |name: &str| {
        let known = window[name].as_u64();
        known.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"))
    };
    let _ = writeln!(
        text,
        "  {length:<10} {:>6.2} % of {}, {} of {} checks, opens in {} (95 %: {})",
        uptime * 100.0,
        span(number(&window["up_s"]) + number(&window["down_s"])),
        number(&window["answered"]),
        number(&window["checks"]),
        ms("open_p50_ms"),
        ms("open_p95_ms"),
    );
}

fn section(text: &mut String, title: &str, rows: &Value, line: impl Fn(&Value) -> String) {
    if list(rows).is_empty() {
        return;
    }
    let _ = writeln!(text, "{title}");
    for row in list(rows) {
        let _ = writeln!(text, "  {}", line(row));
    }
}
