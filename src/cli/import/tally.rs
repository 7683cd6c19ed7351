//! What became of the lines: counts by outcome, and the file of those that were refused.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::json;

use crate::archive::Admission;
use crate::http::moment::grouped;

/// A line that was not taken, and why.
pub(super) struct Refused {
    pub(super) file: Arc<str>,
    pub(super) line: u64,
    pub(super) reason: &'static str,
    pub(super) text: String,
}

/// What became of a batch.
pub(super) struct Judged {
    pub(super) admissions: Vec<Admission>,
    pub(super) refused: Vec<Refused>,
}

/// Counts by outcome, and the file of refused lines.
pub(super) struct Tally {
    stored: u64,
    known: u64,
    ephemeral: u64,
    sightings: u64,
    refused: BTreeMap<&'static str, u64>,
    rejects: Option<BufWriter<File>>,
}

impl Tally {
    /// Nothing yet; the file is created.
    pub(super) fn new(rejects: Option<&Path>) -> Result<Self> {
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

    /// Adds a batch.
    pub(super) fn count(&mut self, judged: Judged) -> Result<()> {
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

    /// The account in a few words, for a progress bar.
    pub(super) fn short(&self) -> String {
        let refused: u64 = self.refused.values().sum();
        format!(
            "{} stored, {} known, {} refused",
            grouped(self.stored),
            grouped(self.known),
            grouped(refused)
        )
    }

    /// The whole account, one outcome a line.
    pub(super) fn finish(mut self) -> Result<String> {
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
