//! The page a browser sees on `/`: what runs, what is known, how to subscribe.
//!
//! One document without scripts or outside parts. Every text that is not written here is escaped:
//! names and summaries may hold what strangers sent.

use std::fmt::Write;

use nips::Network;

use super::moment::{ago, date, grouped, size, span};
use super::{Overview, Site};
use crate::model::RelayState;
use crate::relay::RelayInfo;
use crate::store::statistics::CycleRecord;

const STYLE: &str = include_str!("page.css");

/// Kinds listed, the most frequent first.
const MAX_KINDS: usize = 12;

/// The whole document.
pub(super) fn render(site: &Site, info: &RelayInfo, overview: &Overview) -> String {
    let roles: Vec<&str> = site.roles.iter().map(|role| role.as_str()).collect();
    let mut page = String::with_capacity(16 << 10);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"refresh\" content=\"60\"><title>{name}</title>\
         <style>{STYLE}</style></head><body><header><h1>{name}</h1><p>{description}</p>\
         <p class=\"dim\">Running here: {roles}</p></header><main>",
        name = escaped(&info.name),
        description = escaped(&info.description),
        roles = escaped(&roles.join(", ")),
    );
    figures(&mut page, overview);
    notice(&mut page, overview);
    networks(&mut page, overview);
    cycles(&mut page, overview);
    kinds(&mut page, overview);
    gaps(&mut page, overview);
    subscribing(&mut page, &site.relay_url);
    let _ = writeln!(
        page,
        "</main><footer>Read at {time} UTC on {date}; figures are at most a few seconds old, and the \
         page reloads every minute. <a href=\"/health/ready\">Health</a> · BigBrotr {version}</footer>\
         </body></html>",
        time = time_of_day(overview.gathered_at),
        date = date(overview.gathered_at),
        version = env!("CARGO_PKG_VERSION"),
    );
    page
}

fn figures(page: &mut String, overview: &Overview) {
    let in_state = |state: RelayState| -> u64 {
        let counts = overview.relays.iter().filter(|count| count.state == state);
        counts.map(|count| count.relays).sum()
    };
    let bytes = overview.events.size_bytes + overview.totals.size_bytes;
    page.push_str("<div class=\"figures\">");
    for (value, label) in [
        (grouped(overview.relay_total()), "relays that speak Nostr"),
        (
            grouped(in_state(RelayState::Online)),
            "online at the last check",
        ),
        (
            grouped(overview.candidate_total()),
            "candidates to be tried",
        ),
        (grouped(overview.events.events), "events archived"),
        (
            grouped(overview.events.sightings),
            "sightings of events on relays",
        ),
        (size(bytes), "on disk"),
    ] {
        let _ = write!(
            page,
            "<div class=\"figure\"><b>{value}</b><span>{label}</span></div>"
        );
    }
    page.push_str("</div>");
}

fn notice(page: &mut String, overview: &Overview) {
    let text = if overview.relay_total() == 0 {
        "No relay has answered yet. The seed list is being tried; on a machine without a way to the \
         internet it stays like this, and the relay here serves what is imported or published to it."
    } else if overview.events.events == 0 {
        "No event is archived yet. The synchronizer visits relays once they are validated."
    } else {
        return;
    };
    let _ = write!(page, "<p class=\"notice\">{text}</p>");
}

fn networks(page: &mut String, overview: &Overview) {
    page.push_str(
        "<h2>Relays by network and state</h2><div class=\"scroll\"><table><tr><th>network</th>",
    );
    for state in RelayState::ALL {
        let _ = write!(page, "<th class=\"number\">{}</th>", state.as_str());
    }
    page.push_str("<th class=\"number\">candidates</th></tr>");
    for network in Network::ALL {
        network_row(page, overview, network);
    }
    page.push_str("</table></div>");
    if let Some(seconds) = overview.lag.sync_s {
        let _ = write!(
            page,
            "<p class=\"dim\">The relay that waits longest for the synchronizer has been due for {}.</p>",
            span(seconds)
        );
    }
}

fn network_row(page: &mut String, overview: &Overview, network: Network) {
    let candidates = overview.candidates.iter().filter(|(of, _)| *of == network);
    let candidates: u64 = candidates.map(|(_, candidates)| candidates).sum();
    let in_state = RelayState::ALL.map(|state| {
        let counts = overview.relays.iter();
        let counts = counts.filter(|count| count.network == network && count.state == state);
        counts.map(|count| count.relays).sum::<u64>()
    });
    if candidates == 0 && in_state.iter().all(|relays| *relays == 0) {
        return;
    }
    let _ = write!(page, "<tr><td>{network}</td>");
    for count in in_state.into_iter().chain([candidates]) {
        let _ = write!(page, "<td class=\"number\">{}</td>", grouped(count));
    }
    page.push_str("</tr>");
}

