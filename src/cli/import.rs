//! `bigbrotr import`: JSON lines into the archive, verified and deduplicated like everything else.
//!
//! A thread reads and decompresses, the archive's own threads verify, and a few batches are in flight
//! so that both are busy while the disk works.

mod reader;
mod tally;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use nips::RelayUrl;

use self::reader::{Batch, Reader};
use self::tally::{Judged, Tally};
use super::output;
use super::relay_argument::relay_url;
use crate::app::App;
use crate::archive::{Admission, Archive, Door};
use crate::config::Config;
use crate::lifecycle::{Exit, GRACE, Lifecycle, Tokens};
use crate::model::NewRelay;

/// Batches in flight: one verifies while another waits for the disk.
const IN_FLIGHT: usize = 3;

#[derive(Debug, Args)]
pub(super) struct ImportOptions {
    /// Files with one event a line, plain, .gz or .zst; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Record that the events were seen on this relay
    #[arg(long, value_name = "URL", value_parser = relay_url)]
    relay: Option<RelayUrl>,
    /// Write what is refused to this file, as JSON lines with file, line, reason and text
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

pub(super) async fn import(config: Config, options: ImportOptions) -> Result<Exit> {
    let lifecycle = Lifecycle::new(GRACE)?;
    let tokens = lifecycle.tasks().tokens().clone();
    let app = App::open(config, lifecycle.tasks()).await?;
    let work = async {
        let imported = import_files(&app, options, &tokens).await;
        imported.map_err(|failure| format!("{failure:#}"))
    };
    let exit = lifecycle.run(work).await;
    app.close().await;
    Ok(exit)
}

async fn import_files(app: &App, options: ImportOptions, tokens: &Tokens) -> Result<()> {
    let door = door(app, options.relay).await?;
    let mut tally = Tally::new(options.rejects.as_deref())?;
    let progress = Arc::new(AtomicU64::new(0));
    let bar = progress_bar(&options.files);
    let reader = Reader {
        files: options.files,
        max_bytes: 2 * app.archive().settings().max_event_bytes,
        progress: Arc::clone(&progress),
    };
    // Cancelled with the process, or by the first failure; batches in flight are still counted.
    let enough = tokens.soft().child_token();
    let admitted = reader
        .start()?
        .take_until(enough.clone().cancelled_owned())
        .map(|batch| admit(app.archive(), &door, batch))
        .buffer_unordered(IN_FLIGHT);
    tokio::pin!(admitted);
    let mut end = Ok(());
    while let Some(judged) = admitted.next().await {
        match judged {
            Ok(judged) => tally.count(judged)?,
            Err(failure) => {
                enough.cancel();
                end = end.and(Err(failure));
            }
        }
        bar.set_position(progress.load(Ordering::Relaxed));
        bar.set_message(tally.short());
    }
    bar.finish_and_clear();
    output::print(&tally.finish()?)?;
    if tokens.is_stopping() {
        bail!("interrupted; what was counted is stored, and importing again is harmless");
    }
    end
}

async fn door(app: &App, relay: Option<RelayUrl>) -> Result<Door> {
    let Some(url) = relay else {
        return Ok(Door::Import(None));
    };
    let discovered_at = app.clock().now();
    let new = NewRelay {
        url: url.clone(),
        discovered_at,
    };
    app.store().add_relays(&[new], discovered_at).await?;
    let relay = app.store().relay_by_url(&url).await?;
    Ok(Door::Import(Some(relay.context("the relay was added")?.id)))
}

async fn admit(archive: &Archive, door: &Door, batch: Result<Batch>) -> Result<Judged> {
    let mut batch = batch?;
    let events = batch.lines.iter().map(|(_, text)| text.clone()).collect();
    let admissions = archive.admit(events, door.clone()).await?;
    let lines = std::mem::take(&mut batch.lines);
    for ((number, text), admission) in lines.into_iter().zip(&admissions) {
        if let Admission::Refused(rejection) = admission {
            batch.refuse(number, rejection.reason(), text.as_bytes());
        }
    }
    Ok(Judged {
        admissions,
        refused: batch.refused,
    })
}

/// A bar over the bytes of all files; a spinner when standard input is among them.
fn progress_bar(files: &[PathBuf]) -> ProgressBar {
    if !output::is_terminal() {
        return ProgressBar::hidden();
    }
    let sizes = files
        .iter()
        .map(|path| std::fs::metadata(path).map(|metadata| metadata.len()));
    let bar = match sizes.sum::<std::io::Result<u64>>() {
        Ok(total) => {
            let template = "  {bar:30} {bytes}/{total_bytes} {eta}  {msg}";
            let style = ProgressStyle::with_template(template).expect("the template is valid");
            ProgressBar::new(total).with_style(style)
        }
        Err(_) => ProgressBar::new_spinner(),
    };
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
