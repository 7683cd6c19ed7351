//! What was found out, for a person: a line for each check.

use std::fmt::Write;
use std::time::Duration;

use nips::nip66::{
    ClaimAudit, Dns, Geo, Net, Observed, Phase, RelayDiscovery, Ssl, Stated, one_line,
};

use super::{Checked, figures};
use crate::checks::rtt::ReadBy;
use crate::http::moment::{date, span};
use crate::net::PhaseTimings;

/// NIPs shown; some relays list every number there is.
const MAX_NIPS: usize = 32;

/// Addresses, name servers and names shown of each kind.
const MAX_NAMES: usize = 4;

/// The whole report, with an empty line behind it.
pub(super) fn of(checked: &Checked) -> String {
    let findings = &checked.findings;
    let state = if findings.connection.is_online() {
        "answers"
    } else {
        "DOES NOT ANSWER"
    };
    let mut lines = Lines(format!("{}  {state}\n", checked.url));
    connection(&mut lines, checked);
    if let Some(ssl) = &findings.ssl {
        lines.add("certificate", certificate(ssl, checked.checked_at));
    }
    if let Some(dns) = &findings.dns {
        lines.add("names", names(dns));
    }
    if let Some(geo) = &findings.geo {
        lines.add("place", place(geo));
    }
    if let Some(net) = &findings.net {
        lines.add("system", system(net));
    }
    if let Some(http) = &findings.http {
        let words = [http.server.as_deref(), http.powered_by.as_deref()];
        lines.add("server", joined(words, ", "));
    }
    if let Some(discovery) = figures::discovery(checked) {
        document(&mut lines, &discovery);
        lines.add("asks for", requirements(&discovery));
        lines.add("type", discovery.types.join(", "));
    }
    if let Some(audit) = &findings.claims {
        claims(&mut lines, audit);
    }
    for (check, reason) in &findings.failures {
        lines.add(
            "no result",
            format!("{}: {}", check.as_str(), words(reason)),
        );
    }
    lines.0.push('\n');
    lines.0
}

/// Lines with a name in front.
struct Lines(String);

impl Lines {
    /// Adds a line, unless there is nothing to say.
    fn add(&mut self, name: &str, text: String) {
        if !text.is_empty() {
            let _ = writeln!(self.0, "  {name:<13} {text}");
        }
    }
}

fn connection(lines: &mut Lines, checked: &Checked) {
    let connection = &checked.findings.connection;
    let rtt = &connection.rtt;
    let parts = connection.phases.map(|phases| parts(&phases));
    lines.add("open", phase(&rtt.open, parts.as_deref()));
    let first = connection.read_by.map(ReadBy::as_str);
    let first = first.map(|first| format!("first answer {first}"));
    lines.add("read", phase(&rtt.read, first.as_deref()));
    if connection.refuses_broad {
        lines.add("", "refuses to be asked for every note".to_owned());
    }
    lines.add("write", phase(&rtt.write, None));
}

/// A phase that was tried.
fn phase(phase: &Phase, more: Option<&str>) -> String {
    match phase {
        Phase::NotTried => String::new(),
        Phase::Took(ms) => {
            let took = format!("{ms} ms");
            joined([Some(took.as_str()), more], "   ")
        }
        Phase::Refused(message) => format!("refused: {}", words(message)),
        Phase::Failed(reason) => format!("failed: {}", reason.replace('_', " ")),
    }
}

fn parts(phases: &PhaseTimings) -> String {
    let part = |name, took: Option<Duration>| took.map(|took| format!("{name} {}", millis(took)));
    let parts = [
        part("dns", phases.dns),
        part("tcp", Some(phases.tcp)),
        part("tls", phases.tls),
        part("upgrade", Some(phases.upgrade)),
    ];
    joined(parts.iter().map(Option::as_deref), ", ")
}

fn millis(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1e3)
}

fn certificate(ssl: &Ssl, now: u64) -> String {
    let verdict = match (&ssl.invalid_reason, ssl.expires) {
        (Some(reason), _) => format!("INVALID: {}", reason.replace('_', " ")),
        (None, Some(expires)) => format!(
            "valid until {}, {} left",
            date(expires),
            span(expires.saturating_sub(now))
        ),
        (None, None) => "valid".to_owned(),
    };
    let issuer = ssl.issuer.as_ref().or(ssl.issuer_cn.as_ref());
    let issuer = issuer.map(|issuer| format!("by {issuer}"));
    let words = [
        Some(verdict.as_str()),
        issuer.as_deref(),
        ssl.protocol.as_deref(),
        ssl.cipher.as_deref(),
    ];
    joined(words, ", ")
}

