//! Files become batches of lines, on a thread of their own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use anyhow::{Context, Result};
use futures_util::stream::{self, Stream};
use tokio::sync::mpsc;

use super::super::lines::{Line, Lines};
use super::IN_FLIGHT;
use super::tally::Refused;

/// Lines handed to the archive at once.
const BATCH_LINES: usize = 2_000;

/// Bytes handed to the archive at once, whatever the number of lines.
const BATCH_BYTES: usize = 4 << 20;

/// Lines of one file that follow each other.
pub(super) struct Batch {
    pub(super) file: Arc<str>,
    pub(super) lines: Vec<(u64, Box<str>)>,
    pub(super) bytes: usize,
    pub(super) refused: Vec<Refused>,
}

/// What reads the files.
pub(super) struct Reader {
    pub(super) files: Vec<PathBuf>,
    pub(super) max_bytes: usize,
    pub(super) progress: Arc<AtomicU64>,
}

impl Reader {
    /// Reads on a thread of its own, which nobody waits for: a terminal may never send another line. A
    /// failure is the last thing that comes.
    pub(super) fn start(self) -> Result<impl Stream<Item = Result<Batch>>> {
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

    /// Sends all lines of all files.
    fn read(&self, sender: &mpsc::Sender<Result<Batch>>) -> Result<()> {
        for path in &self.files {
            let mut batch = Batch::new(path);
            let read = self.read_file(path, &mut batch, sender);
            // What came before the damage is good.
            let is_heard = sender.blocking_send(Ok(batch)).is_ok();
            read.with_context(|| format!("could not read {}", path.display()))?;
            if !is_heard {
                break;
            }
        }
        Ok(())
    }

    /// Sends what is full and leaves the rest in `batch`; ends early when nobody receives any more.
    fn read_file(
        &self,
        path: &Path,
        batch: &mut Batch,
        sender: &mpsc::Sender<Result<Batch>>,
    ) -> io::Result<()> {
        let lines = Lines::open(path, self.max_bytes, Arc::clone(&self.progress))?;
        for (number, line) in (1..).zip(lines) {
            batch.add(number, line?);
            if batch.is_full() && sender.blocking_send(Ok(batch.take())).is_err() {
                break;
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

    /// Notes that a line is not taken.
    pub(super) fn refuse(&mut self, line: u64, reason: &'static str, text: &[u8]) {
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
