//! A copy of the file while another process, or this one, has it open.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::error::{during, opening};
use super::{BUSY_TIMEOUT, SqliteStore};
use crate::store::StoreError;

const COPY: &str = include_str!("../../../sql/sqlite/backup/copy.sql");
const ATTACH: &str = include_str!("../../../sql/sqlite/backup/attach.sql");
const LATE_RELAYS: &str = include_str!("../../../sql/sqlite/backup/late_relays.sql");
const LATE_CANDIDATES: &str = include_str!("../../../sql/sqlite/backup/late_candidates.sql");

/// The operation that failures name.
const OPERATION: &str = "back_up";

impl SqliteStore {
    /// Copies the database at `from` into the new file `to`, as of one moment.
    ///
    /// # Errors
    /// [`StoreError::Open`] when it cannot be opened; any other when it cannot be read or written.
    pub(crate) async fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
        let mut source = connect(from).await?;
        let copied = sqlx::query(COPY).bind(text(to)).execute(&mut source).await;
        copied.map_err(during(OPERATION))?;
        source.close().await.map_err(during(OPERATION))
    }

    /// Adds to the copy at `to` the relays that the database at `from` has got since.
    ///
    /// # Errors
    /// As [`SqliteStore::copy`].
    pub(crate) async fn add_late_relays(from: &Path, to: &Path) -> Result<(), StoreError> {
        let failed = during(OPERATION);
        let mut copy = connect(to).await?;
        let attach = sqlx::query(ATTACH).bind(text(from));
        attach.execute(&mut copy).await.map_err(&failed)?;
        let mut tx = copy.begin().await.map_err(&failed)?;
        for statement in [LATE_RELAYS, LATE_CANDIDATES] {
            let added = sqlx::query(statement).execute(&mut *tx).await;
            added.map_err(&failed)?;
        }
        tx.commit().await.map_err(&failed)?;
        copy.close().await.map_err(&failed)
    }
}

async fn connect(file: &Path) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let connected = SqliteConnection::connect_with(&options).await;
    connected.map_err(|error| opening(file, error))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use nips::RelayUrl;

    use super::*;
    use crate::model::NewRelay;
    use crate::store::sqlite::SqliteOptions;
    use crate::store::{CandidateStore, RelayStore};

    #[tokio::test]
    async fn a_relay_found_while_the_events_are_copied_keeps_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let (live, copy) = (folder.path().join("live"), folder.path().join("copy"));
        let store = SqliteStore::open(&live, SqliteOptions::default());
        let store = store.await.unwrap();
        let url = |name: &str| RelayUrl::parse(&format!("wss://{name}.example.com")).unwrap();
        let new = |name: &str| NewRelay {
            url: url(name),
            discovered_at: 100,
        };
        store.add_relays(&[new("first")], 100).await.unwrap();
        SqliteStore::copy(&live, &copy).await.unwrap();
        store.add_relays(&[new("second")], 200).await.unwrap();
        SqliteStore::add_late_relays(&live, &copy).await.unwrap();

        let copied = SqliteStore::open(&copy, SqliteOptions::default());
        let copied = copied.await.unwrap();
        for name in ["first", "second"] {
            let here = store.relay_by_url(&url(name)).await.unwrap().unwrap();
            let there = copied.relay_by_url(&url(name)).await.unwrap().unwrap();
            assert_eq!((here.id, here.state), (there.id, there.state), "{name}");
        }
        copied.add_relays(&[new("third")], 300).await.unwrap();
        let third = copied.relay_by_url(&url("third")).await.unwrap().unwrap();
        let second = copied.relay_by_url(&url("second")).await.unwrap().unwrap();
        assert!(third.id.0 > second.id.0);
        assert!(
            copied
                .candidate_counts()
                .await
                .unwrap()
                .iter()
                .all(|(_, count)| *count == 0)
        );
    }
}
