//! A copy of the whole store while another process goes on working with it.
//!
//! The two engines are copied one after the other, each as of one moment of its own. What counts is the
//! order: coverage and cursors first and events after them, so that nothing is said to be archived that the copy
//! lacks, as after a crash. Relays that were found in between are added at last, because sightings name them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{EVENTS, Embedded, RELATIONAL};
use crate::store::StoreError;
use crate::store::lmdb::LmdbEvents;
use crate::store::sqlite::SqliteStore;

/// Ends the name of a copy that is not complete.
const UNFINISHED: &str = "partial";

impl Embedded {
    /// Copies the store in the directory `from` into the new directory `to`, which is a store like it. Until it is
    /// complete it has another name.
    ///
    /// # Errors
    /// [`StoreError::Open`] when `from` holds no store or `to` exists, any other when the copy fails.
    pub async fn back_up(from: &Path, to: &Path) -> Result<(), StoreError> {
        let unusable = |path: &Path, error: io::Error| StoreError::Open {
            path: path.to_owned(),
            source: error.into(),
        };
        let database = from.join(RELATIONAL);
        fs::metadata(&database).map_err(|error| unusable(&database, error))?;
        if to.exists() {
            return Err(unusable(to, io::ErrorKind::AlreadyExists.into()));
        }
        let unfinished = to.with_added_extension(UNFINISHED);
        clear(&unfinished).map_err(|error| unusable(&unfinished, error))?;
        let copy = unfinished.join(RELATIONAL);
        SqliteStore::copy(&database, &copy).await?;
        copy_events(from.join(EVENTS), unfinished.join(EVENTS)).await?;
        SqliteStore::add_late_relays(&database, &copy).await?;
        finish(&unfinished, to).map_err(|error| unusable(to, error))
    }
}

/// What an earlier attempt left behind is of no use.
fn clear(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(directory)
}

async fn copy_events(from: PathBuf, to: PathBuf) -> Result<(), StoreError> {
    let copied = tokio::task::spawn_blocking(move || LmdbEvents::copy(&from, &to));
    copied.await.map_err(|_| StoreError::Closed)?
}

/// On disk before it has its name.
fn finish(unfinished: &Path, to: &Path) -> io::Result<()> {
    File::open(unfinished.join(RELATIONAL))?.sync_all()?;
    fs::rename(unfinished, to)?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}
