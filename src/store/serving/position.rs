//! How far an index is, in a small file beside it.
//!
//! It is written after what it speaks of is durable in the index, and is never ahead of it: when it is
//! lost, or behind, events are brought again, which changes nothing.

use std::path::PathBuf;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::store::events::{BatchNumber, ScanCursor};

/// Where the feeding of an index goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    /// Everything that arrived up to here is in the index, once `load` is over.
    pub(super) batch: BatchNumber,
    pub(super) load: Load,
}

/// The walk over everything that is stored, which a new index begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// It goes on after this key.
    After(Option<ScanCursor>),
    Done,
}

/// The file.
#[derive(Debug)]
pub(super) struct PositionFile {
    path: PathBuf,
    archive_id: String,
}

/// What is in it.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    archive: String,
    batch: u64,
    is_loaded: bool,
    loaded_up_to: Option<u64>,
}

impl PositionFile {
    pub(super) fn new(path: PathBuf, archive_id: String) -> Self {
        Self { path, archive_id }
    }

    /// The position, when the file is there, whole, and about this archive.
    pub(super) fn read(&self) -> Option<Position> {
        let text = fs::read(&self.path).ok()?;
        let row: Row = serde_json::from_slice(&text).ok()?;
        let load = match row.is_loaded {
            true => Load::Done,
            false => Load::After(row.loaded_up_to.map(ScanCursor)),
        };
        (row.archive == self.archive_id).then_some(Position {
            batch: BatchNumber(row.batch),
            load,
        })
    }

    /// Replaces the file as a whole.
    pub(super) fn write(&self, position: Position) -> io::Result<()> {
        let loaded_up_to = match position.load {
            Load::After(cursor) => cursor.map(|cursor| cursor.0),
            Load::Done => None,
        };
        let row = Row {
            archive: self.archive_id.clone(),
            batch: position.batch.0,
            is_loaded: position.load == Load::Done,
            loaded_up_to,
        };
        let text = serde_json::to_vec(&row).map_err(io::Error::other)?;
        let new = self.path.with_extension("new");
        fs::write(&new, text)?;
        fs::rename(new, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_anything_else_is_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("position.json");
        let file = PositionFile::new(path.clone(), "a".to_owned());
        assert_eq!(file.read(), None);
        for load in [
            Load::After(None),
            Load::After(Some(ScanCursor(9))),
            Load::Done,
        ] {
            let position = Position {
                batch: BatchNumber(7),
                load,
            };
            file.write(position).unwrap();
            assert_eq!(file.read(), Some(position));
        }
        assert_eq!(PositionFile::new(path.clone(), "b".to_owned()).read(), None);
        fs::write(&path, r#"{"archive":"a","ba"#).unwrap();
        assert_eq!(file.read(), None);
    }
}
