//! `bigbrotr check URL…`: every check on some relays now, for a person or a script. Nothing is stored and
//! nothing is published, so that it works beside a process that runs.

mod figures;
mod report;

use anyhow::Result;
use clap::Args;
use futures_util::StreamExt;
use futures_util::stream;
use nips::RelayUrl;

use super::output;
use super::relay_argument::relay_url;
use crate::app::{net_settings, probe_signer};
use crate::clock::{Clock, SystemClock};
use crate::config::{ChecksIncluded, Config};
use crate::lifecycle::Exit;
use crate::model::ServiceName;
use crate::net::Net;
use crate::services::monitor::{Depth, Examiner, Findings};

/// Relays looked at side by side; a list of hundreds should not become a burst.
const AT_ONCE: usize = 16;

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    /// Relays, e.g. wss://relay.example.com; without a scheme it is wss
    #[arg(required = true, value_name = "URL", value_parser = relay_url)]
    urls: Vec<RelayUrl>,
    /// Print a JSON document for each relay, one a line
    #[arg(long)]
    json: bool,
    /// Do not send the ephemeral event that shows whether the relay takes events
    #[arg(long)]
    no_write: bool,
    /// Also ask a dozen questions to see whether the relay does what its document claims. Nothing is written
    /// for that unless processing.audit.write_probe is on
    #[arg(long)]
    audit: bool,
}

/// A relay and what was found out about it.
struct Checked {
    url: RelayUrl,
    checked_at: u64,
    findings: Findings,
}

pub(super) async fn check(mut config: Config, options: CheckOptions) -> Result<Exit> {
    config.monitor.processing.compute = ChecksIncluded::ALL;
    config.monitor.processing.write_probe = !options.no_write;
    config.monitor.processing.audit.write_probe &= !options.no_write;
    let depth = if options.audit {
        Depth::Claims
    } else {
        Depth::Checks
    };
    let net = Net::new(net_settings(&config, ServiceName::Monitor)?)?;
    let examiner = Examiner::new(net.clone(), probe_signer(&config)?, &config.monitor);
    let looks = options.urls.into_iter().map(|url| {
        let deadline = net.deadline(url.network());
        let (examiner, checked_at) = (&examiner, SystemClock.now());
        async move {
            let findings = Box::pin(examiner.look_at(&url, depth, deadline)).await;
            Checked {
                url,
                checked_at,
                findings,
            }
        }
    });
    let mut looks = stream::iter(looks).buffered(AT_ONCE);
    let mut all_answered = true;
    while let Some(checked) = looks.next().await {
        all_answered &= checked.findings.connection.is_online();
        let text = if options.json {
            format!("{}\n", figures::of(&checked))
        } else {
            report::of(&checked)
        };
        output::print(&text)?;
    }
    Ok(if all_answered {
        Exit::Done
    } else {
        Exit::Failed
    })
}
