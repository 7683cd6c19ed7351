//! The data directory, held by one process at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// The file whose lock stands for the directory. It stays behind when the lock is gone: deleting it
/// would let two processes lock two files of one name.
const LOCK_FILE: &str = "bigbrotr.lock";

/// Longest process number that is read from the lock file, in bytes.
const MAX_PROCESS_LENGTH: u64 = 20;

/// A data directory that no other process has open; the system lets go of it when this is dropped,
/// and when the process dies.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the directory when it is missing, and takes it.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another process has it, [`StoreError::Open`] when it cannot be used.
    pub(crate) fn take(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::Open {
            path: path.to_owned(),
            source: error.into(),
        };
        fs::create_dir_all(path).map_err(failed)?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK_FILE))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => write_process(&mut lock).map_err(failed)?,
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse {
                    path: path.to_owned(),
                    process: read_process(&lock),
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// A file or directory inside.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Leaves our number for the message that another process will show.
fn write_process(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}

fn read_process(lock: &File) -> Option<u32> {
    let mut text = String::new();
    lock.take(MAX_PROCESS_LENGTH)
        .read_to_string(&mut text)
        .ok()?;
    text.trim().parse().ok()
}
