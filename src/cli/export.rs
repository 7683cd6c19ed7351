//! `bigbrotr export`: the archive as JSON lines, in constant memory.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use nips::Filter;

use crate::app::App;
use crate::config::Config;
use crate::lifecycle::{Exit, GRACE, Lifecycle, Tokens};
use crate::store::Store;
use crate::store::events::{ScanOrder, Scope};

/// Events looked at in one step: some megabytes in memory.
const STEP: usize = 2_000;

#[derive(Debug, Args)]
pub(super) struct ExportOptions {
    /// Only events that match this NIP-01 filter, e.g. `{"kinds":[30166]}`
    #[arg(long, value_name = "JSON", value_parser = filter)]
    filter: Option<Filter>,
    /// Oldest first; without it newest first
    #[arg(long)]
    oldest_first: bool,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn filter(json: &str) -> Result<Filter, String> {
    Filter::from_json(json).map_err(|error| error.to_string())
}

pub(super) async fn export(config: Config, options: ExportOptions) -> Result<Exit> {
    let lifecycle = Lifecycle::new(GRACE)?;
    let tokens = lifecycle.tasks().tokens().clone();
    let app = App::open(config, lifecycle.tasks()).await?;
    let work = async {
        let written = write_out(&**app.store(), options, &tokens).await;
        written.map_err(|failure| format!("{failure:#}"))
    };
    let exit = lifecycle.run(work).await;
    app.close().await;
    Ok(exit)
}

async fn write_out(store: &dyn Store, options: ExportOptions, tokens: &Tokens) -> Result<()> {
    let out: Box<dyn Write + Send> = match &options.output {
        Some(path) => {
            let file = File::create(path);
            Box::new(file.with_context(|| format!("could not create {}", path.display()))?)
        }
        None => Box::new(io::stdout()),
    };
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let filter = options.filter.unwrap_or_default();
    let order = if options.oldest_first {
        ScanOrder::OldestFirst
    } else {
        ScanOrder::NewestFirst
    };
    let mut left = filter.limit.unwrap_or(usize::MAX);
    let mut after = None;
    while left > 0 {
        if tokens.is_stopping() {
            out.flush()?;
            bail!("interrupted; what was written is not all");
        }
        let page = store
            .scan(filter.clone(), Scope::Stored, order, after, STEP)
            .await?;
        for event in page.events.iter().take(left) {
            if !write_line(&mut out, &event.to_json())? {
                return Ok(());
            }
        }
        left = left.saturating_sub(page.events.len());
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    match out.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// `false` when the reader has gone away, which ends an export like any other end.
fn write_line(out: &mut impl Write, json: &str) -> io::Result<bool> {
    let written = out
        .write_all(json.as_bytes())
        .and_then(|()| out.write_all(b"\n"));
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}
