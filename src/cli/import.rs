//! `bigbrotr import`: JSON lines into the archive, verified and deduplicated like everything else.
//!
//! A thread reads and decompresses, the archive's own threads verify, and a few batches are in flight
//! so that both are busy while the disk works.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use futures_util::stream::{self, Stream, StreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use nips::{LocalRelays, RelayUrl};
use serde_json::json;
use tokio::sync::mpsc;

use super::lines::{Line, Lines};
use super::output;
use crate::app::App;
use crate::archive::{Admission, Archive, Door};
use crate::config::Config;
use crate::http::moment::grouped;
use crate::lifecycle::{Exit, GRACE, Lifecycle, Tokens};
use crate::model::NewRelay;

/// Lines handed to the archive at once.
const BATCH_LINES: usize = 2_000;

/// Bytes handed to the archive at once, whatever the number of lines.
const BATCH_BYTES: usize = 4 << 20;

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

fn relay_url(text: &str) -> Result<RelayUrl, String> {
    RelayUrl::parse_with(text, LocalRelays::Accepted).map_err(|error| error.to_string())
}

pub(super) async fn import(config: Config, options: ImportOptions) -> Result<Exit> {
    let lifecycle = Lifecycle::new(GRACE);
    let tokens = lifecycle.tasks().tokens().clone();
    let app = App::open(config, lifecycle.tasks()).await?;
    let work = async {
        let imported = import_files(&app, options, &tokens).await;
        imported.map_err(|failure| format!("{failure:#}"))
    };
    let exit = lifecycle.run(work).await?;
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

/// Lines of one file that follow each other.
struct Batch {
    file: Arc<str>,
    lines: Vec<(u64, Box<str>)>,
    bytes: usize,
    refused: Vec<Refused>,
}

/// A line that was not taken, and why.
struct Refused {
    file: Arc<str>,
    line: u64,
    reason: &'static str,
    text: String,
}

/// What became of a batch.
struct Judged {
    admissions: Vec<Admission>,
    refused: Vec<Refused>,
}

struct Reader {
    files: Vec<PathBuf>,
    max_bytes: usize,
    progress: Arc<AtomicU64>,
}

impl Reader {
    /// Reads on a thread of its own, which nobody waits for: a terminal may never send another line. A
    /// failure is the last thing that comes.
    fn start(self) -> Result<impl Stream<Item = Result<Batch>>> {
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        let thread = std::thread::Builder::new().name("import".to_owned());
        let started = thread.spawn(move || {
            if let Err(failure) = self.read(&sender) {
                // Who is not there any more does not want to know.
                let _ = sender.blocking_send(Err(failure));
            }
        });
        started.context("could not start a thread")?;
        Ok(stream::unfold(receiver, async |mut receiver| {
            let batch = receiver.recv().await?;
            Some((batch, receiver))
        }))
    }

    /// Sends all lines; ends early when nobody receives any more.
    fn read(&self, sender: &mpsc::Sender<Result<Batch>>) -> Result<()> {
        for path in &self.files {
            let failed = || format!("could not read {}", path.display());
            let lines = Lines::open(path, self.max_bytes, Arc::clone(&self.progress));
            let mut batch = Batch::new(path);
            for (index, line) in lines.with_context(failed)?.enumerate() {
                match line {
                    Ok(line) => batch.add(index as u64 + 1, line),
                    Err(error) => {
                        // What came before the damage is good.
                        let _ = sender.blocking_send(Ok(batch));
                        return Err(error).with_context(failed);
                    }
                }
                if batch.is_full() && sender.blocking_send(Ok(batch.take())).is_err() {
                    return Ok(());
                }
            }
            if sender.blocking_send(Ok(batch)).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Batch {
    fn new(path: &Path) -> Self {
        Self {
            file: path.display().to_string().into(),
            lines: Vec::new(),
            bytes: 0,
            refused: Vec::new(),
        }
    }

    fn add(&mut self, number: u64, line: Line) {
        let bytes = match line {
            Line::TooLong(start) => return self.refuse(number, "too-large", &start),
            Line::Whole(bytes) => bytes,
        };
        self.bytes += bytes.len();
        match String::from_utf8(bytes) {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => self.lines.push((number, text.trim().into())),
            Err(error) => self.refuse(number, "not-utf8", error.as_bytes()),
        }
    }

    fn refuse(&mut self, line: u64, reason: &'static str, text: &[u8]) {
        self.refused.push(Refused {
            file: Arc::clone(&self.file),
            line,
            reason,
            text: String::from_utf8_lossy(text).into_owned(),
        });
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= BATCH_LINES || self.bytes >= BATCH_BYTES
    }

    fn take(&mut self) -> Self {
        let empty = Self {
            file: Arc::clone(&self.file),
            lines: Vec::new(),
            bytes: 0,
            refused: Vec::new(),
        };
        std::mem::replace(self, empty)
    }
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

/// Counts by outcome, and the file of refused lines.
struct Tally {
    stored: u64,
    known: u64,
    ephemeral: u64,
    sightings: u64,
    refused: BTreeMap<&'static str, u64>,
    rejects: Option<BufWriter<File>>,
}

impl Tally {
    fn new(rejects: Option<&Path>) -> Result<Self> {
        let create = |path: &Path| {
            let file = File::create(path);
            file.with_context(|| format!("could not create {}", path.display()))
        };
        Ok(Self {
            stored: 0,
            known: 0,
            ephemeral: 0,
            sightings: 0,
            refused: BTreeMap::new(),
            rejects: rejects.map(create).transpose()?.map(BufWriter::new),
        })
    }

    fn count(&mut self, judged: Judged) -> Result<()> {
        for admission in &judged.admissions {
            match admission {
                Admission::Stored(_) => self.stored += 1,
                Admission::Known { new_sighting } => {
                    self.known += 1;
                    self.sightings += u64::from(*new_sighting);
                }
                Admission::Delivered => self.ephemeral += 1,
                Admission::Refused(_) => {}
            }
        }
        for refused in judged.refused {
            *self.refused.entry(refused.reason).or_default() += 1;
            if let Some(out) = &mut self.rejects {
                let line = json!({
                    "file": &*refused.file,
                    "line": refused.line,
                    "reason": refused.reason,
                    "text": refused.text,
                });
                writeln!(out, "{line}").context("could not write the rejects")?;
            }
        }
        Ok(())
    }

    fn short(&self) -> String {
        let refused: u64 = self.refused.values().sum();
        format!(
            "{} stored, {} known, {} refused",
            grouped(self.stored),
            grouped(self.known),
            grouped(refused)
        )
    }

    /// The whole account, one outcome a line.
    fn finish(mut self) -> Result<String> {
        if let Some(out) = &mut self.rejects {
            out.flush().context("could not write the rejects")?;
        }
        let refused: u64 = self.refused.values().sum();
        let lines = self.stored + self.known + self.ephemeral + refused;
        let mut text = format!("{:>12}  lines\n", grouped(lines));
        let mut row = |count: u64, what: &str| {
            if count > 0 {
                text.push_str(&format!("{:>12}  {what}\n", grouped(count)));
            }
        };
        row(self.stored, "stored");
        row(self.known, "known already");
        row(self.sightings, "of those newly seen on that relay");
        row(self.ephemeral, "ephemeral, which are never stored");
        row(refused, "refused");
        for (reason, count) in &self.refused {
            row(*count, &format!("  {reason}"));
        }
        Ok(text)
    }
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