fn cycles(page: &mut String, overview: &Overview) {
    page.push_str("<h2>Last cycles</h2>");
    if overview.cycles.is_empty() {
        page.push_str("<p class=\"dim\">None has finished yet.</p>");
        return;
    }
    page.push_str(
        "<div class=\"scroll\"><table><tr><th>service</th><th>began</th>\
         <th class=\"number\">took</th><th>result</th></tr>",
    );
    for cycle in &overview.cycles {
        cycle_row(page, overview.gathered_at, cycle);
    }
    page.push_str("</table></div>");
}

fn cycle_row(page: &mut String, now: u64, cycle: &CycleRecord) {
    let (class, word) = if cycle.is_success {
        ("good", "done")
    } else {
        ("bad", "failed")
    };
    let _ = write!(
        page,
        "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td>\
         <td><span class=\"{class}\">{word}</span> {}</td></tr>",
        cycle.service,
        ago(now, cycle.started_at),
        duration(cycle.duration_ms),
        escaped(&cycle.summary),
    );
}

fn duration(milliseconds: u64) -> String {
    if milliseconds < 10_000 {
        format!("{milliseconds} ms")
    } else {
        span(milliseconds / 1_000)
    }
}

fn kinds(page: &mut String, overview: &Overview) {
    let mut by_kind = overview.events.by_kind.clone();
    if by_kind.is_empty() {
        return;
    }
    by_kind.sort_by_key(|(kind, events)| (std::cmp::Reverse(*events), kind.0));
    page.push_str("<h2>Events</h2>");
    if let (Some(oldest), Some(newest)) = (
        overview.events.oldest_created_at,
        overview.events.newest_created_at,
    ) {
        let _ = write!(
            page,
            "<p class=\"dim\">Dated from {} to {}.</p>",
            date(oldest),
            date(newest)
        );
    }
    page.push_str(
        "<div class=\"scroll\"><table><tr><th class=\"number\">kind</th>\
         <th class=\"number\">events</th></tr>",
    );
    for (kind, events) in by_kind.iter().take(MAX_KINDS) {
        let _ = write!(
            page,
            "<tr><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
            kind.0,
            grouped(*events)
        );
    }
    page.push_str("</table></div>");
    if by_kind.len() > MAX_KINDS {
        let _ = write!(
            page,
            "<p class=\"dim\">And {} more kinds.</p>",
            by_kind.len() - MAX_KINDS
        );
    }
}

fn gaps(page: &mut String, overview: &Overview) {
    if overview.gaps.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Not archived yet</h2><p>Ranges of time that a relay did not let us cover; each is \
         tried again.</p><div class=\"scroll\"><table><tr><th>reason</th>\
         <th class=\"number\">ranges</th><th class=\"number\">relays</th></tr>",
    );
    for count in &overview.gaps {
        let _ = write!(
            page,
            "<tr><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>",
            count.reason.as_str(),
            grouped(count.gaps),
            grouped(count.relays)
        );
    }
    page.push_str("</table></div>");
}

fn subscribing(page: &mut String, relay_url: &str) {
    let url = escaped(relay_url);
    let http = escaped(&relay_url.replacen("ws", "http", 1));
    let _ = write!(
        page,
        "<h2>Subscribe</h2><p>This address is a Nostr relay: <code>{url}</code>. Any client can use \
         it. By hand, for the newest notes and then whatever arrives:</p>\
         <pre>websocat {url}\n[\"REQ\",\"notes\",{{\"kinds\":[1],\"limit\":10}}]</pre>\
         <p>What the monitor knows about relays (NIP-66), newest first:</p>\
         <pre>[\"REQ\",\"relays\",{{\"kinds\":[30166],\"limit\":10}}]</pre>\
         <p>What this relay can do (NIP-11):</p>\
         <pre>curl -H 'Accept: application/nostr+json' {http}</pre>"
    );
}

fn time_of_day(unix_seconds: u64) -> String {
    let minutes = unix_seconds / 60;
    format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
}

/// Text that cannot be taken for markup, in elements and in quoted attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_strangers_wrote_is_markup() {
        assert_eq!(
            escaped("<script>alert('\"&')</script>"),
            "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;"
        );
    }

    #[test]
    fn short_cycles_are_shown_in_milliseconds() {
        assert_eq!(duration(1_234), "1234 ms");
        assert_eq!(duration(125_000), "2 min");
    }
}
