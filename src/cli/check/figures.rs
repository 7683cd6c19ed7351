//! What was found out, as JSON: documents as they are stored, and times in milliseconds.

use std::time::Duration;

use nips::nip66::{Phase, RelayDiscovery, Rtt};
use serde_json::{Map, Value, json};

use super::Checked;
use crate::checks::rtt::{ReadBy, RttCheck};
use crate::config::ChecksIncluded;
use crate::services::monitor::Findings;

/// One document.
pub(super) fn of(checked: &Checked) -> Value {
    let findings = &checked.findings;
    let connection = &findings.connection;
    let mut document = json!({
        "url": checked.url.as_str(),
        "network": checked.url.network().as_str(),
        "checked_at": checked.checked_at,
        "is_online": connection.is_online(),
        "rtt": rtt(connection),
        "nip11": findings.information,
        "ssl": findings.ssl,
        "dns": findings.dns,
        "http": findings.http,
        "geo": findings.geo,
        "net": findings.net,
        "claims": findings.claims,
        "failures": failures(findings),
        "tags": tags(checked),
    });
    let query_time = findings.dns.as_ref().and_then(|dns| dns.query_time);
    if let Some(took) = query_time {
        document["dns"]["query_ms"] = milliseconds(took);
    }
    document
}

fn rtt(connection: &RttCheck) -> Value {
    let Rtt { open, read, write } = &connection.rtt;
    let reason = |phase: &Phase| phase.reason().map(str::to_owned);
    let phases = connection.phases.map(|phases| {
        json!({
            "dns_ms": phases.dns.map(milliseconds),
            "tcp_ms": milliseconds(phases.tcp),
            "tls_ms": phases.tls.map(milliseconds),
            "upgrade_ms": milliseconds(phases.upgrade),
        })
    });
    json!({
        "open_ms": open.ms(), "open_reason": reason(open), "open_phases": phases,
        "read_ms": read.ms(), "read_reason": reason(read),
        "read_by": connection.read_by.map(ReadBy::as_str),
        "refuses_broad": connection.refuses_broad,
        "write_ms": write.ms(), "write_reason": reason(write),
    })
}

fn milliseconds(duration: Duration) -> Value {
    // Microseconds behind the point are as fine as such times get.
    let rounded = (duration.as_secs_f64() * 1e6).round() / 1e3;
    json!(rounded)
}

fn failures(findings: &Findings) -> Map<String, Value> {
    let failures = findings.failures.iter();
    failures
        .map(|(check, reason)| (check.as_str().to_owned(), Value::from(reason.as_str())))
        .collect()
}

/// What a monitor would publish (kind 30166); nothing for a relay that did not answer.
fn tags(checked: &Checked) -> Option<Vec<Vec<String>>> {
    discovery(checked).map(|discovery| discovery.to_tags())
}

/// What follows from the findings for those who want to use the relay.
pub(super) fn discovery(checked: &Checked) -> Option<RelayDiscovery> {
    let findings = &checked.findings;
    if !findings.connection.is_online() {
        return None;
    }
    let observation = findings
        .clone()
        .into_observation(&ChecksIncluded::ALL, Vec::new());
    RelayDiscovery::observed(&checked.url, observation)
}
