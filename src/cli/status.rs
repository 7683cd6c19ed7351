//! `bigbrotr status`: what the archive knows.
//!
//! The embedded store belongs to one process. When that is a running `bigbrotr`, it is asked over its
//! public port instead, so that the command works either way.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use nips::{LocalRelays, RelayUrl};
use serde_json::Value;
use tokio::time::Instant;

use super::relay_argument::relay_url;
use super::{output, relay_status};
use crate::app::App;
use crate::config::Config;
use crate::http::moment::{ago, date, grouped, size, span};
use crate::http::{Overview, RelayReport};
use crate::lifecycle::{Exit, Tasks};
use crate::net::{HttpOptions, HttpUrl, Net, NetSettings};
use crate::store::{Store, StoreError};

/// Time for the running process to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Kinds shown, the most frequent first.
const MAX_KINDS: usize = 10;

/// Relays shown that are behind; JSON has more.
const MAX_BEHIND: usize = 5;

#[derive(Debug, Args)]
pub(super) struct StatusOptions {
    /// A relay: what is known of this one, instead of everything; without a scheme it is wss
    #[arg(value_name = "URL", value_parser = relay_url)]
    url: Option<RelayUrl>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn status(config: Config, options: &StatusOptions) -> Result<Exit> {
    let free_bytes = free_bytes(&config);
    let mut figures = Box::pin(figures(config, options.url.as_ref())).await?;
    if options.url.is_none() {
        figures["free_bytes"] = free_bytes.into();
    }
    let text = if options.json {
        format!("{figures:#}\n")
    } else if options.url.is_some() {
        relay_status::as_text(&figures)
    } else {
        as_text(&figures)
    };
    output::print(&text)?;
    Ok(Exit::Done)
}

/// Room on the disk of an embedded store; what a server has is not known here.
fn free_bytes(config: &Config) -> Option<u64> {
    let is_embedded = config.brotr.store.is_embedded();
    let disk = is_embedded.then(|| rustix::fs::statvfs(&config.data_dir));
    let disk = disk?.ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

async fn figures(config: Config, url: Option<&RelayUrl>) -> Result<Value> {
    let running = config.clone();
    match App::open(config, Tasks::default()).await {
        Ok(app) => {
            let figures = read(&**app.store(), app.clock().now(), url).await;
            app.close().await;
            figures
        }
        Err(failure) if is_in_use(&failure) => ask(&running, url).await.map_err(|why| {
            failure.context(format!(
                "the process that runs does not say either ({why:#})"
            ))
        }),
        Err(failure) => Err(failure),
    }
}

async fn read(store: &dyn Store, now: u64, url: Option<&RelayUrl>) -> Result<Value> {
    let Some(url) = url else {
        return Ok(Overview::gather(store, now).await?.to_json());
    };
    match RelayReport::gather(store, url, now).await? {
        Some(report) => Ok(report.to_json()),
        None => bail!("{url} is no relay that is known"),
    }
}

fn is_in_use(failure: &anyhow::Error) -> bool {
    matches!(failure.downcast_ref(), Some(StoreError::InUse { .. }))
}

/// Asks the process that holds the store: at its public port, else at its metrics port.
async fn ask(config: &Config, url: Option<&RelayUrl>) -> Result<Value> {
    let scheme = if config.relay.tls.is_some() {
        "wss"
    } else {
        "ws"
    };
    let public = ask_at(scheme, config.relay.listen, url).await;
    let metrics = &config.brotr.metrics;
    match public {
        Err(_) if metrics.enabled => {
            let address = SocketAddr::new(metrics.host, metrics.port);
            ask_at("ws", address, url).await.or(public)
        }
        answer => answer,
    }
}

async fn ask_at(scheme: &str, mut address: SocketAddr, relay: Option<&RelayUrl>) -> Result<Value> {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::from([127, 0, 0, 1]));
    }
    let what = if relay.is_some() { "relay" } else { "status" };
    let url = format!("{scheme}://{address}/api/v1/{what}");
    let place = RelayUrl::parse_with(&url, LocalRelays::Accepted)?;
    let mut settings = NetSettings::default();
    settings.networks.local.enabled = true;
    let options = HttpOptions {
        accept: "application/json",
        max_bytes: 16 << 20,
        deadline: Instant::now() + PATIENCE,
        max_redirects: 0,
        // The certificate is for the name that clients use, not for this address.
        allow_insecure: true,
    };
    let mut place = HttpUrl::of_relay(&place)?;
    if let Some(relay) = relay {
        place = place.with_parameter("url", relay.as_str());
    }
    let response = Net::new(settings)?.http_get(&place, options).await;
    let response = response.with_context(|| format!("could not ask {}", place.as_str()))?;
    if response.status != 200 {
        bail!(
            "{} answered with status {}",
            place.as_str(),
            response.status
        );
    }
    serde_json::from_slice(&response.body)
        .with_context(|| format!("{} did not answer in JSON", place.as_str()))
}

fn as_text(figures: &Value) -> String {
    let mut text = String::new();
    let now = figures["gathered_at"].as_u64().unwrap_or_default();
    relays(&mut text, figures);
    events(&mut text, &figures["events"]);
    let bytes = number(&figures["events"]["size_bytes"]) + number(&figures["database_size_bytes"]);
    let _ = writeln!(text, "on disk     {}", size(bytes));
    forecast(&mut text, figures, bytes);
    let lag = |value: &Value| value.as_u64().map_or_else(|| "none".to_owned(), span);
    let _ = writeln!(
        text,
        "lag         checks {}, synchronization {}",
        lag(&figures["lag"]["check_s"]),
        lag(&figures["lag"]["sync_s"])
    );
    archived(&mut text, figures);
    gaps(&mut text, &figures["gaps"]);
    publishing(&mut text, list(&figures["publishing"]), now);
    let quarantined = number(&figures["quarantined"]);
    let _ = writeln!(text, "quarantine  {}", grouped(quarantined));
    cycles(&mut text, &figures["cycles"], now);
    text
}

