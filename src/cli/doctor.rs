//! `bigbrotr doctor`: checks this machine and says what to do about each failure.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use nips::{Network, RelayUrl};
use tokio::time::Instant;

use super::output;
use crate::app::{App, net_settings};
use crate::checks::geoip::{FileState, inspect};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, GeoConfig, GeoFile, MonitorConfig};
use crate::lifecycle::{Exit, Tasks};
use crate::model::{MetadataType, ServiceName};
use crate::net::{Net, OpenOptions};
use crate::store::StoreError;
use crate::telemetry::chain;

/// Time for one check.
const PATIENCE: Duration = Duration::from_secs(15);

/// Open files that a busy process needs: connections of clients and to relays, and some spare.
const WANTED_FILES: u64 = 4_096;

/// 2025-01-01: a clock before this was never set.
const EARLIEST_NOW: u64 = 1_735_689_600;

/// What one check found.
enum Finding {
    Good(String),
    /// What is wrong, and what to do about it.
    Bad(String, &'static str),
}

pub(super) async fn doctor(config: Config) -> Result<Exit> {
    let net = Net::new(net_settings(&config, ServiceName::Monitor)?)?;
    let networks = config.networks_for(ServiceName::Monitor);
    let mut findings = vec![
        (
            "configuration",
            Finding::Good("no mistakes found".to_owned()),
        ),
        ("clock", clock()),
        ("open files", open_files()),
        ("data directory", data_directory(&config.data_dir)),
    ];
    for (name, file) in [("places", GeoFile::City), ("systems", GeoFile::Asn)] {
        findings.push((name, geo_file(&config.monitor, file)));
    }
    findings.push(("database", Box::pin(database(config)).await));
    for network in Network::ALL {
        if network.is_overlay() && networks.get(network).enabled {
            findings.push((network.as_str(), proxy(&net, network).await));
        }
    }
    let has_clearnet = networks.get(Network::Clearnet).enabled;
    findings.push(("internet", internet(&net, has_clearnet).await));
    output::print(&report(&findings))?;
    let is_well = findings
        .iter()
        .all(|(_, finding)| matches!(finding, Finding::Good(_)));
    Ok(if is_well { Exit::Done } else { Exit::Failed })
}

fn report(findings: &[(&str, Finding)]) -> String {
    let lines = findings.iter().map(|(name, finding)| match finding {
        Finding::Good(what) => format!("ok    {name:<15} {what}\n"),
        Finding::Bad(what, advice) => {
            format!("FAIL  {name:<15} {what}\n      {:<15} {advice}\n", "")
        }
    });
    lines.collect()
}

fn clock() -> Finding {
    let now = SystemClock.now();
    if now < EARLIEST_NOW {
        let what = format!("it says {} seconds after 1970", now);
        return Finding::Bad(what, "set the clock, e.g. with systemd-timesyncd or chrony");
    }
    Finding::Good(format!("{} UTC", crate::http::moment::date(now)))
}

/// Linux tells a process's limits in a file; elsewhere there is nothing to read.
fn open_files() -> Finding {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3));
    match soft.map(str::parse::<u64>) {
        Some(Ok(limit)) if limit < WANTED_FILES => {
            let what = format!("{limit} at most, {WANTED_FILES} are wanted");
            Finding::Bad(
                what,
                "raise it: `ulimit -n 65536`, or LimitNOFILE=65536 in the unit",
            )
        }
        Some(Ok(limit)) => Finding::Good(format!("{limit} at most")),
        _ => Finding::Good("no limit".to_owned()),
    }
}

fn data_directory(path: &Path) -> Finding {
    let probe = path.join(".doctor");
    let written = fs::create_dir_all(path).and_then(|()| fs::write(&probe, b"probe"));
    match written.and_then(|()| fs::remove_file(&probe)) {
        Ok(()) => Finding::Good(format!("{} can be written", path.display())),
        Err(error) => Finding::Bad(
            format!("{}: {error}", path.display()),
            "give it to the user that runs bigbrotr, or choose another with --data-dir",
        ),
    }
}

