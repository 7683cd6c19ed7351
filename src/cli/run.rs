//! `bigbrotr run` and the single roles: start everything, say where, work until told to stop.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use tracing::{info, warn};

use super::supervisor::Supervisor;
use super::{banner, pass};
use crate::app::{App, KeyOrigin};
use crate::config::{Config, LogFormat};
use crate::lifecycle::{Exit, GRACE, Lifecycle, Tokens};
use crate::model::ServiceName;
use crate::services::runner::Runner;
use crate::store::Store;

/// How often the watch looks whether a relay has answered.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// After this long without any answer the terminal is told, even if candidates are still being tried.
const TOLD_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(super) struct RunOptions {
    /// One pass (seed, find, validate, monitor, synchronize), then exit; 1 when a cycle failed
    #[arg(long)]
    pub(super) once: bool,
    /// Only these roles, e.g. validator,monitor,relay
    #[arg(long, value_delimiter = ',', value_parser = role)]
    roles: Vec<ServiceName>,
}

fn role(name: &str) -> Result<ServiceName, String> {
    let names = ServiceName::ALL.map(ServiceName::as_str).join(", ");
    ServiceName::from_name(name).ok_or_else(|| format!("expected some of {names}"))
}

/// What one pass consists of, in this order.
const PIPELINE: [ServiceName; 5] = [
    ServiceName::Seeder,
    ServiceName::Finder,
    ServiceName::Validator,
    ServiceName::Monitor,
    ServiceName::Synchronizer,
];

pub(super) async fn run(
    config: Config,
    options: RunOptions,
    supervisor: Supervisor,
) -> Result<Exit> {
    let chosen = |role: &ServiceName| options.roles.is_empty() || options.roles.contains(role);
    if options.once {
        let stages: Vec<ServiceName> = PIPELINE.into_iter().filter(chosen).collect();
        if stages.is_empty() {
            let message = "none of the roles is part of a pass, so there is nothing to run once";
            return Err(super::usage(message));
        }
        return Box::pin(pass::pass(config, &stages)).await;
    }
    let chosen: Vec<ServiceName> = ServiceName::ALL.into_iter().filter(chosen).collect();
    roles(config, &chosen, supervisor).await
}

/// Runs roles until a signal arrives or one of them fails.
pub(super) async fn roles(
    config: Config,
    roles: &[ServiceName],
    supervisor: Supervisor,
) -> Result<Exit> {
    let lifecycle = Lifecycle::new(GRACE)?;
    let tasks = lifecycle.tasks();
    let app = App::open_for(config, tasks.clone(), roles).await?;
    // Before anything else asks for the key, so that the banner can tell when it is a new one.
    let key = key_in_use(&app, roles)?;
    let runners = runners(&app, roles)?;
    let ports = app.serve(roles).await?;
    banner::print(&app, roles, ports, key.as_ref());
    for (name, runner) in runners {
        tasks.spawn(name.as_str(), async move { runner.run_forever().await });
    }
    if roles.contains(&ServiceName::Synchronizer) {
        let tail = app.tail()?;
        let tokens = tasks.tokens().clone();
        tasks.spawn("live tail", async move { tail.run(tokens).await });
    }
    if roles.contains(&ServiceName::Validator) {
        let store = Arc::clone(app.store());
        let started_at = app.clock().now();
        let format = app.config().brotr.log.format;
        let tokens = tasks.tokens().clone();
        let watch = tell_whether_relays_answer(store, format, started_at, tokens);
        tasks.spawn_short("reachability", watch);
    }
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    supervisor.ready(&names.join(", "));
    tasks.spawn_short("supervisor", supervisor.attend(tasks.tokens().clone()));
    let tokens = tasks.tokens().clone();
    let until_stopped = async {
        tokens.soft_stop().await;
        Ok::<_, Infallible>(())
    };
    let exit = lifecycle.run(until_stopped).await;
    app.close().await;
    Ok(exit)
}

/// Roles with cycles, each with what runs them.
pub(super) fn runners(app: &App, roles: &[ServiceName]) -> Result<Vec<(ServiceName, Runner)>> {
    let mut runners = Vec::new();
    for role in roles {
        runners.extend(app.runner(*role)?.map(|runner| (*role, runner)));
    }
    Ok(runners)
}

fn key_in_use(app: &App, roles: &[ServiceName]) -> Result<Option<(String, KeyOrigin)>> {
    let signs =
        |role: &ServiceName| matches!(role, ServiceName::Monitor | ServiceName::Synchronizer);
    if !roles.iter().any(signs) {
        return Ok(None);
    }
    let (signer, origin) = app.signer()?;
    Ok(Some((signer.public_key().to_hex(), origin)))
}

/// Says once whether any relay answers: after the validator's first cycle, or after a while.
async fn tell_whether_relays_answer(
    store: Arc<dyn Store>,
    format: LogFormat,
    started_at: u64,
    tokens: Tokens,
) {
    let told_at = tokio::time::Instant::now() + TOLD_AFTER;
    let mut has_told = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = tokens.soft_stop() => return,
        }
        let Ok(counts) = store.relay_counts().await else {
            continue;
        };
        let relays: u64 = counts.iter().map(|count| count.relays).sum();
        if relays > 0 {
            info!(service = "validator", count = relays, "relays_answered");
            return;
        }
        let is_time = tokio::time::Instant::now() >= told_at;
        if !has_told && (is_time || has_validated(&*store, started_at).await) {
            warn!(service = "validator", "no_relay_reached");
            banner::no_relay_reached(format);
            has_told = true;
        }
    }
}

async fn has_validated(store: &dyn Store, started_at: u64) -> bool {
    let cycles = store.latest_cycles().await.unwrap_or_default();
    let mut of_validator = cycles
        .iter()
        .filter(|cycle| cycle.service == ServiceName::Validator);
    // A cycle without candidates says nothing about the network.
    of_validator.any(|cycle| cycle.started_at >= started_at && cycle.summary != "nothing to do")
}
