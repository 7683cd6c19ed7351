//! Servers of a test's own, which it may end.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::server::Database;
use crate::sql_files::root;

/// A PostgreSQL and a PgBouncer in front of it, that run as long as this.
pub(crate) struct Servers {
    folder: PathBuf,
    _directory: TempDir,
}

/// One of the two.
#[derive(Clone, Copy)]
pub(crate) enum Server {
    Postgres,
    Pgbouncer,
}

impl Servers {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("servers");
        run(&["start"], &folder);
        Self {
            folder,
            _directory: directory,
        }
    }

    /// A new database with the schema of today.
    pub(crate) async fn database(&self) -> Database {
        Database::create_in(&self.folder).await
    }

    /// Starts a streaming replica, which ends with the servers.
    pub(crate) fn replicate(&self) {
        run(&["replicate"], &self.folder);
    }

    /// Ends one at once.
    pub(crate) fn crash(&self, server: Server) {
        run(&["crash", server.name()], &self.folder);
    }

    /// Starts one again where it was.
    pub(crate) fn revive(&self, server: Server) {
        run(&["revive", server.name()], &self.folder);
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        run(&["stop"], &self.folder);
    }
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Pgbouncer => "pgbouncer",
        }
    }
}

fn run(action: &[&str], folder: &Path) {
    let script = root().join("tests/servers.sh");
    let ended = Command::new(script).args(action).arg(folder).status();
    assert!(ended.unwrap().success(), "{action:?}");
}