/// A file that nobody asked for may be missing.
fn geo_file(config: &MonitorConfig, file: GeoFile) -> Finding {
    let check = match file {
        GeoFile::City => MetadataType::Nip66Geo,
        GeoFile::Asn => MetadataType::Nip66Net,
    };
    if !config.processing.compute.includes(check) {
        return Finding::Good(format!("not used: {} is switched off", check.as_str()));
    }
    let path = config.geo.path(file);
    let is_asked_for = path != GeoConfig::default().path(file);
    match inspect(&config.geo, file) {
        FileState::Used {
            database_type,
            built_at,
        } => Finding::Good(format!(
            "{database_type} of {}",
            crate::http::moment::date(built_at)
        )),
        FileState::Absent if config.geo.download_url(file).is_some() => {
            Finding::Good(format!("{} will be downloaded", path.display()))
        }
        FileState::Absent if !is_asked_for => Finding::Good(format!(
            "{} is off: there is no {}",
            check.as_str(),
            path.display()
        )),
        FileState::Absent => Finding::Bad(
            format!("{} is not there", path.display()),
            "put a MaxMind, DB-IP or ip-location-db file there, or correct its path in monitor.yaml",
        ),
        FileState::Unusable(error) => Finding::Bad(
            format!("{}: {}", path.display(), chain(&error)),
            "replace it by a file in MaxMind's format (.mmdb)",
        ),
    }
}

async fn database(config: Config) -> Finding {
    let is_embedded = config.brotr.store.is_embedded();
    match App::open(config, Tasks::default()).await {
        Ok(app) => {
            let events = app.store().event_statistics().await;
            app.close().await;
            match events {
                Ok(statistics) => Finding::Good(format!("{} events", statistics.events)),
                Err(error) => unreadable(&error, is_embedded),
            }
        }
        Err(failure) => match failure.downcast_ref::<StoreError>() {
            Some(error @ StoreError::InUse { .. }) => Finding::Good(error.to_string()),
            Some(error) => unreadable(error, is_embedded),
            None => Finding::Bad(failure.to_string(), "see the message"),
        },
    }
}

fn unreadable(error: &StoreError, is_embedded: bool) -> Finding {
    let advice = if is_embedded {
        "restore a backup of the data directory, or move it away and start anew"
    } else {
        "start the server, correct store.url, give its password, or run `bigbrotr migrate` as its owner"
    };
    Finding::Bad(chain(error), advice)
}

/// Whether the network's proxy takes connections.
async fn proxy(net: &Net, network: Network) -> Finding {
    let deadline = Instant::now() + PATIENCE;
    match net.probe_proxy(network, deadline).await {
        Ok(address) => Finding::Good(format!("{address} takes connections")),
        Err(error) => Finding::Bad(
            chain(&error),
            "start the proxy, correct networks.*.proxy_url, or switch the network off",
        ),
    }
}

/// Tries a few relays of the built-in list: one that answers proves names, routes and certificates.
async fn internet(net: &Net, has_clearnet: bool) -> Finding {
    if !has_clearnet {
        return Finding::Good("not tried: networks.clearnet is switched off".to_owned());
    }
    let seeds = crate::app::SEED_LIST
        .lines()
        .filter_map(|line| RelayUrl::parse(line).ok());
    let mut last = None;
    for relay in seeds.take(4) {
        let deadline = Instant::now() + PATIENCE;
        match net.open(&relay, deadline, OpenOptions::default()).await {
            Ok(_) => return Finding::Good(format!("{relay} answers")),
            Err(error) => last = Some(chain(&error)),
        }
    }
    let what = last.unwrap_or_else(|| "there is no relay to try".to_owned());
    Finding::Bad(
        what,
        "check the network, networks.dns_servers and the CA certificates; without it nothing is found",
    )
}
