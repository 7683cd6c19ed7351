//! One file in MaxMind's format.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use maxminddb::{MaxMindDbError, Mmap, Reader};
use serde_json::Value;

use super::FileState;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It is there and cannot be read.
    #[error("could not read it")]
    Read(#[source] io::Error),
    /// It is no database.
    #[error("it is no MaxMind database: {0}")]
    Format(#[source] MaxMindDbError),
}

/// A file, and what is mapped of it.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    reader: Option<Arc<Reader<Mmap>>>,
    seen: Seen,
}

/// Which file was looked at last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Nothing,
    Absence,
    File {
        length: u64,
        modified: Option<SystemTime>,
    },
}

/// What is written about an address.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) record: Value,
    /// The network that the record is about, in CIDR form.
    pub(super) network: String,
}

impl Database {
    /// Nothing is opened before the first [`Self::refresh`].
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            state: RwLock::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_open(&self) -> bool {
        self.reader().is_some()
    }

    /// Opens the file when it is another than last time, and tells what came of it. While the new one
    /// cannot be used, the old one is.
    pub(super) fn refresh(&self) -> Option<FileState> {
        let seen = look(&self.path);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if seen == state.seen {
            return None;
        }
        state.seen = seen;
        if seen == Seen::Absence {
            state.reader = None;
            return Some(FileState::Absent);
        }
        Some(match open(&self.path) {
            Ok(reader) => {
                let metadata = reader.metadata();
                let used = FileState::Used {
                    database_type: metadata.database_type.clone(),
                    built_at: metadata.build_epoch,
                };
                state.reader = Some(Arc::new(reader));
                used
            }
            Err(error) => FileState::Unusable(error),
        })
    }

    /// What the file says about an address. A damaged part says nothing.
    pub(super) fn look_up(&self, address: IpAddr) -> Option<Found> {
        let reader = self.reader()?;
        let found = reader.lookup(address).ok()?;
        let record = found.decode().ok()??;
        let network = found.network().ok()?.to_string();
        Some(Found { record, network })
    }

    fn reader(&self) -> Option<Arc<Reader<Mmap>>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.reader.clone()
    }
}

fn look(path: &Path) -> Seen {
    match path.metadata() {
        Ok(metadata) => Seen::File {
            length: metadata.len(),
            modified: metadata.modified().ok(),
        },
        Err(_) => Seen::Absence,
    }
}

fn open(path: &Path) -> Result<Reader<Mmap>, DatabaseError> {
    #[expect(
        unsafe_code,
        reason = "a mapped file must not be written to; ours are replaced by renaming, and operators are told to"
    )]
    let opened = unsafe { Reader::open_mmap(path) };
    opened.map_err(|error| match error {
        MaxMindDbError::Io(error) => DatabaseError::Read(error),
        error => DatabaseError::Format(error),
    })
}
