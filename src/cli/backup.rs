//! `bigbrotr backup`: a copy of the embedded store, while it is in use.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::output;
use crate::app;
use crate::config::Config;
use crate::http::moment::{grouped, size};
use crate::lifecycle::Exit;

#[derive(Debug, Args)]
pub(super) struct BackupOptions {
    /// New folder for the copy; it is a data directory like the one that is copied
    #[arg(value_name = "DIR")]
    target: PathBuf,
}

pub(super) async fn backup(config: Config, options: BackupOptions) -> Result<Exit> {
    let copied = Box::pin(app::back_up(&config, &options.target)).await?;
    output::print(&format!(
        "{}: {} events, {} relays, {}\n",
        options.target.display(),
        grouped(copied.events),
        grouped(copied.relays),
        size(copied.size_bytes)
    ))?;
    Ok(Exit::Done)
}
