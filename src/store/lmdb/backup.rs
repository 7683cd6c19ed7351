//! A copy of an archive while another process writes to it.

use std::fs;
use std::path::Path;

use heed::{CompactionOption, EnvFlags, EnvOpenOptions};

use super::LmdbEvents;
use super::fault::Fault;
use super::open::{DEFAULT_MAP_SIZE, READER_SLOTS};
use super::tables::TABLE_COUNT;
use crate::store::StoreError;

/// The file that holds everything.
const DATA: &str = "data.mdb";

impl LmdbEvents {
    /// Copies the archive in the directory `from` into the new directory `to`, as of one moment and without its
    /// empty pages. Blocks as long as that takes; the writer goes on meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when it cannot be read, [`StoreError::Full`] when there is no room.
    pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
        copy(from, to).map_err(|fault| fault.during("back_up"))
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options
        .map_size(DEFAULT_MAP_SIZE)
        .max_readers(READER_SLOTS)
        .max_dbs(TABLE_COUNT);
    #[expect(
        unsafe_code,
        reason = "LMDB trusts that its file is changed only through it: whoever writes does that by the same lock file"
    )]
    let env = unsafe { options.flags(EnvFlags::READ_ONLY).open(from) }?;
    fs::create_dir_all(to).map_err(heed::Error::Io)?;
    let copied = env.copy_to_path(to.join(DATA), CompactionOption::Enabled)?;
    copied.sync_all().map_err(heed::Error::Io)?;
    Ok(())
}