/// What the measured growth leads to; the refresher measures several times a day.
fn forecast(text: &mut String, figures: &Value, bytes: u64) {
    let growth = &figures["growth"];
    let Some(a_day) = growth["bytes_a_day"].as_u64() else {
        return;
    };
    let since = date(number(&growth["since"]));
    let after = |days: u64| size(bytes.saturating_add(a_day.saturating_mul(days)));
    let _ = writeln!(text, "  grows by {} a day since {since}", size(a_day));
    let (month, year) = (after(30), after(365));
    let _ = writeln!(text, "  at that rate {month} in 30 days, {year} in a year");
    if let Some(free) = figures["free_bytes"].as_u64() {
        let days = free.checked_div(a_day);
        let days = days.map_or_else(
            || "never".to_owned(),
            |days| format!("in {} days", grouped(days)),
        );
        let _ = writeln!(text, "  {} are free: full {days}", size(free));
    }
}

fn relays(text: &mut String, figures: &Value) {
    let rows = list(&figures["relays"]);
    let total: u64 = rows.iter().map(|row| number(&row["relays"])).sum();
    let _ = writeln!(text, "relays      {}", grouped(total));
    for row in rows {
        let place = format!("{} {}", word(&row["network"]), word(&row["state"]));
        let _ = writeln!(
            text,
            "  {place:<20} {:>10}",
            grouped(number(&row["relays"]))
        );
    }
    let rows = list(&figures["candidates"]);
    let total: u64 = rows.iter().map(|row| number(&row["candidates"])).sum();
    let _ = writeln!(text, "candidates  {}", grouped(total));
}

fn events(text: &mut String, events: &Value) {
    let count = |name: &str| grouped(number(&events[name]));
    let _ = writeln!(
        text,
        "events      {}, seen {} times",
        count("events"),
        count("sightings")
    );
    let dates = (
        events["oldest_created_at"].as_u64(),
        events["newest_created_at"].as_u64(),
    );
    if let (Some(oldest), Some(newest)) = dates {
        let _ = writeln!(text, "  dated {} to {}", date(oldest), date(newest));
    }
    let mut kinds: Vec<(u64, u64)> = list(&events["by_kind"])
        .iter()
        .map(|row| (number(&row["events"]), number(&row["kind"])))
        .collect();
    kinds.sort_by_key(|(events, kind)| (std::cmp::Reverse(*events), *kind));
    for (events, kind) in kinds.iter().take(MAX_KINDS) {
        let _ = writeln!(text, "  kind {kind:<15} {:>10}", grouped(*events));
    }
}

/// How far each network is archived, and the relays that are furthest behind.
fn archived(text: &mut String, figures: &Value) {
    for row in list(&figures["archived"]) {
        let lag = row["lag_s"].as_u64().map_or("none".to_owned(), span);
        let count = |name: &str| grouped(number(&row[name]));
        let _ = writeln!(
            text,
            "archived    {}: {} of {} relays, {} until lately, {} gaps on {}, lag {lag}",
            word(&row["network"]),
            count("covered"),
            count("relays"),
            count("recent"),
            count("gaps"),
            count("gap_relays"),
        );
    }
    for row in list(&figures["behind"]).iter().take(MAX_BEHIND) {
        let until = row["covered_until"].as_u64();
        let until = until.map_or("nothing yet".to_owned(), |end| {
            format!("until {}", date(end))
        });
        let gaps = grouped(number(&row["gaps"]));
        let _ = writeln!(text, "  {} {until}, {gaps} gaps", word(&row["relay"]));
    }
    let unwelcome = list(&figures["unwelcome"]);
    if !unwelcome.is_empty() {
        let count = grouped(unwelcome.len() as u64);
        let _ = writeln!(text, "unwelcome   {count} relays ask not to be archived");
    }
}

fn gaps(text: &mut String, gaps: &Value) {
    let total: u64 = list(gaps).iter().map(|row| number(&row["gaps"])).sum();
    let _ = writeln!(text, "gaps        {}", grouped(total));
    for row in list(gaps) {
        let (gaps, relays) = (number(&row["gaps"]), number(&row["relays"]));
        let reason = word(&row["reason"]);
        let _ = writeln!(
            text,
            "  {reason:<20} {:>10} on {relays} relays",
            grouped(gaps)
        );
    }
}

/// How outside relays take what the monitor sends them.
fn publishing(text: &mut String, relays: &[Value], now: u64) {
    for relay in relays {
        let count = |name: &str| grouped(number(&relay[name]));
        let _ = writeln!(
            text,
            "publishing  {}: {} sent, {} refused, {} waiting",
            word(&relay["relay"]),
            count("sent"),
            count("refused"),
            count("waiting"),
        );
        if let (Some(problem), Some(at)) = (relay["problem"].as_str(), relay["problem_at"].as_u64())
        {
            let _ = writeln!(text, "  {}: {problem}", ago(now, at));
        }
    }
}

fn cycles(text: &mut String, cycles: &Value, now: u64) {
    text.push_str("last cycles\n");
    if list(cycles).is_empty() {
        text.push_str("  none yet\n");
    }
    for cycle in list(cycles) {
        let result = if cycle["is_success"] == true {
            "done"
        } else {
            "FAILED"
        };
        let _ = writeln!(
            text,
            "  {:<13} {:<12} {result:<6} {}",
            word(&cycle["service"]),
            ago(now, number(&cycle["started_at"])),
            word(&cycle["summary"])
        );
    }
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