fn names(dns: &Dns) -> String {
    let ips = dns.ips.iter().map(ToString::to_string);
    let ips_v6 = dns.ips_v6.iter().map(ToString::to_string);
    let addresses: Vec<String> = ips.chain(ips_v6).take(MAX_NAMES).collect();
    let servers: Vec<&str> = dns.ns.iter().map(String::as_str).take(MAX_NAMES).collect();
    let parts = [
        Some(addresses.join(" ")),
        dns.cname.as_ref().map(|cname| format!("alias of {cname}")),
        dns.reverse.as_ref().map(|name| format!("reverse {name}")),
        Some(format!("name servers {}", servers.join(" "))).filter(|_| !servers.is_empty()),
        dns.ttl.map(|ttl| format!("ttl {ttl} s")),
        dns.query_time.map(|took| format!("in {}", millis(took))),
    ];
    joined(parts.iter().map(Option::as_deref), ", ")
}

fn place(geo: &Geo) -> String {
    let coordinates = geo.lat.zip(geo.lon);
    let coordinates = coordinates.map(|(lat, lon)| format!("{lat} {lon}"));
    let country = geo.country_name.as_deref().or(geo.country.as_deref());
    let words = [
        geo.city.as_deref(),
        geo.region.as_deref(),
        country,
        geo.tz.as_deref(),
        coordinates.as_deref(),
    ];
    joined(words, ", ")
}

fn system(net: &Net) -> String {
    let number = net.asn.map(|asn| format!("AS{asn}"));
    let words = [
        number.as_deref(),
        net.asn_org.as_deref(),
        net.network.as_deref(),
        net.network_v6.as_deref(),
    ];
    joined(words, ", ")
}

fn document(lines: &mut Lines, discovery: &RelayDiscovery) {
    let Some(information) = &discovery.information else {
        return;
    };
    let line = |text: &Option<String>| text.as_deref().and_then(one_line);
    let about = [
        line(&information.name),
        line(&information.software),
        line(&information.version),
    ];
    lines.add("document", joined(about.iter().map(Option::as_deref), ", "));
    let nips = discovery.nips.iter().take(MAX_NIPS).map(u16::to_string);
    lines.add("nips", nips.collect::<Vec<_>>().join(" "));
}

/// A line for each claim that says something, and one for the rest.
fn claims(lines: &mut Lines, audit: &ClaimAudit) {
    for finding in &audit.findings {
        let verdict = match finding.observed {
            Observed::Yes => "yes",
            Observed::No => "NO",
            Observed::Untestable => continue,
        };
        let claim = match finding.stated {
            Some(Stated::Number(number)) => format!("{} {number}", finding.claim),
            Some(Stated::Flag(flag)) => format!("{} {flag}", finding.claim),
            None => finding.claim.to_string(),
        };
        let counted = finding.measured.map(|count| format!(" ({count})"));
        let counted = counted.unwrap_or_default();
        lines.add(
            "claim",
            format!("{claim}: {verdict}, {}{counted}", finding.reason),
        );
    }
    let untestable = audit.findings.iter();
    let untestable = untestable.filter(|it| it.observed == Observed::Untestable);
    let names: Vec<String> = untestable.map(|it| it.claim.to_string()).collect();
    lines.add("not testable", names.join(" "));
}

fn requirements(discovery: &RelayDiscovery) -> String {
    let asks = discovery.requirements;
    let known = [
        ("authentication", asks.auth),
        ("payment", asks.payment),
        ("permission to write", asks.writes),
        ("proof of work", asks.pow),
    ];
    let wanted = known.map(|(what, is_asked)| (is_asked == Some(true)).then_some(what));
    let text = joined(wanted, ", ");
    let is_all_known = known.iter().all(|(_, is_asked)| is_asked.is_some());
    if text.is_empty() && is_all_known {
        return "nothing".to_owned();
    }
    text
}

/// What a stranger said, on a line of its own and without what moves the cursor.
fn words(text: &str) -> String {
    one_line(text).unwrap_or_default()
}

fn joined<'a>(words: impl IntoIterator<Item = Option<&'a str>>, separator: &str) -> String {
    let words: Vec<&str> = words
        .into_iter()
        .flatten()
        .filter(|word| !word.is_empty())
        .collect();
    words.join(separator)
}
