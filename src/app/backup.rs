//! A copy of the embedded store, opened once to see that it is one.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::assembly::embedded_options;
use super::identity::KEY_FILE;
use crate::config::Config;
use crate::store::embedded::Embedded;
use crate::store::{EventStore as _, StatisticsStore as _};

/// What a copy holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Stored events.
    pub events: u64,
    /// Relays.
    pub relays: u64,
    /// Bytes on disk.
    pub size_bytes: u64,
}

/// Copies the embedded store and the monitor's key into the new directory `to`, while a process may be working
/// with them, and opens the copy to count what is in it.
///
/// # Errors
/// When the store is a database of a server, `to` exists, or the copy fails or cannot be opened.
pub async fn back_up(config: &Config, to: &Path) -> Result<Copied> {
    if !config.brotr.store.is_embedded() {
        bail!("the store is a database: use pg_dump, as docs/how-to/backup.md shows");
    }
    Embedded::back_up(&config.data_dir, to).await?;
    let key = config.data_dir.join(KEY_FILE);
    if key.exists() {
        fs::copy(&key, to.join(KEY_FILE)).context("could not copy the monitor's key")?;
    }
    let copy = Box::pin(Embedded::open(to, embedded_options(config))).await;
    let copy = copy.context("the copy cannot be opened")?;
    let (events, totals) = (copy.event_statistics().await?, copy.totals().await?);
    copy.close().await;
    Ok(Copied {
        events: events.events,
        relays: totals.relays,
        size_bytes: events.size_bytes + totals.size_bytes,
    })
}
