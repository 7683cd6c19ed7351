//! One pass: each service runs once, in order, with progress on the terminal.

use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use super::output;
use super::run::runners;
use crate::app::App;
use crate::config::Config;
use crate::http::moment::grouped;
use crate::lifecycle::{Exit, GRACE, Lifecycle, Tokens};
use crate::model::ServiceName;
use crate::services::runner::Runner;
use crate::store::Store;

/// How often the figures beside the spinner are read.
const REFRESH: Duration = Duration::from_secs(1);

/// A service that has more to do right away is run again at most this often, so that a pass ends.
const MAX_ROUNDS: usize = 1_000;

pub(super) async fn pass(config: Config, stages: &[ServiceName]) -> Result<Exit> {
    let lifecycle = Lifecycle::new(GRACE)?;
    let tokens = lifecycle.tasks().tokens().clone();
    let app = App::open(config, lifecycle.tasks()).await?;
    let runners = runners(&app, stages)?;
    let exit = lifecycle.run(run_stages(&app, &runners, &tokens)).await;
    app.close().await;
    Ok(exit)
}

/// Every stage runs, even after one has failed: each works on what is in the store.
async fn run_stages(
    app: &App,
    runners: &[(ServiceName, Runner)],
    tokens: &Tokens,
) -> Result<(), String> {
    let mut failed = Vec::new();
    for (name, runner) in runners {
        if tokens.is_stopping() {
            break;
        }
        if !run_stage(app, name.as_str(), runner, tokens).await {
            failed.push(name.as_str());
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", failed.join(", ")))
    }
}

async fn run_stage(app: &App, name: &'static str, runner: &Runner, tokens: &Tokens) -> bool {
    let spinner = spinner(name);
    let work = rounds(runner, tokens);
    tokio::pin!(work);
    let end = loop {
        tokio::select! {
            end = &mut work => break end,
            () = tokio::time::sleep(REFRESH) => {
                spinner.set_message(figures(&**app.store()).await);
            }
        }
    };
    let elapsed = spinner.elapsed().as_secs_f64();
    spinner.finish_and_clear();
    let (mark, text) = match &end {
        Ok(summary) => ("done  ", summary),
        Err(failure) => ("FAILED", failure),
    };
    if output::is_terminal() {
        eprintln!("  {mark} {name:<13} {elapsed:>7.1} s  {text}");
    }
    end.is_ok()
}

/// Cycles until nothing is due any more; the summary of the last that did something.
async fn rounds(runner: &Runner, tokens: &Tokens) -> Result<String, String> {
    let mut text = None;
    for _ in 0..MAX_ROUNDS {
        let summary = runner.run_once().await;
        let summary = summary.map_err(|failure| crate::telemetry::chain(&failure))?;
        let has_more = summary.has_more && !tokens.is_stopping();
        if text.is_none() || has_more {
            text = Some(summary.to_string());
        }
        if !has_more {
            break;
        }
    }
    Ok(text.unwrap_or_default())
}

fn spinner(name: &'static str) -> ProgressBar {
    if !output::is_terminal() {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner();
    let template = "  {spinner} {prefix:<15} {elapsed:>9}  {msg}";
    spinner.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
    spinner.set_prefix(name);
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

async fn figures(store: &dyn Store) -> String {
    let relays = store.relay_counts().await.unwrap_or_default();
    let relays: u64 = relays.iter().map(|count| count.relays).sum();
    let candidates = store.candidate_counts().await.unwrap_or_default();
    let candidates: u64 = candidates.iter().map(|(_, candidates)| candidates).sum();
    let events = store.event_statistics().await.unwrap_or_default().events;
    format!(
        "{} relays, {} candidates, {} events",
        grouped(relays),
        grouped(candidates),
        grouped(events)
    )
}
